"""Move preview: what moving an airing would do, alone or with all others, before it is saved."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date, datetime, time
from enum import StrEnum

import msgspec
from sqlmodel import Session

from devices.communes import commune
from devices.presence_states import ReceiverStatus
from runtime.refusal import Refusal
from schedules.moving import moved_rule, without_airing
from schedules.outlook import Outlook, outlook
from schedules.recurrence import Repeat, Rule
from schedules.schedules import Schedule, schedules


class MoveScope(StrEnum):
    """ONE: a single airing becomes a schedule of its own. ALL: the schedule itself changes."""

    ONE = "one"
    ALL = "all"


class MoveVerdict(StrEnum):
    """REFUSED: it could not be saved. WARNING: it could, and something would not be heard as planned."""

    GOOD = "good"
    WARNING = "warning"
    REFUSED = "refused"


@dataclass(frozen=True)
class MoveOutlook:
    """rule: of what moves, None when the rule itself is refused. refusal: why it could not be saved."""

    verdict: MoveVerdict
    rule: Rule | None = None
    outlook: Outlook | None = None
    refusal: Refusal | None = None


def move_outlook(
    session: Session,
    moving: Schedule,
    scope: MoveScope,
    *,
    from_day: date,
    from_time: time,
    to_day: date,
    to_time: time,
    now: datetime,
    states: Mapping[str, ReceiverStatus],
) -> MoveOutlook:
    """By the rules that saving applies."""
    try:
        if scope is MoveScope.ALL:
            rule = moved_rule(moving.recurrence, from_day, from_time, to_day, to_time).check()
            timetable = [s for s in schedules(session, moving.commune_id) if s.number != moving.number]
        else:
            rule = Rule(repeat=Repeat.ONCE, times=[to_time], from_day=to_day).check()
            timetable = _timetable_without(session, moving, from_day, from_time, now)
    except Refusal as refusal:
        return MoveOutlook(MoveVerdict.REFUSED, refusal=refusal)
    found = outlook(
        session,
        moving.commune_id,
        rule=rule,
        programme_id=moving.programme_id,
        targets=moving.audience,
        class_=moving.broadcast_class,
        precedence=moving.precedence,
        now=now,
        states=states,
        spread=moving.time_spread,
        timetable=timetable,
    )
    if to_day == from_day:
        found = replace(found, repeated=[])  # on each day as many as before
    return MoveOutlook(_verdict(found), rule, found)


def _timetable_without(session: Session, moving: Schedule, day: date, at: time, now: datetime) -> list[Schedule]:
    """The timetable as it will be, except for the airing that moves."""
    rules = without_airing(moving.recurrence, day, at, commune(session, moving.commune_id).zone, now)
    others = [s for s in schedules(session, moving.commune_id) if s.number != moving.number]
    return others + [_with_rule(moving, rule) for rule in rules if rule is not None]


def _with_rule(schedule: Schedule, rule: Rule) -> Schedule:
    """A copy that is in no session."""
    return Schedule(**schedule.model_dump() | {"rule": msgspec.json.encode(rule)})


def _verdict(found: Outlook) -> MoveVerdict:
    if not found.next or found.outside is not None or found.nobody or any(o.refused for o in found.overruns):
        return MoveVerdict.REFUSED
    if found.clashes or found.overruns or found.empty_zones or found.repeated:
        return MoveVerdict.WARNING
    return MoveVerdict.GOOD
