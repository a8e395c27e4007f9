"""Fetching feeds and the files they link to: over HTTP, from addresses that were checked, within limits."""

import time
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import urljoin, urlsplit

import httpx2

from cap.xml_files import MOST_BYTES
from runtime.checked_address import check_address, pinned
from runtime.refusal import N_, Refusal

TIMEOUT_S = 8.0
#: For a whole body: a server that sends a byte a second is given up.
LONGEST_S = 15.0
_MOST_REDIRECTS = 3
_BLOCK = 65_536


@dataclass(frozen=True)
class Version:
    """What a server called the state of a file: to be told when it has not changed."""

    etag: str = ""
    modified: str = ""


@dataclass(frozen=True)
class Fetched:
    """body: None when it has not changed."""

    body: bytes | None
    version: Version


def fetch(url: str, trusted: Collection[str], known: Version | None = None) -> Fetched:
    """trusted: hosts that may be in the local network. known: of the last answer. Raises Refusal."""
    known = known or Version()
    try:
        with httpx2.Client(timeout=TIMEOUT_S, follow_redirects=False, trust_env=False) as client:
            for _ in range(_MOST_REDIRECTS + 1):
                target, options = pinned(url, check_address(url, trusted, allow_private=False))
                options["headers"] |= {"User-Agent": "Loa", **_conditions(known)}
                with client.stream("GET", target, **options) as answer:
                    if answer.is_redirect and answer.status_code != 304:
                        url = urljoin(url, answer.headers.get("location", ""))
                        continue
                    return _fetched(answer, url, known)
        raise Refusal(N_("This address leads on and on to others. Check it in a browser."))
    except httpx2.InvalidURL as error:
        raise Refusal(N_("“{url}” is not a web address. Write it as https://example.vn/…"), url=url[:150]) from error
    except httpx2.TimeoutException as error:
        raise Refusal(N_("{host} does not answer."), host=_host(url)) from error
    except (httpx2.HTTPError, OSError, ValueError) as error:
        why = str(error)[:150] or type(error).__name__
        raise Refusal(N_("The connection to {host} failed ({why})."), host=_host(url), why=why) from error


def _fetched(answer: httpx2.Response, url: str, known: Version) -> Fetched:
    if answer.status_code == 304:
        return Fetched(None, known)
    # Asked for nothing compressed: what comes compressed may unpack to any size.
    if answer.status_code != 200 or answer.headers.get("content-encoding", "identity").lower() not in ("", "identity"):
        raise Refusal(
            N_("{host} does not give this file (error {status}). Check the address."),
            host=_host(url),
            status=answer.status_code,
        )
    body, began_s = bytearray(), time.monotonic()
    for block in answer.iter_raw(_BLOCK):
        body += block
        if len(body) > MOST_BYTES:
            raise Refusal(
                N_("This file is larger than {most} MB, the most that Loa reads."), most=MOST_BYTES // 1_000_000
            )
        if time.monotonic() - began_s > LONGEST_S:
            raise Refusal(N_("{host} sends too slowly."), host=_host(url))
    return Fetched(bytes(body), Version(answer.headers.get("etag", ""), answer.headers.get("last-modified", "")))


def _conditions(known: Version) -> dict[str, str]:
    named = {"If-None-Match": known.etag, "If-Modified-Since": known.modified}
    return {name: value for name, value in named.items() if value}


def _host(url: str) -> str:
    try:
        return urlsplit(url).hostname or "?"
    except ValueError:
        return "?"
