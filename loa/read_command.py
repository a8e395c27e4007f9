"""`loa read`: prints, line by line, what would be spoken for a text."""

import sys
from typing import BinaryIO

import click

from runtime.refusal import Refusal
from speech.cleaning import MOST_CHARACTERS, Cleaned, clean
from speech.normaliser import normalise
from speech.numbers import NORTH, SOUTH
from speech.reading import Piece, Reading

#: Of UTF-8, for a line as long as a text may be.
_MOST_BYTES = 4 * (MOST_CHARACTERS + 1)


@click.command(help="Print how a text is read aloud, one line for each line. FILE: - for standard input.")
@click.argument("file", type=click.File("rb"), default="-")
@click.option("--marks", is_flag=True, help="Below a line, name what could be read in another way.")
@click.option("--south", is_flag=True, help='Say "lẻ" and "ngàn" in place of "linh" and "nghìn".')
def read(file: BinaryIO, marks: bool, south: bool) -> None:
    """Answers each line before it reads the next, so that another program can use it."""
    dialect = SOUTH if south else NORTH
    while line := file.readline(_MOST_BYTES):
        try:
            cleaned = clean(line.decode("utf-8-sig").rstrip("\r\n").replace("\r", " "))
        except UnicodeDecodeError:
            raise click.ClickException("This text is not UTF-8. Save it as UTF-8 and try again.") from None
        except Refusal as refusal:
            raise click.ClickException(str(refusal)) from refusal
        # What breaks a line inside (vertical tabs, page breaks) must not make two lines of one.
        reading = normalise(cleaned.text.replace("\n", " "), dialect=dialect)
        click.echo(reading.spoken)
        if marks:
            _print_marks(reading, cleaned)
        sys.stdout.flush()


def _print_marks(reading: Reading, cleaned: Cleaned) -> None:
    for piece in reading.risky:
        click.echo(f"  ? {_mark(reading, piece)}")
    if cleaned.invisible:
        click.echo(f"  ! invisible characters removed: {cleaned.invisible}")
    if cleaned.tags:
        click.echo(f"  ! tags of a web page removed: {cleaned.tags}")


def _mark(reading: Reading, piece: Piece) -> str:
    others = f" (or: {'; '.join(piece.alternatives)})" if piece.alternatives else ""
    return f"{reading.typed(piece)} → {piece.spoken or '-'}{others}"
