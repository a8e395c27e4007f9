"""Refusals."""

import pytest

from runtime.refusal import N_, NotFound, Refusal, as_text, from_text


def test_a_refusal_says_its_sentence_with_the_values_in_it() -> None:
    refusal = Refusal(N_("{file} is no sound"), file="a.txt")
    assert str(refusal) == "a.txt is no sound"
    assert (refusal.message_id, refusal.values) == ("{file} is no sound", {"file": "a.txt"})


def test_what_is_not_found_is_a_refusal_too() -> None:
    assert isinstance(NotFound(N_("There is no such clip.")), Refusal)


@pytest.mark.parametrize("text", ["", "thẻ nhớ", "[]", "1", '{"values": {}}', '{"message_id": "x", "values": 1}'])
def test_a_reason_that_a_table_does_not_hold_is_none(text: str) -> None:
    assert from_text(text) is None
    kept = from_text(as_text(Refusal(N_("{file} is no sound"), file="a.txt")))
    assert str(kept) == "a.txt is no sound"
