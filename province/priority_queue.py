"""Priority queue: priority bulletins of the province are aired one after the other, in the order the commune decides.

One alone goes on air at once. Where several wait together nothing goes before the commune has decided their order, or
`DECIDE_WITHIN` has passed; then they go as they stand. None cuts another priority broadcast unless a person says so.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta

from sqlmodel import Session, col, or_, select

from broadcast.broadcasts import Broadcast
from broadcast.clips import clip
from broadcast.planning import LEAD
from province.bulletins import BulletinState, ProvinceBulletin, put_bulletin_on_air
from runtime.refusal import N_, Refusal
from usecases.actors import Actor
from wire.broadcasts import BroadcastClass

#: An announcer who is called needs so long to the page; the province's word is not kept back longer.
DECIDE_WITHIN = timedelta(minutes=5)


def communes_with_priority(session: Session) -> list[str]:
    """Where priority bulletins wait for their turn."""
    query = select(ProvinceBulletin.commune_id).where(
        ProvinceBulletin.class_ == BroadcastClass.PRIORITY.value,
        ProvinceBulletin.state == BulletinState.WAITING.value,
        ProvinceBulletin.schedule == b"",
    )
    return list(session.exec(query.distinct().order_by(ProvinceBulletin.commune_id)))


def waiting_priority(session: Session, commune_id: str) -> list[ProvinceBulletin]:
    """The priority ones that wait for their turn, in their order; those with times of their own have none."""
    query = select(ProvinceBulletin).where(
        ProvinceBulletin.commune_id == commune_id,
        ProvinceBulletin.class_ == BroadcastClass.PRIORITY.value,
        ProvinceBulletin.state == BulletinState.WAITING.value,
        ProvinceBulletin.schedule == b"",
    )
    return list(session.exec(query.order_by(col(ProvinceBulletin.turn))))


def move_before(session: Session, commune_id: str, number: int, before: int) -> bool:
    """Let a priority bulletin play before another. Gives whether it did not already, or one of them waits no more."""
    waiting = waiting_priority(session, commune_id)
    places = {bulletin.number: place for place, bulletin in enumerate(waiting)}
    if number not in places or before not in places or places[number] < places[before]:
        return False
    turns = [bulletin.turn for bulletin in waiting]
    waiting.insert(places[before], waiting.pop(places[number]))
    for bulletin, turn in zip(waiting, turns, strict=True):
        bulletin.turn = turn
    session.add_all(waiting)
    return True


def confirm_order(session: Session, commune_id: str, shown: Sequence[int]) -> list[ProvinceBulletin]:
    """The order in which they stand is decided. Raises Refusal when it is not the one that was shown."""
    waiting = waiting_priority(session, commune_id)
    if [bulletin.number for bulletin in waiting] != list(shown):
        raise Refusal(N_("The order has changed after you opened it. Look at it again, then confirm."))
    for bulletin in waiting:
        bulletin.ordered = True
        session.add(bulletin)
    return waiting


def blocking_broadcasts(session: Session, commune_id: str, now: datetime, length: timedelta) -> list[Broadcast]:
    """Priority and emergency broadcasts that would sound together with one of this length begun now, in order."""
    start = now + LEAD
    query = select(Broadcast).where(
        Broadcast.commune_id == commune_id,
        col(Broadcast.class_).in_([BroadcastClass.PRIORITY.value, BroadcastClass.EMERGENCY.value]),
        col(Broadcast.starts_at) < start + length,
        col(Broadcast.ends_at) > start,
        col(Broadcast.withdrawn_at).is_(None),
        col(Broadcast.missed).is_(False),
        or_(col(Broadcast.stopped_at).is_(None), col(Broadcast.stopped_at) > start),
    )
    return list(session.exec(query.order_by(col(Broadcast.starts_at))))


def order_open_until(waiting: list[ProvinceBulletin]) -> datetime | None:
    """Until when the commune may still decide the order; None when it has, or there is nothing to decide."""
    if len(waiting) < 2 or all(b.ordered for b in waiting):
        return None
    return max(b.received_at for b in waiting) + DECIDE_WITHIN


def next_due(session: Session, commune_id: str, now: datetime) -> ProvinceBulletin | None:
    """The bulletin that may go on air now."""
    waiting = waiting_priority(session, commune_id)
    until = order_open_until(waiting)
    if not waiting or (until is not None and now < until):
        return None
    first = waiting[0]
    if first.clip_id is None or blocking_broadcasts(session, commune_id, now, length_of(session, first)):
        return None
    return first


def put_on_air_first(session: Session, bulletin: ProvinceBulletin, now: datetime, actor: Actor) -> Broadcast:
    """Put it on air at once, before every other priority broadcast: a person has decided it. Raises Refusal."""
    others = blocking_broadcasts(session, bulletin.commune_id, now, length_of(session, bulletin))
    return put_bulletin_on_air(
        session, bulletin, now, actor, precedence=1 + max((b.precedence for b in others), default=0)
    )


def length_of(session: Session, bulletin: ProvinceBulletin) -> timedelta:
    """How long a bulletin sounds."""
    return timedelta(microseconds=clip(session, bulletin.clip_id).duration_us) if bulletin.clip_id else timedelta(0)
