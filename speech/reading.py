"""What a text becomes when it is read: pieces, each with what was typed and what is spoken."""

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from enum import StrEnum

from speech.numbers import NORTH, Dialect

#: So much of a line before a place decides how it is read.
_LOOK_BACK = 48


class PieceKind(StrEnum):
    """What a piece was taken for."""

    WORD = "word"
    PAUSE = "pause"
    LINE = "line"
    SILENT = "silent"
    NUMBER = "number"
    DAY = "day"
    DATE = "date"
    TIME = "time"
    QUANTITY = "quantity"
    MONEY = "money"
    RATIO = "ratio"
    PHONE = "phone"
    CODE = "code"
    LEGAL = "legal"
    ROMAN = "roman"
    ABBREVIATION = "abbreviation"
    SPELLED = "spelled"
    NAME = "name"
    FOREIGN = "foreign"
    WEB = "web"
    SIGN = "sign"
    CORRECTED = "corrected"


@dataclass(frozen=True)
class Piece:
    """start, end: in the cleaned text. alternatives: other readings. A piece with one, or a doubtful one, is risky."""

    start: int
    end: int
    spoken: str
    kind: PieceKind
    alternatives: tuple[str, ...] = ()
    doubtful: bool = False

    @property
    def risky(self) -> bool:
        return self.doubtful or bool(self.alternatives)


@dataclass
class Line:
    """One line, or a part of a long one, while it is read.

    lower: the same length as text. in_capitals: a title typed in capitals. is_begun: the line's beginning was another
    part.
    """

    text: str
    lower: str
    in_capitals: bool = False
    dialect: Dialect = NORTH
    pieces: list[Piece] = field(default_factory=list)
    is_begun: bool = False

    def before(self, pattern: re.Pattern[str], at: int) -> bool:
        """Whether what stands before a place ends so. The pattern ends with $."""
        return pattern.search(self.lower[max(0, at - _LOOK_BACK) : at]) is not None

    def after(self, pattern: re.Pattern[str], at: int) -> bool:
        """Whether what follows a place begins so, after blanks."""
        return pattern.match(self.lower, at) is not None

    @property
    def last(self) -> Piece | None:
        """The last piece that is spoken as a word."""
        return next((p for p in reversed(self.pieces) if p.kind not in (PieceKind.PAUSE, PieceKind.SILENT)), None)


Rule = Callable[[Line, int], Piece | None]


def ends_with(words: str) -> re.Pattern[str]:
    """A pattern for `Line.before`: one of these words, then blanks, colons or dots."""
    return re.compile(rf"(?<!\w)(?:{words})[\s:.,]*$")


def begins_with(words: str) -> re.Pattern[str]:
    """A pattern for `Line.after`: blanks, then one of these words."""
    return re.compile(rf"\s*(?:{words})(?!\w)")


def first_of(rules: Sequence[Rule], line: Line, at: int) -> Piece | None:
    """The piece of the first rule that reads this place."""
    for rule in rules:
        piece = rule(line, at)
        if piece is not None:
            return piece
    return None


@dataclass(frozen=True)
class Reading:
    """A whole text, read. text: cleaned, as typed."""

    text: str
    pieces: tuple[Piece, ...]

    @property
    def spoken(self) -> str:
        """What is said; lines stay lines."""
        return "\n".join(_said(line) for line in self.lines())

    def lines(self) -> list[list[Piece]]:
        lines: list[list[Piece]] = [[]]
        for piece in self.pieces:
            if piece.kind is PieceKind.LINE:
                lines.append([])
            else:
                lines[-1].append(piece)
        return lines

    def typed(self, piece: Piece) -> str:
        return self.text[piece.start : piece.end]

    @property
    def risky(self) -> list[Piece]:
        return [piece for piece in self.pieces if piece.risky]


#: Of two pauses in a row the stronger one stays.
_STRENGTH = {",": 1, ";": 2, ":": 2, ".": 3, "!": 4, "?": 4}


def said_parts(pieces: Sequence[Piece]) -> list[tuple[Piece, str]]:
    """A line as it is spoken: each piece that is said, with its words and the pause after them."""
    parts: list[tuple[Piece, str]] = []
    for piece in pieces:
        if not piece.spoken:
            continue
        if piece.kind is not PieceKind.PAUSE:
            parts.append((piece, piece.spoken))
            continue
        if not parts:
            continue
        last, words = parts[-1]
        if words[-1] not in _STRENGTH:
            parts[-1] = last, words + piece.spoken
        elif _STRENGTH[piece.spoken] > _STRENGTH[words[-1]]:
            parts[-1] = last, words[:-1] + piece.spoken
    if parts:
        last, words = parts[-1]
        parts[-1] = last, words.rstrip(",")
    return parts


def _said(pieces: Sequence[Piece]) -> str:
    return " ".join(words for _, words in said_parts(pieces))
