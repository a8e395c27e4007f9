"""The transmitter: publishes manifests. A plan is committed first, then published, then marked as announced.

After a crash or a broker outage unannounced broadcasts are found in the table and sent; receivers accept a manifest
twice.
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
from runtime.table_poll import TablePoll
from transport.worker import BackOff, Worker
from wire.broadcasts import Targets

log = logging.getLogger(__name__)

T = TypeVar("T")

#: How often a commit of another process is looked for: another controller may have planned something.
LOOK_EVERY_S = 1.0
#: Unacknowledged manifests are sent again after this.
ACKNOWLEDGED_WITHIN_S = 5.0


class Transmitter:
    """Announces in a thread of its own."""

    def __init__(self, database: Database, downlink: Downlink, clock: Clock) -> None:
        self._database = database
        self._downlink = downlink
        self._clock = clock
        self._poll = TablePoll(database, clock, self._announce_and_clear)
        #: Of the last step: whether the broker did not acknowledge everything, and whether more is waiting.
        self._is_lacking = self._is_full = False
        # An emergency must not wait for the end of a long back-off.
        self._worker = Worker(self._step, "transmitter", back_off=BackOff(LOOK_EVERY_S, 5.0))

    def start(self) -> None:
        self._worker.start()

    def wake(self) -> None:
        """Look for changes at once. Call it after the commit."""
        self._poll.reset()
        self._worker.wake()

    def close(self) -> None:
        """Stop; unannounced broadcasts are found at the next start."""
        self._worker.close(ACKNOWLEDGED_WITHIN_S + 5)

    def announce_due(self) -> int:
        """Publish what the broker lacks, earliest first. Returns how many it acknowledged."""
        if not self._clock.trusted:
            return 0
        now = self._clock.now()
        with self._database.session() as session:
            due = unannounced(session, now)
        deliveries = [(b, self._downlink.send_manifest(b.commune_id, manifest_of(b, now))) for b in due]
        acknowledged = self._acknowledged(deliveries)
        if acknowledged:
            with self._database.writing() as session:
                note_announced(session, {b.id: b.revision for b in acknowledged}, self._clock.now())
        if len(acknowledged) < len(deliveries):
            log.warning(
                "transmitter: %d manifests not acknowledged, sending them again", len(deliveries) - len(acknowledged)
            )
        return len(acknowledged) + self._announce_elsewhere(now)

    def _announce_elsewhere(self, now: datetime) -> int:
        """Publish to the other communes that receivers moved to. Returns how many were acknowledged."""
        with self._database.session() as session:
            due = unannounced_addresses(session, now, MOST_AT_ONCE)
        deliveries = [
            ((address, b.revision), self._send_elsewhere(b, address.commune_id, targets, now))
            for b, address in due
            if (targets := address.audience) is not None
        ]
        acknowledged = self._acknowledged(deliveries)
        if acknowledged:
            with self._database.writing() as session:
                for address, revision in acknowledged:
                    row = session.get(BroadcastAddress, (address.broadcast_id, address.commune_id))
                    if row is not None and revision > row.announced_revision:
                        row.announced_revision = revision
                        session.add(row)
        return len(acknowledged)

    def _send_elsewhere(self, b: Broadcast, commune_id: str, targets: Targets, now: datetime) -> Delivery:
        return self._downlink.send_manifest(commune_id, manifest_of(b, now, (commune_id, targets)))

    def clear_old(self) -> int:
        """Clear manifests that are no longer needed, so that the broker does not fill up. Returns how many."""
        if not self._clock.trusted:
            return 0
        now = self._clock.now()
        with self._database.session() as session:
            expired_broadcasts = expired(session, now)
            addresses = expired_addresses(session, now - MANIFEST_HOLDS, MOST_AT_ONCE)
        deliveries = [(b, self._downlink.clear_manifest(b.commune_id, b.id)) for b in expired_broadcasts]
        cleared_ids = [b.id for b in self._acknowledged(deliveries)]
        if cleared_ids:
            with self._database.writing() as session:
                for row in session.exec(select(Broadcast).where(col(Broadcast.id).in_(cleared_ids))):
                    row.cleared_at = now
                    session.add(row)
        cleared_addresses = self._acknowledged(
            [(a, self._downlink.clear_manifest(a.commune_id, a.broadcast_id)) for a in addresses]
        )
        if cleared_addresses:
            with self._database.writing() as session:
                for address in cleared_addresses:
                    address.cleared_at = now
                    session.merge(address)
        return len(cleared_ids) + len(cleared_addresses)

    def _acknowledged(self, deliveries: list[tuple[T, Delivery]]) -> list[T]:
        """All share one deadline: an emergency must not wait behind two hundred manifests."""
        until_us = self._clock.monotonic_us() + round(ACKNOWLEDGED_WITHIN_S * 1e6)
        acknowledged = [
            item
            for item, delivery in deliveries
            if delivery.wait(max(0.0, (until_us - self._clock.monotonic_us()) / 1e6))
        ]
        self._is_lacking = self._is_lacking or len(acknowledged) < len(deliveries)
        return acknowledged

    def _announce_and_clear(self) -> datetime | None:
        """Returns when there is more to do although nothing is committed. Ended broadcasts wait for the next poll."""
        self._is_lacking = not self._clock.trusted
        self._is_full = self.announce_due() >= MOST_AT_ONCE
        if not self._is_full:
            self.clear_old()
        return self._clock.now() if self._is_full or self._is_lacking else None

    def _step(self) -> float:
        if not self._downlink.connected:
            return LOOK_EVERY_S
        self._is_full = False
        self._poll.run()
        return 0.0 if self._is_full else LOOK_EVERY_S
