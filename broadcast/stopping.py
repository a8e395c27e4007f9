"""Ending a broadcast early: stopped while it sounds, withdrawn before it, or missed.

A later revision of the manifest tells receivers; the caller wakes the transmitter after the commit.
"""

from datetime import datetime

from sqlmodel import Session

from broadcast.broadcasts import Broadcast, BroadcastState, broadcast, state
from broadcast.state_changes import record_state


def stop(session: Session, broadcast_id: str, now: datetime, *, by: str = "", cause: str = "by_operator") -> Broadcast:
    """Silence it from now on; before its start that is to withdraw it. Stopping what is over changes nothing."""
    found = broadcast(session, broadcast_id)
    if state(found, now) in (BroadcastState.PLANNED, BroadcastState.ANNOUNCED):
        return withdraw(session, broadcast_id, now, by=by, cause=cause)
    if state(found, now) is BroadcastState.ON_AIR and found.stopped_at is None:
        found.stopped_at, found.stopped_by, found.cause = now, by, cause
        found.revision += 1
        session.add(found)
        record_state(session, found.id, now, BroadcastState.STOPPED, cause, by)
    return found


def withdraw(session: Session, broadcast_id: str, now: datetime, *, by: str = "", cause: str) -> Broadcast:
    """It shall not sound at all. Withdrawing what has begun stops it."""
    found = broadcast(session, broadcast_id)
    if found.withdrawn_at is not None or found.missed:
        return found
    if found.starts_at <= now:
        return stop(session, broadcast_id, now, by=by, cause=cause)
    found.withdrawn_at, found.cause = now, cause
    found.revision += 1
    session.add(found)
    record_state(session, found.id, now, BroadcastState.WITHDRAWN, cause, by)
    return found


def mark_missed(session: Session, planned: Broadcast, now: datetime, cause: str) -> None:
    """Write down that it did not air, and why."""
    planned.missed, planned.cause = True, cause
    planned.announced_revision = planned.revision  # there is nothing to announce
    session.add(planned)
    record_state(session, planned.id, now, BroadcastState.MISSED, cause, "")
