"""Moving one airing and copying days, by adding single days to rules and exceptions."""

from datetime import date, datetime, time, timedelta

from sqlmodel import Session

from devices.communes import commune
from runtime.refusal import N_, Refusal
from schedules.moving import check_airing, without_airing
from schedules.occurrences import between
from schedules.recurrence import Repeat, Rule
from schedules.schedules import Schedule, schedule
from schedules.timetable import add_schedule, change_schedule

#: What a copy has for itself; all other columns of a schedule are copied, those added later too.
_NOT_COPIED = {
    "id",
    "rule",
    "revision",
    "paused",
    "paused_until",
    "created_at",
    "created_by",
    "changed_at",
    "retired_at",
}


def move(
    session: Session,
    schedule_id: int,
    from_day: date,
    from_time: time,
    to_day: date,
    to_time: time,
    *,
    now: datetime,
    by: str = "",
) -> Schedule:
    """Move one airing to another day and time, by the commune's clock. Returns the schedule it now belongs to.

    Raises Refusal when there is no such airing, or the new time has passed.
    """
    original = schedule(session, schedule_id)
    rule = original.recurrence
    check_airing(rule, from_day, from_time)
    single = Rule(repeat=Repeat.ONCE, times=[to_time], from_day=to_day)
    if rule.repeat is Repeat.ONCE and len(rule.times) == 1 and not rule.extra_days:
        return change_schedule(session, schedule_id, now=now, rule=single)
    # The airing leaves first: it must not count against its own noise budget.
    reduced, others = without_airing(rule, from_day, from_time, commune(session, original.commune_id).zone, now)
    change_schedule(session, schedule_id, now=now, rule=reduced)
    if others is not None:
        _copy(session, original, others, now, by)
    return _copy(session, original, single, now, by)


def copy_days(
    session: Session, commune_id: str, source: date, target: date, count: int, *, now: datetime, by: str = ""
) -> list[Schedule]:
    """Copy what is due in `count` days from `source` to the days from `target`. Returns the new schedules.

    Past times and airings that exist there already are left out. Raises Refusal when nothing is left to copy.
    """
    zone = commune(session, commune_id).zone
    shift = target - source
    existing = {
        (o.schedule.programme_id, o.schedule.targets, o.starts_at)
        for o in between(session, commune_id, target, target + timedelta(days=count))
    }
    times_by_day: dict[tuple[int, date], list[time]] = {}
    schedule_of = {}
    for occurrence in between(session, commune_id, source, source + timedelta(days=count)):
        local = occurrence.starts_at.astimezone(zone)
        at = datetime.combine(local.date() + shift, local.time(), tzinfo=zone)
        if at > now and (occurrence.schedule.programme_id, occurrence.schedule.targets, at) not in existing:
            times_by_day.setdefault((occurrence.schedule.number, at.date()), []).append(local.time())
            schedule_of[occurrence.schedule.number] = occurrence.schedule
    if not times_by_day:
        raise Refusal(N_("There is nothing to copy: nothing is due on these days, or it has already been copied."))
    return [
        _copy(session, schedule_of[number], Rule(repeat=Repeat.ONCE, times=times, from_day=day), now, by)
        for (number, day), times in times_by_day.items()
    ]


def _copy(session: Session, original: Schedule, rule: Rule, now: datetime, by: str) -> Schedule:
    """A schedule that differs only in its rule: every other setting is the original's, its mode and title included."""
    copy = add_schedule(
        session,
        original.commune_id,
        programme_id=original.programme_id,
        rule=rule,
        targets=original.audience,
        class_=original.broadcast_class,
        precedence=original.precedence,
        spread=original.time_spread,
        now=now,
        by=by,
    )
    settings = original.model_dump(exclude=_NOT_COPIED)
    for name, value in settings.items():
        setattr(copy, name, value)
    session.add(copy)
    session.flush()
    return copy
