"""Clips: recordings processed for broadcasting."""

import secrets
from collections.abc import Sequence
from datetime import datetime
from enum import IntEnum

import msgspec
from sqlalchemy import BigInteger, Column, ColumnElement, Index, LargeBinary, Text, func, text
from sqlmodel import Field as Col
from sqlmodel import Session, SQLModel, col, select

from parsing.names import folded
from parsing.titles import parse_title
from runtime.database import UtcDateTime
from runtime.refusal import N_, NotFound, Refusal, at_field
from runtime.rows import existing
from speech.orders import SpeechOrder
from wire.broadcasts import Rendition


class Field(IntEnum):
    """LoaiLinhVuc, the six subject fields of the provincial data exchange."""

    GENERAL = 1
    UNEXPECTED = 2
    POLICY_AND_LAW = 3
    LOCAL_DIRECTION = 4
    KNOWLEDGE = 5
    GOOD_EXAMPLES = 6


class Clip(SQLModel, table=True):
    """A processed recording: trimmed, normalized to −16 LUFS, encoded.

    language: BCP 47. original_sha256, original_bytes: of the uploaded file, which is kept. duration_us: after trimming.
    loudness_*_lufs: EBU R128 integrated. true_peak_after_dbtp: the higher of both renditions. warnings: see
    `broadcast.clip_warnings`. peaks: the waveform for display, one byte
    (0–255) a point. builtin: "opening_chime" or "closing_chime", "" for uploads. replaced_by: its successor.
    replaced_in: where that took its place, see `broadcast.replacing`.
    folded: title, file name and spoken text without diacritics, for searching.
    speech: of a text that was read aloud, its `SpeechOrder` as JSON; "" for a recording.
    """

    __table_args__ = (Index("ix_clip_commune_builtin", "commune_id", "builtin"),)

    id: str = Col(primary_key=True)
    commune_id: str = Col(foreign_key="commune.id", index=True)
    title: str
    language: str = "vi"
    field: int = int(Field.GENERAL)
    original_name: str
    original_sha256: str = Col(index=True)
    original_bytes: int = Col(sa_type=BigInteger)
    original_extension: str = ""
    uploaded_at: datetime = Col(sa_column=Column(UtcDateTime, nullable=False))
    uploaded_by: str = ""
    duration_us: int = Col(sa_type=BigInteger)
    trim_silence: bool = True
    trimmed_start_us: int = Col(default=0, sa_type=BigInteger)
    trimmed_end_us: int = Col(default=0, sa_type=BigInteger)
    loudness_before_lufs: float | None = None
    loudness_after_lufs: float | None = None
    true_peak_after_dbtp: float | None = None
    warnings: str = Col(default="", sa_type=Text, sa_column_kwargs={"server_default": text("''")})
    peaks: bytes = Col(sa_column=Column(LargeBinary, nullable=False))
    builtin: str = ""
    replaced_by: str | None = None
    replaced_in: str | None = Col(default=None, sa_column=Column(Text))
    retired_at: datetime | None = Col(default=None, sa_column=Column(UtcDateTime))
    folded: str = ""
    speech: str = Col(default="", sa_type=Text, sa_column_kwargs={"server_default": text("''")})


class ClipRendition(SQLModel, table=True):
    """One encoding of a clip, in the media store."""

    clip_id: str = Col(foreign_key="clip.id", primary_key=True)
    codec: str = Col(primary_key=True)
    sha256: str = Col(index=True)
    bytes: int = Col(sa_type=BigInteger)
    extension: str


def order_of(speech: str) -> SpeechOrder | None:
    """What was read aloud, from a column `speech`."""
    return msgspec.json.decode(speech, type=SpeechOrder) if speech else None


def folded_words(title: str, file_name: str, speech: str) -> str:
    """What a search looks through: the column `folded`."""
    order = order_of(speech)
    return folded(" ".join([title, file_name, *([order.text] if order else [])]))


def new_id() -> str:
    return secrets.token_hex(8)


def clips(
    session: Session,
    commune_id: str,
    *,
    search: str = "",
    field: int | None = None,
    language: str | None = None,
    longest_us: int | None = None,
    include_retired: bool = False,
    limit: int | None = None,
    offset: int = 0,
) -> list[Clip]:
    """A commune's clips, newest first, without the chimes. search: words, matched without diacritics."""
    conditions = _matching(commune_id, search, field, language, include_retired=include_retired)
    if longest_us is not None:
        conditions.append(col(Clip.duration_us) <= longest_us)
    newest = (col(Clip.uploaded_at).desc(), col(Clip.id))
    if limit is not None:
        # Sorting ids takes a third of the time of sorting whole rows with their waveforms.
        ids = select(Clip.id).where(*conditions).order_by(*newest).limit(limit).offset(offset)
        conditions = [col(Clip.id).in_(session.exec(ids).all())]
    return list(session.exec(select(Clip).where(*conditions).order_by(*newest)))


