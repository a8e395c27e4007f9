"""Titles and names as people type them."""

import unicodedata

import pytest

from parsing.titles import LONGEST_TITLE, parse_title
from runtime.refusal import Refusal


def test_a_title_is_kept_composed_and_without_blanks_around_it() -> None:
    title = "Bản tin trưa – 20/11 🇻🇳"
    assert parse_title(f"\n {unicodedata.normalize('NFD', title)}\xa0\r\n") == title


@pytest.mark.parametrize(
    "typed",
    [
        "a" * (LONGEST_TITLE + 1),
        "a" * 5000,
        "Bản\ntin",
        "Bản\u200btin",
        "\u200b",
        "\u200e\u202eTin",
        "Tin\x00",
        "Tin\x1b[0m",
        "Tin\u2028trưa",
        "\u3164",
        "\u2800",
        "\ud800",
        "a" + "\u0301" * 30,
    ],
)
def test_a_title_that_is_too_long_or_not_what_it_looks_like_is_refused(typed: str) -> None:
    with pytest.raises(Refusal):
        parse_title(typed)
