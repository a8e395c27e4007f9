"""Queries over broadcasts: what is on air, what comes next, what was planned between two instants."""

from datetime import datetime, timedelta

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, or_, select
from sqlmodel.sql.expression import SelectOfScalar

from broadcast.broadcasts import BY_HAND, Broadcast, order_key
from devices.predecessors import lineage, within
from wire.broadcasts import LiveItem

_WITHOUT_RECORDING = col(Broadcast.programme_id).is_(None), col(Broadcast.clip_id).is_(None)


def of_commune(session: Session, commune_id: str) -> ColumnElement[bool]:
    """SQL condition: broadcasts of the commune and those that its predecessors began."""
    return within(lineage(session, commune_id), col(Broadcast.commune_id), col(Broadcast.starts_at))


def on_air_now(session: Session, commune_id: str | None, now: datetime) -> list[Broadcast]:
    """What sounds at `now`, highest precedence first."""
    query = _on_air(now)
    if commune_id is not None:
        query = query.where(of_commune(session, commune_id))
    return sorted(session.exec(query), key=lambda broadcast: broadcast.rank, reverse=True)


def _on_air(now: datetime) -> SelectOfScalar[Broadcast]:
    return select(Broadcast).where(
        col(Broadcast.starts_at) <= now,
        col(Broadcast.ends_at) > now,
        col(Broadcast.withdrawn_at).is_(None),
        col(Broadcast.missed).is_(False),
        or_(col(Broadcast.stopped_at).is_(None), col(Broadcast.stopped_at) > now),
    )


def live_on_air(session: Session, now: datetime) -> list[Broadcast]:
    """Live broadcasts on air, of all communes; without relays, which the controller itself sends."""
    query = _on_air(now).where(*_WITHOUT_RECORDING)
    return [b for b in session.exec(query) if any(isinstance(i, LiveItem) and not i.relay for i in b.playlist)]


def relays_due(session: Session, now: datetime, ahead: timedelta) -> list[Broadcast]:
    """Broadcasts of all communes with a relay among their items, on air or soon."""
    query = select(Broadcast).where(
        col(Broadcast.starts_at) <= now + ahead,
        col(Broadcast.ends_at) > now,
        col(Broadcast.withdrawn_at).is_(None),
        col(Broadcast.missed).is_(False),
        or_(col(Broadcast.stopped_at).is_(None), col(Broadcast.stopped_at) > now),
    )
    return [b for b in session.exec(query) if any(isinstance(i, LiveItem) and i.relay for i in b.playlist)]


def next_start_after(session: Session, at: datetime) -> datetime | None:
    """When the next broadcast starts, of all communes."""
    query = select(col(Broadcast.starts_at)).where(col(Broadcast.starts_at) > at)
    return session.exec(query.order_by(col(Broadcast.starts_at)).limit(1)).first()


def next_start_without_recording(session: Session, now: datetime) -> datetime | None:
    """When the next broadcast starts that is live or relayed, of all communes. Before it none is."""
    query = select(col(Broadcast.starts_at)).where(col(Broadcast.starts_at) > now, *_WITHOUT_RECORDING)
    return session.exec(query.order_by(col(Broadcast.starts_at)).limit(1)).first()


def live_in_commune(session: Session, commune_id: str, now: datetime) -> list[Broadcast]:
    """Its live broadcasts, without relays, that are on air or about to begin."""
    query = select(Broadcast).where(
        of_commune(session, commune_id),
        col(Broadcast.ends_at) > now,
        col(Broadcast.stopped_at).is_(None),
        col(Broadcast.withdrawn_at).is_(None),
        col(Broadcast.missed).is_(False),
        *_WITHOUT_RECORDING,
    )
    return [b for b in session.exec(query) if any(isinstance(i, LiveItem) and not i.relay for i in b.playlist)]


def begun_by_hand(session: Session, commune_id: str, now: datetime) -> list[Broadcast]:
    """Put on air by a person, and not sounding yet."""
    return [b for b in upcoming(session, commune_id, now) if b.id.startswith(order_key(BY_HAND))]


def stopped_early(session: Session, commune_id: str, now: datetime, since: datetime) -> list[Broadcast]:
    """Stopped since then, while their planned end is still to come; the latest stop first."""
    query = select(Broadcast).where(
        of_commune(session, commune_id),
        col(Broadcast.stopped_at) > since,
        col(Broadcast.stopped_at) <= now,
        col(Broadcast.ends_at) > now,
    )
    return list(session.exec(query.order_by(col(Broadcast.stopped_at).desc())))


def upcoming(session: Session, commune_id: str, now: datetime, limit: int = 20) -> list[Broadcast]:
    query = select(Broadcast).where(
        of_commune(session, commune_id),
        col(Broadcast.starts_at) > now,
        col(Broadcast.withdrawn_at).is_(None),
        col(Broadcast.missed).is_(False),
    )
    return list(session.exec(query.order_by(col(Broadcast.starts_at), Broadcast.id).limit(limit)))


def between(session: Session, commune_id: str, since: datetime, until: datetime) -> list[Broadcast]:
    """All with a part in [since, until), in order of start, withdrawn ones included."""
    query = select(Broadcast).where(
        of_commune(session, commune_id), col(Broadcast.starts_at) < until, col(Broadcast.ends_at) > since
    )
    return list(session.exec(query.order_by(col(Broadcast.starts_at), Broadcast.id)))
