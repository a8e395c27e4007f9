"""A text beside what will be read, line by line, with what could be read in another way."""

from dataclasses import dataclass

from sqlmodel import Session

from speech.cleaning import clean
from speech.normaliser import normalise
from speech.numbers import Dialect
from speech.pronunciations import corrections
from speech.reading import Piece, PieceKind, Reading, said_parts

#: Of a long text so much is shown; all of it is spoken.
_MOST_LINES = 200
_MOST_CHARACTERS_SHOWN = 12_000
_MOST_RISKY = 40


@dataclass(frozen=True)
class ReadingSegment:
    """A part of a line. risky: it could be read in another way."""

    text: str
    risky: bool = False


@dataclass(frozen=True)
class ReadingLine:
    """One line as typed and as spoken."""

    typed: list[ReadingSegment]
    spoken: list[ReadingSegment]

    @property
    def text(self) -> str:
        """As typed, for listening to it."""
        return "".join(segment.text for segment in self.typed)


@dataclass(frozen=True)
class RiskyReading:
    """A typed piece, what is spoken for it, and what else could be meant."""

    typed: str
    spoken: str
    alternatives: tuple[str, ...]


@dataclass(frozen=True)
class ReadingView:
    """more: lines that are not shown. invisible, tags: what was removed from the text."""

    lines: list[ReadingLine]
    more: int
    risky: list[RiskyReading]
    more_risky: int
    invisible: int
    tags: int


def reading_view(session: Session, commune_id: str, text: str, dialect: Dialect) -> ReadingView:
    """How a text is read in a commune. Raises Refusal when it is too long."""
    cleaned = clean(text)
    reading = normalise(cleaned.text, corrections(session, commune_id), dialect)
    lines, shown, characters = reading.lines(), 0, 0
    for pieces in lines:
        characters += sum(piece.end - piece.start for piece in pieces)
        if shown >= _MOST_LINES or characters > _MOST_CHARACTERS_SHOWN:
            break
        shown += 1
    risky = list(
        dict.fromkeys(RiskyReading(reading.typed(p), p.spoken, p.alternatives) for p in reading.risky if _is_word(p))
    )
    return ReadingView(
        [_line(reading, pieces) for pieces in lines[:shown] if pieces],
        sum(1 for pieces in lines[shown:] if pieces),
        risky[:_MOST_RISKY],
        len(risky[_MOST_RISKY:]),
        cleaned.invisible,
        cleaned.tags,
    )


def _is_word(piece: Piece) -> bool:
    """A slash that is not said needs no decision."""
    return piece.kind is not PieceKind.SILENT


def _line(reading: Reading, pieces: list[Piece]) -> ReadingLine:
    typed: list[ReadingSegment] = []
    at = pieces[0].start
    for piece in pieces:
        typed.append(ReadingSegment(reading.text[at : piece.start]))
        typed.append(ReadingSegment(reading.typed(piece), piece.risky and _is_word(piece)))
        at = piece.end
    spoken: list[ReadingSegment] = []
    for piece, words in said_parts(pieces):
        spoken += [ReadingSegment(words, piece.risky), ReadingSegment(" ")]
    return ReadingLine(_merged(typed), _merged(spoken))


def _merged(segments: list[ReadingSegment]) -> list[ReadingSegment]:
    """Neighbours that are not risky are one, so that a page has few elements."""
    merged: list[ReadingSegment] = []
    for segment in segments:
        if merged and not segment.risky and not merged[-1].risky:
            merged[-1] = ReadingSegment(merged[-1].text + segment.text)
        elif segment.text:
            merged.append(segment)
    return merged
