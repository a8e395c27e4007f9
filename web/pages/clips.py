"""Clips: what recordings do I have, and is the one I just brought ready?"""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from datetime import datetime
from typing import Annotated

from fastapi import APIRouter, Form, Request
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, Response
from sqlmodel import Session
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile
from starlette.requests import ClientDisconnect

from broadcast.backup_clip import backup_of, choose_backup
from broadcast.clips import Clip, Field, change_clip, clip, clips, renditions_of, restore, retire
from broadcast.ingest_jobs import IngestJob, JobState, recent_jobs
from broadcast.programmes import Programme, used_in
from broadcast.upload import Upload
from devices.receivers import receivers
from people.audit import Deed
from people.rights import Action
from runtime.refusal import NotFound, Refusal
from web.labels.states import FIELDS, LANGUAGES_SPOKEN
from web.request_context import Frame, In, Reading, back_to, changes, renderer_of

router = APIRouter(include_in_schema=False)
#: Points drawn of a waveform in the list: as many as a phone shows.
POINTS = 160


@dataclass(frozen=True)
class ClipRow:
    """One clip in the list. peaks: 0–255. listen: where its sound is."""

    clip: Clip
    peaks: list[int]
    listen: str
    used: list[Programme]


@dataclass(frozen=True)
class ClipsPage:
    """The list, and what is on its way. working: something still changes."""

    rows: list[ClipRow]
    jobs: list[IngestJob]
    working: bool


def clips_view(
    session: Session, commune_id: str, now: datetime, search: str = "", field: int | None = None, language: str = ""
) -> ClipsPage:
    """What the page shows. The number of queries does not grow with the clips."""
    found = clips(session, commune_id, search=search, field=field, language=language or None)
    ids = [c.id for c in found]
    sounds, used = renditions_of(session, ids), used_in(session, ids)
    rows = [ClipRow(c, thinned(c.peaks), listen_url(sounds.get(c.id, [])), used.get(c.id, [])) for c in found]
    jobs = [
        j for j in recent_jobs(session, commune_id, now) if j.state != JobState.READY or j.same_as_before or j.resumed
    ]
    return ClipsPage(rows, jobs, any(not j.finished for j in jobs))


def thinned(peaks: bytes) -> list[int]:
    """A waveform of at most 160 points."""
    if len(peaks) <= POINTS:
        return list(peaks)
    step = len(peaks) / POINTS
    return [max(peaks[int(k * step) : max(int(k * step) + 1, int((k + 1) * step))]) for k in range(POINTS)]


def listen_url(renditions: list) -> str:  # type: ignore[type-arg]
    """Where a browser hears a clip: MP3, which all of them play."""
    return next((f"/media/{r.path}" for r in renditions if r.codec == "mp3"), "")


@router.get("/clips")
def page(frame: In, session: Reading, q: str = "", field: str = "", language: str = "") -> HTMLResponse:
    """The whole page, or for htmx only the list."""
    number = int(field) if field.isdigit() else None
    view = clips_view(session, frame.commune_id, frame.deps.clock.now(), q, number, language)
    part = frame.request.headers.get("hx-target") == "clips"
    return renderer_of(frame.request).page(
        frame,
        "_clip_list.html" if part else "clips.html",
        view=view,
        q=q,
        field=field,
        language=language,
        fields=FIELDS,
        spoken=LANGUAGES_SPOKEN,
        replaces=None,
        limit_mb=frame.deps.settings.max_upload_bytes // 1_000_000,
    )


@router.post("/clips/upload", dependencies=[changes(Action.CLIPS)])
async def upload(
    frame: In,
    request: Request,
    name: str,
    size: int = 0,
    trim: str = "true",
    replaces: str = "",
    language: str = "vi",
    field: int = 1,
    title: str = "",
) -> JSONResponse:
    """Receive one file as the request's body, straight to disk, block by block."""

    def begin() -> Upload:
        return _open(frame, name, size, trim != "false", replaces, language, field, title)

    try:
        receiving = await run_in_threadpool(begin)
        await _receive(receiving, request.stream())
    except Refusal as refusal:
        return JSONResponse({"error": frame.t.refusal(refusal)}, 422)
    return JSONResponse({"job": receiving.job_id})


@router.post("/clips", dependencies=[changes(Action.CLIPS)])
async def upload_without_script(frame: In, request: Request) -> Response:
    """The same from a plain form, for browsers without script. What is too large is refused before it is read."""
    if int(request.headers.get("content-length") or 0) > frame.deps.settings.max_upload_bytes + 10_000:
        raise frame.deps.ingest.too_large()
    form = await request.form()
    file = form.get("file")
    if not isinstance(file, UploadFile):
        return back_to(request, "/clips")
    sent = file

    async def blocks() -> AsyncIterator[bytes]:
        while block := await sent.read(1 << 20):
            yield block

    text = {name: value for name, value in form.items() if isinstance(value, str)}
    receiving = await run_in_threadpool(
        lambda: _open(
            frame,
            sent.filename or "",
            sent.size or 0,
            "trim" in text,
            text.get("replaces", ""),
            text.get("language", "vi"),
            int(text.get("field", "1")),
            "",
        )
    )
    await _receive(receiving, blocks())
    return back_to(request, "/clips")


