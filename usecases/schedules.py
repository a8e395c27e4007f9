"""Schedules: add, change, pause, resume, retire, restore, move one airing, copy days.

An emergency needs the right to emergencies, whether the schedule is one before the change or becomes one by it. `…_in`
does right, rules, write and audit inside the caller's transaction; the function without `_in` commits and plans.
"""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from sqlmodel import Session

from broadcast.modes import IN_STEP, Spread
from broadcast.programmes import programme
from devices.communes import commune
from people.audit import Deed
from people.rights import Action
from runtime.refusal import N_, Refusal
from schedules import copying, moving, occurrences, timetable
from schedules import schedules as schedule_table
from schedules.freezing import freeze_past
from schedules.recurrence import Rule
from schedules.schedules import Schedule
from usecases.actors import Actor
from usecases.own_rows import own
from usecases.revisions import check_present
from usecases.services import Services
from wire.broadcasts import BroadcastClass, Targets


@dataclass(frozen=True)
class ScheduleSettings:
    """What a schedule is set to. precedence, spread: None keeps what is set; for a new schedule 0 and in step."""

    programme_id: int
    rule: Rule
    targets: Targets
    class_: BroadcastClass = BroadcastClass.NORMAL
    precedence: int | None = None
    spread: Spread | None = None


def schedule_of(session: Session, commune_id: str, number: int) -> Schedule:
    """A schedule of this commune. Raises NotFound."""
    return own(schedule_table.schedule(session, number), commune_id, N_("This schedule no longer exists."))


def title_of(session: Session, schedule: Schedule) -> str:
    """Its own title, or its programme's."""
    return schedule.title or programme(session, schedule.programme_id).title


def add_schedule(
    services: Services, actor: Actor, commune_id: str, settings: ScheduleSettings, *, sentence: str = ""
) -> Schedule:
    """sentence: the rule in words, for the audit. Raises NotAllowed, Refusal, NotFound."""
    with services.database.writing() as session:
        schedule = add_schedule_in(session, actor, commune_id, settings, services.clock.now(), sentence=sentence)
    services.plan(commune_id)
    return schedule


def add_schedule_in(
    session: Session, actor: Actor, commune_id: str, settings: ScheduleSettings, now: datetime, *, sentence: str = ""
) -> Schedule:
    # 1. Right.
    actor.need(Action.TIMETABLE, commune_id, settings.class_)
    # 2. and 3. Rules (targets, allowed hours, noise budget), write.
    schedule = timetable.add_schedule(
        session,
        commune_id,
        programme_id=settings.programme_id,
        rule=settings.rule,
        targets=settings.targets,
        class_=settings.class_,
        now=now,
        by=actor.name,
        precedence=settings.precedence or 0,
        spread=settings.spread or IN_STEP,
    )
    # 4. Audit.
    actor.note(session, now, commune_id, Deed.SCHEDULE_ADDED, _detail(session, schedule, sentence), about=schedule)
    return schedule


def change_schedule(
    services: Services, actor: Actor, commune_id: str, number: int, settings: ScheduleSettings, *, sentence: str = ""
) -> Schedule:
    with services.database.writing() as session:
        schedule = change_schedule_in(
            session, actor, commune_id, number, settings, services.clock.now(), sentence=sentence
        )
    services.plan(commune_id)
    return schedule


def change_schedule_in(
    session: Session,
    actor: Actor,
    commune_id: str,
    number: int,
    settings: ScheduleSettings,
    now: datetime,
    *,
    sentence: str = "",
) -> Schedule:
    # 1. Right: for the class before and the class after.
    before = schedule_of(session, commune_id, number)
    actor.need(Action.TIMETABLE, commune_id, before.broadcast_class, settings.class_)
    # 2. and 3. Rules (it is as it was shown, and on the timetable), write.
    actor.check_shown(session, before)
    check_present(session, before)
    freeze_past(session, now)
    schedule = timetable.change_schedule(
        session,
        number,
        now=now,
        programme_id=settings.programme_id,
        rule=settings.rule,
        targets=settings.targets,
        class_=settings.class_,
        precedence=settings.precedence,
        spread=settings.spread,
    )
    # 4. Audit.
    actor.note(session, now, commune_id, Deed.SCHEDULE_CHANGED, _detail(session, schedule, sentence), about=schedule)
    return schedule


def pause_schedule(
    services: Services, actor: Actor, commune_id: str, number: int, *, paused: bool, until: date | None = None
) -> Schedule:
    """paused: the wanted state; False resumes it. until: the day on which it plays again, None for no end."""
    with services.database.writing() as session:
        now = services.clock.now()
        schedule = schedule_of(session, commune_id, number)
        _need(actor, schedule)
        ends_at = _midnight(until, commune(session, commune_id).zone) if until else None
        if schedule.is_paused_at(now) != paused or (paused and schedule.paused_until != ends_at):
            actor.check_shown(session, schedule)
            timetable.pause(session, number, paused, now, ends_at)
            deed = Deed.SCHEDULE_PAUSED if paused else Deed.SCHEDULE_RESUMED
            detail = title_of(session, schedule) + (f" → {until:%d/%m/%Y}" if paused and until else "")
            actor.note(session, now, commune_id, deed, detail, about=schedule)
    services.plan(commune_id)
    return schedule


