"""Read aloud: a typed text, how it will be read, and a recording of it."""

from dataclasses import dataclass, replace
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form
from fastapi.responses import HTMLResponse, Response
from sqlmodel import Session
from starlette.datastructures import UploadFile
from starlette.requests import Request

from broadcast.clips import Clip, order_of
from people.rights import Action
from runtime.refusal import N_, Refusal, at_field
from speech.cleaning import clean
from speech.numbers import NORTH, Dialect
from speech.orders import SpeechOrder
from speech.pronunciations import pronunciations
from transfer.text_files import MOST_TEXT_BYTES, read_text
from usecases.clips import clip_of
from usecases.speech import (
    correct_reading,
    forget_correction,
    preview_speech,
    speak_text,
    stop_speaking,
)
from web.clip_list import uploads_view
from web.flash import Flash
from web.labels.broadcasts import FIELDS
from web.request_context import Frame, In, Reading, back_to, changes
from web.speech_view import reading_view
from web.typed_fields import RowId, Whole

router = APIRouter(include_in_schema=False)

SPEEDS_PERCENT = (70, 80, 90, 100, 110, 125, 150)
SENTENCE_PAUSES_MS = (0, 300, 600, 1000, 2000)
PARAGRAPH_PAUSES_MS = (300, 800, 1500, 3000)
#: Without a script the first characters are listened to.
LISTENED = 300


@dataclass(frozen=True)
class TypedSpeech:
    """What the form holds."""

    title: str = ""
    text: str = ""
    voice: str = ""
    speed: int = 100
    sentence_pause: int = 300
    paragraph_pause: int = 800
    field: int = 1
    replaces: str = ""

    def order(self, text: str | None = None) -> SpeechOrder:
        """Raises Refusal: a text that is too long, a speed or pause that is not offered."""
        with at_field("text"):
            cleaned = clean(self.text if text is None else text).text
        return SpeechOrder(cleaned, self.voice, self.speed, self.sentence_pause, self.paragraph_pause)


def typed_speech(
    title: Annotated[str, Form()] = "",
    text: Annotated[str, Form()] = "",
    voice: Annotated[str, Form()] = "",
    speed: Annotated[Whole, Form()] = 100,
    sentence_pause: Annotated[Whole, Form()] = 300,
    paragraph_pause: Annotated[Whole, Form()] = 800,
    field: Annotated[RowId, Form()] = 1,
    replaces: Annotated[str, Form()] = "",
) -> TypedSpeech:
    return TypedSpeech(title, text, voice, speed, sentence_pause, paragraph_pause, field, replaces)


Typed = Annotated[TypedSpeech, Depends(typed_speech)]


@router.get("/read-aloud")
def page(frame: In, session: Reading, clip: str = "") -> HTMLResponse:
    """clip: whose text is changed and spoken again."""
    if not clip:
        return _page(frame, session, TypedSpeech())
    spoken = clip_of(session, frame.commune_id, clip)
    return _page(frame, session, _typed_again(spoken))


@router.post("/read-aloud", dependencies=[changes(Action.CLIPS)])
def speak(frame: In, typed: Typed) -> Response:
    speak_text(
        frame.deps.services,
        frame.actor,
        frame.deps.speech,
        frame.commune_id,
        typed.title,
        typed.order(),
        field=typed.field,
        replaces=typed.replaces,
    )
    said = N_("The text is being read aloud. The recording appears in the list when it is ready.")
    return back_to(frame.request, "/clips", Flash(said))


@router.post("/read-aloud/reading", dependencies=[changes(Action.CLIPS)])
def show_reading(frame: In, session: Reading, typed: Typed) -> HTMLResponse:
    """How the text will be read: for htmx the part, else the page."""
    return _reading(frame, session, typed)


@router.post("/read-aloud/correct", dependencies=[changes(Action.CLIPS)])
def correct(
    frame: In,
    typed: Typed,
    piece: Annotated[str, Form()] = "",
    spoken: Annotated[str, Form()] = "",
    choice: Annotated[str, Form()] = "",
) -> HTMLResponse:
    """Remember how a piece is read, then show the reading again. choice: of an offered reading, "piece → spoken"."""
    if choice:
        piece, _, spoken = choice.rpartition(" → ")
    correct_reading(frame.deps.services, frame.actor, frame.commune_id, piece, spoken)
    with frame.deps.database.session() as session:
        return _reading(frame, session, typed)


