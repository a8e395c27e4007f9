"""Speech: a text is read aloud as a recording, a sentence is previewed, a reading is corrected."""

import tempfile
import threading
from pathlib import Path

from broadcast.clips import Field
from broadcast.ingest_jobs import JobState, job
from broadcast.speech_ingest import SpeechIngest
from parsing.titles import parse_title
from people.audit import Deed
from people.rights import Action
from runtime.refusal import N_, Refusal, at_field
from speech.cleaning import clean
from speech.normaliser import normalise
from speech.orders import SpeechOrder
from speech.pronunciations import corrections, forget, remember
from speech.synthesis import synthesise
from usecases.actors import Actor
from usecases.clips import clip_of
from usecases.emergency_content import need_for_clip
from usecases.own_rows import own
from usecases.services import Services

LONGEST_PREVIEW = 500
#: A preview holds a thread of the web server and a processor.
_MOST_PREVIEWS = 2
_PREVIEW_WAIT_S = 20.0
_previews = threading.BoundedSemaphore(_MOST_PREVIEWS)


def speak_text(
    services: Services,
    actor: Actor,
    speech: SpeechIngest,
    commune_id: str,
    title: str,
    order: SpeechOrder,
    *,
    field: int = int(Field.GENERAL),
    replaces: str = "",
) -> str:
    """Begin to make a recording of a text. replaces: the clip whose place it takes, "" for none. Returns the job.

    Raises NotAllowed, NotFound, Refusal (no title, nothing to read, too long, no such voice, no room).
    """
    actor.need(Action.CLIPS, commune_id)
    with at_field("title"):
        title = parse_title(title)
        if not title:
            raise Refusal(N_("A recording needs a title."))
    if replaces:
        with services.database.session() as session:
            need_for_clip(session, actor, clip_of(session, commune_id, replaces))
    if not any(c.isalnum() for c in order.text):
        raise Refusal(N_("There is nothing to read aloud in this text.")).at("text")
    field = field if field in list(Field) else int(Field.GENERAL)
    job_id = speech.begin(commune_id, title, order, by=actor.name, field=field, replaces=replaces or None)
    with services.database.writing() as session:
        actor.note(session, services.clock.now(), commune_id, Deed.TEXT_SPOKEN, title)
    return job_id


def stop_speaking(services: Services, actor: Actor, speech: SpeechIngest, commune_id: str, job_id: str) -> None:
    """End a text that is being spoken. Raises NotAllowed, NotFound."""
    actor.need(Action.CLIPS, commune_id)
    with services.database.session() as session:
        row = own(job(session, job_id), commune_id, N_("This upload no longer exists."))
    if row.state == JobState.SPEAKING:
        speech.stop(job_id)


def preview_speech(
    services: Services, actor: Actor, speech: SpeechIngest, commune_id: str, order: SpeechOrder
) -> bytes:
    """The sound of a sentence as a WAV file. Raises NotAllowed, Refusal."""
    actor.need(Action.CLIPS, commune_id)
    text = clean(order.text).text
    if len(text) > LONGEST_PREVIEW:
        raise Refusal(N_("Listen to at most {n} characters at a time."), n=LONGEST_PREVIEW)
    with services.database.session() as session:
        known = corrections(session, commune_id)
    spoken = normalise(text, known, speech.engines.voice(order.voice).dialect).spoken
    if not _previews.acquire(timeout=_PREVIEW_WAIT_S):
        raise Refusal(N_("Other texts are being read aloud at the moment. Try again in a minute."))
    try:
        with tempfile.TemporaryDirectory(prefix="loa-preview-") as folder:
            path = Path(folder) / "preview.wav"
            synthesise(speech.engines, order, spoken, path)
            return path.read_bytes()
    finally:
        _previews.release()


def correct_reading(services: Services, actor: Actor, commune_id: str, typed: str, spoken: str) -> None:
    """What is spoken for a typed piece from now on, in this commune. Raises NotAllowed, Refusal."""
    with services.database.writing() as session:
        actor.need(Action.CLIPS, commune_id)
        now = services.clock.now()
        row = remember(session, commune_id, typed, spoken, now, actor.name)
        actor.note(session, now, commune_id, Deed.READING_CORRECTED, f"{row.typed} → {row.spoken}")


def forget_correction(services: Services, actor: Actor, commune_id: str, number: int) -> None:
    """Read a piece by the rules again. Raises NotAllowed, NotFound."""
    with services.database.writing() as session:
        actor.need(Action.CLIPS, commune_id)
        row = forget(session, commune_id, number)
        actor.note(session, services.clock.now(), commune_id, Deed.CORRECTION_REMOVED, f"{row.typed} → {row.spoken}")
