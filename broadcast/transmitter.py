"""The transmitter: announces what is planned. Commit first, publish, and write down "announced" when the broker has it.

After a crash, or while the broker was away, what is not announced is found in the table and sent; receivers take a
manifest twice without harm.
"""

import logging
from datetime import datetime
from typing import TypeVar

from sqlmodel import col, select

from broadcast.announcements import MOST_AT_ONCE, expired, note_announced, unannounced
from broadcast.broadcasts import Broadcast
from broadcast.extra_addresses import BroadcastAddress, expired_addresses, unannounced_addresses
from broadcast.manifests import MANIFEST_HOLDS, manifest_of
from devices.downlink import Downlink
from runtime.broker import Delivery
from runtime.clock import Clock
from runtime.database import Database
from transport.worker import BackOff, Worker
from wire.broadcasts import Targets

log = logging.getLogger(__name__)

T = TypeVar("T")

#: How often the table is looked through without being nudged: another controller may have planned something.
LOOK_EVERY_S = 1.0
#: How long the broker may take to acknowledge before it is asked again.
ACKNOWLEDGED_WITHIN_S = 5.0


class Transmitter:
    """Announces in a thread of its own."""

    def __init__(self, database: Database, downlink: Downlink, clock: Clock) -> None:
        self._database = database
        self._downlink = downlink
        self._clock = clock
        # An emergency must not wait for the end of a long back-off.
        self._worker = Worker(self._step, "transmitter", back_off=BackOff(LOOK_EVERY_S, 5.0))

    def start(self) -> None:
        self._worker.start()

    def nudge(self) -> None:
        """Something was planned or changed: look at once. Call it after the commit."""
        self._worker.wake()

    def close(self) -> None:
        """Stop; what is not announced yet is found at the next start."""
        self._worker.close(ACKNOWLEDGED_WITHIN_S + 5)

    def announce_due(self) -> int:
        """Send what the broker does not have yet, soonest first. Gives how many it acknowledged."""
        now = self._clock.now()
        with self._database.session() as session:
            due = unannounced(session, now)
        under_way = [(b, self._downlink.send_manifest(b.commune_id, manifest_of(b, now))) for b in due]
        done = self._acknowledged(under_way)
        if done:
            with self._database.writing() as session:
                for sent in done:
                    note_announced(session, sent.id, sent.revision, self._clock.now())
        if len(done) < len(under_way):
            log.warning("%d manifests were not acknowledged; they are sent again", len(under_way) - len(done))
        return len(done) + self._announce_elsewhere(now)

    def _announce_elsewhere(self, now: datetime) -> int:
        """The same under the addresses of communes that receivers went over to. Gives how many were acknowledged."""
        with self._database.session() as session:
            due = unannounced_addresses(session, now, MOST_AT_ONCE)
        under_way = [
            ((address, b.revision), self._send_elsewhere(b, address.commune_id, meant, now))
            for b, address in due
            if (meant := address.audience) is not None
        ]
        done = self._acknowledged(under_way)
        if done:
            with self._database.writing() as session:
                for address, revision in done:
                    found = session.get(BroadcastAddress, (address.broadcast_id, address.commune_id))
                    if found is not None and revision > found.announced_revision:
                        found.announced_revision = revision
                        session.add(found)
        return len(done)

    def _send_elsewhere(self, b: Broadcast, commune_id: str, meant: Targets, now: datetime) -> Delivery:
        return self._downlink.send_manifest(commune_id, manifest_of(b, now, (commune_id, meant)))

    def clear_old(self) -> int:
        """Take manifests away that nobody needs any more, so that the broker does not fill. Gives how many."""
        now = self._clock.now()
        with self._database.session() as session:
            old = expired(session, now)
            elsewhere = expired_addresses(session, now - MANIFEST_HOLDS, MOST_AT_ONCE)
        under_way = [(b, self._downlink.clear_manifest(b.commune_id, b.id)) for b in old]
        done = [b.id for b in self._acknowledged(under_way)]
        if done:
            with self._database.writing() as session:
                for found in session.exec(select(Broadcast).where(col(Broadcast.id).in_(done))):
                    found.cleared_at = now
                    session.add(found)
        cleared = self._acknowledged(
            [(a, self._downlink.clear_manifest(a.commune_id, a.broadcast_id)) for a in elsewhere]
        )
        if cleared:
            with self._database.writing() as session:
                for address in cleared:
                    address.cleared_at = now
                    session.merge(address)
        return len(done) + len(cleared)

    def _acknowledged(self, under_way: list[tuple[T, Delivery]]) -> list[T]:
        """Those that the broker has. All share one deadline: an emergency must not wait behind two hundred."""
        until_us = self._clock.monotonic_us() + round(ACKNOWLEDGED_WITHIN_S * 1e6)
        return [b for b, sent in under_way if sent.wait(max(0.0, (until_us - self._clock.monotonic_us()) / 1e6))]

    def _step(self) -> float:
        if self._downlink.connected:
            if self.announce_due() >= MOST_AT_ONCE:
                return 0.0
            self.clear_old()
        return LOOK_EVERY_S
