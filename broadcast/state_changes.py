"""State changes of broadcasts: which state, when, why, and by which operator."""

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Column, func, insert
from sqlmodel import Field, Session, SQLModel, col, select

from runtime.database import UtcDateTime


class BroadcastChange(SQLModel, table=True):
    """A broadcast entered a state. by: the operator, "" for Loa itself."""

    id: int | None = Field(default=None, primary_key=True)
    broadcast_id: str = Field(foreign_key="broadcast.id", index=True)
    at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    state: str
    cause: str = ""
    by: str = ""


def state_changes(session: Session, broadcast_id: str) -> list[BroadcastChange]:
    query = select(BroadcastChange).where(BroadcastChange.broadcast_id == broadcast_id)
    return list(session.exec(query.order_by(col(BroadcastChange.id))))


def last_state_changes(session: Session, broadcast_ids: Sequence[str]) -> dict[str, BroadcastChange]:
    """The latest change of each, by broadcast id. One query."""
    newest = (
        select(func.max(BroadcastChange.id))
        .where(col(BroadcastChange.broadcast_id).in_(broadcast_ids))
        .group_by(col(BroadcastChange.broadcast_id))
    )
    rows = session.exec(select(BroadcastChange).where(col(BroadcastChange.id).in_(newest)))
    return {row.broadcast_id: row for row in rows}


def record_state(session: Session, broadcast_id: str, at: datetime, into: str, cause: str, by: str) -> None:
    """into: a value of `broadcast.broadcasts.BroadcastState`."""
    session.add(BroadcastChange(broadcast_id=broadcast_id, at=at, state=into, cause=cause, by=by))


def record_states(session: Session, broadcast_ids: Sequence[str], at: datetime, into: str, cause: str, by: str) -> None:
    """The same change of many broadcasts, in one statement. Their rows have to be in the database already."""
    same = {"at": at, "state": into, "cause": cause, "by": by}
    if broadcast_ids:
        session.execute(insert(BroadcastChange), [{"broadcast_id": ident, **same} for ident in broadcast_ids])
