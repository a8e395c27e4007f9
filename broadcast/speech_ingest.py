"""Speech ingest: texts become recordings, one after the other, the communes in turn.

What an engine has spoken goes through the ingest as an upload does: measured, levelled, both renditions.
"""

import logging
import tempfile
import threading
from pathlib import Path

import msgspec

from broadcast.clips import order_of
from broadcast.ingest import Ingest
from broadcast.ingest_jobs import IngestJob, JobState, unfinished, update_job
from broadcast.ingest_queue import IngestQueue
from broadcast.media import disk_full, is_disk_full
from broadcast.spoken_turns import join_turns
from runtime.database import Database
from runtime.refusal import N_, Refusal
from speech.engines import Engines
from speech.normaliser import normalise
from speech.orders import SpeechOrder
from speech.pronunciations import corrections
from speech.synthesis import SpeechStopped, synthesise
from speech.voices import ENGLISH_VOICE
from transport.worker import Worker

log = logging.getLogger(__name__)

#: Progress is written to the database in steps of this share.
_STEP = 0.02


class SpeechIngest:
    """`start` after the ingest has started; `close` before it is closed. A text begun goes on at the next start."""

    def __init__(self, database: Database, ingest: Ingest, engines: Engines) -> None:
        self.engines = engines
        self._database, self._ingest = database, ingest
        self._waiting = IngestQueue()
        self._worker = Worker(self.step, "speech")
        self._stopped: set[str] = set()
        self._stopped_lock = threading.Lock()

    def begin(
        self, commune_id: str, title: str, order: SpeechOrder, *, by: str, field: int, replaces: str | None
    ) -> str:
        """Queue a text. Returns its job. Raises Refusal, NotFound."""
        self.engines.voice(order.voice)
        speech = msgspec.json.encode(order).decode()
        job_id = self._ingest.open_speech(commune_id, title, speech, by=by, field=field, replaces=replaces)
        self._waiting.put(commune_id, job_id)
        self._worker.wake()
        return job_id

    def stop(self, job_id: str) -> None:
        """End a text that waits or is being spoken; it becomes no recording."""
        with self._stopped_lock:
            self._stopped.add(job_id)
        self._worker.wake()

    def start(self) -> None:
        self.queue_unfinished()
        self._worker.start()

    def queue_unfinished(self) -> None:
        """Queue what waited or was being spoken when the controller stopped."""
        with self._database.session() as session:
            jobs = [job for job in unfinished(session) if job.state == JobState.SPEAKING]
        for job in jobs:
            update_job(self._database, job.id, progress=0.0, resumed=True)
            self._waiting.put(job.commune_id, job.id)

    def close(self) -> None:
        self._worker.close(20)

    def step(self) -> float | None:
        """Speak the next text; None when none waits."""
        job_id = self._waiting.take()
        if job_id is None:
            return None
        with self._database.session() as session:
            job = session.get(IngestJob, job_id)
        if job is not None and job.state == JobState.SPEAKING:
            self._speak(job)
        return 0.0

    def _speak(self, job: IngestJob) -> None:
        path = self._ingest.incoming_of(job)
        try:
            self._synthesise(job)
        except SpeechStopped:
            if not self._is_stopped(job.id):
                return  # the controller is closing
            refusal, state = Refusal(N_("Reading this text aloud was stopped.")), JobState.INTERRUPTED
        except Refusal as why:
            refusal, state = why, JobState.REFUSED
        except OSError as error:
            if not is_disk_full(error):
                raise
            refusal, state = disk_full(0), JobState.REFUSED
        except Exception:
            log.exception("speech: text %s failed", job.id)
            refusal, state = Refusal(N_("An internal error occurred while reading this text aloud.")), JobState.REFUSED
        else:
            self._ingest.received(job.id, path.stat().st_size)
            return
        path.unlink(missing_ok=True)
        self._ingest.refuse(job.id, refusal, state)

    def _synthesise(self, job: IngestJob) -> None:
        order = order_of(job.speech)
        if order is None:
            raise RuntimeError(f"job {job.id} is spoken, but has no order")
        into = self._ingest.incoming_of(job)
        if order.repeats == 1 and not order.english:
            self._read_aloud(job, order, into)
            return
        with tempfile.TemporaryDirectory(prefix="loa-turns-") as folder:
            languages = [order, msgspec.structs.replace(order, text=order.english, voice=ENGLISH_VOICE.id)]
            parts = [(Path(folder) / f"{n}.wav", part) for n, part in enumerate(languages) if part.text]
            for path, part in parts:
                self._read_aloud(job, part, path)
            join_turns([path for path, _ in parts], order.repeats, order.paragraph_pause_ms, into)

    def _read_aloud(self, job: IngestJob, order: SpeechOrder, into: Path) -> None:
        spoken = order.text
        if order.voice != ENGLISH_VOICE.id:
            with self._database.session() as session:
                known = corrections(session, job.commune_id)
            spoken = normalise(order.text, known, self.engines.voice(order.voice).dialect).spoken
        told = [0.0]

        def progress(share: float) -> None:
            if share - told[0] >= _STEP:
                told[0] = share
                update_job(self._database, job.id, progress=share)

        synthesise(
            self.engines,
            order,
            spoken,
            into,
            progress=progress,
            stopping=lambda: self._worker.stopping.is_set() or self._is_stopped(job.id),
        )

    def _is_stopped(self, job_id: str) -> bool:
        with self._stopped_lock:
            return job_id in self._stopped
