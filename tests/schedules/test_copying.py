"""Moving one airing and copying days: the copy is whole, and the last airing can go too."""

from datetime import date, datetime, time, timedelta

import msgspec
import pytest

from broadcast.modes import Mode, Spread
from runtime.clock import ManualClock
from runtime.database import Database
from runtime.refusal import Refusal
from schedules.copying import copy_days, move
from schedules.occurrences import between
from schedules.recurrence import Repeat, Rule
from schedules.schedules import Schedule, next_due, schedule
from schedules.timetable import add_schedule, change_schedule
from tests.broadcast.studio import Studio
from tests.cast import COMMUNE, VIETNAM
from wire.broadcasts import BroadcastClass, Targets

TUESDAY, WEDNESDAY, THURSDAY = (date(2026, 11, day) for day in (24, 25, 26))
STAGGERED = Spread(mode=Mode.STAGGERED)


@pytest.fixture
def studio(clock: ManualClock, database: Database) -> Studio:
    return Studio(clock, database)


def add(studio: Studio, rule: Rule) -> Schedule:
    with studio.database.writing() as session:
        added = add_schedule(
            session,
            COMMUNE,
            programme_id=studio.programme,
            rule=rule,
            targets=Targets(zones=["thon-1", "thon-2"]),
            class_=BroadcastClass.PRIORITY,
            now=studio.now(),
            precedence=7,
            spread=STAGGERED,
        )
        added.title = "Tên riêng"
        session.add(added)
        return added


def settings(kept: Schedule) -> tuple[object, ...]:
    return kept.title, kept.class_, kept.precedence, kept.targets, kept.spread, kept.programme_id


DAILY = Rule(repeat=Repeat.DAILY, times=[time(6), time(18)], from_day=TUESDAY)


def test_a_moved_airing_keeps_the_mode_and_every_other_setting(studio: Studio) -> None:
    original = add(studio, DAILY)
    with studio.database.writing() as session:
        moved = move(session, original.number, WEDNESDAY, time(6), THURSDAY, time(9), now=studio.now())
        airings = between(session, COMMUNE, WEDNESDAY, THURSDAY + timedelta(days=1))
    assert moved.number != original.number
    assert moved.time_spread == STAGGERED
    assert {settings(airing.schedule) for airing in airings} == {settings(original)}
    assert [airing.starts_at.astimezone(VIETNAM).strftime("%d %H") for airing in airings] == [
        "25 18",
        "26 06",
        "26 09",
        "26 18",
    ]


def test_copied_days_keep_the_mode_and_every_other_setting(studio: Studio) -> None:
    original = add(studio, Rule(repeat=Repeat.ONCE, times=[time(6)], from_day=TUESDAY))
    with studio.database.writing() as session:
        (copied,) = copy_days(session, COMMUNE, TUESDAY, THURSDAY, 1, now=studio.now())
    assert settings(copied) == settings(original)
    assert copied.time_spread == STAGGERED


LAST = [
    msgspec.structs.replace(DAILY, times=[time(6)], until_day=TUESDAY),
    Rule(repeat=Repeat.WEEKLY, weekdays=[1], times=[time(6)], from_day=TUESDAY, until_day=date(2026, 11, 29)),
]


@pytest.mark.parametrize("rule", LAST, ids=["daily", "weekly"])
def test_the_last_airing_of_a_repeating_schedule_can_be_moved(studio: Studio, rule: Rule) -> None:
    original = add(studio, rule)
    with studio.database.writing() as session:
        moved = move(session, original.number, TUESDAY, time(6), THURSDAY, time(9), now=studio.now())
        assert next_due(session, schedule(session, original.number), studio.now(), 1) == []
        assert next_due(session, moved, studio.now(), 2) == [datetime(2026, 11, 26, 9, tzinfo=VIETNAM)]


def test_the_last_airing_that_is_an_extra_day_can_be_moved(studio: Studio) -> None:
    rule = Rule(repeat=Repeat.DAILY, times=[time(6)], from_day=TUESDAY, until_day=TUESDAY, extra_days=[THURSDAY])
    original = add(studio, rule)
    studio.clock.set(datetime(2026, 11, 25, 5, tzinfo=VIETNAM))
    with studio.database.writing() as session:
        moved = move(session, original.number, THURSDAY, time(6), THURSDAY, time(9), now=studio.now())
        assert next_due(session, schedule(session, original.number), studio.now(), 1) == []
        assert len(next_due(session, moved, studio.now(), 2)) == 1


def test_the_only_airing_of_a_repeating_schedule_can_be_left_out(studio: Studio) -> None:
    original = add(studio, LAST[0])
    left_out = msgspec.structs.replace(LAST[0], except_days=[TUESDAY])
    with studio.database.writing() as session:
        changed = change_schedule(session, original.number, now=studio.now(), rule=left_out)
        assert next_due(session, changed, studio.now(), 1) == []


def test_a_schedule_whose_time_has_passed_is_refused_all_the_same(studio: Studio) -> None:
    original = add(studio, DAILY)
    over = msgspec.structs.replace(DAILY, from_day=date(2026, 11, 1), until_day=date(2026, 11, 2))
    with studio.database.writing() as session, pytest.raises(Refusal, match="passed"):
        change_schedule(session, original.number, now=studio.now(), rule=over)
