"""Moving one airing, and copying days: single days are written into the rules, nothing is drawn twice."""

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
    """Move one airing to another day and time of the commune's clock; the others stay. Gives the schedule it is now of.

    Raises Refusal when there is no such airing, or it would be past.
    """
    found = schedule(session, schedule_id)
    rule = found.recurrence
    if from_time not in rule.times_on(from_day) or not days(rule, from_day, from_day):
        raise Refusal(N_("This broadcast is not on the timetable any more. Load the page again."))
    single = Rule(repeat=Repeat.ONCE, times=[to_time], from_day=to_day)
    if rule.repeat is Repeat.ONCE and len(rule.times) == 1 and not rule.extra_days:
        return change_schedule(session, schedule_id, now=now, rule=single)
    moved = add_schedule(
        session,
        found.commune_id,
        programme_id=found.programme_id,
        rule=single,
        targets=found.audience,
        class_=found.broadcast_class,
        precedence=found.precedence,
        now=now,
        by=by,
    )
    # Its other times of that day stay: as a schedule of their own, since the day is left out of the rule.
    others = [at for at in rule.times_on(from_day) if at != from_time]
    zone = commune(session, found.commune_id).zone
    others = [at for at in others if datetime.combine(from_day, at, tzinfo=zone) > now]
    if others:
        add_schedule(
            session,
            found.commune_id,
            programme_id=found.programme_id,
            rule=Rule(repeat=Repeat.ONCE, times=others, from_day=from_day),
            targets=found.audience,
            class_=found.broadcast_class,
            precedence=found.precedence,
            now=now,
            by=by,
        )
    without = msgspec.structs.replace(
        rule,
        except_days=[*rule.except_days, from_day],
        extra_days=[day for day in rule.extra_days if day != from_day],
    )
    change_schedule(session, schedule_id, now=now, rule=without)
    return moved


def copy_days(
    session: Session, commune_id: str, source: date, target: date, count: int, *, now: datetime, by: str = ""
) -> list[Schedule]:
    """Copy what is due in `count` days from `source` on to the days from `target` on. Gives the new schedules.

    What would be past is left out, and what is on the timetable there already at that time. Raises Refusal when nothing
    is left to copy.
    """
    zone = commune(session, commune_id).zone
    shift = target - source
    there = {
        (o.schedule.programme_id, o.schedule.targets, o.starts_at)
        for o in between(session, commune_id, target, target + timedelta(days=count))
    }
    wanted: dict[tuple[int, date], list[time]] = {}
    of = {}
    for due in between(session, commune_id, source, source + timedelta(days=count)):
        local = due.starts_at.astimezone(zone)
        at = datetime.combine(local.date() + shift, local.time(), tzinfo=zone)
        if at > now and (due.schedule.programme_id, due.schedule.targets, at) not in there:
            wanted.setdefault((due.schedule.number, at.date()), []).append(local.time())
            of[due.schedule.number] = due.schedule
    if not wanted:
        raise Refusal(N_("There is nothing to copy: nothing is due then, or it is there already."))
    return [
        add_schedule(
            session,
            commune_id,
            programme_id=of[number].programme_id,
            rule=Rule(repeat=Repeat.ONCE, times=times, from_day=day),
            targets=of[number].audience,
            class_=of[number].broadcast_class,
            precedence=of[number].precedence,
            now=now,
            by=by,
        )
        for (number, day), times in wanted.items()
    ]
