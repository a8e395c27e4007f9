"""What the timetable page shows: a day, a week or a month, and the list of schedules."""

from collections import Counter
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta

from sqlmodel import Session

from broadcast.programmes import programmes
from noise.days_off import day_off
from noise.noise_rules import rules_of
from people.rights import Action
from runtime.refusal import N_
from schedules.conflicts import airings_of, clashing
from schedules.occurrences import Occurrence, between
from schedules.schedules import Schedule, next_due_in, schedule, schedules
from web.flash import Flash
from web.formatting import monday_of
from web.labels.places import PlaceNames
from web.labels.rules import rule_sentence
from web.noise_form import clock
from web.request_context import Frame
from web.week_grid import LANES_IN_DAY, LANES_IN_WEEK, Hours, Layout, closed_minutes, layouts, shown_hours
from wire.allowed_hours import open_minutes
from wire.broadcasts import BroadcastClass

_DAY, _WEEK = timedelta(days=1), timedelta(days=7)


@dataclass(frozen=True)
class Period:
    """What is shown. kind: "day", "week" or "month". start, end: the days drawn, end excluded; a month in whole weeks.

    first: its first day. before, after: the first days of its neighbours.
    """

    kind: str
    first: date
    start: date
    end: date
    before: date
    after: date


@dataclass(frozen=True)
class Day:
    """One day that is shown. day_off: the name of the public holiday, "" when it is none.

    due: those of the day, paused ones too. open_minutes: the commune's allowed hours, None when there is no limit.
    """

    day: date
    today: bool
    due: list[Occurrence]
    layout: Layout
    day_off: str
    of_month: bool = True
    open_minutes: list[tuple[int, int]] | None = None

    @property
    def open(self) -> list[tuple[str, str]] | None:
        """The allowed hours as times, from and until."""
        if self.open_minutes is None:
            return None
        return [(clock(since), clock(until)) for since, until in self.open_minutes]

    @property
    def closed(self) -> list[tuple[int, int]]:
        """The rest of the day: start and length in minutes."""
        return closed_minutes(self.open_minutes)


@dataclass(frozen=True)
class ScheduleRow:
    """One schedule in the list. next: when it is due next, None when never again. alike: another row reads the same."""

    schedule: Schedule
    title: str
    sentence: str
    where: str
    next: datetime | None
    paused: bool
    may_change: bool
    alike: bool = False


@dataclass(frozen=True)
class TimetableView:
    """clashing: order and start of each airing that clashes. where: in words, by the schedule's id.

    movable: the ids of schedules that may be changed. now_minute: of the local day.
    """

    period: Period
    days: list[Day]
    hours: Hours
    rows: list[ScheduleRow]
    clashing: set[tuple[str, datetime]]
    where: dict[int, str]
    movable: set[int]
    now_minute: int

    @property
    def same_hours(self) -> bool:
        """Whether the allowed hours are the same on all days shown."""
        return all(day.open == self.days[0].open for day in self.days)

    @property
    def is_empty(self) -> bool:
        return not any(day.due for day in self.days)


def period_of(today: date, *, day: date | None, week_of: date | None, month_of: date | None) -> Period:
    """The week of today when nothing is chosen."""
    if day is not None:
        return Period("day", day, day, day + _DAY, day - _DAY, day + _DAY)
    if month_of is not None:
        first = month_of.replace(day=1)
        following = (first + timedelta(days=32)).replace(day=1)
        start, end = monday_of(first), monday_of(following - _DAY) + _WEEK
        return Period("month", first, start, end, (first - _DAY).replace(day=1), following)
    first = monday_of(week_of or today)
    return Period("week", first, first, first + _WEEK, first - _WEEK, first + _WEEK)


def timetable_view(session: Session, frame: Frame, period: Period) -> TimetableView:
    """The number of queries does not grow with the schedules."""
    now, zone = frame.deps.clock.now(), frame.commune.zone
    due = between(session, frame.commune_id, period.start - _DAY, period.end, with_paused=True)
    days = _days(session, frame, due, period, now.astimezone(zone).date())
    places = PlaceNames(session, frame.commune_id)
    listed = schedules(session, frame.commune_id) if period.kind != "month" else []
    rows = schedule_rows(frame, session, listed, places)
    local = now.astimezone(zone)
    shown_by_id = {o.schedule.number: o.schedule for o in due}
    return TimetableView(
        period,
        days,
        shown_hours((d.layout for d in days), [stretch for d in days for stretch in d.open_minutes or []]),
        rows,
        clashing(session, frame.commune_id, airings_of(o for o in due if not o.paused)),
        {number: places.where(frame.t, shown.audience) for number, shown in shown_by_id.items()},
        {number for number, shown in shown_by_id.items() if may_change(frame, shown)},
        local.hour * 60 + local.minute,
    )


def saved_schedule(frame: Frame, number: int) -> Flash:
    """What was kept, in a sentence, with where and when it is heard next; the week marks it by this link."""
    with frame.deps.database.session() as session:
        (row,) = schedule_rows(frame, session, [schedule(session, number)])
    values = {"sentence": row.sentence, "where": row.where}
    link = f"#schedule-{number}"
    if row.next is None:
        return Flash(N_("Saved: {sentence} · {where}."), values, href=link, link=row.title)
    values["next"] = frame.wording.when(row.next, frame.deps.clock.now())
    return Flash(N_("Saved: {sentence} · {where}. Next: {next}."), values, href=link, link=row.title)


def may_change(frame: Frame, changed: Schedule) -> bool:
    """Whether who asks may change this schedule."""
    emergency = changed.broadcast_class is BroadcastClass.EMERGENCY
    return frame.may(Action.TIMETABLE) and (not emergency or frame.may(Action.EMERGENCY))


def _days(session: Session, frame: Frame, due: list[Occurrence], period: Period, today: date) -> list[Day]:
    zone = frame.commune.zone
    limit = rules_of(session, frame.commune_id).get("")
    hours = limit.allowed_hours if limit else []
    shown = [period.start + timedelta(days=k) for k in range((period.end - period.start).days)]
    drawn = due if period.kind != "month" else []
    laid = layouts(drawn, shown, zone, LANES_IN_DAY if period.kind == "day" else LANES_IN_WEEK)
    on: dict[date, list[Occurrence]] = {}
    for occurrence in due:
        on.setdefault(occurrence.starts_at.astimezone(zone).date(), []).append(occurrence)
    return [
        Day(
            day,
            day == today,
            on.get(day, []),
            laid[day],
            day_off(day),
            period.kind != "month" or day.month == period.first.month,
            open_minutes(hours, day, bool(day_off(day))) if hours else None,
        )
        for day in shown
    ]


def schedule_rows(
    frame: Frame, session: Session, listed_schedules: list[Schedule], places: PlaceNames | None = None
) -> list[ScheduleRow]:
    now, places = frame.deps.clock.now(), places or PlaceNames(session, frame.commune_id)
    programme_by_id = {p.number: p for p in programmes(session, frame.commune_id, include_retired=True)}
    rows = []
    for listed in listed_schedules:
        due = next_due_in(frame.commune.zone, listed, now, 1)
        programme = programme_by_id.get(listed.programme_id)
        row = ScheduleRow(
            listed,
            listed.title or (programme.title if programme else "?"),
            rule_sentence(frame.wording, listed.recurrence),
            places.where(frame.t, listed.audience),
            due[0] if due else None,
            listed.is_paused_at(now),
            may_change(frame, listed),
        )
        rows.append(row)
    count = Counter((row.title, row.sentence, row.where) for row in rows)
    return [replace(row, alike=count[row.title, row.sentence, row.where] > 1) for row in rows]
