"""Numbers that are said digit by digit: of cards, accounts and codes, and short ones to call."""

import re

from speech.numbers import digit_by_digit, number
from speech.reading import Line, Piece, PieceKind, begins_with, ends_with
from speech.tables import words

CODE_WORDS = ends_with(words("before a code"))
_CALL_WORDS = ends_with(words("before a number to call"))
_EMERGENCY = re.compile(r"(?:11[1-9]|1022|911)(?![\d/%]|[.,]\d)")
_GROUPED = re.compile(r"\d{3,}(?:[ .]\d{3,4})*(?!\d)")
_BETWEEN_CALLED = re.compile(r"^\s*(?:,|;|/|-|–|và|hoặc)\s*$")
_PLACE_AFTER = begins_with(words("after a number not to call"))
_LONG = re.compile(r"\d{9,}(?![\d.,]\d)")


def long_digits(line: Line, at: int) -> Piece | None:
    """Numbers of cards and accounts, and short numbers to call, digit by digit."""
    match = _EMERGENCY.match(line.text, at)
    is_called = line.before(_CALL_WORDS, at) or _follows_a_called_one(line, at)
    if match and is_called and not line.after(_PLACE_AFTER, match.end()):
        return Piece(at, match.end(), digit_by_digit(match[0]), PieceKind.PHONE)
    match = _GROUPED.match(line.text, at)
    if match and len(match[0]) > 3 and line.before(CODE_WORDS, at):
        return Piece(at, match.end(), groups_of_digits(match[0]), PieceKind.CODE)
    match = _LONG.match(line.text, at)
    if match is None or match[0].endswith("000000"):
        return None
    others = (number(match[0], line.dialect)[0],) if not match[0].startswith("0") and len(match[0]) <= 12 else ()
    return Piece(at, match.end(), groups_of_digits(match[0]), PieceKind.CODE, others)


def _follows_a_called_one(line: Line, at: int) -> bool:
    numbers = [piece for piece in line.pieces if piece.kind is PieceKind.PHONE]
    return bool(numbers) and _BETWEEN_CALLED.match(line.lower[numbers[-1].end : at]) is not None


def groups_of_digits(text: str) -> str:
    """As grouped when typed, else by threes, a last single one joined to its group."""
    groups = re.findall(r"\d+", text)
    if len(groups) == 1:
        digits = groups[0]
        cuts = list(range(0, len(digits), 3))
        if len(digits) % 3 == 1 and len(cuts) > 1:
            cuts.pop()
        groups = [digits[a:b] for a, b in zip(cuts, [*cuts[1:], len(digits)], strict=True)]
    return ", ".join(digit_by_digit(group) for group in groups)
