"""Faults of receivers, reported or found, and of communes: which are there now, and the history."""

import logging
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Column, ColumnElement, func
from sqlmodel import Field, Session, SQLModel, col, select

from runtime.clock import from_us
from runtime.database import UtcDateTime
from runtime.log_limit import LogLimit
from wire.reports import FaultReport

log = logging.getLogger(__name__)

#: Of one receiver, while nobody has reset them: kinds of faults, and how often one of them came. A receiver has some
#: ten kinds. Beyond it reports are heard and left out: stolen credentials must not fill pages and tables.
MOST_FAULTS, MOST_ROWS_OF_ONE, MOST_NAME_CHARACTERS = 50, 100, 60
_left_out = LogLimit(2)

#: The connection to a receiver is lost. Presence shows it too; the fault keeps it visible until it is acknowledged.
LINK = "link"
#: Two devices connect in turn with one receiver's credentials.
SHARED_CREDENTIALS = "shared_credentials"
#: Of a commune: an emergency was sent without a second person.
SENT_ALONE = "emergency_sent_alone"
#: Of a commune: a station that it relays fails.
RELAY = "relay"


class Fault(SQLModel, table=True):
    """A fault at a receiver, or of a commune; then receiver_id is "" and subject names what failed, as a relay station.

    ended_at: None while it is there.
    fault: by name ("card", "store_full", "media", "self_test", "link").
    acknowledged_*, reset_*: see `devices.fault_latches`; None until it happens.
    """

    id: int | None = Field(default=None, primary_key=True)
    receiver_id: str = Field(index=True)
    commune_id: str | None = Field(default=None, foreign_key="commune.id", index=True)
    subject: str = ""
    fault: str
    detail: str = ""
    began_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    ended_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    acknowledged_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    acknowledged_by: str | None = None
    reset_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime, index=True))
    reset_by: str | None = None

    @property
    def key(self) -> "FaultKey":
        return FaultKey(self.fault, self.receiver_id, self.commune_id, self.subject)


class FaultKey(NamedTuple):
    """One fault at one place, however often it occurs: of a receiver, or of a commune and its subject."""

    fault: str
    receiver_id: str = ""
    commune_id: str | None = None
    subject: str = ""

    @property
    def rows(self) -> tuple[ColumnElement[bool], ...]:
        """Conditions that all of its rows meet, past and present."""
        of_commune = col(Fault.commune_id)
        return (
            col(Fault.receiver_id) == self.receiver_id,
            of_commune.is_(None) if self.commune_id is None else of_commune == self.commune_id,
            col(Fault.subject) == self.subject,
            col(Fault.fault) == self.fault,
        )


def take_report(session: Session, receiver_id: str, report: FaultReport) -> None:
    """Record that a fault appeared or ended. Idempotent."""
    at = from_us(report.at_us)
    present = _present(session, FaultKey(report.fault, receiver_id))
    if not report.present:
        note(session, receiver_id, report.fault, present=False, at=at, detail=report.detail)
    elif present is None and not _is_one_too_many(session, receiver_id, report.fault):
        note(session, receiver_id, report.fault, present=True, at=at, detail=report.detail)


def _is_one_too_many(session: Session, receiver_id: str, fault: str) -> bool:
    """Whether the receiver has enough faults that nobody has reset. One that flaps stays with its last rows."""
    query = select(Fault.fault, func.count()).where(Fault.receiver_id == receiver_id, col(Fault.reset_at).is_(None))
    rows = dict(session.exec(query.group_by(Fault.fault)).all())
    too_many = rows.get(fault, 0) >= MOST_ROWS_OF_ONE if fault in rows else len(rows) >= MOST_FAULTS
    if (too_many or len(fault) > MOST_NAME_CHARACTERS) and _left_out.admit(receiver_id) is not None:
        log.warning("receiver %s: more than %d faults; %s left out", receiver_id, MOST_FAULTS, fault[:60])
    return too_many or len(fault) > MOST_NAME_CHARACTERS


def note(session: Session, receiver_id: str, fault: str, *, present: bool, at: datetime, detail: str = "") -> None:
    """Record a fault that the controller found, or its end. The detail of a lasting fault is updated."""
    _note(session, FaultKey(fault, receiver_id), at, detail, present=present)


def note_of_commune(
    session: Session, commune_id: str, fault: str, subject: str, *, present: bool, at: datetime, detail: str = ""
) -> None:
    """The same for a fault of the commune itself. Beyond the most rows that nobody has reset none is added."""
    key = FaultKey(fault, commune_id=commune_id, subject=subject)
    unreset = select(func.count()).where(*key.rows, col(Fault.reset_at).is_(None))
    if not present or session.exec(unreset).one() < MOST_ROWS_OF_ONE:
        _note(session, key, at, detail, present=present)


def _note(session: Session, key: FaultKey, at: datetime, detail: str, *, present: bool) -> None:
    row = _present(session, key)
    if present and row is None:
        session.add(Fault(**key._asdict(), detail=detail[:500], began_at=at))
    elif row is not None:
        row.ended_at, row.detail = (None, detail[:500]) if present else (at, row.detail)
        session.add(row)


def withdraw(session: Session, receiver_id: str, fault: str, *, since: datetime) -> None:
    """Remove a present fault that was none, unless it began earlier or was acknowledged."""
    present = _present(session, FaultKey(fault, receiver_id))
    if present is not None and present.began_at >= since and present.acknowledged_at is None:
        session.delete(present)


def receivers_with(session: Session, fault: str) -> set[str]:
    """Receivers where this fault is present."""
    return set(session.exec(select(Fault.receiver_id).where(Fault.fault == fault, col(Fault.ended_at).is_(None))))


def current(session: Session) -> dict[str, list[Fault]]:
    """Present faults by receiver, without lost links, which presence reports. One query."""
    faults: dict[str, list[Fault]] = {}
    query = select(Fault).where(col(Fault.ended_at).is_(None), Fault.fault != LINK, col(Fault.commune_id).is_(None))
    for fault in session.exec(query.order_by(col(Fault.began_at))):
        faults.setdefault(fault.receiver_id, []).append(fault)
    return faults


def history(session: Session, receiver_id: str, limit: int = 50) -> list[Fault]:
    """A receiver's latest faults, newest first, without lost links: those are presence changes."""
    query = select(Fault).where(Fault.receiver_id == receiver_id, Fault.fault != LINK)
    return list(session.exec(query.order_by(col(Fault.began_at).desc()).limit(limit)))


def _present(session: Session, key: FaultKey) -> Fault | None:
    return session.exec(select(Fault).where(*key.rows, col(Fault.ended_at).is_(None))).first()
