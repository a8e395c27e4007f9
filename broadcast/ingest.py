"""Ingest: receives uploads and queues them for the clip maker.

Uploads are streamed to disk and processed one at a time, the communes in turn; unfinished ones continue after a
restart. Uploads for an emergency have a thread of their own, so that they wait for no other recording.
"""

import logging
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

from sqlmodel import select

from broadcast.audio import Ffmpeg, Stopped
from broadcast.clip_maker import ClipMaker
from broadcast.clips import Field, clip
from broadcast.file_names import clean_name, title_of
from broadcast.ingest_jobs import IngestJob, JobState, unfinished, update_job
from broadcast.ingest_jobs import new_id as new_job_id
from broadcast.ingest_queue import IngestQueue
from broadcast.media import Media, disk_full, is_disk_full
from broadcast.storage import check_storage
from broadcast.upload import Upload
from parsing.titles import parse_title
from runtime.clock import Clock
from runtime.database import Database
from runtime.refusal import N_, Refusal, as_text
from transport.worker import Worker

log = logging.getLogger(__name__)


class Ingest:
    """`start` before the first upload; `close` ends the threads."""

    def __init__(
        self,
        database: Database,
        media: Media,
        originals: Media,
        clock: Clock,
        *,
        most_bytes: int,
        most_hours: float,
        storage_bytes: int = 0,
    ) -> None:
        """media: stores renditions. originals: stores uploads unchanged.

        storage_bytes: the most that a commune without a value of its own stores, 0 for no limit.
        """
        self._database = database
        self._media = media
        self._originals = originals
        self._clock = clock
        self._most_bytes = most_bytes
        self.storage_bytes = storage_bytes
        self._waiting, self._urgent_waiting = IngestQueue(), IngestQueue()
        self._worker = Worker(lambda: self._step(self._waiting), "ingest")
        self._urgent_worker = Worker(lambda: self._step(self._urgent_waiting), "urgent ingest")
        self._ffmpeg = Ffmpeg(self._worker.stopping)
        self._clip_maker = ClipMaker(database, media, originals, clock, self._ffmpeg, most_hours=most_hours)
        self._at_work = 0
        self._at_work_lock = threading.Lock()

    def after_replacing(self, notify: Callable[[], None]) -> None:
        """Call `notify`, in the ingest's thread, after a recording has taken the place of another."""
        self._clip_maker.after_replacing = notify

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
        urgent: bool = False,
    ) -> Upload:
        """Start an upload. size_hint: the size the sender announced, 0 when unknown. urgent: for an emergency, which
        the commune's own limit does not hold up.

        Raises Refusal (too large, disk full, the commune's storage full), NotFound (the clip to replace).
        """
        if size_hint > self._most_bytes:
            raise self.too_large()
        if urgent:
            self._originals.check_room(size_hint)
        else:
            self.check_room(commune_id, size_hint)
        name = clean_name(file_name)
        path = self._originals.incoming()
        job_id = self._add_job(
            commune_id=commune_id,
            file_name=name,
            created_by=by,
            title=parse_title(title) or title_of(name),
            language=language or "vi",
            field=field,
            trim_silence=trim_silence,
            replaces=replaces,
            urgent=urgent,
            bytes=size_hint,
            incoming=path.name,
        )
        return Upload(self, job_id, path, self._most_bytes)

    def open_speech(
        self, commune_id: str, title: str, speech: str, *, by: str, field: int, replaces: str | None
    ) -> str:
        """A job whose file an engine will write (`incoming_of`); `received` ends it. Returns its id.

        Raises Refusal (disk full, the commune's storage full), NotFound (the clip to replace).
        """
        self.check_room(commune_id, 0)
        return self._add_job(
            commune_id=commune_id,
            file_name=clean_name(f"{title}.wav"),
            created_by=by,
            title=title,
            field=field,
            replaces=replaces,
            incoming=self._originals.incoming().name,
            state=JobState.SPEAKING.value,
            speech=speech,
        )

    def incoming_of(self, job: IngestJob) -> Path:
        """Where the file of a job is, until it is stored."""
        return self._originals.folder / "incoming" / job.incoming

    def _add_job(self, **values: Any) -> str:
        job = IngestJob(id=new_job_id(), created_at=self._clock.now(), **values)
        with self._database.writing() as session:
            if job.replaces is not None:
                clip(session, job.replaces)
            session.add(job)
            return job.id

    def take_recording(self, path: Path, commune_id: str, *, by: str, title: str) -> None:
        """Queue a recording that this machine made. It may be called again for the same file after a crash.

        path: on the disk of the originals; the file is moved. Its name is the claim: one file makes one clip.
        """
        with self._database.writing() as session:
            job = session.exec(select(IngestJob).where(IngestJob.incoming == path.name)).first()
            if job is None:
                job = IngestJob(
                    id=new_job_id(),
                    commune_id=commune_id,
                    file_name=clean_name(f"{title}{path.suffix}"),
                    created_at=self._clock.now(),
                    created_by=by,
                    title=parse_title(title),
                    state=JobState.WAITING.value,
                    bytes=path.stat().st_size,
                    incoming=path.name,
                )
            elif job.state == JobState.INTERRUPTED:
                job.state, job.refusal, job.finished_at = JobState.WAITING.value, "", None
            session.add(job)
        path.replace(self._originals.folder / "incoming" / path.name)
        if self._worker.is_alive:  # before the start, `recover` finds it
            self._enqueue(job)

    def check_room(self, commune_id: str, bytes_: int) -> None:
        """Raises Refusal when these bytes would fill the disk, or are more than the commune may still store."""
        self._originals.check_room(bytes_)
        with self._database.session() as session:
            check_storage(session, commune_id, bytes_, self.storage_bytes)

    def received(self, job_id: str, size: int, *, queued: bool = True) -> None:
        """The bytes are on disk. queued: processed by the ingest's thread; otherwise the caller calls `work_one`."""
        job = update_job(self._database, job_id, state=JobState.WAITING.value, bytes=size)
        if queued and job is not None:
            self._enqueue(job)

    def refuse(self, job_id: str, refusal: Refusal, state: JobState = JobState.REFUSED) -> None:
        """Record why there is no clip."""
        update_job(self._database, job_id, state=state.value, refusal=as_text(refusal), finished_at=self._clock.now())

    def too_large(self) -> Refusal:
        """The refusal for a file above the limit."""
        return Refusal(
            N_("This file is larger than {most_mb} MB. Save it as mp3 or m4a and choose it again."),
            most_mb=self._most_bytes // 1_000_000,
        )

    def start(self) -> None:
        """Recover unfinished uploads and start the threads."""
        self.recover()
        self._worker.start()
        self._urgent_worker.start()

    def recover(self) -> None:
        """Queue received uploads again and mark incomplete ones as interrupted."""
        with self._database.session() as session:
            jobs = unfinished(session)
        paths = []
        for job in jobs:
            path = self.incoming_of(job)
            if job.state == JobState.SPEAKING:
                paths.append(path)  # `SpeechIngest` begins it again
            elif job.state == JobState.RECEIVING or not path.exists():
                self.refuse(
                    job.id,
                    Refusal(N_("Loa was stopped during this upload. Choose the file again.")),
                    JobState.INTERRUPTED,
                )
            else:
                paths.append(path)
                update_job(self._database, job.id, state=JobState.WAITING.value, progress=0.0, resumed=True)
                self._enqueue(job)
        self._originals.sweep(paths)
        self._media.sweep()

    def close(self) -> None:
        """Stop; an upload being processed continues at the next start."""
        self._worker.close(20)
        self._urgent_worker.close(20)

    def _enqueue(self, job: IngestJob) -> None:
        queue, worker = self._waiting, self._worker
        if job.urgent:
            queue, worker = self._urgent_waiting, self._urgent_worker
        queue.put(job.commune_id, job.id)
        worker.wake()

    def work_one(self, job_id: str) -> None:
        """Make a clip of a received file, or refuse it. Safe from any thread: an emergency does not wait for the queue.

        Raises Stopped when the controller is closing.
        """
        with self._at_work_lock:
            self._at_work += 1
        try:
            self._work_one(job_id)
        finally:
            with self._at_work_lock:
                self._at_work -= 1
                if not self._at_work:  # a sweep earlier would delete files that another thread writes
                    self._media.sweep()

    def _work_one(self, job_id: str) -> None:
        with self._database.session() as session:
            job = session.get(IngestJob, job_id)
        if job is None or job.finished:
            return
        path = self.incoming_of(job)
        try:
            self._clip_maker.make(job, path)
        except Refusal as refusal:
            path.unlink(missing_ok=True)
            self.refuse(job_id, refusal)
        except OSError as error:
            if not is_disk_full(error):
                raise
            path.unlink(missing_ok=True)
            self.refuse(job_id, disk_full(0))

    def _step(self, queue: IngestQueue) -> float | None:
        job_id = queue.take()
        if job_id is None:
            return None
        try:
            self.work_one(job_id)
        except Stopped:
            return None
        except Exception:
            log.exception("ingest: upload %s failed", job_id)
            self.refuse(job_id, Refusal(N_("An internal error occurred while processing this file.")))
            self._drop_incoming(job_id)
        return 0.0

    def _drop_incoming(self, job_id: str) -> None:
        with self._database.session() as session:
            job = session.get(IngestJob, job_id)
        if job is not None:
            self.incoming_of(job).unlink(missing_ok=True)
