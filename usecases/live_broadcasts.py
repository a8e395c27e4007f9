"""Live broadcasts: put on air. They are stopped as every broadcast is (`usecases.broadcasts`)."""

from collections.abc import Collection
from datetime import datetime, timedelta

import msgspec
from sqlmodel import Session

from broadcast.audiences import Audiences
from broadcast.broadcasts import Broadcast
from broadcast.on_air import live_in_commune
from broadcast.planning import LIVE_LEAD, check_reached, new_broadcast, plan_broadcast
from devices.receivers import reached_by
from noise.noise_rules import check_allowed
from people.audit import Deed
from people.rights import Action
from runtime.clock_steps import check_clock
from runtime.refusal import N_, Refusal
from schedules.noise_budget import check_budget
from usecases.actors import Actor
from usecases.services import Services
from wire.broadcasts import BroadcastClass, LiveItem, Targets

#: A live broadcast is refused when less than this is allowed. How long it will be is not known when it begins.
LEAST_S = 1


def put_live_on_air(
    services: Services,
    actor: Actor,
    commune_id: str,
    *,
    targets: Targets,
    class_: BroadcastClass,
    title: str,
    longest: timedelta,
    buffer_us: int,
    over: Collection[str] | None = (),
) -> Broadcast:
    """Live sound, until it is stopped; at the latest after `longest`, or when the noise budget is used up.

    over: ids of live broadcasts that it may interrupt, None for any; an emergency interrupts all.
    Raises NotAllowed, Refusal.
    """
    with services.database.writing() as session:
        now = services.clock.now()
        starts_at = now + LIVE_LEAD
        # 1. Right.
        actor.need(Action.ON_AIR, commune_id, class_)
        check_clock(session)
        # 2. Rules. Where the allowed hours end, receivers fall silent by themselves.
        reached = reached_by(session, commune_id, targets)
        check_reached(reached)
        if over is not None and class_ is not BroadcastClass.EMERGENCY:
            _check_nobody_speaks(session, commune_id, {receiver.id for receiver in reached}, now, over)
        check_allowed(session, commune_id, targets, class_, starts_at, starts_at + timedelta(seconds=LEAST_S))
        length = _within_budget(session, commune_id, targets, class_, starts_at, longest)
        # 3. Write.
        length_us = length // timedelta(microseconds=1)
        broadcast = plan_broadcast(
            session,
            new_broadcast(
                commune_id=commune_id,
                title=title,
                class_=class_,
                targets=targets,
                starts_at=starts_at,
                length_us=length_us,
                items=[LiveItem(offset_us=0, duration_us=length_us, buffer_us=buffer_us)],
                now=now,
                by=actor.name,
            ),
            cause="put_on_air",
        )
        # 4. Audit.
        actor.note(session, now, commune_id, Deed.PUT_ON_AIR, broadcast.title)
    services.announce()  # 5. after the commit
    return broadcast


def _check_nobody_speaks(
    session: Session, commune_id: str, reached: set[str], now: datetime, over: Collection[str]
) -> None:
    others = [b for b in live_in_commune(session, commune_id, now) if b.id not in over]
    audiences = Audiences(session, others)
    for other in others:
        if not reached.isdisjoint(audiences(other)):
            raise Refusal(
                N_("{who} is speaking live now (“{title}”). Wait for the end, or choose to speak in their place."),
                who=other.planned_by,
                title=other.title,
            )


def _within_budget(
    session: Session,
    commune_id: str,
    targets: Targets,
    class_: BroadcastClass,
    starts_at: datetime,
    longest: timedelta,
) -> timedelta:
    """The longest that the noise budget leaves, to the second. Raises Refusal when it leaves nothing."""

    def check(length: timedelta) -> None:
        tried = Broadcast(
            id="",
            commune_id=commune_id,
            title="",
            class_=class_.value,
            starts_at=starts_at,
            ends_at=starts_at + length,
            targets=msgspec.json.encode(targets),
            items=b"[]",
            planned_at=starts_at,
        )
        check_budget(session, tried)

    try:
        check(longest)
    except Refusal:
        check(timedelta(seconds=LEAST_S))
    else:
        return longest
    allowed_s, refused_s = LEAST_S, int(longest.total_seconds()) + 1
    while refused_s - allowed_s > 1:
        tried_s = (allowed_s + refused_s) // 2
        try:
            check(timedelta(seconds=tried_s))
        except Refusal:
            refused_s = tried_s
        else:
            allowed_s = tried_s
    return timedelta(seconds=allowed_s)
