"""Which row a typed name identifies."""

import pytest

from parsing.names import NameIndex, name_key, told_apart
from runtime.refusal import Refusal

VILLAGES = NameIndex([("Thôn Hạ", 1), ("Thôn Hà", 2), ("Thôn Hòa Bình", 3), ("Thôn Đông", 4)])


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("Thôn Hòa Bình", "Thôn Hoà Bình"),
        ("thôn hòa bình", "THÔN HÒA BÌNH"),
        ("Thủy", "Thuỷ"),
        ("Khỏe", "Khoẻ"),
        ("Thôn  5 ", "thôn\xa05"),
        ("Tho\u0302n Ha\u0323", "Thôn Hạ"),
        ("Ðông", "Đông"),
    ],
)
def test_spellings_of_one_name_are_one_name(one: str, other: str) -> None:
    assert name_key(one) == name_key(other)


@pytest.mark.parametrize(
    ("one", "other"), [("Hạ", "Hà"), ("Nguyễn", "Nguyên"), ("Đông", "Dông"), ("Thôn 1", "Thôn 11"), ("Lương", "Lường")]
)
def test_names_that_differ_by_a_mark_are_two_names(one: str, other: str) -> None:
    assert name_key(one) != name_key(other)


def test_the_exact_name_decides() -> None:
    assert [VILLAGES.find(name) for name in ("Thôn Hạ", "thôn hà", "Thôn Hoà Bình")] == [1, 2, 3]


def test_a_name_without_diacritics_finds_the_only_one_that_fits() -> None:
    assert VILLAGES.find("thon hoa binh") == 3
    assert VILLAGES.find("Thôn Hoa Bình") == 3


def test_a_name_that_fits_several_is_refused_with_their_names() -> None:
    with pytest.raises(Refusal, match=r"“Thôn Hạ”, “Thôn Hà”"):
        VILLAGES.find("Thon Ha")


@pytest.mark.parametrize("name", ["Thôn Hả", "Thôn Dông", "Thôn Hoá Bình", "Thôn"])
def test_another_tone_is_another_name(name: str) -> None:
    assert VILLAGES.find(name) is None


def test_two_of_one_name_are_refused() -> None:
    with pytest.raises(Refusal, match="2 entries"):
        NameIndex([("Thôn 5", "a"), ("thôn 5", "b")]).find("Thôn 5")


def test_rows_of_one_name_are_told_apart_by_their_id() -> None:
    assert told_apart([("a-5", "Thôn 5"), ("b-5", "THÔN 5"), ("a-6", "Thôn 6")]) == {
        "a-5": "Thôn 5 (a-5)",
        "b-5": "THÔN 5 (b-5)",
        "a-6": "Thôn 6",
    }
