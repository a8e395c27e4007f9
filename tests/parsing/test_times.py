"""Times of day and lengths of time as people type them."""

from contextlib import suppress
from datetime import time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsing.times import parse_minute_of_day, parse_minutes, parse_seconds, parse_time, parse_times
from runtime.refusal import Refusal


@pytest.mark.parametrize(
    ("typed", "means"),
    [
        ("17.30", time(17, 30)),
        ("05.30", time(5, 30)),
        ("17:30", time(17, 30)),
        ("17h30", time(17, 30)),
        ("17H30", time(17, 30)),
        ("17g30", time(17, 30)),
        ("17 giờ 30", time(17, 30)),
        ("17 giờ 30 phút", time(17, 30)),
        ("17h30p", time(17, 30)),
        ("17h30'", time(17, 30)),
        ("5 giờ rưỡi", time(5, 30)),
        ("5 gio\u031b\u0300 ru\u031bo\u031b\u0303i", time(5, 30)),
        ("1730", time(17, 30)),
        ("0500", time(5)),
        ("5:00", time(5)),
        ("5h", time(5)),
        ("5h00", time(5)),
        ("05h00", time(5)),
        ("5h5p", time(5, 5)),
        ("17", time(17)),
        ("5 giờ chiều", time(17)),
        ("5 giờ sáng", time(5)),
        ("1h trưa", time(13)),
        ("12h trưa", time(12)),
        ("7 giờ tối", time(19)),
        ("5:00 PM", time(17)),
        ("12:15 am", time(0, 15)),
        (" 05:00:30 ", time(5, 0, 30)),
        ("00:00", time(0)),
    ],
)
def test_a_time_is_read_as_vietnamese_offices_write_it(typed: str, means: time) -> None:
    assert parse_time(typed) == means


@pytest.mark.parametrize(
    "typed",
    [
        "17.3",
        "17:5",
        "5h3",
        "17.60",
        "24:00",
        "25h",
        "530",
        "17h60",
        "05:00+07:00",
        "05:00Z",
        "05:00 UTC",
        "05:00:00.5",
        "2026-12-01T05:00",
        "17,05",
        "17²",
        "１７:３０",
        "-5:00",
        "13h sáng",
        "12h tối",
        "sáng",
        "nan",
        "",
        "\x00",
        "9" * 5000,
    ],
)
def test_what_is_ambiguous_zoned_or_no_time_is_refused(typed: str) -> None:
    with pytest.raises(Refusal) as refused:
        parse_time(typed)
    assert len(str(refused.value)) < 200


@pytest.mark.parametrize("typed", ["05:00+07:00", "05:00Z", "5:00 GMT+7"])
def test_a_zone_is_named_as_the_reason(typed: str) -> None:
    with pytest.raises(Refusal, match="time zone"):
        parse_times(typed)


@pytest.mark.parametrize(
    ("typed", "means"),
    [
        ("05:00, 17.30", [time(5), time(17, 30)]),
        ("17h30;5h", [time(5), time(17, 30)]),
        ("05:00 17:30", [time(5), time(17, 30)]),
        ("5h 17h30", [time(5), time(17, 30)]),
        ("5h và 17h", [time(5), time(17)]),
        ("5, 17", [time(5), time(17)]),
        ("5h 30", [time(5, 30)]),
        ("5 giờ\n5:00", [time(5)]),
        ("05:00,17:30", [time(5), time(17, 30)]),
    ],
)
def test_several_times_stand_in_one_field(typed: str, means: list[time]) -> None:
    assert parse_times(typed) == means


@pytest.mark.parametrize("typed", ["17,05", "5,11", "17,30", "5 17", "05:00-05:30", "", ",", "05:00 mai"])
def test_a_list_that_can_be_read_in_two_ways_is_refused(typed: str) -> None:
    with pytest.raises(Refusal):
        parse_times(typed)


@pytest.mark.parametrize(
    ("typed", "minute"), [("05.30", 330), ("5h30", 330), ("24:00", 1440), ("24h", 1440), ("24", 1440), ("0h", 0)]
)
def test_allowed_hours_are_read_by_the_same_rules(typed: str, minute: int) -> None:
    assert parse_minute_of_day(typed) == minute


@pytest.mark.parametrize(
    ("typed", "seconds"),
    [("2,5", 2.5), ("2.5", 2.5), ("2", 2), ("2,5 giây", 2.5), ("1 phút 30 giây", 90), ("1 phút", 60), ("3 s", 3)],
)
def test_a_pause_is_read_with_comma_or_point(typed: str, seconds: float) -> None:
    assert parse_seconds(typed) == seconds


@pytest.mark.parametrize("typed", ["nan", "inf", "-inf", "1e3", "2²", "", "hai", "1,5,5", "9" * 400])
def test_no_length_of_time_is_refused(typed: str) -> None:
    with pytest.raises(Refusal):
        parse_seconds(typed)


@pytest.mark.parametrize(("typed", "minutes"), [("90", 90), ("90 phút", 90), ("1h30", 90), ("2 giờ", 120)])
def test_minutes_are_read_with_or_without_hours(typed: str, minutes: int) -> None:
    assert parse_minutes(typed) == minutes


@given(st.text(max_size=30) | st.from_regex(r"[0-9:.,hg /+-]{0,12}", fullmatch=True))
def test_any_text_is_read_or_refused(typed: str) -> None:
    for parser in (parse_time, parse_times, parse_minute_of_day, parse_seconds, parse_minutes):
        with suppress(Refusal):
            parser(typed)


@given(st.times(), st.sampled_from([":", "h", "g", ".", " giờ "]))
def test_a_time_keeps_its_hour_and_minute_in_every_spelling(at: time, sign: str) -> None:
    assert parse_times(f"{at.hour}{sign}{at.minute:02}") == [time(at.hour, at.minute)]
