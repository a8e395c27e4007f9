"""Fetching a bulletin's audio from where the province says it is: within limits, whole or not at all."""

import logging
import time
from collections.abc import Callable
from urllib.parse import urljoin, urlsplit

import httpx2

from broadcast.ingest import Ingest
from broadcast.ingest_jobs import JobState, job
from broadcast.upload import Upload
from province.profile import Profile
from runtime.checked_address import HostUnknown, check_address, pinned, place_of
from runtime.database import Database
from runtime.refusal import N_, Refusal

log = logging.getLogger(__name__)

_MOST_REDIRECTS = 3
_BLOCK = 65_536
#: What servers call a recording; much that is one is called nothing in particular.
_KINDS = ("audio/", "video/", "application/octet-stream", "application/ogg", "binary/octet-stream")


class AudioUnavailable(Refusal):
    """It could not be fetched, and may be in a while."""


class AudioFetch:
    """Fetches, and makes clips. Callable from any thread."""

    def __init__(self, ingest: Ingest, database: Database) -> None:
        self._ingest = ingest
        self._database = database

    def fetch(
        self,
        url: str,
        *,
        commune_id: str,
        title: str,
        field: int,
        by: str,
        profile: Profile,
        base_url: str,
        stopping: Callable[[], bool],
    ) -> str:
        """Fetch, and make a clip of it. Gives its id. Raises AudioUnavailable, Refusal; then nothing is left."""
        trusted = {*profile.audio_hosts, place_of(base_url)}
        upload: Upload | None = None
        try:
            with httpx2.Client(timeout=profile.timeout_s, follow_redirects=False) as client:
                for _ in range(_MOST_REDIRECTS + 1):
                    address = check_address(url, trusted)
                    target, options = pinned(url, address)
                    with client.stream("GET", target, **options) as answer:
                        if answer.is_redirect:
                            url = urljoin(url, answer.headers.get("location", ""))
                            continue
                        _check(answer, profile)
                        size = int(answer.headers.get("content-length") or 0)
                        upload = self._ingest.open_upload(
                            commune_id, _file_name(url, title), by=by, title=title, field=field, size_hint=size
                        )
                        self._receive(answer, upload, profile, stopping)
                        return self._make(upload)
            raise Refusal(N_("The audio's address leads on and on. Check it."))
        except HostUnknown as unknown:
            _abandon(upload)
            raise AudioUnavailable(unknown.message_id, **unknown.values) from unknown
        except (httpx2.TransportError, httpx2.DecodingError) as error:
            _abandon(upload)
            raise AudioUnavailable(
                N_("The audio could not be fetched from {host} ({why})."),
                host=urlsplit(url).hostname or "?",
                why=str(error)[:150] or type(error).__name__,
            ) from error
        except (httpx2.HTTPError, httpx2.InvalidURL, ValueError) as error:
            _abandon(upload)
            raise Refusal(N_("The audio's address {url} is none."), url=url[:150]) from error

    def _receive(self, answer: httpx2.Response, upload: Upload, profile: Profile, stopping: Callable[[], bool]) -> None:
        began_s = time.monotonic()
        for block in answer.iter_bytes(_BLOCK):
            if stopping():
                upload.abandon()
                raise AudioUnavailable(N_("Loa is stopping."))
            if upload.received + len(block) > profile.audio_most_mb * 1_000_000:
                upload.abandon()
                raise Refusal(
                    N_("The audio is larger than {most} MB, the most that is fetched from the province."),
                    most=profile.audio_most_mb,
                )
            if time.monotonic() - began_s > profile.audio_most_s:
                upload.abandon()
                raise AudioUnavailable(
                    N_("The audio did not come within {seconds} seconds."), seconds=round(profile.audio_most_s)
                )
            upload.write(block)

    def _make(self, upload: Upload) -> str:
        upload.finish(queued=False)
        self._ingest.work_one(upload.job_id)
        with self._database.session() as session:
            job_row = job(session, upload.job_id)
        if job_row.state != JobState.READY or job_row.clip_id is None:
            raise job_row.why or Refusal(N_("An internal error occurred while processing this file."))
        return job_row.clip_id


def _check(answer: httpx2.Response, profile: Profile) -> None:
    if answer.status_code in (404, 410):
        raise Refusal(N_("The audio is gone from its address (HTTP {status})."), status=answer.status_code)
    if answer.status_code >= 500 or answer.status_code == 429:
        raise AudioUnavailable(
            N_("The audio could not be fetched from {host} ({why})."),
            host=answer.url.host,
            why=f"HTTP {answer.status_code}",
        )
    if answer.status_code != 200:
        raise Refusal(N_("The audio cannot be had from its address (HTTP {status})."), status=answer.status_code)
    kind = answer.headers.get("content-type", "").split(";")[0].strip().lower()
    if kind and not kind.startswith(_KINDS):
        raise Refusal(N_("At the audio's address there is no recording but {kind}."), kind=kind[:60])
    if int(answer.headers.get("content-length") or 0) > profile.audio_most_mb * 1_000_000:
        raise Refusal(
            N_("The audio is larger than {most} MB, the most that is fetched from the province."),
            most=profile.audio_most_mb,
        )


def _file_name(url: str, title: str) -> str:
    return urlsplit(url).path.rpartition("/")[2] or title


def _abandon(upload: Upload | None) -> None:
    if upload is not None:
        upload.abandon()
