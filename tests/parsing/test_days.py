"""Days as people type them."""

from contextlib import suppress
from datetime import date

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsing.days import parse_day, parse_days, parse_month_day, parse_month_days
from runtime.refusal import Refusal


@pytest.mark.parametrize(
    "typed",
    [
        "2/12/26",
        "2-12-26",
        "2/12/2026",
        "02.12.2026",
        "2-12-2026",
        "2 12 2026",
        "2026-12-02",
        "2026/12/2",
        "ngày 2 tháng 12 năm 2026",
        " 2/12/2026 00:00",
    ],
)
def test_a_day_is_read_day_before_month(typed: str) -> None:
    assert parse_day(typed) == date(2026, 12, 2)


@pytest.mark.parametrize(
    "typed",
    [
        "31/2/2027",
        "12/31/2026",
        "2/12",
        "2/12/0026",
        "1/1/0001",
        "9999-12-31",
        "26/12/02",
        "2/12/126",
        "02122026",
        "2026-W49-3",
        "2026-12-02T05:00+07:00",
        "2²/12/2026",
        "nan",
        "",
        "mai",
        "\x00",
    ],
)
def test_a_day_that_is_none_or_ambiguous_is_refused(typed: str) -> None:
    with pytest.raises(Refusal):
        parse_day(typed)


def test_a_table_wants_four_digits_for_the_year() -> None:
    with pytest.raises(Refusal, match="four digits"):
        parse_day("12/2/26", short_year=False)


@pytest.mark.parametrize("typed", ["2/9/2026, 2026-09-03", "2/9/26;3/9/26", "3/9/2026 2/9/2026", "2/9/2026\n3-9-2026,"])
def test_single_days_stand_in_one_field(typed: str) -> None:
    assert parse_days(typed) == [date(2026, 9, 2), date(2026, 9, 3)]


@pytest.mark.parametrize(
    ("typed", "days"),
    [
        ("1, 15, cuối", [1, 15, -1]),
        ("cuoi", [-1]),
        ("cuo\u0302\u0301i", [-1]),
        ("ngày cuối", [-1]),
        ("1 15", [1, 15]),
        ("ngày 1 và ngày cuối tháng", [1, -1]),
        ("last", [-1]),
    ],
)
def test_days_of_the_month_are_read_with_and_without_diacritics(typed: str, days: list[int]) -> None:
    assert parse_month_days(typed) == days


@pytest.mark.parametrize("typed", ["0", "32", "²", "1,5x", "-2", "nan"])
def test_no_day_of_the_month_is_refused_with_its_own_sentence(typed: str) -> None:
    with pytest.raises(Refusal, match="no day of the month"):
        parse_month_days(typed)


def test_a_season_has_days_that_exist() -> None:
    assert parse_month_day("29/2") == (2, 29)
    assert parse_month_day("15 tháng 10") == parse_month_day("15-10") == (10, 15)
    for typed in ("31/2", "0/1", "15", "²/10", "15/10/2026"):
        with pytest.raises(Refusal):
            parse_month_day(typed)


@given(st.text(max_size=30) | st.from_regex(r"[0-9:./ -]{0,14}", fullmatch=True))
def test_any_text_is_read_or_refused(typed: str) -> None:
    for parser in (parse_day, parse_days, parse_month_day, parse_month_days):
        with suppress(Refusal):
            parser(typed)


@given(st.dates(date(2000, 1, 1), date(2099, 12, 31)), st.sampled_from(["/", "-", "."]))
def test_a_day_keeps_its_place_in_every_spelling(day: date, sign: str) -> None:
    assert parse_day(f"{day.day}{sign}{day.month}{sign}{day.year}") == parse_day(day.isoformat()) == day
