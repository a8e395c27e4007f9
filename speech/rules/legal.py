"""Numbers of legal documents: "39/2020/TT-BTTTT", "QĐ-UBND", "05-CT/TW"."""

import functools
import re

from speech.numbers import cardinal, digit_by_digit, number
from speech.reading import Line, Piece, PieceKind
from speech.syllables import spelled
from speech.tables import rows, words

_PART = r"[A-ZĐƯ][A-Za-zĐđƯư&]*\d{0,3}"
_NUMBERED = re.compile(
    rf"(\d{{1,6}}[a-zđA-ZĐ]?)(?:/((?:19|20)\d\d|\d\d))?[-/]({_PART}(?:\s?[-/–.]\s?{_PART})*)(?![\w])"
)
_CODE = re.compile(rf"{_PART}(?:[-/–]{_PART})+(?!\w)")
_NUMBER_OF_YEAR = re.compile(r"(\d{1,6}[a-z]?)/((?:19|20)\d\d)(?![\d/-])")
_KINDS_BEFORE = words("kinds of documents")
_OF = re.compile(r"\s+(?:ngày\s+[\d/.-]+\s+)?của\s")
_BEFORE = re.compile(rf"(?<!\w)({_KINDS_BEFORE})(?:\s+\w+){{0,2}}?(?:\s+số)?\s*[:.]?\s*$")


@functools.cache
def _table(part: str) -> dict[str, str]:
    return {row[1]: row[2] for row in rows("legal") if row[0] == part}


def numbered(line: Line, at: int) -> Piece | None:
    """A number with the kind of document and who made it."""
    match = _NUMBERED.match(line.text, at)
    if match is None:
        return _of_year(line, at)
    parts = re.split(r"\s?[-/–.]\s?", match[3])
    kind, makers = (parts[0], parts[1:]) if parts[0] in _table("kind") else ("", parts)
    if not kind and not _is_maker(makers[0]):
        return None
    if not makers and not match[2] and kind not in _table("alone"):
        return None
    before = _BEFORE.search(line.lower[max(0, at - 48) : at])
    name = "" if not kind or (before and _says(before[1], _table("kind")[kind])) else _table("kind")[kind]
    words = [_number(match[1], line)]
    if match[2]:
        words.append(f"năm {number(match[2], line.dialect)[0]}")
    joint = " và " if len(makers) > 1 and all(maker.startswith("B") for maker in makers) else " "
    said_makers = "" if _OF.match(line.lower, match.end()) else joint.join(_maker(maker, line) for maker in makers)
    if name and before is None and not re.search(r"số\s*[:.]?\s*$", line.lower[:at]):
        words.insert(0, name)
    elif name:
        words.append(name)
    if said_makers:
        words.append(f"của {said_makers}")
    return Piece(at, match.end(), " ".join(words), PieceKind.LEGAL, doubtful=not all(map(_is_maker, makers)))


def code(line: Line, at: int) -> Piece | None:
    """NĐ-CP and QĐ-UBND without a number."""
    match = _CODE.match(line.text, at)
    if match is None:
        return None
    parts = re.split(r"[-/–]", match[0])
    if parts[0] not in _table("kind") or not all(_is_maker(part) for part in parts[1:]):
        return None
    said = " ".join([_table("kind")[parts[0]], *(_maker(part, line) for part in parts[1:])])
    return Piece(at, match.end(), said, PieceKind.LEGAL)


def _of_year(line: Line, at: int) -> Piece | None:
    match = _NUMBER_OF_YEAR.match(line.text, at)
    if match is None or not _BEFORE.search(line.lower[max(0, at - 48) : at]):
        return None
    said = f"{_number(match[1], line)} năm {number(match[2], line.dialect)[0]}"
    return Piece(at, match.end(), said, PieceKind.LEGAL)


def _says(typed: str, kind: str) -> bool:
    if _table("kind").get(typed.upper()) == kind:
        return True
    return kind.startswith(typed) or typed.startswith(kind) or typed in ("văn bản", "luật", "công văn")


def _number(text: str, line: Line) -> str:
    digits = re.match(r"\d+", text)
    found = digits[0] if digits else ""
    said = digit_by_digit(found) if found.startswith("0") else cardinal(int(found), line.dialect)
    letter = text[len(found) :]
    return f"{said} {spelled(letter)}" if letter else said


_WITH_NUMBER = re.compile(r"(QH|UBTVQH|HĐND)(\d+)")


def _is_maker(text: str) -> bool:
    return text in _table("maker") or _WITH_NUMBER.fullmatch(text) is not None


def _maker(text: str, line: Line) -> str:
    with_number = _WITH_NUMBER.fullmatch(text)
    if with_number:
        return f"{_table('maker')[with_number[1]]} khóa {cardinal(int(with_number[2]), line.dialect)}"
    return _table("maker").get(text) or _table("kind").get(text) or spelled(text)
