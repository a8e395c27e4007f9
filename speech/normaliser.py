"""The normaliser: typed text to what is spoken, a pure function.

A line is read from left to right. At each place the rules for its first character are asked in order, the most specific
first; each sees what was read before it and what stands around it.
"""

import re
from collections.abc import Mapping
from dataclasses import replace

from speech.numbers import NORTH, Dialect
from speech.reading import Line, Piece, PieceKind, Reading, Rule, first_of
from speech.rules.codes import letters_and_digits, named_code, phone, plate, road
from speech.rules.dates import day_alone, day_and_month, days_of_month, full_date, month_and_year
from speech.rules.digits import long_digits
from speech.rules.legal import code, numbered
from speech.rules.quantities import (
    dashed,
    dotted,
    lettered,
    listed,
    plain_or_measured,
    price_before,
    score,
    shortened,
)
from speech.rules.signs import dash, list_mark, sign, slash, times_sign
from speech.rules.times import clock_time, minutes
from speech.rules.web import web_address
from speech.rules.words import abbreviation, any_word, apostrophe, known_phrase, known_word, roman_numeral, title
from speech.syllables import is_syllable

_FOR_DIGITS: tuple[Rule, ...] = (
    list_mark,
    web_address,
    plate,
    named_code,
    numbered,
    full_date,
    phone,
    days_of_month,
    score,
    dashed,
    clock_time,
    month_and_year,
    day_and_month,
    day_alone,
    listed,
    dotted,
    long_digits,
    minutes,
    shortened,
    lettered,
    plain_or_measured,
)
_FOR_LETTERS: tuple[Rule, ...] = (
    list_mark,
    web_address,
    times_sign,
    named_code,
    road,
    code,
    known_phrase,
    title,
    abbreviation,
    roman_numeral,
    known_word,
    apostrophe,
    letters_and_digits,
    any_word,
)
_FOR_SIGNS: tuple[Rule, ...] = (list_mark, phone, price_before, dash, slash, sign)

_PLAIN = re.compile(r"[^\W\d_]+(?![\w./@'’&-])")
#: A line is a title in capitals from this share of its letters.
_CAPITALS = 0.8
_FEWEST_LETTERS = 8
_LONGEST_PART = 400

#: Corrections: typed piece → what is spoken for it.
Corrections = Mapping[str, str]


def normalise(text: str, corrections: Corrections | None = None, dialect: Dialect = NORTH) -> Reading:
    """text: cleaned (`speech.cleaning`). corrections: come before every rule, in the letter case they were given in;
    one in lower case fits any.
    """
    matcher = _Corrections(corrections or {})
    pieces: list[Piece] = []
    start = 0
    for number, typed in enumerate(text.split("\n")):
        if number:
            pieces.append(Piece(start - 1, start, "", PieceKind.LINE))
        for piece in _line(typed, matcher, dialect):
            pieces.append(
                Piece(
                    piece.start + start, piece.end + start, piece.spoken, piece.kind, piece.alternatives, piece.doubtful
                )
            )
        start += len(typed) + 1
    return Reading(text, tuple(pieces))


def _line(text: str, corrections: "_Corrections", dialect: Dialect) -> list[Piece]:
    in_capitals = _in_capitals(text)
    pieces: list[Piece] = []
    start = 0
    while start < len(text):
        end = _cut(text, start)
        part = text[start:end]
        lower = "".join(c.lower() if len(c.lower()) == 1 else c for c in part)
        line = Line(part, lower, in_capitals, dialect, is_begun=start > 0)
        _read(line, corrections)
        pieces += [replace(p, start=p.start + start, end=p.end + start) for p in line.pieces] if start else line.pieces
        start = end
    return pieces


def _cut(text: str, start: int) -> int:
    """Where a part of a long line ends: rules look back in it, so its length bounds what a character costs."""
    end = start + _LONGEST_PART
    if end >= len(text):
        return len(text)
    for end_sign in (". ", "; ", ", ", " "):
        at = text.rfind(end_sign, start + _LONGEST_PART // 2, end)
        if at > 0:
            return at + len(end_sign)
    return end


def _read(line: Line, corrections: "_Corrections") -> None:
    at, text = 0, line.text
    while at < len(text):
        if text[at].isspace():
            at += 1
            continue
        piece = corrections.at(text, at) or _piece(line, at)
        line.pieces.append(piece)
        at = max(piece.end, at + 1)


def _piece(line: Line, at: int) -> Piece:
    c = line.text[at]
    if c.isdigit() and c.isascii():
        rules = _FOR_DIGITS
    elif c.isalpha() and c not in "ØøΦπµ":
        plain = _PLAIN.match(line.text, at)
        if plain and plain[0].islower() and len(plain[0]) > 2 and line.pieces and is_syllable(plain[0]):
            return Piece(at, plain.end(), plain[0], PieceKind.WORD)
        rules = _FOR_LETTERS
    else:
        rules = _FOR_SIGNS
    return first_of(rules, line, at) or Piece(at, at + 1, "", PieceKind.SILENT)


def _in_capitals(text: str) -> bool:
    letters = [c for c in text if c.isalpha()]
    if len(letters) < _FEWEST_LETTERS or sum(c.isupper() for c in letters) < _CAPITALS * len(letters):
        return False
    return any(len(word) > 1 and is_syllable(word) for word in re.findall(r"[^\W\d_]+", text))


class _Corrections:
    """Finds the longest correction at a place."""

    def __init__(self, corrections: Corrections) -> None:
        self._spoken = corrections
        self._lengths = sorted({len(typed) for typed in corrections}, reverse=True)

    def at(self, text: str, at: int) -> Piece | None:
        if at and text[at - 1].isalnum() and text[at].isalnum():
            return None
        for length in self._lengths:
            typed, end = text[at : at + length], at + length
            spoken = self._spoken.get(typed, self._spoken.get(typed.lower()))
            if spoken is None or len(typed) < length:
                continue
            if end < len(text) and text[end].isalnum() and text[end - 1].isalnum():
                continue
            return Piece(at, end, spoken, PieceKind.CORRECTED)
        return None
