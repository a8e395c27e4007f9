"""Latched faults: each stays visible until an operator has acknowledged it and, once it is gone, reset it.

Two steps, as in the fault warning of a voice alarm system (EN 54-16 §8): acknowledging says "I have seen it and act on
it"; resetting says "it is repaired". A fault that occurs again must be acknowledged again.
"""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, func, or_, select

from devices.faults import Fault, FaultKey
from devices.receivers import Receiver
from runtime.refusal import N_, NotFound, Refusal


class LatchState(StrEnum):
    """NEW: unacknowledged. ACKNOWLEDGED: acknowledged and still present. GONE: acknowledged and gone, not yet reset."""

    NEW = "new"
    ACKNOWLEDGED = "acknowledged"
    GONE = "gone"


class Latch(NamedTuple):
    """All occurrences of one fault at one place since it was last reset. newest: the latest of them.

    first_at: when the first began. acknowledged_by: "" while unacknowledged.
    """

    newest: Fault
    first_at: datetime
    times: int
    present: bool
    acknowledged_by: str
    acknowledged_at: datetime | None

    @property
    def state(self) -> LatchState:
        """A fault that is gone but was never acknowledged is new."""
        if not self.acknowledged_by:
            return LatchState.NEW
        return LatchState.ACKNOWLEDGED if self.present else LatchState.GONE


def latches(session: Session, receiver_ids: Sequence[str], commune_id: str | None = None) -> list[Latch]:
    """Latched faults of these receivers and of a commune itself: unacknowledged first, then the newest. One query."""
    place: ColumnElement[bool] = col(Fault.receiver_id).in_(receiver_ids)
    if commune_id is not None:
        place = or_(place, col(Fault.commune_id) == commune_id)
    query = select(Fault).where(place, col(Fault.reset_at).is_(None))
    together: dict[FaultKey, list[Fault]] = {}
    for fault in session.exec(query.order_by(col(Fault.began_at), col(Fault.id))):
        together.setdefault(fault.key, []).append(fault)
    latches = [_latch(rows) for rows in together.values()]
    newest_first = sorted(latches, key=lambda latch: latch.newest.began_at, reverse=True)
    return sorted(newest_first, key=lambda latch: list(LatchState).index(latch.state))


def open_count(session: Session, commune_id: str) -> int:
    """How many latched faults a commune and its receivers have."""
    own = select(Fault.subject, Fault.fault).where(Fault.commune_id == commune_id, col(Fault.reset_at).is_(None))
    rows = (
        select(Fault.receiver_id, Fault.fault)
        .join(Receiver, col(Receiver.id) == col(Fault.receiver_id))
        .where(Receiver.commune_id == commune_id, col(Fault.reset_at).is_(None), col(Receiver.retired_at).is_(None))
        .distinct()
    )
    counts = [select(func.count()).select_from(query.subquery()) for query in (rows, own.distinct())]
    return sum(session.exec(count).one() for count in counts)


def key_of(session: Session, commune_id: str, number: int) -> FaultKey:
    """Of a fault of the commune itself, by one of its rows. Raises NotFound."""
    fault = session.get(Fault, number)
    if fault is None or fault.commune_id != commune_id:
        raise _is_reset()
    return fault.key


def acknowledge(session: Session, key: FaultKey, *, by: str, now: datetime) -> None:
    """Step one. An earlier acknowledgement is kept. Raises NotFound when there is no such fault or it was reset."""
    for row in _unreset(session, key):
        if row.acknowledged_at is None:
            row.acknowledged_at, row.acknowledged_by = now, by
            session.add(row)


def reset(session: Session, key: FaultKey, *, by: str, now: datetime) -> None:
    """Step two. Raises Refusal while the fault is present or unacknowledged; NotFound as `acknowledge`."""
    rows = _unreset(session, key)
    if any(row.ended_at is None for row in rows):
        raise Refusal(N_("This fault is still there. It can be reset once it is mended."))
    if any(row.acknowledged_at is None for row in rows):
        raise Refusal(N_("Acknowledge the fault first, then reset it."))
    for row in rows:
        row.reset_at, row.reset_by = now, by
        session.add(row)


def _unreset(session: Session, key: FaultKey) -> list[Fault]:
    rows = list(session.exec(select(Fault).where(*key.rows, col(Fault.reset_at).is_(None))))
    if not rows:
        raise _is_reset()
    return rows


def _is_reset() -> NotFound:
    return NotFound(N_("This fault has already been reset. Reload the page."))


def _latch(rows: list[Fault]) -> Latch:
    newest = rows[-1]
    seen = all(row.acknowledged_at is not None for row in rows)
    return Latch(
        newest,
        rows[0].began_at,
        len(rows),
        any(row.ended_at is None for row in rows),
        (newest.acknowledged_by or "") if seen else "",
        newest.acknowledged_at if seen else None,
    )