def count_clips(
    session: Session, commune_id: str, *, search: str = "", field: int | None = None, language: str | None = None
) -> int:
    """How many `clips` lists without a limit."""
    matching = _matching(commune_id, search, field, language, include_retired=False)
    return session.exec(select(func.count()).select_from(Clip).where(*matching)).one()


def clip(session: Session, clip_id: str) -> Clip:
    """Raises NotFound when no row has this id."""
    return existing(session, Clip, clip_id, N_("This recording no longer exists."))


def clips_by_id(session: Session, clip_ids: Sequence[str]) -> dict[str, Clip]:
    return {c.id: c for c in session.exec(select(Clip).where(col(Clip.id).in_(clip_ids)))}


def builtin_clip(session: Session, commune_id: str, builtin: str) -> Clip:
    """A chime of the commune. Raises NotFound."""
    row = session.exec(select(Clip).where(Clip.commune_id == commune_id, Clip.builtin == builtin)).first()
    if row is None:
        raise NotFound(N_("The chime of this commune is missing. Restart Loa to create a new one."))
    return row


def change_clip(
    session: Session, clip_id: str, *, title: str | None = None, language: str | None = None, field: int | None = None
) -> Clip:
    """Change what is not None. Raises Refusal, NotFound."""
    changed = clip(session, clip_id)
    if title is not None:
        with at_field("title"):
            changed.title = parse_title(title)
        if not changed.title:
            raise Refusal(N_("A recording needs a title.")).at("title")
        changed.folded = folded_words(changed.title, changed.original_name, changed.speech)
    if language is not None:
        changed.language = language.strip()[:20] or "vi"
    if field is not None:
        if field not in list(Field):
            raise Refusal(N_("There are six fields, 1 to 6.")).at("field")
        changed.field = int(field)
    session.add(changed)
    session.flush()
    return changed


def copy_to(session: Session, clip_id: str, commune_id: str, now: datetime, by: str) -> Clip:
    """Copy a clip into another commune's library; the audio files are shared.

    Returns the existing clip when the library already has the same recording. Raises NotFound.
    """
    original = clip(session, clip_id)
    same_recording = select(Clip).where(
        Clip.commune_id == commune_id,
        Clip.original_sha256 == original.original_sha256,
        Clip.trim_silence == original.trim_silence,
        col(Clip.retired_at).is_(None),
    )
    if (existing := session.exec(same_recording).first()) is not None:
        return existing
    copied = Clip(**{**original.model_dump(), "id": new_id(), "commune_id": commune_id, "uploaded_at": now})
    copied.uploaded_by, copied.replaced_by, copied.replaced_in = by, None, None
    session.add(copied)
    session.flush()
    for rendition in session.exec(select(ClipRendition).where(ClipRendition.clip_id == clip_id)).all():
        session.add(ClipRendition(**{**rendition.model_dump(), "clip_id": copied.id}))
    session.flush()
    return copied


def renditions_of(session: Session, clip_ids: Sequence[str]) -> dict[str, list[Rendition]]:
    """The renditions of clips in wire form, best first (Opus, then MP3). One query."""
    renditions: dict[str, list[Rendition]] = {}
    query = (
        select(ClipRendition).where(col(ClipRendition.clip_id).in_(clip_ids)).order_by(col(ClipRendition.codec).desc())
    )
    for row in session.exec(query):
        path = f"{row.sha256}.{row.extension}"
        rendition = Rendition(sha256=row.sha256, bytes=row.bytes, codec=row.codec, path=path)
        renditions.setdefault(row.clip_id, []).append(rendition)
    return renditions


def _matching(
    commune_id: str, search: str, field: int | None, language: str | None, *, include_retired: bool
) -> list[ColumnElement[bool]]:
    conditions = [col(Clip.commune_id) == commune_id, col(Clip.builtin) == ""]
    conditions += [col(Clip.folded).contains(word, autoescape=True) for word in folded(search).split()]
    if field is not None:
        conditions.append(col(Clip.field) == field)
    if language:
        conditions.append(col(Clip.language) == language)
    if not include_retired:
        conditions.append(col(Clip.retired_at).is_(None))
    return conditions
