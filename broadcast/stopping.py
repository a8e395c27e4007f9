"""Ending a broadcast early: stopped while it sounds, withdrawn before it, or missed.

A later revision of the manifest tells receivers; the caller wakes the transmitter after the commit.
"""

from datetime import datetime

from sqlmodel import Session

from broadcast.broadcasts import Broadcast, BroadcastState, broadcast, state
from broadcast.state_changes import record_state


def stop(session: Session, broadcast_id: str, now: datetime, *, by: str = "", cause: str = "by_operator") -> Broadcast:
    """Stop it now; before its start this withdraws it. Has no effect on one that is over."""
    row = broadcast(session, broadcast_id)
    if state(row, now) in (BroadcastState.PLANNED, BroadcastState.ANNOUNCED):
        return withdraw(session, broadcast_id, now, by=by, cause=cause)
    if state(row, now) is BroadcastState.ON_AIR and row.stopped_at is None:
        row.stopped_at, row.stopped_by, row.cause = now, by, cause
        row.revision += 1
        session.add(row)
        record_state(session, row.id, now, BroadcastState.STOPPED, cause, by)
    return row


def withdraw(session: Session, broadcast_id: str, now: datetime, *, by: str = "", cause: str) -> Broadcast:
    """Cancel it before its start; after that this stops it. Has no effect on one that is withdrawn or missed."""
    row = broadcast(session, broadcast_id)
    if row.withdrawn_at is not None or row.missed:
        return row
    if row.starts_at <= now:
        return stop(session, broadcast_id, now, by=by, cause=cause)
    row.withdrawn_at, row.cause = now, cause
    row.revision += 1
    session.add(row)
    record_state(session, row.id, now, BroadcastState.WITHDRAWN, cause, by)
    return row


def mark_missed(session: Session, row: Broadcast, now: datetime, cause: str) -> None:
    """Record that it did not air, and why."""
    row.missed, row.cause = True, cause
    row.announced_revision = row.revision  # nothing to announce
    session.add(row)
    record_state(session, row.id, now, BroadcastState.MISSED, cause, "")
