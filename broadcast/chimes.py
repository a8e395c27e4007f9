"""The chimes: four rising notes before a programme, three falling notes after it; one pair for each commune.

A commune may put a recording of its own in the place of each.
"""

import logging
from dataclasses import dataclass
from datetime import datetime
from functools import cache, lru_cache
from pathlib import Path
from typing import NamedTuple

from pydub import AudioSegment
from pydub.generators import Sine
from sqlalchemy import func
from sqlmodel import Session, col, select

from broadcast.audio import RATE, Ffmpeg
from broadcast.audio_decode import decode
from broadcast.audio_encode import encode
from broadcast.audio_live import LiveSource
from broadcast.audio_measure import measure
from broadcast.audio_probe import probe
from broadcast.clips import Clip, ClipRendition, Field, new_id
from broadcast.media import Media
from broadcast.programmes import ItemKind
from devices.communes import communes
from runtime.database import Database
from runtime.refusal import Refusal

log = logging.getLogger(__name__)

#: Hz; the notes of each chime (C E G C′, and back).
_NOTES = {ItemKind.OPENING_CHIME: (523, 659, 784, 1047), ItemKind.CLOSING_CHIME: (1047, 784, 523)}
_TITLES = {ItemKind.OPENING_CHIME: "Nhạc hiệu mở đầu", ItemKind.CLOSING_CHIME: "Nhạc hiệu kết thúc"}
_NOTE_MS, _LAST_NOTE_MS = 380, 1400


def chime(kind: ItemKind) -> AudioSegment:
    """A chime as audio; each note rings on under the next."""
    notes = _NOTES[kind]
    chime_sound = AudioSegment.silent(duration=_NOTE_MS * len(notes) + _LAST_NOTE_MS, frame_rate=RATE)
    for index, hertz in enumerate(notes):
        ring = _LAST_NOTE_MS if index == len(notes) - 1 else _NOTE_MS * 2
        note = Sine(hertz, sample_rate=RATE).to_audio_segment(duration=ring, volume=-12)
        overtone = Sine(hertz * 2, sample_rate=RATE).to_audio_segment(duration=ring, volume=-26)
        chime_sound = chime_sound.overlay(
            note.overlay(overtone).fade_in(8).fade_out(ring - 20), position=_NOTE_MS * index
        )
    return chime_sound


class NewChime(NamedTuple):
    """Rows that are not in the database yet."""

    clip: Clip
    renditions: list[ClipRendition]


@dataclass(frozen=True)
class CommuneChime:
    """A chime of a commune and the clip that it is now."""

    kind: ItemKind
    clip: Clip

    @property
    def subject(self) -> str:
        return f"chime {self.clip.commune_id}/{self.kind.value}"

    @property
    def settings_shown(self) -> list[object]:
        return [self.clip.id]

    @property
    def is_standard(self) -> bool:
        return not self.clip.uploaded_by


def chimes_of(session: Session, commune_id: str) -> list[CommuneChime]:
    """The opening one first; those that were not made yet are missing."""
    found = session.exec(select(Clip).where(Clip.commune_id == commune_id, Clip.builtin != "")).all()
    by_kind = {clip.builtin: clip for clip in found}
    return [CommuneChime(kind, by_kind[kind.value]) for kind in _NOTES if kind.value in by_kind]


@cache
def chime_samples(kind: ItemKind) -> bytes:
    """Mono 48 kHz S16_LE, as loud as a voice beside it."""
    samples: bytes = chime(kind).set_channels(1).set_frame_rate(RATE).set_sample_width(2).raw_data
    return samples


def live_chimes(session: Session, media: Media, commune_id: str) -> dict[ItemKind, bytes]:
    """What is heard before and after a live broadcast: the commune's own chimes, else Loa's. As `chime_samples`.

    A recording that cannot be read is replaced by Loa's: nobody who wants to speak is kept from it by a chime.
    """
    samples = {kind: chime_samples(kind) for kind in _NOTES}
    for own in chimes_of(session, commune_id):
        if not own.is_standard:
            try:
                row = session.exec(select(ClipRendition).where(ClipRendition.clip_id == own.clip.id)).first()
                samples[own.kind] = _decoded(media.path_of(row.sha256, row.extension)) if row else samples[own.kind]
            except Refusal as refusal:
                log.warning("commune %s: its %s cannot be played: %s", commune_id, own.kind, refusal)
    return samples


@lru_cache(maxsize=8)
def _decoded(path: Path) -> bytes:
    """path: named for its content."""
    with LiveSource.file(path) as source:
        return b"".join(source.pieces())


