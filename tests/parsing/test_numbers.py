"""Numbers as people type them."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from parsing.numbers import MOST_INTEGER, parse_number, parse_percent, parse_whole, row_number
from runtime.refusal import Refusal


@pytest.mark.parametrize(("typed", "number"), [("2,5", 2.5), ("2.5", 2.5), ("-3", -3), ("12 ms", 12), ("0,125", 0.125)])
def test_a_number_has_a_comma_or_a_point(typed: str, number: float) -> None:
    assert parse_number(typed) == number


@pytest.mark.parametrize("typed", ["nan", "inf", "Infinity", "1e5", "²", "½", "１２", "1.000", "2,500", "", "9" * 400])
def test_no_number_or_an_ambiguous_one_is_refused(typed: str) -> None:
    with pytest.raises(Refusal):
        parse_number(typed)


def test_degrees_may_have_three_decimals() -> None:
    assert parse_number("105.683", three_decimals=True) == 105.683


@pytest.mark.parametrize("typed", ["²", "1.5", "99999999999", "nan", "", "1_000", "9" * 5000])
def test_no_whole_number_is_refused(typed: str) -> None:
    with pytest.raises(Refusal):
        parse_whole(typed)


@pytest.mark.parametrize("typed", ["²", "-1", "1.0", "", str(MOST_INTEGER + 1), "9" * 30, "٣"])
def test_what_can_be_no_row_is_no_row_number(typed: str) -> None:
    assert row_number(typed) is None


@given(st.text(max_size=20))
def test_any_text_is_read_or_refused(typed: str) -> None:
    for parser in (parse_number, parse_whole, parse_percent):
        with suppress(Refusal):
            parser(typed)
