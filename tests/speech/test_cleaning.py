"""Pasted text: what is removed from it, and what is refused."""

import pytest

from runtime.refusal import Refusal
from speech.cleaning import MOST_CHARACTERS, clean


def test_control_characters_and_direction_marks_are_removed_and_counted() -> None:
    cleaned = clean("Xã\u202e Tân\x00 An\u200b\x07")
    assert (cleaned.text, cleaned.invisible) == ("Xã Tân An", 4)


def test_tags_are_removed_and_a_script_with_what_it_holds() -> None:
    cleaned = clean("<p class='x'>Mời họp</p><script>alert(1)</script> 5 < 6")
    assert (" ".join(cleaned.text.split()), cleaned.tags) == ("Mời họp 5 < 6", 3)


def test_letters_are_composed_and_line_breaks_are_one_kind() -> None:
    assert clean("Tho\u0302ng ba\u0301o\r\nxã\rấp\u2028thôn\x0bbản").text == "Thông báo\nxã\nấp\nthôn\nbản"


def test_marks_piled_on_one_letter_are_removed() -> None:
    cleaned = clean("a" + "\u0301\u0335\u0336\u0337\u0338" * 20)
    assert cleaned.invisible > 90


def test_a_text_above_the_limit_is_refused_with_the_numbers() -> None:
    clean("a" * MOST_CHARACTERS)
    with pytest.raises(Refusal, match="100001 characters"):
        clean("a" * (MOST_CHARACTERS + 1))