def ensure_chimes(database: Database, media: Media, commune_id: str, now: datetime) -> None:
    """Create the chimes that the commune lacks. Safe to call at every start."""
    with database.session() as session:
        existing = set(session.exec(select(Clip.builtin).where(Clip.commune_id == commune_id, Clip.builtin != "")))
    for kind in _NOTES:
        if kind.value not in existing:
            made = standard_chime(database, media, commune_id, kind, now)
            with database.writing() as session:
                set_chime(session, commune_id, kind, made, now)


def ensure_all_chimes(database: Database, media: Media, now: datetime) -> None:
    """Create the chimes of the communes that lack them. Takes seconds the first time."""
    with database.session() as session:
        query = select(Clip.commune_id).where(col(Clip.builtin).in_([kind.value for kind in _NOTES]))
        having = session.exec(query.group_by(Clip.commune_id).having(func.count() >= len(_NOTES)))
        lacking = {commune.id for commune in communes(session)} - set(having)
    for commune_id in sorted(lacking):
        ensure_chimes(database, media, commune_id, now)


def set_chime(session: Session, commune_id: str, kind: ItemKind, chime: NewChime, now: datetime) -> None:
    """From now on this is the commune's chime; the one before is retired, what has sounded keeps it."""
    query = select(Clip).where(Clip.commune_id == commune_id, Clip.builtin == kind.value)
    for before in session.exec(query).all():
        before.builtin, before.retired_at = "", now
        session.add(before)
    clip, renditions = chime
    clip.commune_id, clip.builtin, clip.uploaded_at = commune_id, kind.value, now
    session.add(clip)
    session.flush()
    session.add_all(renditions)


def chime_from(session: Session, clip: Clip, by: str) -> NewChime:
    """A recording of the library as a chime: the same files for another row. by: who chose it."""
    fresh = {"id": new_id(), "uploaded_by": by, "replaced_by": None, "replaced_in": None, "retired_at": None}
    copied = Clip(**{**clip.model_dump(), **fresh, "peaks": clip.peaks})
    query = select(ClipRendition).where(ClipRendition.clip_id == clip.id)
    return NewChime(
        copied, [ClipRendition(**{**row.model_dump(), "clip_id": copied.id}) for row in session.exec(query)]
    )


def standard_chime(database: Database, media: Media, commune_id: str, kind: ItemKind, now: datetime) -> NewChime:
    """Loa's own. Its files are those that another commune has; made, which takes a second, where none has them."""
    with database.session() as session:
        query = select(Clip).where(Clip.original_name == f"{kind.value}.wav", Clip.uploaded_by == "")
        original = session.exec(query.order_by(col(Clip.uploaded_at).desc()).limit(1)).first()
        if original is not None:
            copied = chime_from(session, original, by="")
            copied.clip.title = _TITLES[kind]  # a merger names it after its commune
            if copied.renditions and all(media.has(row.sha256, row.extension) for row in copied.renditions):
                return copied
    return _made(media, commune_id, kind, now)


def _made(media: Media, commune_id: str, kind: ItemKind, now: datetime) -> NewChime:
    files_made: list[Path] = []

    def make_file(suffix: str) -> Path:
        files_made.append(media.incoming(suffix))
        return files_made[-1]

    run = Ffmpeg()
    try:
        original = make_file(".wav")
        chime(kind).export(original, format="wav").close()
        pcm = decode(original, probe(original), run, make_file(".pcm"))
        measured = measure(pcm, run)
        encoded = encode(pcm, measured, run, make_file, trim=False)
        renditions = {"opus": media.adopt(encoded.opus, "opus"), "mp3": media.adopt(encoded.mp3, "mp3")}
        stored_original = media.adopt(original, "wav")
    finally:
        for path in files_made:
            path.unlink(missing_ok=True)
    clip = Clip(
        id=new_id(),
        commune_id=commune_id,
        uploaded_at=now,
        title=_TITLES[kind],
        field=int(Field.GENERAL),
        original_name=f"{kind.value}.wav",
        original_sha256=stored_original.sha256,
        original_bytes=stored_original.bytes,
        original_extension="wav",
        duration_us=encoded.samples * 1_000_000 // RATE,
        loudness_before_lufs=measured.loudness_lufs,
        loudness_after_lufs=encoded.opus_level.lufs,
        true_peak_after_dbtp=encoded.true_peak_dbtp,
        peaks=measured.peaks,
    )
    rows = [
        ClipRendition(clip_id=clip.id, codec=codec, sha256=file.sha256, bytes=file.bytes, extension=codec)
        for codec, file in renditions.items()
    ]
    return NewChime(clip, rows)
