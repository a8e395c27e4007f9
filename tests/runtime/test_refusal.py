"""Refusals."""

from runtime.refusal import N_, NotFound, Refusal


def test_a_refusal_says_its_sentence_with_the_values_in_it() -> None:
    refusal = Refusal(N_("{file} is no sound"), file="a.txt")
    assert str(refusal) == "a.txt is no sound"
    assert (refusal.message_id, refusal.values) == ("{file} is no sound", {"file": "a.txt"})


def test_what_is_not_found_is_a_refusal_too() -> None:
    assert isinstance(NotFound(N_("There is no such clip.")), Refusal)
