"""When a rule is due: as tables, on both sides of every edge."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from runtime.refusal import Refusal
from schedules.recurrence import MOST_TIMES, Holidays, Repeat, Rule, Season, instants, next_instants

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
BERLIN = ZoneInfo("Europe/Berlin")
TUESDAY = date(2026, 11, 24)
FIVE = time(5, 0)
TICK = timedelta(microseconds=1)


def utc(month: int, day: int, hour: int, minute: int = 0, *, year: int = 2026) -> datetime:
    return datetime(year, month, day, hour, minute, tzinfo=UTC)


def rule(repeat: Repeat = Repeat.DAILY, **more: object) -> Rule:
    return Rule(**{"repeat": repeat, "times": [FIVE], "from_day": TUESDAY} | more).check()  # type: ignore[arg-type]


def test_five_in_the_morning_in_vietnam_is_the_evening_before_in_utc() -> None:
    assert instants(rule(Repeat.ONCE), HANOI, utc(11, 1, 0), utc(12, 31, 0)) == [utc(11, 23, 22)]


def test_the_first_instant_belongs_to_a_stretch_and_the_last_does_not() -> None:
    at = utc(11, 23, 22)
    assert instants(rule(), HANOI, at, at + TICK) == [at]
    assert instants(rule(), HANOI, at + TICK, at + timedelta(days=1)) == []
    assert instants(rule(), HANOI, at - TICK, at) == []


def test_daily_from_the_first_day_to_the_last_both_included() -> None:
    found = instants(rule(until_day=date(2026, 11, 26)), HANOI, utc(1, 1, 0), utc(12, 31, 0))
    assert found == [utc(11, 23, 22), utc(11, 24, 22), utc(11, 25, 22)]


@pytest.mark.parametrize(
    ("weekdays", "days"),
    [([0], [30]), ([1], [24]), ([6], [29]), ([0, 2, 4], [25, 27, 30]), ([5, 6], [28, 29]), (range(7), range(24, 31))],
)
def test_weekdays_are_the_communes_own(weekdays: list[int], days: list[int]) -> None:
    weekly = rule(Repeat.WEEKLY, weekdays=list(weekdays), until_day=date(2026, 11, 30))
    found = instants(weekly, HANOI, utc(11, 1, 0), utc(12, 31, 0))
    assert [at.astimezone(HANOI).day for at in found] == list(days)
    assert {at.astimezone(HANOI).weekday() for at in found} == set(weekdays)


def test_several_times_a_day_come_in_order_and_each_once() -> None:
    thrice = rule(times=[time(17, 0), FIVE, time(11, 30), FIVE])
    found = instants(thrice, HANOI, utc(11, 23, 22), utc(11, 24, 22))
    assert found == [utc(11, 23, 22), utc(11, 24, 4, 30), utc(11, 24, 10)]


def test_next_are_those_after_now_and_no_more_than_there_are() -> None:
    assert next_instants(rule(), HANOI, utc(11, 23, 22), 2) == [utc(11, 24, 22), utc(11, 25, 22)]
    assert next_instants(rule(Repeat.ONCE), HANOI, utc(11, 23, 21, 59), 5) == [utc(11, 23, 22)]
    assert next_instants(rule(Repeat.ONCE), HANOI, utc(11, 23, 22), 5) == []


def test_a_leap_day_is_a_day() -> None:
    found = instants(
        rule(from_day=date(2028, 2, 28), until_day=date(2028, 3, 1)), HANOI, utc(1, 1, 0), utc(6, 1, 0, year=2028)
    )
    assert [at.astimezone(HANOI).date() for at in found] == [date(2028, 2, 28), date(2028, 2, 29), date(2028, 3, 1)]


def test_a_time_that_is_skipped_in_spring_sounds_with_the_offset_before() -> None:
    skipped = rule(Repeat.ONCE, from_day=date(2027, 3, 28), times=[time(2, 30)])
    assert next_instants(skipped, BERLIN, utc(3, 27, 0, year=2027), 1) == [utc(3, 28, 1, 30, year=2027)]


def test_a_time_that_comes_twice_in_autumn_sounds_the_first_time_only() -> None:
    double = rule(Repeat.ONCE, from_day=date(2027, 10, 31), times=[time(2, 30)])
    assert next_instants(double, BERLIN, utc(10, 30, 0, year=2027), 5) == [utc(10, 31, 0, 30, year=2027)]


def test_two_times_that_fall_on_one_instant_in_spring_sound_once() -> None:
    both = rule(Repeat.ONCE, from_day=date(2027, 3, 28), times=[time(2, 30), time(3, 30)])
    assert next_instants(both, BERLIN, utc(3, 27, 0, year=2027), 5) == [utc(3, 28, 1, 30, year=2027)]


def test_it_stays_five_on_the_wall_when_the_clocks_change() -> None:
    found = instants(rule(from_day=date(2027, 3, 27)), BERLIN, utc(3, 27, 0, year=2027), utc(3, 29, 12, year=2027))
    assert [at.astimezone(BERLIN).time() for at in found] == [FIVE] * 3
    assert [b - a for a, b in pairwise(found)] == [timedelta(hours=23), timedelta(hours=24)]


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ({"repeat": Repeat.MONTHLY_BY_DAY}, "day of the month"),
        ({"repeat": Repeat.MONTHLY_BY_DAY, "month_days": [32]}, "day of the month"),
        ({"repeat": Repeat.MONTHLY_BY_DAY, "month_days": [0]}, "day of the month"),
        ({"repeat": Repeat.MONTHLY_BY_WEEKDAY, "which": [1]}, "day of the week"),
        ({"repeat": Repeat.MONTHLY_BY_WEEKDAY, "weekdays": [0], "which": [5]}, "the month's weekdays"),
        ({"every": 0}, "at least every 52"),
        ({"every": 53}, "at least every 52"),
        ({"seasons": [Season(first=(2, 30), last=(3, 1), times=[FIVE])]}, "does not exist"),
        ({"seasons": [Season(first=(1, 1), last=(3, 1), times=[])]}, "at what time"),
        ({"times": []}, "at what time"),
        ({"times": [time(h, m) for h in range(24) for m in (0, 30)]}, "at most 24"),
        ({"repeat": Repeat.WEEKLY}, "day of the week"),
        ({"repeat": Repeat.WEEKLY, "weekdays": [7]}, "day of the week"),
        ({"until_day": TUESDAY - timedelta(days=1)}, "before the first"),
    ],
)
def test_a_rule_that_can_never_be_due_is_refused(bad: dict[str, object], says: str) -> None:
    with pytest.raises(Refusal, match=says):
        rule(**bad)  # type: ignore[arg-type]


def test_as_many_times_as_allowed_are_taken() -> None:
    assert len(rule(times=[time(h) for h in range(MOST_TIMES)]).times) == MOST_TIMES


def test_a_time_with_a_zone_of_its_own_is_our_mistake() -> None:
    with pytest.raises(ValueError, match="without a zone"):
        rule(times=[time(5, tzinfo=UTC)])


DAYS = st.dates(date(2026, 1, 1), date(2030, 12, 31))
RULES = st.builds(
    Rule,
    repeat=st.sampled_from(Repeat),
    times=st.lists(st.times().map(lambda t: t.replace(microsecond=0)), min_size=1, max_size=4),
    from_day=DAYS,
    until_day=st.none(),
    every=st.integers(1, 5),
    weekdays=st.lists(st.integers(0, 6), min_size=1, max_size=7),
    month_days=st.lists(st.sampled_from([1, 15, 29, 30, 31, -1]), min_size=1),
    which=st.lists(st.sampled_from([1, 2, 4, -1]), min_size=1),
    seasons=st.lists(
        st.builds(
            Season,
            first=st.tuples(st.integers(1, 12), st.integers(1, 28)),
            last=st.tuples(st.integers(1, 12), st.integers(1, 28)),
            times=st.lists(st.times().map(lambda t: t.replace(microsecond=0)), min_size=1, max_size=2),
        ),
        max_size=2,
    ),
    except_days=st.lists(DAYS, max_size=3),
    extra_days=st.lists(DAYS, max_size=3),
    holidays=st.sampled_from(Holidays),
    tet=st.sampled_from(Holidays),
)
ZONES = st.sampled_from([HANOI, BERLIN, ZoneInfo("Pacific/Apia"), ZoneInfo("America/St_Johns")])
WHEN = st.datetimes(datetime(2026, 1, 1), datetime(2030, 12, 1), timezones=st.just(UTC))  # noqa: DTZ001


@given(
    RULES, ZONES, WHEN, st.timedeltas(timedelta(0), timedelta(days=40)), st.timedeltas(timedelta(0), timedelta(days=40))
)
def test_two_stretches_side_by_side_hold_what_the_whole_holds(
    made: Rule, zone: ZoneInfo, start: datetime, first: timedelta, second: timedelta
) -> None:
    """Whatever the steps in which the plan goes ahead: nothing is lost between them, nothing is there twice."""
    made, middle, end = made.check(), start + first, start + first + second
    whole = instants(made, zone, start, end)
    assert instants(made, zone, start, middle) + instants(made, zone, middle, end) == whole
    assert whole == sorted(set(whole))


@given(RULES, ZONES, WHEN)
def test_what_is_shown_as_next_is_what_is_planned(made: Rule, zone: ZoneInfo, now: datetime) -> None:
    made = made.check()
    planned = instants(made, zone, now + TICK, now + timedelta(days=30))
    shown = next_instants(made, zone, now, 10)
    assert shown[: len(planned)] == planned[: len(shown)]
