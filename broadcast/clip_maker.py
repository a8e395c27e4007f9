"""Clip maker: turns one received file into a clip, or refuses it.

Files are stored before the row that names them, so a crash leaves no clip without its audio.
"""

from collections.abc import Callable
from pathlib import Path

from sqlmodel import Session, col, select

from broadcast.acceptance import check_length, check_measured
from broadcast.audio import RATE, Ffmpeg
from broadcast.audio_decode import decode
from broadcast.audio_encode import Encoded, encode
from broadcast.audio_measure import Measured, measure
from broadcast.audio_probe import probe
from broadcast.clip_warnings import ClipWarning, warnings_as_text, warnings_of
from broadcast.clips import Clip, ClipRendition, folded_words, new_id
from broadcast.file_names import extension_of
from broadcast.ingest_jobs import IngestJob, JobState, update_job
from broadcast.media import Media, Stored, hash_of
from broadcast.missing_end import declared_length_us
from broadcast.replacing import replace_clip
from runtime.clock import Clock
from runtime.database import Database

#: Where each step ends on the progress bar from 0 to 1.
_MEASURED_AT, _ENCODED_AT = 0.25, 0.95
#: How often the disk is looked at while decoding: 5 min of samples are 58 MB.
_ROOM_EACH_US = 300_000_000


