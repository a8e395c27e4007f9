"""Planning a broadcast: the row that the transmitter announces, from a schedule or put on air by hand."""

import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
from sqlmodel import Session

from broadcast.broadcasts import BY_HAND, LONGEST_TITLE, Broadcast, BroadcastState, order_key
from broadcast.clips import clip
from broadcast.manifest_items import check_spread, clip_items, has_live, manifest_items
from broadcast.modes import IN_STEP, NO_SHIFTS, Shifts, Spread, Spreading, encode_spread
from broadcast.programmes import duration_us, items_of, programme
from broadcast.state_changes import record_state
from devices.receivers import Receiver, reached_by
from noise.noise_rules import check_allowed
from runtime.clock_steps import check_clock
from runtime.refusal import N_, NotFound, Refusal
from wire.broadcasts import BroadcastClass, Item, Targets

#: Between "now" and the first sample, so that receivers can fetch the audio and switch their amplifiers on.
LEAD = timedelta(seconds=8)
#: A live broadcast needs no fetching, only the time that the manifest travels.
LIVE_LEAD = timedelta(seconds=3)


def put_on_air(
    session: Session,
    commune_id: str,
    *,
    targets: Targets,
    class_: BroadcastClass,
    now: datetime,
    by: str = "",
    programme_id: int | None = None,
    clip_id: str | None = None,
    lead: timedelta = LEAD,
    spread: Spread = IN_STEP,
) -> Broadcast:
    """Plan a programme or a clip for now plus `lead`. Raises Refusal, NotFound."""
    check_clock(session)
    if programme_id is not None:
        chosen = programme(session, programme_id)
        if chosen.commune_id != commune_id:
            raise NotFound(N_("This programme no longer exists."))
        running_items = items_of(session, programme_id)
        title, items, length_us = chosen.title, manifest_items(session, running_items), duration_us(running_items)
    elif clip_id is not None:
        if clip(session, clip_id).commune_id != commune_id:
            raise NotFound(N_("This recording no longer exists."))
        single = clip_items(session, clip_id)
        title, items, length_us = single[0].title, list[Item](single), single[0].duration_us
    else:
        raise Refusal(N_("Choose a programme or a recording to put on air."))
    check_reached(reached_by(session, commune_id, targets))
    spread = spread.check()
    check_spread(spread, has_live(items))
    shifts, starts_at = Spreading(session, commune_id).shifts(spread, targets, length_us), now + lead
    ends_at = starts_at + timedelta(microseconds=length_us + shifts.most_us)
    check_allowed(session, commune_id, targets, class_, starts_at, ends_at)
    return plan_broadcast(
        session,
        new_broadcast(
            commune_id=commune_id,
            title=title,
            class_=class_,
            targets=targets,
            starts_at=starts_at,
            length_us=length_us,
            items=items,
            now=now,
            by=by,
            programme_id=programme_id,
            clip_id=clip_id,
            spread=spread,
            shifts=shifts,
        ),
        cause="put_on_air",
    )


def check_reached(reached: Sequence[Receiver]) -> None:
    """Raises Refusal when nobody would hear it."""
    if not reached:
        raise Refusal(N_("There are no receivers in the places that you chose."))


def plan_broadcast(session: Session, broadcast: Broadcast, cause: str = "") -> Broadcast:
    """Insert a broadcast of `new_broadcast`; the transmitter announces it after the commit."""
    session.add(broadcast)
    session.flush()
    record_state(session, broadcast.id, broadcast.planned_at, BroadcastState.PLANNED, cause, broadcast.planned_by)
    return broadcast


def new_broadcast(
    *,
    commune_id: str,
    title: str,
    class_: BroadcastClass,
    targets: Targets,
    starts_at: datetime,
    length_us: int,
    items: Sequence[Item],
    now: datetime,
    by: str = "",
    programme_id: int | None = None,
    clip_id: str | None = None,
    precedence: int = 0,
    order: int = BY_HAND,
    spread: Spread = IN_STEP,
    shifts: Shifts = NO_SHIFTS,
) -> Broadcast:
    """A row that is not in the session yet. Raises Refusal when it addresses nobody.

    length_us: at one receiver. shifts: of the spread, from `Spreading`.
    order: of two with the same class and start the larger one plays: the schedule's number.
    """
    if not targets.all and not targets.zones and not targets.receivers:
        raise Refusal(N_("Choose where to play it: the whole commune, zones, or single receivers."))
    return Broadcast(
        id=order_key(order) + secrets.token_hex(8),
        commune_id=commune_id,
        programme_id=programme_id,
        clip_id=clip_id,
        title=title[:LONGEST_TITLE],
        class_=class_.value,
        precedence=precedence,
        starts_at=starts_at,
        ends_at=starts_at + timedelta(microseconds=length_us + shifts.most_us),
        spread=encode_spread(spread),
        shifts=msgspec.json.encode(shifts.by_receiver).decode() if shifts.by_receiver else None,
        targets=msgspec.json.encode(targets),
        items=msgspec.json.encode(list(items)),
        planned_at=now,
        planned_by=by,
    )
