"""Which broadcasts the broker still lacks, which it no longer needs, and what it acknowledged."""

from datetime import datetime, timedelta

from sqlmodel import Session, and_, col, or_, select

from broadcast.broadcasts import Broadcast, BroadcastState, broadcast
from broadcast.manifests import MANIFEST_HOLDS
from broadcast.state_changes import record_state

#: How many manifests the transmitter publishes before it waits for their acknowledgements.
MOST_AT_ONCE = 200


def unannounced(session: Session, now: datetime, limit: int = MOST_AT_ONCE) -> list[Broadcast]:
    """What the broker does not have in its newest form, and receivers could still use, soonest first.

    What was cleared and is still to come was cleared by a clock that ran ahead.
    """
    query = select(Broadcast).where(
        or_(
            col(Broadcast.announced_revision) < col(Broadcast.revision),
            and_(col(Broadcast.cleared_at).is_not(None), col(Broadcast.ends_at) > now),
        ),
        col(Broadcast.ends_at) > now - timedelta(minutes=5),
        col(Broadcast.missed).is_(False),
    )
    return list(session.exec(query.order_by(col(Broadcast.starts_at)).limit(limit)))


def expired(session: Session, now: datetime, limit: int = MOST_AT_ONCE) -> list[Broadcast]:
    query = select(Broadcast).where(
        col(Broadcast.ends_at) < now - MANIFEST_HOLDS,
        col(Broadcast.announced_revision) > 0,
        col(Broadcast.cleared_at).is_(None),
        col(Broadcast.missed).is_(False),
    )
    return list(session.exec(query.limit(limit)))


def note_announced(session: Session, broadcast_id: str, revision: int, now: datetime) -> None:
    """The broker acknowledged a revision. An older one than known changes nothing."""
    found = broadcast(session, broadcast_id)
    if revision >= found.announced_revision and found.cleared_at is not None:
        found.cleared_at = None  # it is there again
        session.add(found)
    if revision > found.announced_revision:
        if found.announced_revision == 0:
            record_state(session, found.id, now, BroadcastState.ANNOUNCED, "", "")
        found.announced_revision, found.announced_at = revision, now
        session.add(found)