class ClipMaker:
    """Works in the caller's thread; several threads may use it at once."""

    def __init__(
        self, database: Database, media: Media, originals: Media, clock: Clock, ffmpeg: Ffmpeg, *, most_hours: float
    ) -> None:
        """media: receives the renditions. originals: receives the uploaded file, unchanged."""
        self._database, self._media, self._originals = database, media, originals
        self._clock, self._ffmpeg, self._most_hours = clock, ffmpeg, most_hours
        #: Called after the commit of a replacement: what is planned follows, receivers may get a new backup.
        self.after_replacing: Callable[[], None] = lambda: None

    def make(self, job: IngestJob, path: Path) -> None:
        """Read, measure and encode a received file; the file is moved into the store.

        Raises Refusal when it is not a usable recording, Stopped when the controller is closing.
        """
        # 1. The same bytes are the same clip.
        sha256, size = hash_of(path)
        with self._database.session() as session:
            existing = _same(session, job, sha256)
        if existing is not None:
            path.unlink()
            self._retire_replaced(job, existing.id)
            update_job(
                self._database,
                job.id,
                state=JobState.READY.value,
                progress=1.0,
                clip_id=existing.id,
                same_as_before=True,
                finished_at=self._clock.now(),
            )
            return
        # 2. Container and codec.
        update_job(self._database, job.id, state=JobState.PROBING.value)
        header, declared_us = probe(path), declared_length_us(path)
        # 3. Decode once; loudness and the silence at both ends.
        update_job(self._database, job.id, state=JobState.MEASURING.value)
        self._originals.check_room(size // 4)
        paths: list[Path] = []

        def make_file(suffix: str) -> Path:
            paths.append(self._media.incoming(suffix))
            return paths[-1]

        try:
            pcm = decode(
                path,
                header,
                self._ffmpeg,
                make_file(".pcm"),
                on_length=self._limits(),
                progress=self._bar(job.id, 0, _MEASURED_AT),
            )
            measured = measure(pcm, self._ffmpeg)
            check_measured(declared_us, measured, self._most_hours)
            # 4. Encode.
            update_job(self._database, job.id, state=JobState.ENCODING.value, progress=_MEASURED_AT)
            encoded = encode(
                pcm,
                measured,
                self._ffmpeg,
                make_file,
                trim=job.trim_silence,
                progress=self._encoding_bar(job.id),
            )
            # 5. Store the files, then the row that names them.
            opus, mp3 = self._media.adopt(encoded.opus, "opus"), self._media.adopt(encoded.mp3, "mp3")
        finally:
            for path_left in paths:
                path_left.unlink(missing_ok=True)
        extension = extension_of(job.file_name, header.container)
        original = self._originals.adopt(path, extension)
        warnings = warnings_of(pcm, encoded)
        self._keep(job, original, extension, measured, encoded, warnings, {"opus": opus, "mp3": mp3})

    def _keep(
        self,
        job: IngestJob,
        original: Stored,
        extension: str,
        measured: Measured,
        encoded: Encoded,
        warnings: list[ClipWarning],
        files: dict[str, Stored],
    ) -> None:
        first, last = (measured.sound_from, measured.sound_until) if job.trim_silence else (0, measured.samples)
        with self._database.writing() as session:
            # A merger may have moved the job to another commune.
            row = session.get(IngestJob, job.id)
            commune_id = job.commune_id if row is None else row.commune_id
            new_clip = Clip(
                id=new_id(),
                commune_id=commune_id,
                title=job.title,
                language=job.language,
                field=job.field,
                original_name=job.file_name,
                original_sha256=original.sha256,
                original_bytes=original.bytes,
                original_extension=extension,
                uploaded_at=job.created_at,
                uploaded_by=job.created_by,
                duration_us=encoded.samples * 1_000_000 // RATE,
                trim_silence=job.trim_silence,
                trimmed_start_us=first * 1_000_000 // RATE,
                trimmed_end_us=(measured.samples - last) * 1_000_000 // RATE,
                loudness_before_lufs=measured.loudness_lufs,
                loudness_after_lufs=encoded.opus_level.lufs,
                true_peak_after_dbtp=encoded.true_peak_dbtp,
                warnings=warnings_as_text(warnings),
                peaks=_cut(measured, first, last),
                folded=folded_words(job.title, job.file_name, job.speech),
                speech=job.speech,
            )
            session.add(new_clip)
            session.flush()
            for codec, file in files.items():
                session.add(
                    ClipRendition(
                        clip_id=new_clip.id, codec=codec, sha256=file.sha256, bytes=file.bytes, extension=codec
                    )
                )
            self._replace(session, job, new_clip.id)
            if row is not None:
                row.state, row.progress, row.clip_id = JobState.READY.value, 1.0, new_clip.id
                row.finished_at = self._clock.now()
                session.add(row)
        if job.replaces is not None:
            self.after_replacing()

    def _retire_replaced(self, job: IngestJob, successor: str) -> None:
        with self._database.writing() as session:
            self._replace(session, job, successor)
        if job.replaces is not None:
            self.after_replacing()

    def _replace(self, session: Session, job: IngestJob, successor: str) -> None:
        if job.replaces is not None and job.replaces != successor:
            replace_clip(session, job.replaces, successor, self._clock.now(), job.created_by)

    def _limits(self) -> Callable[[int], None]:
        """Ends the decoding of what is too long, and of what would fill the disk."""
        checked_us = [0]

        def check(length_us: int) -> None:
            check_length(length_us, self._most_hours)
            if length_us - checked_us[0] >= _ROOM_EACH_US:
                checked_us[0] = length_us
                self._media.check_room(0)

        return check

    def _bar(self, job_id: str, start: float, end: float) -> Callable[[float], None]:
        last = [start]

        def told(share: float) -> None:
            at = start + (end - start) * share
            if at - last[0] >= 0.02:
                last[0] = at
                update_job(self._database, job_id, progress=at)

        return told

    def _encoding_bar(self, job_id: str) -> Callable[[float], None]:
        """How long the verification takes depends on what it finds: a state without a share."""
        bar, verifying = self._bar(job_id, _MEASURED_AT, _ENCODED_AT), [False]

        def told(share: float) -> None:
            if share < 1:
                bar(share)
            elif not verifying[0]:
                verifying[0] = True
                update_job(self._database, job_id, state=JobState.VERIFYING.value, progress=_ENCODED_AT)

        return told


def _same(session: Session, job: IngestJob, sha256: str) -> Clip | None:
    query = select(Clip).where(
        Clip.commune_id == job.commune_id,
        Clip.original_sha256 == sha256,
        Clip.trim_silence == job.trim_silence,
        col(Clip.retired_at).is_(None),
    )
    return session.exec(query).first()


def _cut(measured: Measured, first: int, last: int) -> bytes:
    count = len(measured.peaks)
    return measured.peaks[first * count // measured.samples : max(1, -(-last * count // measured.samples))]
