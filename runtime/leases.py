"""Leases: which of several controllers on one database does a piece of work, while it goes on renewing.

The holder stops by itself before its lease lapses, so that two never do it at once although one hangs.
"""

from datetime import datetime, timedelta

from sqlalchemy import Column, ColumnElement, or_, update
from sqlmodel import Field, Session, SQLModel, col, delete

from runtime.database import UtcDateTime, insert_if_absent

#: A lease that nobody released is forgotten so long after it lapsed.
_FORGET_AFTER = timedelta(days=1)


class Lease(SQLModel, table=True):
    """name: of the work. holder: of the controller, the same as long as it runs."""

    name: str = Field(primary_key=True)
    holder: str
    lapses_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False, index=True))


def may_hold(session: Session, name: str, holder: str, now: datetime, length: timedelta) -> bool:
    """Whether `hold` is worth a write."""
    lease = session.get(Lease, name, populate_existing=True)
    is_free = lease is None or lease.holder == holder or lease.lapses_at < now
    return is_free or (lease is not None and lease.lapses_at > now + 2 * length)


def hold(session: Session, name: str, holder: str, now: datetime, length: timedelta) -> bool:
    """Claim or renew it until `length` after now. False while another holds it."""
    if insert_if_absent(session, Lease, {"name": name, "holder": holder, "lapses_at": now + length}):
        return True
    taken = update(Lease).where(col(Lease.name) == name, _free_for(holder, now, length))
    taken = taken.values(holder=holder, lapses_at=now + length)
    return session.connection().execute(taken).rowcount == 1


def release(session: Session, name: str, holder: str, now: datetime) -> None:
    """Give it up at once, if it is held; also forget old ones."""
    mine = (col(Lease.name) == name) & (col(Lease.holder) == holder)
    session.exec(delete(Lease).where(or_(mine, col(Lease.lapses_at) < now - _FORGET_AFTER)))


def _free_for(holder: str, now: datetime, length: timedelta) -> ColumnElement[bool]:
    """One that lapses much later than any could was written before the clock was set back."""
    lapses_at = col(Lease.lapses_at)
    return or_(col(Lease.holder) == holder, lapses_at < now, lapses_at > now + 2 * length)
