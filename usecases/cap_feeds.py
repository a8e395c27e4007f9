"""Feeds of alerts, read in turn: what is new in each is fetched and taken in; one that fails is asked less often."""

import logging
import time
from collections import Counter
from collections.abc import Collection
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from cap.feed_fetch import Version, fetch
from cap.feeds import FeedLink, read_foreign_feed
from cap.sources import CapSource, cap_source, feed_sources, note_read
from runtime.refusal import Refusal, as_text
from transport.worker import BackOff, Worker
from usecases.cap_emergencies import CapEmergencies
from usecases.cap_intake import receive
from usecases.services import Services

log = logging.getLogger(__name__)

READ_EVERY_S = 60.0
#: A feed that is slow keeps the others waiting no longer; what is left is fetched in its next turn.
LONGEST_TURN_S = 30.0
_LOOK_EVERY_S = 5.0
#: Of a file that is refused: its server may be away, or Loa may be busy.
_MOST_TRIES = 3
_NOTED_EVERY = timedelta(minutes=10)


@dataclass
class _Followed:
    """What is known of a feed since the start. seen: links whose file was taken in, or was refused
    so often that it is left."""

    address: str
    due_s: float = 0.0
    failures: int = 0
    version: Version = field(default_factory=Version)
    seen: set[FeedLink] = field(default_factory=set)
    tries: Counter[FeedLink] = field(default_factory=Counter)


class CapFeeds:
    """`start` and `close`; `step` is one turn."""

    def __init__(
        self, services: Services, emergencies: CapEmergencies, trusted: Collection[str], *, own_host: str = ""
    ) -> None:
        """trusted: hosts that may be in the local network. own_host: of what Loa publishes itself."""
        self._services, self._emergencies, self._trusted, self._own_host = services, emergencies, trusted, own_host
        self._followed: dict[int, _Followed] = {}
        self._back_off = BackOff(READ_EVERY_S, 1800.0, jitter=True)
        self._worker = Worker(self.step, "alert feeds")

    def start(self) -> None:
        self._worker.start()

    def close(self) -> None:
        self._worker.close(5)

    def step(self) -> float:
        """Read the feeds whose turn has come. Returns the seconds until the next look."""
        with self._services.database.session() as session:
            sources = feed_sources(session)
        self._followed = {n: f for n, f in self._followed.items() if n in {source.number for source in sources}}
        for source in sources:
            followed = self._followed.get(source.number)
            if followed is None or followed.address != source.address:
                followed = self._followed[source.number] = _Followed(source.address)
            if time.monotonic() >= followed.due_s and not self._worker.stopping.is_set():
                self._turn(source, followed)
        return _LOOK_EVERY_S

    def _turn(self, source: CapSource, followed: _Followed) -> None:
        error = ""
        try:
            error = self._read(source, followed)
            followed.failures = 0
            followed.due_s = time.monotonic() + READ_EVERY_S
        except Refusal as refusal:
            error = as_text(refusal)
            followed.failures += 1
            followed.due_s = time.monotonic() + self._back_off.wait_s(followed.failures)
            log.warning("feed %s not read: %s", source.address, refusal)
        self._note(source.number, error)

    def _read(self, source: CapSource, followed: _Followed) -> str:
        """Returns why a file of it was refused, "" when none was. Raises Refusal when the feed cannot be read."""
        began_s, error = time.monotonic(), ""
        index = fetch(source.address, self._trusted, followed.version)
        if index.body is None:
            return source.error
        content = read_foreign_feed(index.body, source.address, source=f"alerts {source.commune_id}")
        if content.is_alert:
            self._take(source, index.body)
        new = [link for link in content.links if link not in followed.seen]
        followed.seen &= set(content.links)
        for link in new:
            if time.monotonic() - began_s > LONGEST_TURN_S or self._worker.stopping.is_set():
                return error
            try:
                self._take(source, fetch(link.url, self._trusted).body or b"")
                followed.seen.add(link)
            except Refusal as refusal:
                error = error or as_text(refusal)
                log.warning("alert %s not taken: %s", link.url, refusal)
                followed.tries[link] += 1
                if followed.tries[link] >= _MOST_TRIES:
                    followed.seen.add(link)
        if followed.seen.issuperset(content.links):
            followed.version = index.version  # until then the next turn reads the index again
        return error

    def _take(self, source: CapSource, body: bytes) -> None:
        receive(self._services, self._emergencies, source.number, body, own_host=self._own_host)

    def _note(self, number: int, error: str) -> None:
        now = self._services.clock.now()
        with self._services.database.session() as session:
            source = cap_source(session, number)
        if source.error == error and not _is_long_ago(source.read_at if not error else source.error_at, now):
            return
        with self._services.database.writing() as session:
            note_read(session, cap_source(session, number), now, error)


def _is_long_ago(at: datetime | None, now: datetime) -> bool:
    return at is None or not timedelta(0) <= now - at < _NOTED_EVERY
