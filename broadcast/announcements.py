"""Which broadcasts the broker still lacks, which it no longer needs, and what it acknowledged."""

from collections.abc import Mapping
from datetime import datetime, timedelta

from sqlmodel import Session, and_, col, select

from broadcast.broadcasts import Broadcast, BroadcastState
from broadcast.manifests import MANIFEST_HOLDS
from broadcast.state_changes import record_states

#: How many manifests the transmitter publishes before it waits for their acknowledgements.
MOST_AT_ONCE = 200
#: Nothing is announced further ahead (LOA_PLAN_AHEAD_HOURS).
_FURTHEST_PLAN = timedelta(days=8)


def unannounced(session: Session, now: datetime) -> list[Broadcast]:
    """Broadcasts whose newest revision the broker lacks and that receivers can still use, earliest first.

    A cleared manifest of a broadcast still to come was cleared by a clock that ran ahead. Further ahead than anything
    is planned, it was not: there this clock is the wrong one, and the broadcast is history.
    """
    # Two queries, each with its partial index; as one they would read every broadcast to come, each second.
    audible = and_(col(Broadcast.missed).is_(False), col(Broadcast.alert_id).is_(None))
    lacking = select(Broadcast).where(
        col(Broadcast.announced_revision) < col(Broadcast.revision),
        col(Broadcast.ends_at) > now - timedelta(minutes=5),
        audible,
    )
    cleared = select(Broadcast).where(
        col(Broadcast.cleared_at).is_not(None),
        col(Broadcast.ends_at) > now,
        col(Broadcast.starts_at) < now + _FURTHEST_PLAN,
        audible,
    )
    due = list(session.exec(lacking.order_by(col(Broadcast.starts_at)).limit(MOST_AT_ONCE)))
    broadcast_ids = {row.id for row in due}
    # Few, and not to be ordered by another index.
    due += [row for row in session.exec(cleared) if row.id not in broadcast_ids]
    return sorted(due, key=lambda row: row.starts_at)[:MOST_AT_ONCE]


def expired(session: Session, now: datetime, limit: int = MOST_AT_ONCE) -> list[Broadcast]:
    query = select(Broadcast).where(
        col(Broadcast.ends_at) < now - MANIFEST_HOLDS,
        col(Broadcast.announced_revision) > 0,
        col(Broadcast.cleared_at).is_(None),
        col(Broadcast.missed).is_(False),
        col(Broadcast.alert_id).is_(None),
    )
    return list(session.exec(query.limit(limit)))


def note_announced(session: Session, revisions: Mapping[str, int], now: datetime) -> None:
    """Record that the broker acknowledged these revisions, by broadcast id. An older revision changes nothing."""
    first_ids = []
    for row in session.exec(select(Broadcast).where(col(Broadcast.id).in_(revisions))).all():
        revision = revisions[row.id]
        if revision >= row.announced_revision and row.cleared_at is not None:
            row.cleared_at = None  # published again
        if revision > row.announced_revision:
            if row.announced_revision == 0:
                first_ids.append(row.id)
            row.announced_revision, row.announced_at = revision, now
        session.add(row)
    session.flush()
    record_states(session, first_ids, now, BroadcastState.ANNOUNCED, "", "")
