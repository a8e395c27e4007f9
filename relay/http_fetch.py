"""HTTP requests of one relay connection: to checked addresses only, within limits, closable from another thread."""

import contextlib
import functools
import socket
import ssl
import threading
from collections.abc import Collection, Iterator
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

import httpx2

from relay.icy import answer_of, is_icy, request_for
from runtime.checked_address import check_address, pinned
from runtime.refusal import N_, Refusal

#: A server that sends nothing for so long is given up.
READ_TIMEOUT_S = 8.0
_CONNECT_TIMEOUT_S = 6.0
_MOST_REDIRECTS = 5
_BLOCK_BYTES = 4096


class Unreachable(Refusal):
    """It could not be fetched now, and may be in a moment."""


@dataclass(frozen=True)
class HttpAnswer:
    """A response whose body has not been read. url: after redirects. content_type: without parameters, lower case."""

    url: str
    content_type: str
    blocks: Iterator[bytes]


class HttpFetch:
    """One thread fetches; any thread may `close`, which also ends a read that waits."""

    def __init__(self, trusted: Collection[str]) -> None:
        """trusted: hosts that may be in the local network, with the port where it is not the usual one."""
        self._trusted = trusted
        self._lock = threading.Lock()
        self._socket: socket.socket | None = None
        self._closed = False

    @property
    def closed(self) -> bool:
        return self._closed

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._shut()

    @contextmanager
    def get(self, url: str) -> Iterator[HttpAnswer]:
        """Follows redirects; each address is checked, and the connection made to the one that was checked.

        Raises Refusal.
        """
        try:
            with httpx2.Client(
                timeout=httpx2.Timeout(READ_TIMEOUT_S, connect=_CONNECT_TIMEOUT_S),
                follow_redirects=False,
                trust_env=False,
                verify=_certificates(),
            ) as client:
                for _ in range(_MOST_REDIRECTS + 1):
                    with self._stream(client, url) as response:
                        if response.is_redirect:
                            url = urljoin(url, response.headers.get("location", ""))
                            continue
                        _check(response)
                        yield HttpAnswer(url, _kind(response), response.iter_raw(_BLOCK_BYTES))
                        return
            raise Refusal(N_("This address leads on and on to others. Check it in a browser."))
        except httpx2.RemoteProtocolError as error:
            if not is_icy(error):
                raise _failed(url, error) from error
            with self._icy(url) as answer:
                yield answer
        except httpx2.InvalidURL as error:
            raise Refusal(
                N_("“{url}” is not a web address. Write it as https://example.vn/…"), url=url[:150]
            ) from error
        except httpx2.TimeoutException as error:
            raise Unreachable(N_("{host} does not answer."), host=_host(url)) from error
        except (httpx2.HTTPError, OSError, ValueError) as error:
            raise _failed(url, error) from error

    @contextmanager
    def _icy(self, url: str) -> Iterator[HttpAnswer]:
        """The same of a SHOUTcast 1 server, which does not redirect."""
        parts = urlsplit(url)
        try:
            address = check_address(url, self._trusted, allow_private=False, unprivileged_ports=True)
            place = (address or parts.hostname or "", parts.port or 80)
            with socket.create_connection(place, _CONNECT_TIMEOUT_S) as connected:
                self._keep(connected)
                connected.settimeout(READ_TIMEOUT_S)
                path = f"{parts.path}?{parts.query}" if parts.query else parts.path
                connected.sendall(request_for(path, parts.netloc.rpartition("@")[2]))
                answer = answer_of(connected, _BLOCK_BYTES)
                yield HttpAnswer(url, answer.content_type, answer.blocks)
        except (OSError, ValueError) as error:
            raise _failed(url, error) from error

    def read(self, url: str, most_bytes: int) -> tuple[HttpAnswer, bytes]:
        """A whole body. Raises Refusal for a longer one."""
        with self.get(url) as answer:
            body = bytearray()
            for block in answer.blocks:
                body += block
                if len(body) > most_bytes:
                    raise Refusal(N_("{host} sends a file that is too large for a part of a stream."), host=_host(url))
            return answer, bytes(body)

    def _stream(self, client: httpx2.Client, url: str) -> AbstractContextManager[httpx2.Response]:
        address = check_address(url, self._trusted, allow_private=False, unprivileged_ports=True)
        target, options = pinned(url, address)
        options["headers"]["User-Agent"] = "Loa"
        options["extensions"] = {**options.get("extensions", {}), "trace": self._trace}
        return client.stream("GET", target, **options)

    def _trace(self, event: str, info: dict[str, Any]) -> None:
        """Keep the socket: shutting it is the only way to end a read in another thread."""
        if event in ("connection.connect_tcp.complete", "connection.start_tls.complete"):
            self._keep(info["return_value"].get_extra_info("socket"))

    def _keep(self, connected: socket.socket) -> None:
        with self._lock:
            self._socket = connected
            if self._closed:
                self._shut()

    def _shut(self) -> None:
        if self._socket is not None:
            with contextlib.suppress(OSError):
                self._socket.shutdown(socket.SHUT_RDWR)


@functools.cache
def _certificates() -> ssl.SSLContext:
    """Read once: a request for each segment would read them each time."""
    return ssl.create_default_context()


def _failed(url: str, error: Exception) -> Unreachable:
    why = str(error)[:150] or type(error).__name__
    return Unreachable(N_("The connection to {host} failed ({why})."), host=_host(url), why=why)


def _check(response: httpx2.Response) -> None:
    if response.status_code != 200:
        raise Unreachable(
            N_("{host} refuses the stream (error {status}). Check the address."),
            host=_host(str(response.url)),
            status=response.status_code,
        )
    # Asked for nothing compressed: what comes compressed may unpack to any size.
    if response.headers.get("content-encoding", "identity").lower() not in ("", "identity"):
        raise Refusal(N_("This stream is compressed like a file, so Loa does not read it. Use another address."))


def _kind(response: httpx2.Response) -> str:
    return str(response.headers.get("content-type", "")).partition(";")[0].strip().lower()


def _host(url: str) -> str:
    with contextlib.suppress(ValueError):
        return urlsplit(url).hostname or "?"
    return "?"
