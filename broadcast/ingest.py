"""Ingest: from an upload to a clip. Streams to disk, works one at a time, and survives being killed."""

import logging
import queue
import threading
from collections.abc import Callable
from pathlib import Path

from sqlmodel import Session, col, select

from broadcast.acceptance import check_length, check_measured
from broadcast.audio import RATE, Ffmpeg, Stopped
from broadcast.audio_encode import Encoded, encode
from broadcast.audio_measure import Measured, measure
from broadcast.audio_probe import probe
from broadcast.clips import Clip, ClipRendition, Field, clip, folded, new_id
from broadcast.file_names import clean_name, extension_of, title_of
from broadcast.ingest_jobs import IngestJob, JobState, unfinished
from broadcast.ingest_jobs import new_id as new_job_id
from broadcast.media import Media, Stored, disk_full, hash_of, is_disk_full
from broadcast.upload import Upload
from runtime.clock import Clock
from runtime.database import Database
from runtime.refusal import N_, Refusal, as_text
from transport.worker import Worker

log = logging.getLogger(__name__)

#: Where each step ends on the bar from 0 to 1.
_MEASURED_AT, _ENCODED_AT = 0.25, 0.95


class Ingest:
    """Receives uploads and makes clips of them, in a thread of its own, one at a time."""

    def __init__(
        self, database: Database, media: Media, originals: Media, clock: Clock, *, most_bytes: int, most_hours: float
    ) -> None:
        """media: where renditions go. originals: where uploads are kept as they came."""
        self._database = database
        self._media = media
        self._originals = originals
        self._clock = clock
        self._most_bytes = most_bytes
        self._most_hours = most_hours
        self._worker = Worker(self._step, "ingest")
        self._ffmpeg = Ffmpeg(self._worker.stopping)
        self._waiting: queue.SimpleQueue[str] = queue.SimpleQueue()
        self._at_work = 0
        self._at_work_lock = threading.Lock()
        self._on_progress: list[Callable[[str], None]] = []

    # -- receiving

    def open_upload(
        self,
        commune_id: str,
        file_name: str,
        *,
        by: str,
        size_hint: int = 0,
        trim_silence: bool = True,
        title: str = "",
        language: str = "vi",
        field: int = int(Field.GENERAL),
        replaces: str | None = None,
    ) -> Upload:
        """Begin to receive a file. size_hint: what the sender says, 0 when it does not.

        Raises Refusal (too large, no room), NotFound (what it shall replace).
        """
        if size_hint > self._most_bytes:
            raise self.too_large()
        self._originals.check_room(size_hint)
        name = clean_name(file_name)
        path = self._originals.incoming()
        with self._database.writing() as session:
            if replaces is not None:
                clip(session, replaces)
            job = IngestJob(
                id=new_job_id(),
                commune_id=commune_id,
                file_name=name,
                created_at=self._clock.now(),
                created_by=by,
                title=title.strip() or title_of(name),
                language=language or "vi",
                field=field,
                trim_silence=trim_silence,
                replaces=replaces,
                incoming=path.name,
            )
            session.add(job)
        return Upload(self, job.id, path, self._most_bytes)

    def received(self, job_id: str, size: int, *, queued: bool = True) -> None:
        """The bytes are on disk; work can begin. queued: by our own thread; else the caller calls `work_one`."""
        self._set(job_id, state=JobState.WAITING.value, bytes=size)
        if queued:
            self._waiting.put(job_id)
            self._worker.wake()

    def refuse(self, job_id: str, refusal: Refusal, state: JobState = JobState.REFUSED) -> None:
        """Write down why nothing came of it."""
        self._set(job_id, state=state.value, refusal=as_text(refusal), finished_at=self._clock.now())

    def too_large(self) -> Refusal:
        """What is said of a file beyond the limit."""
        return Refusal(
            N_("This file is larger than {most_mb} MB. Save it as mp3 or m4a and choose it again."),
            most_mb=self._most_bytes // 1_000_000,
        )

    # -- working

    def start(self) -> None:
        """Finish or clean up what was under way when we last ended, and begin to work."""
        self.recover()
        self._worker.start()

    def recover(self) -> None:
        """What was received is worked again from its beginning; what was not is cleaned up. The operator sees which."""
        with self._database.session() as session:
            jobs = unfinished(session)
        kept = []
        for job in jobs:
            path = self._originals.folder / "incoming" / job.incoming
            if job.state == JobState.RECEIVING or not path.exists():
                self.refuse(
                    job.id,
                    Refusal(N_("Loa was stopped while this file was on its way. Choose it again.")),
                    JobState.INTERRUPTED,
                )
            else:
                kept.append(path)
                self._set(job.id, state=JobState.WAITING.value, progress=0.0, resumed=True)
                self._waiting.put(job.id)
        self._originals.sweep(kept)
        self._media.sweep()

    def close(self) -> None:
        """Stop; what is under way is taken up at the next start."""
        self._worker.close(20)

    def work_one(self, job_id: str) -> None:
        """Make a clip of a received file, or refuse it. From any thread: an emergency does not wait for the queue.

        Raises Stopped when we are closing; the next start takes it up.
        """
        with self._at_work_lock:
            self._at_work += 1
        try:
            self._work_one(job_id)
        finally:
            with self._at_work_lock:
                self._at_work -= 1
                if not self._at_work:  # else it would sweep away what another is writing
                    self._media.sweep()

    def _work_one(self, job_id: str) -> None:
        with self._database.session() as session:
            job = session.get(IngestJob, job_id)
        if job is None or job.finished:
            return
        path = self._originals.folder / "incoming" / job.incoming
        try:
            self._make_clip(job, path)
        except Refusal as refusal:
            path.unlink(missing_ok=True)
            self.refuse(job_id, refusal)
        except OSError as error:
            if not is_disk_full(error):
                raise
            path.unlink(missing_ok=True)
            self.refuse(job_id, disk_full(0))

    def _step(self) -> float | None:
        try:
            job_id = self._waiting.get_nowait()
        except queue.Empty:
            return None
        try:
            self.work_one(job_id)
        except Stopped:
            return None
        except Exception:
            log.exception("upload %s could not be worked", job_id)
            self.refuse(job_id, Refusal(N_("Something went wrong in Loa itself while working on this file.")))
            self._drop_incoming(job_id)
        return 0.0

    def _make_clip(self, job: IngestJob, path: Path) -> None:
        # 1. The same bytes are the same clip.
        sha256, size = hash_of(path)
        with self._database.session() as session:
            before = _same(session, job, sha256)
        if before is not None:
            path.unlink()
            self._retire_replaced(job, before.id)
            self._set(
                job.id,
                state=JobState.READY.value,
                progress=1.0,
                clip_id=before.id,
                same_as_before=True,
                finished_at=self._clock.now(),
            )
            return
        # 2. What is it, and how long?
        self._set(job.id, state=JobState.PROBING.value)
        found = probe(path)
        check_length(found.duration_us, self._most_hours)
        # 3. How loud, where does it begin and end?
        self._set(job.id, state=JobState.MEASURING.value)
        self._originals.check_room(size // 4)
        measured = measure(
            path, self._ffmpeg, expected_us=found.duration_us, progress=self._bar(job.id, 0, _MEASURED_AT)
        )
        check_measured(found, measured, self._most_hours)
        # 4. Encode.
        self._set(job.id, state=JobState.ENCODING.value, progress=_MEASURED_AT)
        made: list[Path] = []

        def make_file(suffix: str) -> Path:
            made.append(self._media.incoming(suffix))
            return made[-1]

        try:
            encoded = encode(
                path,
                measured,
                self._ffmpeg,
                make_file,
                trim=job.trim_silence,
                progress=self._bar(job.id, _MEASURED_AT, _ENCODED_AT),
            )
            # 5. Keep: files first, then the row that names them.
            opus, mp3 = self._media.adopt(encoded.opus, "opus"), self._media.adopt(encoded.mp3, "mp3")
        finally:
            for left in made:
                left.unlink(missing_ok=True)
        extension = extension_of(job.file_name, found.container)
        original = self._originals.adopt(path, extension)
        self._keep(job, original, extension, measured, encoded, {"opus": opus, "mp3": mp3})

    def _keep(
        self,
        job: IngestJob,
        original: Stored,
        extension: str,
        measured: Measured,
        encoded: Encoded,
        files: dict[str, Stored],
    ) -> None:
        first, last = (measured.sound_from, measured.sound_until) if job.trim_silence else (0, measured.samples)
        with self._database.writing() as session:
            # Its commune may have become another one meanwhile.
            row = session.get(IngestJob, job.id)
            now_of = job.commune_id if row is None else row.commune_id
            made = Clip(
                id=new_id(),
                commune_id=now_of,
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
                loudness_after_lufs=encoded.loudness_lufs,
                true_peak_after_dbtp=encoded.true_peak_dbtp,
                peaks=_cut(measured, first, last),
                folded=folded(f"{job.title} {job.file_name}"),
            )
            session.add(made)
            session.flush()
            for codec, file in files.items():
                session.add(
                    ClipRendition(clip_id=made.id, codec=codec, sha256=file.sha256, bytes=file.bytes, extension=codec)
                )
            self._replace(session, job, made.id)
            if row is not None:
                row.state, row.progress, row.clip_id = JobState.READY.value, 1.0, made.id
                row.finished_at = self._clock.now()
                session.add(row)

    def _retire_replaced(self, job: IngestJob, successor: str) -> None:
        with self._database.writing() as session:
            self._replace(session, job, successor)

    def _replace(self, session: Session, job: IngestJob, successor: str) -> None:
        if job.replaces is not None and job.replaces != successor:
            old = clip(session, job.replaces)
            old.replaced_by, old.retired_at = successor, old.retired_at or self._clock.now()
            session.add(old)

    def _drop_incoming(self, job_id: str) -> None:
        with self._database.session() as session:
            job = session.get(IngestJob, job_id)
        if job is not None:
            (self._originals.folder / "incoming" / job.incoming).unlink(missing_ok=True)

    def _bar(self, job_id: str, start: float, end: float) -> Callable[[float], None]:
        last = [start]

        def told(share: float) -> None:
            at = start + (end - start) * share
            if at - last[0] >= 0.02:
                last[0] = at
                self._set(job_id, progress=at)

        return told

    def _set(self, job_id: str, **values: object) -> None:
        with self._database.writing() as session:
            row = session.get(IngestJob, job_id)
            if row is None:
                return
            for name, value in values.items():
                setattr(row, name, value)
            session.add(row)


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
