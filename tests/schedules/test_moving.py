"""Moving all airings of a schedule, and what a move would do before it is saved."""

from datetime import date, time, timedelta

import pytest

from noise.noise_rules import set_rules
from runtime.clock import ManualClock
from runtime.database import Database
from runtime.refusal import Refusal
from schedules.copying import move
from schedules.move_outlook import MoveOutlook, MoveScope, MoveVerdict, move_outlook
from schedules.moving import moved_rule
from schedules.recurrence import Repeat, Rule, Season
from schedules.schedules import Schedule, schedule, schedules
from schedules.timetable import add_schedule
from tests.broadcast.studio import ALL, Studio
from tests.cast import COMMUNE
from wire.allowed_hours import AllowedHours
from wire.broadcasts import BroadcastClass

TUESDAY, WEDNESDAY, THURSDAY = (date(2026, 11, day) for day in (24, 25, 26))
SIX, SEVEN, NINE = time(6), time(7), time(9)


def rule(repeat: Repeat, **more: object) -> Rule:
    return Rule(repeat=repeat, **{"times": [SIX], "from_day": TUESDAY, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("before", "to_day", "to_time", "after"),
    [
        (rule(Repeat.DAILY), WEDNESDAY, NINE, rule(Repeat.DAILY, times=[NINE])),
        (rule(Repeat.DAILY, times=[SIX, SEVEN]), WEDNESDAY, NINE, rule(Repeat.DAILY, times=[NINE, SEVEN])),
        (rule(Repeat.WEEKLY, weekdays=[0, 2]), THURSDAY, SIX, rule(Repeat.WEEKLY, weekdays=[0, 3])),
        (rule(Repeat.WEEKLY, weekdays=[2]), THURSDAY, NINE, rule(Repeat.WEEKLY, weekdays=[3], times=[NINE])),
        (rule(Repeat.MONTHLY_BY_DAY, month_days=[25]), THURSDAY, SIX, rule(Repeat.MONTHLY_BY_DAY, month_days=[26])),
        (rule(Repeat.ONCE, from_day=WEDNESDAY), THURSDAY, NINE, rule(Repeat.ONCE, from_day=THURSDAY, times=[NINE])),
        (
            rule(Repeat.DAILY, seasons=[Season(first=(10, 1), last=(12, 31), times=[SIX])], times=[SEVEN]),
            WEDNESDAY,
            NINE,
            rule(Repeat.DAILY, seasons=[Season(first=(10, 1), last=(12, 31), times=[NINE])], times=[SEVEN]),
        ),
    ],
)
def test_the_rule_follows_the_airing_that_is_moved(before: Rule, to_day: date, to_time: time, after: Rule) -> None:
    assert moved_rule(before, WEDNESDAY, SIX, to_day, to_time) == after


@pytest.mark.parametrize(
    ("before", "to_day", "to_time", "says"),
    [
        (rule(Repeat.DAILY), THURSDAY, SIX, "every day"),
        (rule(Repeat.WEEKLY, weekdays=[2], times=[SIX, SEVEN]), THURSDAY, SIX, "several times a day"),
        (rule(Repeat.WEEKLY, weekdays=[2, 3]), THURSDAY, SIX, "already plays then"),
        (rule(Repeat.DAILY, times=[SIX, SEVEN]), WEDNESDAY, SEVEN, "already plays then"),
        (rule(Repeat.MONTHLY_BY_WEEKDAY, weekdays=[2], which=[-1]), THURSDAY, SIX, "cannot be changed here"),
        (rule(Repeat.WEEKLY, weekdays=[4]), THURSDAY, SIX, "no longer on the timetable"),
    ],
)
def test_what_the_rule_cannot_say_is_refused_with_the_reason(
    before: Rule, to_day: date, to_time: time, says: str
) -> None:
    with pytest.raises(Refusal, match=says):
        moved_rule(before, WEDNESDAY, SIX, to_day, to_time)


@pytest.fixture
def studio(clock: ManualClock, database: Database) -> Studio:
    return Studio(clock, database)


def add(studio: Studio, of: Rule) -> Schedule:
    with studio.database.writing() as session:
        return add_schedule(
            session,
            COMMUNE,
            programme_id=studio.programme,
            rule=of,
            targets=ALL,
            class_=BroadcastClass.NORMAL,
            now=studio.now(),
        )


def judged(studio: Studio, moving: Schedule, scope: MoveScope, to_day: date, to_time: time) -> MoveOutlook:
    with studio.database.session() as session:
        return move_outlook(
            session,
            schedule(session, moving.number),
            scope,
            from_day=WEDNESDAY,
            from_time=SIX,
            to_day=to_day,
            to_time=to_time,
            now=studio.now(),
            states={},
        )


def test_the_judgement_is_what_saving_would_say_and_reading_it_changes_nothing(studio: Studio) -> None:
    with studio.database.writing() as session:
        set_rules(
            session, COMMUNE, "", hours=[AllowedHours(weekdays=list(range(7)), from_minute=300, until_minute=1200)]
        )
    daily = add(studio, rule(Repeat.DAILY))
    add(studio, rule(Repeat.ONCE, from_day=THURSDAY, times=[NINE]))
    for scope in MoveScope:
        assert judged(studio, daily, scope, WEDNESDAY, time(8)).verdict is MoveVerdict.GOOD
        assert judged(studio, daily, scope, WEDNESDAY, time(21)).verdict is MoveVerdict.REFUSED
    assert judged(studio, daily, MoveScope.ONE, THURSDAY, NINE).verdict is MoveVerdict.WARNING
    assert judged(studio, daily, MoveScope.ONE, THURSDAY, SIX).verdict is MoveVerdict.WARNING, (
        "its own airing of that day"
    )
    assert judged(studio, daily, MoveScope.ALL, WEDNESDAY, NINE).verdict is MoveVerdict.WARNING
    assert judged(studio, daily, MoveScope.ONE, TUESDAY, time(4)).verdict is MoveVerdict.REFUSED, "it has passed"
    with studio.database.session() as session:
        assert len(schedules(session, COMMUNE)) == 2


def test_a_clip_that_plays_often_is_no_reason_against_a_move_within_the_day(studio: Studio) -> None:
    daily = add(studio, rule(Repeat.DAILY, times=[SIX, *(time(hour) for hour in range(8, 14))]))
    assert judged(studio, daily, MoveScope.ONE, WEDNESDAY, SEVEN).verdict is MoveVerdict.GOOD
    assert judged(studio, daily, MoveScope.ONE, THURSDAY, SEVEN).verdict is MoveVerdict.WARNING


def test_a_full_noise_budget_does_not_hinder_a_move_within_the_day(studio: Studio) -> None:
    """A minute a day is allowed, and a minute is there."""
    daily = add(studio, rule(Repeat.DAILY))
    with studio.database.writing() as session:
        set_rules(session, COMMUNE, "", minutes_a_day=1, refuses=True)
    assert judged(studio, daily, MoveScope.ONE, WEDNESDAY, NINE).verdict is MoveVerdict.GOOD
    refused = judged(studio, daily, MoveScope.ONE, WEDNESDAY + timedelta(days=1), NINE)
    assert refused.verdict is MoveVerdict.REFUSED
    with studio.database.writing() as session:
        moved = move(session, daily.number, WEDNESDAY, SIX, WEDNESDAY, NINE, now=studio.now())
        assert moved.recurrence.times == [NINE]
    with studio.database.writing() as session, pytest.raises(Refusal, match="minutes"):
        move(session, daily.number, THURSDAY, SIX, WEDNESDAY, time(15), now=studio.now())
