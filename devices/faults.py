"""Faults that receivers report: which are there now, and the history."""

from datetime import datetime

from sqlalchemy import Column
from sqlmodel import Field, Session, SQLModel, col, select

from runtime.clock import from_us
from runtime.database import UtcDateTime
from wire.reports import FaultReport

#: The connection to a receiver is lost. Presence shows it too; the fault keeps it visible until it is acknowledged.
LINK = "link"
#: Two devices connect in turn with one receiver's credentials.
SHARED_CREDENTIALS = "shared_credentials"


class Fault(SQLModel, table=True):
    """A fault at a receiver. ended_at: None while it is there.

    fault: by name ("card", "store_full", "media", "self_test", "link").
    acknowledged_*, reset_*: see `devices.fault_latches`; None until it happens.
    """

    id: int | None = Field(default=None, primary_key=True)
    receiver_id: str = Field(index=True)
    fault: str
    detail: str = ""
    began_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    ended_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    acknowledged_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    acknowledged_by: str | None = None
    reset_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime, index=True))
    reset_by: str | None = None


def take_report(session: Session, receiver_id: str, report: FaultReport) -> None:
    """Record that a fault appeared or ended. Idempotent."""
    present = _present(session, receiver_id, report.fault)
    if not report.present or present is None:
        note(session, receiver_id, report.fault, present=report.present, at=from_us(report.at_us), detail=report.detail)


def note(session: Session, receiver_id: str, fault: str, *, present: bool, at: datetime, detail: str = "") -> None:
    """Record a fault that the controller found, or its end. The detail of a lasting fault is updated."""
    known = _present(session, receiver_id, fault)
    if present and known is None:
        session.add(Fault(receiver_id=receiver_id, fault=fault, detail=detail[:500], began_at=at))
    elif known is not None:
        known.ended_at, known.detail = (None, detail[:500]) if present else (at, known.detail)
        session.add(known)


def withdraw(session: Session, receiver_id: str, fault: str, *, since: datetime) -> None:
    """Remove a present fault that was none, unless it began earlier or was acknowledged."""
    present = _present(session, receiver_id, fault)
    if present is not None and present.began_at >= since and present.acknowledged_at is None:
        session.delete(present)


def receivers_with(session: Session, fault: str) -> set[str]:
    """Receivers where this fault is present."""
    return set(session.exec(select(Fault.receiver_id).where(Fault.fault == fault, col(Fault.ended_at).is_(None))))


def current(session: Session) -> dict[str, list[Fault]]:
    """Present faults by receiver, without lost links, which presence reports. One query."""
    found: dict[str, list[Fault]] = {}
    query = select(Fault).where(col(Fault.ended_at).is_(None), Fault.fault != LINK)
    for fault in session.exec(query.order_by(col(Fault.began_at))):
        found.setdefault(fault.receiver_id, []).append(fault)
    return found


def history(session: Session, receiver_id: str, limit: int = 50) -> list[Fault]:
    """A receiver's latest faults, newest first, without lost links: those are presence changes."""
    query = select(Fault).where(Fault.receiver_id == receiver_id, Fault.fault != LINK)
    return list(session.exec(query.order_by(col(Fault.began_at).desc()).limit(limit)))


def _present(session: Session, receiver_id: str, fault: str) -> Fault | None:
    query = select(Fault).where(Fault.receiver_id == receiver_id, Fault.fault == fault, col(Fault.ended_at).is_(None))
    return session.exec(query).first()