def retire_schedule(services: Services, actor: Actor, commune_id: str, number: int) -> Schedule:
    with services.database.writing() as session:
        schedule = retire_schedule_in(session, actor, commune_id, number, services.clock.now())
    services.plan(commune_id)
    return schedule


def retire_schedule_in(session: Session, actor: Actor, commune_id: str, number: int, now: datetime) -> Schedule:
    schedule = schedule_of(session, commune_id, number)
    _need(actor, schedule)
    if schedule.retired_at is None:
        actor.check_shown(session, schedule)
        timetable.retire(session, number, now)
        actor.note(session, now, commune_id, Deed.SCHEDULE_RETIRED, title_of(session, schedule), about=schedule)
    return schedule


def restore_schedule(services: Services, actor: Actor, commune_id: str, number: int) -> Schedule:
    with services.database.writing() as session:
        now = services.clock.now()
        schedule = schedule_of(session, commune_id, number)
        _need(actor, schedule)
        if schedule.retired_at is not None:
            actor.check_shown(session, schedule)
            timetable.restore(session, number, now)
            actor.note(session, now, commune_id, Deed.SCHEDULE_RESTORED, title_of(session, schedule), about=schedule)
    services.plan(commune_id)
    return schedule


def move_airing(
    services: Services,
    actor: Actor,
    commune_id: str,
    number: int,
    *,
    from_day: date,
    from_time: time,
    to_day: date,
    to_time: time,
) -> Schedule:
    """Move one airing of a schedule to another day and time of the commune's clock; the other airings stay."""
    with services.database.writing() as session:
        now = services.clock.now()
        schedule = schedule_of(session, commune_id, number)
        _need(actor, schedule)
        actor.check_shown(session, schedule)
        check_present(session, schedule)
        title = title_of(session, schedule)
        moved = copying.move(session, number, from_day, from_time, to_day, to_time, now=now, by=actor.name)
        detail = f"{title}: {from_day} {from_time:%H:%M} → {to_day} {to_time:%H:%M}"
        actor.note(session, now, commune_id, Deed.SCHEDULE_CHANGED, detail, about=schedule)
    services.plan(commune_id)
    return moved


def move_all_airings(
    services: Services,
    actor: Actor,
    commune_id: str,
    number: int,
    *,
    from_day: date,
    from_time: time,
    to_day: date,
    to_time: time,
    sentence: Callable[[Rule], str] = lambda _: "",
) -> Schedule:
    """Change the schedule so that this airing and all others like it are due then. sentence: the rule in words."""
    with services.database.writing() as session:
        schedule = schedule_of(session, commune_id, number)
        rule = moving.moved_rule(schedule.recurrence, from_day, from_time, to_day, to_time)
        settings = ScheduleSettings(schedule.programme_id, rule, schedule.audience, schedule.broadcast_class)
        changed = change_schedule_in(
            session, actor, commune_id, number, settings, services.clock.now(), sentence=sentence(rule)
        )
    services.plan(commune_id)
    return changed


def copy_days(
    services: Services, actor: Actor, commune_id: str, source: date, target: date, count: int
) -> list[Schedule]:
    """Copy what is due in `count` days from `source` on to the days from `target` on. Gives the new schedules."""
    if source == target:
        raise Refusal(N_("Choose another day to copy to.")).at("to_day")
    with services.database.writing() as session:
        now = services.clock.now()
        due = occurrences.between(session, commune_id, source, source + timedelta(days=count))
        actor.need(Action.TIMETABLE, commune_id, *_classes(occurrence.schedule for occurrence in due))
        copies = copying.copy_days(session, commune_id, source, target, count, now=now, by=actor.name)
        actor.note(session, now, commune_id, Deed.DAYS_COPIED, f"{source} → {target}")
    services.plan(commune_id)
    return copies


def _need(actor: Actor, schedule: Schedule) -> None:
    actor.need(Action.TIMETABLE, schedule.commune_id, schedule.broadcast_class)


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime.combine(day, time(), tzinfo=zone).astimezone(UTC)


def _classes(schedules: Iterable[Schedule]) -> set[BroadcastClass]:
    return {schedule.broadcast_class for schedule in schedules}


def _detail(session: Session, schedule: Schedule, sentence: str) -> str:
    title = title_of(session, schedule)
    return f"{title}: {sentence}" if sentence else title
