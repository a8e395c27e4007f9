"""Moving one airing and copying days, by adding single days to rules and exceptions."""

from datetime import date, datetime, time, timedelta

import msgspec
from sqlmodel import Session

from devices.communes import commune
from runtime.refusal import N_, Refusal
from schedules.occurrences import between
from schedules.recurrence import Repeat, Rule, days
from schedules.schedules import Schedule, schedule
from schedules.timetable import add_schedule, change_schedule


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
    if from_time not in rule.times_on(from_day) or not days(rule, from_day, from_day):
        raise Refusal(N_("This broadcast is no longer on the timetable. Reload the page."))
    single = Rule(repeat=Repeat.ONCE, times=[to_time], from_day=to_day)
    if rule.repeat is Repeat.ONCE and len(rule.times) == 1 and not rule.extra_days:
        return change_schedule(session, schedule_id, now=now, rule=single)
    moved = add_schedule(
        session,
        original.commune_id,
        programme_id=original.programme_id,
        rule=single,
        targets=original.audience,
        class_=original.broadcast_class,
        precedence=original.precedence,
        now=now,
        by=by,
    )
    # The other times of that day become a schedule of their own, since the rule now skips the day.
    others = [at for at in rule.times_on(from_day) if at != from_time]
    zone = commune(session, original.commune_id).zone
    others = [at for at in others if datetime.combine(from_day, at, tzinfo=zone) > now]
    if others:
        add_schedule(
            session,
            original.commune_id,
            programme_id=original.programme_id,
            rule=Rule(repeat=Repeat.ONCE, times=others, from_day=from_day),
            targets=original.audience,
            class_=original.broadcast_class,
            precedence=original.precedence,
            now=now,
            by=by,
        )
    reduced_rule = msgspec.structs.replace(
        rule,
        except_days=[*rule.except_days, from_day],
        extra_days=[day for day in rule.extra_days if day != from_day],
    )
    change_schedule(session, schedule_id, now=now, rule=reduced_rule)
    return moved


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
        add_schedule(
            session,
            commune_id,
            programme_id=schedule_of[number].programme_id,
            rule=Rule(repeat=Repeat.ONCE, times=times, from_day=day),
            targets=schedule_of[number].audience,
            class_=schedule_of[number].broadcast_class,
            precedence=schedule_of[number].precedence,
            now=now,
            by=by,
        )
        for (number, day), times in times_by_day.items()
    ]
