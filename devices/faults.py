"""Faults that receivers report: which are there now, and the history."""

from datetime import datetime

from sqlalchemy import Column
from sqlmodel import Field, Session, SQLModel, col, select

from runtime.clock import from_us
from runtime.database import UtcDateTime
from wire.reports import FaultReport


class Fault(SQLModel, table=True):
    """A fault at a receiver. ended_at: None while it is there. fault: by name ("card", "store_full", "clock")."""

    id: int | None = Field(default=None, primary_key=True)
    receiver_id: str = Field(index=True)
    fault: str
    detail: str = ""
    began_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    ended_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


def take_report(session: Session, receiver_id: str, report: FaultReport) -> None:
    """Write down that a fault appeared or went away. Saying it twice changes nothing."""
    query = select(Fault).where(
        Fault.receiver_id == receiver_id, Fault.fault == report.fault, col(Fault.ended_at).is_(None)
    )
    present = session.exec(query).first()
    if report.present and present is None:
        began_at = from_us(report.at_us)
        session.add(Fault(receiver_id=receiver_id, fault=report.fault, detail=report.detail[:500], began_at=began_at))
    elif not report.present and present is not None:
        present.ended_at = from_us(report.at_us)
        session.add(present)


def current(session: Session) -> dict[str, list[Fault]]:
    """The faults that are there now, by receiver. One query."""
    found: dict[str, list[Fault]] = {}
    for fault in session.exec(select(Fault).where(col(Fault.ended_at).is_(None)).order_by(col(Fault.began_at))):
        found.setdefault(fault.receiver_id, []).append(fault)
    return found


def history(session: Session, receiver_id: str, limit: int = 50) -> list[Fault]:
    """A receiver's latest faults, newest first."""
    query = select(Fault).where(Fault.receiver_id == receiver_id).order_by(col(Fault.began_at).desc()).limit(limit)
    return list(session.exec(query))
