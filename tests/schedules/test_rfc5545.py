"""Recurrence against RFC 5545's own examples (§3.8.5.3, in New York), seasons, single days, holidays and Tết."""

from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest

from noise.days_off import day_off, is_tet, tet
from schedules.recurrence import Holidays, Repeat, Rule, Season, days, instants

HANOI, NEW_YORK = ZoneInfo("Asia/Ho_Chi_Minh"), ZoneInfo("America/New_York")
NINE = time(9)


def listed(*words: str) -> list[date]:
    """1997 by month: "Sep 2 9 16"."""
    found = []
    for word in words:
        month, *of = word.split()
        year = 1998 if month.endswith("98") else 1997
        found += [datetime.strptime(f"{year} {month[:3]} {day}", "%Y %b %d").date() for day in of]  # noqa: DTZ007
    return found


@pytest.mark.parametrize(
    ("name", "rule", "until", "due"),
    [
        ("DAILY;COUNT=10", {"repeat": Repeat.DAILY}, date(1997, 9, 11), listed("Sep 2 3 4 5 6 7 8 9 10 11")),
        (
            "DAILY;INTERVAL=10;COUNT=5",
            {"repeat": Repeat.DAILY, "every": 10},
            date(1997, 10, 12),
            listed("Sep 2 12 22", "Oct 2 12"),
        ),
        (
            "DAILY;INTERVAL=2, September",
            {"repeat": Repeat.DAILY, "every": 2},
            date(1997, 9, 30),
            listed("Sep 2 4 6 8 10 12 14 16 18 20 22 24 26 28 30"),
        ),
        (
            "WEEKLY;UNTIL=19971007T000000Z;WKST=SU;BYDAY=TU,TH",
            {"repeat": Repeat.WEEKLY, "weekdays": [1, 3]},
            date(1997, 10, 2),
            listed("Sep 2 4 9 11 16 18 23 25 30", "Oct 2"),
        ),
        (
            "WEEKLY;INTERVAL=2;BYDAY=TU",
            {"repeat": Repeat.WEEKLY, "weekdays": [1], "every": 2},
            date(1997, 11, 11),
            listed("Sep 2 16 30", "Oct 14 28", "Nov 11"),
        ),
        (
            "WEEKLY;INTERVAL=2;COUNT=8;BYDAY=TU,TH",
            {"repeat": Repeat.WEEKLY, "weekdays": [1, 3], "every": 2},
            date(1997, 10, 16),
            listed("Sep 2 4 16 18 30", "Oct 2 14 16"),
        ),
        (
            "MONTHLY;COUNT=10;BYDAY=1FR",
            {"repeat": Repeat.MONTHLY_BY_WEEKDAY, "weekdays": [4], "which": [1], "from_day": date(1997, 9, 5)},
            date(1998, 2, 6),
            listed("Sep 5", "Oct 3", "Nov 7", "Dec 5", "Jan98 2", "Feb98 6"),
        ),
        (
            "MONTHLY;INTERVAL=2;COUNT=10;BYDAY=1SU,-1SU",
            {
                "repeat": Repeat.MONTHLY_BY_WEEKDAY,
                "weekdays": [6],
                "which": [1, -1],
                "every": 2,
                "from_day": date(1997, 9, 7),
            },
            date(1998, 3, 29),
            listed("Sep 7 28", "Nov 2 30", "Jan98 4 25", "Mar98 1 29"),
        ),
        (
            "MONTHLY;COUNT=10;BYMONTHDAY=2,15",
            {"repeat": Repeat.MONTHLY_BY_DAY, "month_days": [2, 15]},
            date(1998, 1, 15),
            listed("Sep 2 15", "Oct 2 15", "Nov 2 15", "Dec 2 15", "Jan98 2 15"),
        ),
        (
            "MONTHLY;COUNT=10;BYMONTHDAY=1,-1",
            {"repeat": Repeat.MONTHLY_BY_DAY, "month_days": [1, -1], "from_day": date(1997, 9, 30)},
            date(1998, 1, 31),
            listed("Sep 30", "Oct 1 31", "Nov 1 30", "Dec 1 31", "Jan98 1 31"),
        ),
        (
            "a month without a 31st is left out",
            {"repeat": Repeat.MONTHLY_BY_DAY, "month_days": [31]},
            date(1998, 1, 31),
            listed("Oct 31", "Dec 31", "Jan98 31"),
        ),
    ],
)
def test_the_examples_of_the_standard(name: str, rule: dict[str, object], until: date, due: list[date]) -> None:
    made = Rule(**{"times": [NINE], "from_day": date(1997, 9, 2)} | rule).check()  # type: ignore[arg-type]
    assert days(made, date(1997, 1, 1), until) == due, name
    found = instants(made, NEW_YORK, datetime(1997, 1, 1, tzinfo=UTC), datetime(1998, 12, 1, tzinfo=UTC))
    local = [at.astimezone(NEW_YORK) for at in found]
    assert [at.date() for at in local][: len(due)] == due
    assert {at.time() for at in local} == {NINE}


