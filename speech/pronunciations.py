"""Pronunciations: what a commune wants spoken for a typed piece, before every rule."""

import re
import unicodedata
from datetime import datetime

from sqlalchemy import Column
from sqlmodel import Field, Session, SQLModel, select

from parsing.titles import parse_title
from runtime.database import UtcDateTime
from runtime.refusal import N_, NotFound, Refusal, at_field

MOST_PRONUNCIATIONS = 2_000
_LONGEST = 100


class Pronunciation(SQLModel, table=True):
    """typed: in lower case it fits any letter case, else only its own."""

    id: int | None = Field(default=None, primary_key=True)
    commune_id: str = Field(foreign_key="commune.id", index=True)
    typed: str
    spoken: str
    changed_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    changed_by: str = ""


def pronunciations(session: Session, commune_id: str) -> list[Pronunciation]:
    """Those of a commune, by what is typed."""
    query = select(Pronunciation).where(Pronunciation.commune_id == commune_id)
    return list(session.exec(query.order_by(Pronunciation.typed, Pronunciation.id)))  # type: ignore[arg-type]


def corrections(session: Session, commune_id: str) -> dict[str, str]:
    """What the normaliser is given."""
    return {row.typed: row.spoken for row in pronunciations(session, commune_id)}


def remember(session: Session, commune_id: str, typed: str, spoken: str, now: datetime, by: str) -> Pronunciation:
    """Add a pronunciation, or change the one of the same typed piece. Raises Refusal."""
    with at_field("typed"):
        typed = _piece(typed)
    with at_field("spoken"):
        spoken = _piece(spoken)
        if re.search(r"[\d<>\[\]{}]", spoken) or not any(c.isalpha() for c in spoken):
            raise Refusal(N_("Write how it is read in letters, for example “hai mươi”."))
    known = pronunciations(session, commune_id)
    row = next((row for row in known if row.typed == typed), None)
    if row is None and len(known) >= MOST_PRONUNCIATIONS:
        raise Refusal(N_("There are {n} corrections already. Remove some that are not needed."), n=len(known))
    row = row or Pronunciation(commune_id=commune_id, typed=typed, spoken=spoken, changed_at=now)
    row.spoken, row.changed_at, row.changed_by = spoken, now, by
    session.add(row)
    session.flush()
    return row


def forget(session: Session, commune_id: str, number: int) -> Pronunciation:
    """Remove a pronunciation of this commune. Raises NotFound."""
    row = session.get(Pronunciation, number)
    if row is None or row.commune_id != commune_id:
        raise NotFound(N_("This correction has been removed already."))
    session.delete(row)
    return row


def _piece(text: str) -> str:
    piece = parse_title(unicodedata.normalize("NFC", text))
    if not piece:
        raise Refusal(N_("Please fill in this field."))
    if len(piece) > _LONGEST:
        raise Refusal(
            N_("This text has {length} characters. At most {most} are possible."), length=len(piece), most=_LONGEST
        )
    return piece