@router.get("/clips/{clip_id}")
def one(frame: In, session: Reading, clip_id: str) -> HTMLResponse:
    """One clip: hear it, rename it, tag it, replace it, retire it."""
    found = own_clip(frame, session, clip_id)
    row = ClipRow(
        found,
        list(found.peaks),
        listen_url(renditions_of(session, [clip_id]).get(clip_id, [])),
        used_in(session, [clip_id]).get(clip_id, []),
    )
    return renderer_of(frame.request).page(
        frame,
        "clip.html",
        row=row,
        fields=FIELDS,
        spoken=LANGUAGES_SPOKEN,
        replaces=found,
        limit_mb=frame.deps.settings.max_upload_bytes // 1_000_000,
        q="",
        field="",
        language="",
        is_backup=backup_of(session, frame.commune_id) == clip_id,
    )


@router.post("/clips/{clip_id}", dependencies=[changes(Action.CLIPS)])
def change(
    frame: In,
    clip_id: str,
    title: Annotated[str, Form()],
    language: Annotated[str, Form()],
    field: Annotated[int, Form()],
) -> Response:
    """Keep title, language and field."""
    with frame.deps.database.writing() as session:
        own_clip(frame, session, clip_id)
        change_clip(session, clip_id, title=title, language=language, field=field)
        frame.note(session, Deed.CLIP_CHANGED, title)
    return back_to(frame.request, f"/clips/{clip_id}")


@router.post("/clips/{clip_id}/retire", dependencies=[changes(Action.CLIPS)])
def do_retire(frame: In, clip_id: str) -> Response:
    """Out of the library; it can be brought back on its own page."""
    with frame.deps.database.writing() as session:
        found = own_clip(frame, session, clip_id)
        retire(session, clip_id, frame.deps.clock.now())
        frame.note(session, Deed.CLIP_RETIRED, found.title)
    return back_to(frame.request, f"/clips/{clip_id}")


@router.post("/clips/{clip_id}/restore", dependencies=[changes(Action.CLIPS)])
def do_restore(frame: In, clip_id: str) -> Response:
    """Back into the library."""
    with frame.deps.database.writing() as session:
        found = own_clip(frame, session, clip_id)
        restore(session, clip_id)
        frame.note(session, Deed.CLIP_RESTORED, found.title)
    return back_to(frame.request, f"/clips/{clip_id}")


@router.post("/clips/{clip_id}/backup", dependencies=[changes(Action.CLIPS)])
def make_backup(frame: In, clip_id: str) -> Response:
    """What receivers sound when a recording cannot be played; they fetch it at once."""
    _choose_backup(frame, clip_id, clip_id)
    return back_to(frame.request, f"/clips/{clip_id}")


@router.post("/clips/{clip_id}/no-backup", dependencies=[changes(Action.CLIPS)])
def no_backup(frame: In, clip_id: str) -> Response:
    """No longer: receivers sound their chime then."""
    _choose_backup(frame, clip_id, None)
    return back_to(frame.request, f"/clips/{clip_id}")


@router.get("/clips/{clip_id}/original")
def original(frame: In, session: Reading, clip_id: str) -> FileResponse:
    """The file as it was uploaded."""
    found = own_clip(frame, session, clip_id)
    path = frame.deps.originals.path_of(found.original_sha256, found.original_extension)
    return FileResponse(path, filename=found.original_name, media_type="application/octet-stream")


def own_clip(frame: Frame, session: Session, clip_id: str) -> Clip:
    """A clip of the commune that is shown. Raises NotFound."""
    found = clip(session, clip_id)
    if found.commune_id != frame.commune_id:
        raise NotFound("This recording is not there any more.")
    return found


def _choose_backup(frame: Frame, shown: str, clip_id: str | None) -> None:
    with frame.deps.database.writing() as session:
        found = own_clip(frame, session, shown)
        choose_backup(session, frame.commune_id, clip_id)
        frame.note(session, Deed.BACKUP_CHOSEN if clip_id else Deed.BACKUP_DROPPED, found.title)
    with frame.deps.database.session() as session:
        frame.deps.downlink.configure_all(session, receivers(session, frame.commune_id))


def _open(
    frame: Frame, name: str, size: int, trim: bool, replaces: str, language: str, field: int, title: str
) -> Upload:
    if replaces:
        with frame.deps.database.session() as session:
            own_clip(frame, session, replaces)
    upload = frame.deps.ingest.open_upload(
        frame.commune_id,
        name,
        by=frame.operator.name,
        size_hint=size,
        trim_silence=trim,
        title=title,
        language=language,
        field=field if field in list(Field) else int(Field.GENERAL),
        replaces=replaces or None,
    )
    with frame.deps.database.writing() as session:
        frame.note(session, Deed.CLIP_UPLOADED, title or name)
    return upload


async def _receive(receiving: Upload, blocks: AsyncIterator[bytes]) -> None:
    """Write blocks as they come; disk work happens in a worker thread, a megabyte at a time."""
    held = bytearray()
    try:
        async for block in blocks:
            held += block
            if len(held) >= 1 << 20:
                await run_in_threadpool(receiving.write, bytes(held))
                held.clear()
        if held:
            await run_in_threadpool(receiving.write, bytes(held))
    except ClientDisconnect:
        await run_in_threadpool(receiving.abandon)
        return
    await run_in_threadpool(receiving.finish)