def test_what_is_counted_from_a_first_day_does_not_depend_on_where_one_looks() -> None:
    made = Rule(repeat=Repeat.DAILY, every=7, times=[NINE], from_day=date(2026, 12, 30)).check()
    whole = days(made, date(2026, 1, 1), date(2029, 12, 31))
    assert [b - a for a, b in pairwise(whole)] == [timedelta(days=7)] * (len(whole) - 1)
    assert days(made, date(2028, 1, 1), date(2028, 12, 31)) == [day for day in whole if day.year == 2028]


WINTER = Season(first=(10, 16), last=(4, 14), times=[time(5, 30)])


@pytest.mark.parametrize(
    ("day", "at"),
    [
        (date(2026, 10, 15), time(5)),
        (date(2026, 10, 16), time(5, 30)),
        (date(2026, 12, 31), time(5, 30)),
        (date(2027, 1, 1), time(5, 30)),
        (date(2027, 4, 14), time(5, 30)),
        (date(2027, 4, 15), time(5)),
    ],
)
def test_winter_hours_reach_over_the_new_year(day: date, at: time) -> None:
    made = Rule(repeat=Repeat.DAILY, times=[time(5)], from_day=date(2026, 1, 1), seasons=[WINTER]).check()
    start = datetime.combine(day, time(), tzinfo=HANOI)
    [found] = instants(made, HANOI, start, start + timedelta(days=1))
    assert found.astimezone(HANOI).time() == at


def test_single_days_are_left_out_and_added_and_an_added_day_counts_on_a_holiday() -> None:
    made = Rule(
        repeat=Repeat.WEEKLY,
        weekdays=[0],
        times=[NINE],
        from_day=date(2026, 11, 1),
        until_day=date(2026, 11, 30),
        except_days=[date(2026, 11, 16)],
        extra_days=[date(2026, 11, 24), date(2027, 1, 1)],
        holidays=Holidays.NOT,
    ).check()
    assert day_off(date(2026, 11, 24)) == "Ngày Văn hóa Việt Nam"
    assert days(made, date(2026, 10, 1), date(2027, 6, 1)) == [
        date(2026, 11, 2),
        date(2026, 11, 9),
        date(2026, 11, 23),
        date(2026, 11, 24),
        date(2026, 11, 30),
        date(2027, 1, 1),
    ]


@pytest.mark.parametrize(
    ("first", "eve"),
    [
        (date(2026, 2, 17), date(2026, 2, 16)),
        (date(2027, 2, 6), date(2027, 2, 5)),
        # Vietnam's new year is a day before China's in these.
        (date(2030, 2, 2), date(2030, 2, 1)),
        (date(2053, 2, 18), date(2053, 2, 17)),
    ],
)
def test_tet_by_the_vietnamese_calendar(first: date, eve: date) -> None:
    assert tet(first.year) == first
    daily = {"repeat": Repeat.DAILY, "times": [time(0, 5)], "from_day": date(2026, 1, 1)}
    only = Rule(**daily, tet=Holidays.ONLY).check()  # type: ignore[arg-type]
    without = Rule(**daily, tet=Holidays.NOT).check()  # type: ignore[arg-type]
    around = eve - timedelta(days=1), first + timedelta(days=5)
    expected = [eve + timedelta(days=k) for k in range(6)]
    assert days(only, *around) == expected
    assert days(without, *around) == list(around)
    assert not is_tet(around[0])
    assert is_tet(eve)


def test_the_governments_swapped_days_are_days_off() -> None:
    # 2026: Monday 31 August off, worked in on Saturday 22 August.
    made = Rule(repeat=Repeat.DAILY, times=[NINE], from_day=date(2026, 8, 1), holidays=Holidays.NOT).check()
    found = days(made, date(2026, 8, 21), date(2026, 9, 3))
    assert date(2026, 8, 31) not in found
    assert date(2026, 8, 22) in found
    only = Rule(repeat=Repeat.DAILY, times=[NINE], from_day=date(2026, 8, 1), holidays=Holidays.ONLY).check()
    assert days(only, date(2026, 8, 21), date(2026, 9, 3)) == [date(2026, 8, 31), date(2026, 9, 1), date(2026, 9, 2)]
