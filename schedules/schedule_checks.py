"""What a schedule must satisfy before it is saved: targets, allowed hours, noise budget."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

import msgspec
from sqlmodel import Session

from broadcast.manifest_items import check_spread, has_live, manifest_items
from broadcast.modes import Spread, Spreading
from broadcast.programmes import duration_us, items_of, programme
from devices.communes import commune
from devices.receivers import receiver
from devices.zones import zones
from noise.noise_rules import ClosedPeriod, allowed_times, refusal_of
from runtime.refusal import N_, NotFound, Refusal, at_field
from schedules.noise_budget import Overrun, has_budget, overruns, refuse, weeks_from
from schedules.occurrences import occurrences
from schedules.recurrence import Rule, instants, next_instants
from schedules.schedules import Schedule, schedules
from wire.broadcasts import BroadcastClass, Targets

#: How far ahead a schedule is checked against the allowed hours before it is saved; planning checks each instant again.
CHECKED_AHEAD = timedelta(days=366)


class AiringRule(NamedTuple):
    """What a schedule airs. length: at all receivers together."""

    rule: Rule
    targets: Targets
    class_: BroadcastClass
    length: timedelta


def first_outside(session: Session, commune_id: str, airing: AiringRule, now: datetime) -> ClosedPeriod | None:
    """The first time within a year that the rule would play outside the allowed hours; None when it never does."""
    rule, targets, class_, length = airing
    if class_ is BroadcastClass.EMERGENCY:
        return None
    local = commune(session, commune_id).zone
    allowed = allowed_times(session, commune_id, targets, now.astimezone(local).date())
    if not any(allowed.hours):
        return None
    due_at = instants(rule, local, now, now + CHECKED_AHEAD) or next_instants(rule, local, now, 1)
    return next((closed for at in due_at if (closed := allowed.first_closed(at, at + length)) is not None), None)


def over_budget(
    session: Session,
    commune_id: str,
    airing: AiringRule,
    now: datetime,
    *,
    without: int = 0,
    timetable: Sequence[Schedule] | None = None,
) -> list[Overrun]:
    """Days and weeks that the rule would bring above the noise budget, together with the rest of the timetable.

    without: the number of the schedule that it replaces, 0 for none. timetable: in place of the stored one.
    """
    rule, targets, class_, length = airing
    if class_ is BroadcastClass.EMERGENCY or not has_budget(session, commune_id):
        return []
    local = commune(session, commune_id).zone
    start, end = weeks_from(now.astimezone(local).date(), local)
    new = [(at, at + length, targets) for at in instants(rule, local, now, end)]
    planned = schedules(session, commune_id) if timetable is None else timetable
    others = [
        (o.starts_at, o.ends_at, o.schedule.audience)
        for o in occurrences(session, planned, local, start, end)
        if o.schedule.broadcast_class is not BroadcastClass.EMERGENCY and o.schedule.number != without
    ]
    return overruns(session, commune_id, new, others)


def check_targets(session: Session, commune_id: str, targets: Targets) -> None:
    """Raises Refusal when the targets are empty or of another commune."""
    if not targets.all and not targets.zones and not targets.receivers:
        raise Refusal(N_("Choose where to play it: the whole commune, zones, or single receivers.")).at("where")
    zone_ids = {z.id for z in zones(session, commune_id)}
    for zone_id in targets.zones:
        if zone_id not in zone_ids:
            raise Refusal(N_("{zone} is not a zone of this commune."), zone=zone_id).at("zones")
    for receiver_id in targets.receivers:
        if receiver(session, receiver_id).commune_id != commune_id:
            raise Refusal(N_("{receiver} is not a receiver of this commune."), receiver=receiver_id).at("receivers")


def checked_rule(
    session: Session,
    commune_id: str,
    programme_id: int,
    rule: Rule,
    targets: Targets,
    class_: BroadcastClass,
    spread: Spread,
    now: datetime,
    *,
    without: int,
) -> Rule:
    chosen = programme(session, programme_id)
    if chosen.commune_id != commune_id:
        raise NotFound(N_("This programme no longer exists.")).at("programme_id")
    items = items_of(session, programme_id)
    with at_field("programme_id"):
        wanted = manifest_items(session, items)  # raises Refusal when nothing is audible
    check_spread(spread, has_live(wanted))
    check_targets(session, commune_id, targets)
    rule, local = rule.check(), commune(session, commune_id).zone
    if not next_instants(rule, local, now, 1) and not (without and _left_out(rule, local, now)):
        raise Refusal(N_("This time has passed. Choose a later one.")).at("times")
    length = Spreading(session, commune_id).total_length(spread, targets, timedelta(microseconds=duration_us(items)))
    airing = AiringRule(rule, targets, class_, length)
    closed = first_outside(session, commune_id, airing, now)
    if closed is not None:
        raise refusal_of(session, closed, local)
    refuse(over_budget(session, commune_id, airing, now, without=without))
    return rule


def _left_out(rule: Rule, zone: ZoneInfo, now: datetime) -> bool:
    """Whether airings are still to come that the exceptions leave out: its last one was moved or cancelled."""
    whole = msgspec.structs.replace(rule, except_days=[], extra_days=sorted({*rule.extra_days, *rule.except_days}))
    return bool(next_instants(whole, zone, now, 1))
