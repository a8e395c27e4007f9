"""Handover: send receivers their new configs after a merger was committed; after a crash the next step continues."""

import logging
from datetime import datetime

import msgspec
from sqlmodel import Session, col, select

from broadcast.announcements import unannounced
from broadcast.transmitter import Transmitter
from devices.downlink import Downlink
from devices.receivers import Receiver
from mergers.mergers import Merger, MergerJournal
from runtime.clock import Clock
from runtime.database import Database

log = logging.getLogger(__name__)

#: How long the broker may take with the configs of one merger before it is asked again.
_WITHIN_US = 10_000_000


class Handover:
    """Sends the configs of mergers until the broker has acknowledged all of them."""

    def __init__(self, database: Database, downlink: Downlink, transmitter: Transmitter, clock: Clock) -> None:
        self._database, self._downlink, self._transmitter, self._clock = database, downlink, transmitter, clock
        downlink.hold_back(_untold)

    def step(self) -> datetime | None:
        """Send what is not acknowledged yet. Called after the commit and periodically.

        Returns when it has to be called again although nothing is committed.
        """
        now = self._clock.now()
        if not self._downlink.connected or not self._clock.trusted:
            return now
        with self._database.session() as session:
            waiting = list(session.exec(select(Merger).where(col(Merger.told_at).is_(None)).order_by(col(Merger.id))))
        for merger in waiting:
            self._tell(merger.number)
        return now if waiting else None

    def _tell(self, merger_id: int) -> None:
        # Manifests first: they restrict what is on air to its present receivers; new ones must not join in the middle.
        while self._transmitter.announce_due():
            continue
        with self._database.session() as session:
            if unannounced(session, self._clock.now()):
                log.warning("not every manifest of a merger was acknowledged; its receivers are told when they are")
                return
            before = session.get_one(Merger, merger_id)
            reconfigured = msgspec.json.decode(session.get_one(MergerJournal, merger_id).receivers, type=list[str])
            receivers = list(
                session.exec(
                    select(Receiver).where(col(Receiver.id).in_(reconfigured), col(Receiver.retired_at).is_(None))
                )
            )
            broadcasts_in_flight = self._downlink.configure_all(session, receivers, include_held=True)
        until_us = self._clock.monotonic_us() + _WITHIN_US
        if not all(d.wait(max(0.0, (until_us - self._clock.monotonic_us()) / 1e6)) for d in broadcasts_in_flight):
            log.warning("not every receiver's config was acknowledged; they are sent again")
            return
        with self._database.writing() as session:
            merger = session.get_one(Merger, merger_id)
            if merger.undone_at == before.undone_at:  # else it was undone meanwhile, and the configs must be sent again
                merger.told_at = self._clock.now()
                session.add(merger)


def _untold(session: Session) -> set[str]:
    query = select(MergerJournal.receivers).join(Merger).where(col(Merger.told_at).is_(None))
    return {
        receiver_id
        for receivers in session.exec(query)
        for receiver_id in msgspec.json.decode(receivers, type=list[str])
    }