@router.post("/read-aloud/corrections/{number}/forget", dependencies=[changes(Action.CLIPS)])
def forget(frame: In, number: RowId) -> Response:
    forget_correction(frame.deps.services, frame.actor, frame.commune_id, number)
    return back_to(frame.request, "/read-aloud", Flash(N_("Correction removed.")))


@router.post("/read-aloud/preview", dependencies=[changes(Action.CLIPS)])
def preview(frame: In, typed: Typed, part: Annotated[str, Form()] = "") -> Response:
    """The sound of a part of the text, or of its first sentences."""
    text = part or typed.text[:LISTENED]
    sound = preview_speech(frame.deps.services, frame.actor, frame.deps.speech, frame.commune_id, typed.order(text))
    return Response(sound, media_type="audio/wav", headers={"Cache-Control": "no-store"})


@router.post("/read-aloud/file", dependencies=[changes(Action.CLIPS)])
async def take_file(frame: In, request: Request) -> HTMLResponse:
    """The text of a Word or text file into the form."""
    async with request.form() as form:
        file = form.get("file")
        if not isinstance(file, UploadFile) or not file.filename:
            raise Refusal(N_("Choose a file first.")).at("file")
        content, name = await file.read(MOST_TEXT_BYTES + 1), file.filename
    return _file_page(frame, content, name)


@router.post("/read-aloud/{job_id}/stop", dependencies=[changes(Action.CLIPS)])
def stop(frame: In, job_id: str, lists: Annotated[str, Form()] = "") -> Response:
    stop_speaking(frame.deps.services, frame.actor, frame.deps.speech, frame.commune_id, job_id)
    if not frame.request.headers.get("hx-request"):
        return back_to(frame.request, "/clips", None)
    with frame.deps.database.session() as session:
        view = uploads_view(session, frame.commune_id, frame.deps.clock.now(), frame.operator.name)
    return frame.page("_clip_uploads.html", uploads=view, lists=bool(lists), fields=FIELDS)


def _file_page(frame: Frame, content: bytes, name: str) -> HTMLResponse:
    with at_field("file"):
        text = read_text(content, name, source=frame.commune_id)
    typed = TypedSpeech(title=name.rpartition(".")[0][:200], text=text)
    with frame.deps.database.session() as session:
        return _page(frame, session, typed, reading=reading_view(session, frame.commune_id, text, _dialect(frame, "")))


def _reading(frame: Frame, session: Session, typed: TypedSpeech) -> HTMLResponse:
    with at_field("text"):
        view = reading_view(session, frame.commune_id, typed.text, _dialect(frame, typed.voice))
    if frame.request.headers.get("hx-request"):
        return frame.page("_reading.html", reading=view)
    return _page(frame, session, typed, reading=view)


def _page(frame: Frame, session: Session, typed: TypedSpeech, **values: Any) -> HTMLResponse:
    offered = frame.deps.speech.engines.voices()
    return frame.page(
        "read_aloud.html",
        typed=typed if typed.voice or not offered.voices else replace(typed, voice=offered.voices[0].id),
        voices=offered.voices,
        refusals=[frame.t.refusal(refusal) for refusal in offered.refusals],
        speeds=SPEEDS_PERCENT,
        sentence_pauses=SENTENCE_PAUSES_MS,
        paragraph_pauses=PARAGRAPH_PAUSES_MS,
        fields=FIELDS,
        corrections=pronunciations(session, frame.commune_id),
        most_mb=MOST_TEXT_BYTES // 1_000_000,
        **({"reading": None} | values),
    )


def _dialect(frame: Frame, voice: str) -> Dialect:
    voices = frame.deps.speech.engines.voices().voices
    chosen = next((known for known in voices if known.id == voice), voices[0] if voices else None)
    return chosen.dialect if chosen else NORTH


def _typed_again(spoken: Clip) -> TypedSpeech:
    order = order_of(spoken.speech)
    if order is None:
        raise Refusal(N_("This recording was not made from a text."))
    return TypedSpeech(
        spoken.title,
        order.text,
        order.voice,
        order.speed_percent,
        order.sentence_pause_ms,
        order.paragraph_pause_ms,
        spoken.field,
        spoken.id,
    )
