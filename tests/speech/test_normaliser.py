"""How text is read aloud: the table of cases, and what must hold for every text."""

import functools
import re
import time
from collections import Counter
from pathlib import Path

import pytest

from speech.cleaning import clean
from speech.normaliser import normalise
from speech.numbers import SOUTH, cardinal, roman
from speech.reading import PieceKind, Reading
from speech.syllables import is_syllable, split_toneless

TABLE = Path(__file__).parent / "readings.tsv"
#: Classes that the table covers, each with at least this many cases.
FEWEST = {
    "number": 40,
    "ordinal": 15,
    "date": 60,
    "fraction": 20,
    "hour": 30,
    "money": 25,
    "unit": 50,
    "phone": 20,
    "plate": 8,
    "code": 20,
    "roman": 20,
    "legal": 30,
    "abbreviation": 60,
    "web": 8,
    "capitals": 12,
    "name": 40,
    "foreign": 25,
    "score": 4,
    "math": 8,
    "list": 10,
    "sign": 20,
    "clean": 6,
}


@functools.cache
def cases() -> list[tuple[str, str, str]]:
    rows = [line.split("\t") for line in TABLE.read_text(encoding="utf-8").splitlines() if not line.startswith("# ")]
    return [(kind, _unescaped(typed), spoken) for kind, typed, spoken in rows]


def _unescaped(typed: str) -> str:
    """Invisible characters are written as \\uXXXX in the table."""
    return re.sub(r"\\u([0-9a-f]{4})", lambda match: chr(int(match[1], 16)), typed)


def read(text: str) -> Reading:
    return normalise(clean(text).text)


def test_every_case_of_the_table_is_read_as_it_says() -> None:
    wrong = [(typed, read(typed).spoken, spoken) for _, typed, spoken in cases() if read(typed).spoken != spoken]
    assert wrong == []


def test_the_table_covers_every_class() -> None:
    counts = Counter(kind for kind, _, _ in cases())
    assert sum(counts.values()) >= 400
    assert {kind: counts[kind] for kind, fewest in FEWEST.items() if counts[kind] < fewest} == {}


def test_no_digit_and_no_sign_is_left_for_the_engine() -> None:
    left = [
        (typed, read(typed).spoken) for _, typed, _ in cases() if re.search(r"[\d%&/@+=<>°²³\"()]", read(typed).spoken)
    ]
    assert left == []


def test_pieces_are_in_order_and_each_names_what_was_typed() -> None:
    for _, typed, _ in cases():
        reading = read(typed)
        ends = [0, *(piece.end for piece in reading.pieces)]
        starts = [*(piece.start for piece in reading.pieces), len(reading.text)]
        assert all(end <= start for end, start in zip(ends, starts, strict=True)), typed
        between = "".join(reading.text[end:start] for end, start in zip(ends, starts, strict=True))
        assert between.strip() == "", typed


def test_reading_what_was_spoken_changes_nothing() -> None:
    spoken = "ủy ban nhân dân xã họp ngày mùng hai tháng chín, lúc năm giờ ba mươi phút."
    assert read(spoken).spoken == spoken


@pytest.mark.parametrize(
    ("typed", "spoken"),
    [("ngày 2/9", "ngày mùng hai tháng chín"), ("NĐ-CP", "nghị định Chính phủ")],
)
def test_ngay_is_said_once_and_a_decree_is_no_share(typed: str, spoken: str) -> None:
    assert read(typed).spoken == spoken


def test_what_can_be_meant_otherwise_is_marked_with_the_other_reading() -> None:
    (piece,) = read("Họp dân 5/6").risky
    assert piece.spoken == "mùng năm tháng sáu"
    assert piece.alternatives == ("năm phần sáu",)
    assert read("ngày 5/6").risky == []


def test_unknown_capitals_are_spelled_and_marked() -> None:
    (piece,) = read("máy XKW mới").risky
    assert (piece.kind, piece.spoken) == (PieceKind.SPELLED, "ích ca vê kép")


def test_a_correction_of_the_commune_comes_before_every_rule() -> None:
    corrections = {"TT": "trung tâm", "zalo": "za lô", "30/4": "ba mươi tháng tư"}
    reading = normalise("TT Sóc Sơn có Zalo, 30/4 hộ, TTX", corrections)
    assert reading.spoken.startswith("trung tâm Sóc Sơn có za lô, ba mươi tháng tư hộ")
    assert [piece.kind for piece in reading.pieces].count(PieceKind.CORRECTED) == 3


def test_the_south_says_le_and_ngan() -> None:
    assert normalise("1.105 hộ", dialect=SOUTH).spoken == "một ngàn một trăm lẻ năm hộ"


def test_lines_stay_lines() -> None:
    assert read("Thôn 1\n\n- 5 hộ\n2) 3 hộ").spoken == "Thôn một\n\nnăm hộ\nhai, ba hộ"


def test_numbers_up_to_a_million_have_one_reading_each() -> None:
    said = [cardinal(n) for n in [*range(1_200), *range(9_990, 10_020), *range(99_990, 100_120), 999_999, 10**6]]
    assert len(set(said)) == len(said)


@pytest.mark.parametrize(("text", "value"), [("XIV", 14), ("MCMXLV", 1945), ("IIII", None), ("VX", None), ("", None)])
def test_roman_numerals_must_be_well_formed(text: str, value: int | None) -> None:
    assert roman(text) == value


def test_syllables_are_told_from_other_words() -> None:
    syllables = "nghiêng khuya quốc giếng gì uống yêu hoà hòa thuở quýt xoong Đắk"
    others = "stop internet krông text blog wifi bot xyz"
    assert [word for word in syllables.split() if not is_syllable(word)] == ["Đắk"]
    assert [word for word in others.split() if is_syllable(word)] == []


def test_an_address_is_divided_into_syllables_where_it_can_be() -> None:
    assert split_toneless("dichvucong") == ["dich", "vu", "cong"]
    assert split_toneless("xyz") is None


def test_a_long_line_is_read_as_its_sentences_are() -> None:
    sentence = "UBND xã họp ngày 2/9, đạt 30/40 hộ. "
    assert read(sentence * 40).spoken == " ".join([read(sentence).spoken] * 40)


def test_no_text_costs_more_for_a_character_than_its_part_of_a_line() -> None:
    """Looking back to the beginning of a long line took 70 s for 20,000 characters."""
    for text in ("1-" * 2_000, "a/" * 5_000, "1' " * 3_000, "12 triệu - " * 900, "thứ 2, " * 1_400):
        began_s = time.process_time()
        read(text)
        assert time.process_time() - began_s < 3, text[:10]
