"""When others than an emergency may sound, and how loud: one rule for page, plan and receiver."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.allowed_hours import AllowedHours, NightLevel, OnDaysOff, allowed, night_volume_percent, open_minutes, shut

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
EVERY_DAY = list(range(7))
#: Independence Day 2026 is a Wednesday.
HOLIDAY = date(2026, 9, 2)


def at(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=VIETNAM)


def hours(start: int, end: int, **more: object) -> AllowedHours:
    return AllowedHours(**{"weekdays": EVERY_DAY, "from_minute": start * 60, "until_minute": end * 60, **more})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("instant", "may"),
    [
        ("2026-11-18 04:59:59.999999", False),
        ("2026-11-18 05:00:00", True),
        ("2026-11-18 20:59:59.999999", True),
        ("2026-11-18 21:00:00", False),
    ],
)
def test_both_sides_of_both_edges(instant: str, may: bool) -> None:
    assert allowed([hours(5, 21)], [], VIETNAM, at(instant)) is may


def test_until_midnight_is_until_the_last_moment_of_the_day() -> None:
    late = [hours(22, 24)]
    assert allowed(late, [], VIETNAM, at("2026-11-18 23:59:59.999999"))
    assert not allowed(late, [], VIETNAM, at("2026-11-19 00:00"))


def test_without_any_hours_there_is_no_limit_and_with_hours_of_other_days_there_is_no_opening() -> None:
    assert allowed([], [], VIETNAM, at("2026-11-18 03:15"))
    assert not allowed([hours(5, 21, weekdays=[5, 6])], [], VIETNAM, at("2026-11-18 12:00"))


@pytest.mark.parametrize(
    ("day", "may"),
    [
        ("2026-10-14", False),
        ("2026-10-15", True),
        ("2026-12-31", True),
        ("2027-01-01", True),
        ("2027-03-15", True),
        ("2027-03-16", False),
    ],
)
def test_a_season_holds_from_its_first_day_to_its_last_over_the_new_year(day: str, may: bool) -> None:
    winter = hours(5, 21, season_first="10-15", season_last="03-15")
    assert allowed([winter], [], VIETNAM, at(f"{day} 12:00")) is may


@pytest.mark.parametrize(
    ("on_days_off", "on_holiday", "on_another_day"),
    [(OnDaysOff.ALIKE, True, True), (OnDaysOff.NOT, False, True), (OnDaysOff.ONLY, True, False)],
)
def test_public_holidays_may_be_alike_or_not_or_alone(
    on_days_off: OnDaysOff, on_holiday: bool, on_another_day: bool
) -> None:
    rule = [hours(5, 21, days_off=on_days_off)]
    assert allowed(rule, [HOLIDAY], VIETNAM, at("2026-09-02 12:00")) is on_holiday
    assert allowed(rule, [HOLIDAY], VIETNAM, at("2026-09-03 12:00")) is on_another_day


def test_commune_and_zone_must_both_allow() -> None:
    both = [hours(5, 21), hours(6, 8, zone="school"), hours(16, 22, zone="school")]
    assert open_minutes(both, date(2026, 11, 18), False) == [(360, 480), (960, 1260)]
    never = [hours(5, 21), hours(22, 23, zone="hospital")]
    assert open_minutes(never, date(2026, 11, 18), False) == []


def test_what_is_shut_of_a_stretch_is_told_to_the_instant_over_midnight_too() -> None:
    found = shut([hours(5, 21)], [], VIETNAM, at("2026-11-18 20:50"), at("2026-11-19 05:10"))
    assert found == [(at("2026-11-18 21:00"), at("2026-11-19 05:00"))]
    assert shut([hours(5, 21)], [], VIETNAM, at("2026-11-18 20:50"), at("2026-11-18 21:00")) == []
    assert shut([hours(5, 21)], [], VIETNAM, at("2026-11-18 21:00"), at("2026-11-18 21:00:01")) != []


@pytest.mark.parametrize(
    ("clock", "percent"), [("21:59", 100), ("22:00", 30), ("23:59", 30), ("00:00", 30), ("04:59", 30), ("05:00", 100)]
)
def test_the_night_level_holds_over_midnight(clock: str, percent: int) -> None:
    night = [NightLevel(from_minute=22 * 60, until_minute=5 * 60, volume_percent=30)]
    assert night_volume_percent(night, VIETNAM, at(f"2026-11-18 {clock}")) == percent


def test_of_two_night_levels_the_lower_counts() -> None:
    levels = [
        NightLevel(from_minute=0, until_minute=300, volume_percent=40),
        NightLevel(from_minute=0, until_minute=60, volume_percent=20),
    ]
    assert night_volume_percent(levels, VIETNAM, at("2026-11-18 00:59")) == 20
    assert night_volume_percent(levels, VIETNAM, at("2026-11-18 01:00")) == 40


rules = st.lists(
    st.builds(
        lambda days, a, b, off, zone, season: AllowedHours(
            weekdays=sorted(days),
            from_minute=min(a, b),
            until_minute=max(a, b) + 1,
            days_off=off,
            zone=zone,
            season_first=season[0],
            season_last=season[1],
        ),
        st.sets(st.integers(0, 6)),
        st.integers(0, 1439),
        st.integers(0, 1439),
        st.sampled_from(OnDaysOff),
        st.sampled_from(["", "a", "b"]),
        st.sampled_from([("", ""), ("10-15", "03-15"), ("04-01", "10-14")]),
    ),
    max_size=6,
)


@given(rules, st.integers(0, 60 * 24 * 365), st.integers(1, 60 * 36), st.booleans())
def test_what_is_shut_and_what_is_allowed_say_the_same_at_every_minute(
    hours: list[AllowedHours], from_minute: int, minutes: int, holiday: bool
) -> None:
    start = datetime(2026, 1, 1, tzinfo=VIETNAM) + timedelta(minutes=from_minute)
    end = start + timedelta(minutes=minutes)
    days_off = [(start + timedelta(days=1)).date()] if holiday else []
    closed = shut(hours, days_off, VIETNAM, start, end)
    for minute in {0, minutes // 3, minutes // 2, minutes - 1}:
        instant = start + timedelta(minutes=minute)
        inside = any(since <= instant < until for since, until in closed)
        assert inside is not allowed(hours, days_off, VIETNAM, instant)
    assert all(a[1] < b[0] for a, b in pairwise(closed))


def test_in_a_zone_with_summer_time_hours_follow_the_wall_clock() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    for day, utc_hour in ((date(2026, 3, 28), 4), (date(2026, 3, 29), 3)):
        opens = datetime.combine(day, time(utc_hour), tzinfo=UTC)
        assert allowed([hours(5, 21)], [], berlin, opens)
        assert not allowed([hours(5, 21)], [], berlin, opens - timedelta(microseconds=1))
