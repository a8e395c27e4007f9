"""Clips: what recordings do I have, and is the one I just brought ready?"""

from dataclasses import replace
from http import HTTPStatus
from typing import Annotated, Any

from fastapi import APIRouter, Form, Request
from fastapi.responses import FileResponse, HTMLResponse, JSONResponse, Response
from starlette.concurrency import run_in_threadpool
from starlette.datastructures import UploadFile

from broadcast.backup_clip import backup_of
from broadcast.clips import order_of
from broadcast.storage import storage_limit, stored_bytes
from broadcast.upload import Upload
from parsing.numbers import row_number
from people.rights import Action, NotAllowed
from runtime.refusal import N_, Refusal
from usecases.clips import change_clip, choose_backup, clip_of, dismiss_upload, open_upload, restore_clip, retire_clip
from web.clip_list import ClipQuery, UploadsView, clip_choices, clip_rows, clips_view, uploads_view
from web.flash import Flash
from web.labels.broadcasts import FIELDS, LANGUAGES_SPOKEN
from web.labels.clip_warnings import clip_warnings
from web.removed_things import after_removal
from web.request_context import Frame, In, Reading, back_to, changes
from web.typed_fields import Count, RowId
from web.uploads import blocks_of, body_of, receive

router = APIRouter(include_in_schema=False)


@router.get("/clips")
def page(
    frame: In, session: Reading, q: str = "", field: str = "", language: str = "", page: Count = 0
) -> HTMLResponse:
    """The whole page, or for htmx only the list."""
    asked = ClipQuery(q, field, language)
    view = clips_view(session, frame.commune_id, asked, page)
    if frame.request.headers.get("hx-target") == "clips":
        return frame.page("_clip_list.html", view=view, asked=asked, fields=FIELDS)
    uploads = uploads_view(session, frame.commune_id, frame.deps.clock.now(), frame.operator.name)
    return frame.page(
        "clips.html",
        view=view,
        uploads=replace(uploads, notices=[]) if asked.query else uploads,
        lists=not page and not asked.query,
        asked=asked,
        fields=FIELDS,
        spoken=LANGUAGES_SPOKEN,
        stored_bytes=stored_bytes(session, frame.commune_id),
        storage_bytes=storage_limit(session, frame.commune_id, frame.deps.ingest.storage_bytes),
        replaces=None,
        limit_mb=frame.deps.settings.max_upload_bytes // 1_000_000,
    )


@router.get("/clips/uploads")
def uploads(
    frame: In, session: Reading, seen: str = "", lists: str = "", programme: Count = 0, chimes: str = ""
) -> HTMLResponse:
    """The uploads on their way, for the script. lists: the page shows the newest clips; those that are new join its
    list. programme, chimes: what is new is offered to this programme, or as a chime.
    """
    view = uploads_view(session, frame.commune_id, frame.deps.clock.now(), frame.operator.name, seen.split("."))
    if not lists:  # what is ready stays named there
        view = replace(view, seen=seen.split("."))
    return _uploads(frame, view, lists, programme, chimes)


@router.post("/clips/uploads/{job_id}/dismiss", dependencies=[changes(Action.CLIPS)])
def dismiss(
    frame: In,
    job_id: str,
    lists: Annotated[str, Form()] = "",
    programme: Annotated[Count, Form()] = 0,
    chimes: Annotated[str, Form()] = "",
) -> Response:
    """Say no longer what became of an upload."""
    dismiss_upload(frame.deps.services, frame.actor, frame.commune_id, job_id)
    if not frame.request.headers.get("hx-request"):
        return back_to(frame.request, "/clips", None)
    with frame.deps.database.session() as session:
        view = uploads_view(session, frame.commune_id, frame.deps.clock.now(), frame.operator.name)
    return _uploads(frame, view, lists, programme, chimes)


@router.get("/clips/choices")
def choices(frame: In, session: Reading, find: str = "", prefix: str = "") -> HTMLResponse:
    """The options of a form's list of clips, for htmx."""
    found = clip_choices(session, frame.commune_id, find)
    return frame.page("_clip_choices.html", clips=found, find=find, prefix="clip " if prefix else "", chosen="")


@router.post("/clips/upload", dependencies=[changes(Action.CLIPS)])
async def upload(
    frame: In,
    request: Request,
    name: str,
    size: int = 0,
    trim: str = "true",
    replaces: str = "",
    language: str = "vi",
    field: RowId = 1,
    title: str = "",
    urgent: str = "",
) -> JSONResponse:
    """Receive one file as the request's body, straight to disk, block by block."""

    def begin() -> Upload:
        return open_upload(
            frame.deps.services,
            frame.actor,
            frame.deps.ingest,
            frame.commune_id,
            name,
            size_hint=size,
            trim_silence=trim != "false",
            replaces=replaces,
            language=language,
            field=field,
            title=title,
            urgent=urgent == "true",
        )

    try:
        body = body_of(request)
        receiving = await run_in_threadpool(begin)
        await receive(receiving, body)
    except Refusal as refusal:
        status = HTTPStatus.FORBIDDEN if isinstance(refusal, NotAllowed) else HTTPStatus.UNPROCESSABLE_ENTITY
        return JSONResponse({"error": frame.t.refusal(refusal)}, status)
    return JSONResponse({"job": receiving.job_id})


@router.post("/clips", dependencies=[changes(Action.CLIPS)])
async def upload_without_script(frame: In, request: Request) -> Response:
    """The same from a plain form, for browsers without script. What is too large is refused before it is read."""
    if int(request.headers.get("content-length") or 0) > frame.deps.settings.max_upload_bytes + 10_000:
        raise frame.deps.ingest.too_large()
    async with request.form() as form:
        file = form.get("file")
        if not isinstance(file, UploadFile) or not file.filename:
            raise Refusal(N_("Choose a file first.")).at("file")
        sent = file
        text = {name: value for name, value in form.items() if isinstance(value, str)}
        receiving = await run_in_threadpool(
            lambda: open_upload(
                frame.deps.services,
                frame.actor,
                frame.deps.ingest,
                frame.commune_id,
                sent.filename or "",
                size_hint=sent.size or 0,
                trim_silence="trim" in text,
                replaces=text.get("replaces", ""),
                language=text.get("language", "vi"),
                field=row_number(text.get("field", "")) or 1,
                urgent="urgent" in text,
            )
        )
        await receive(receiving, blocks_of(sent))
    return back_to(
        request, "/clips", Flash(N_("The file has arrived. It appears in the list once it has been checked."))
    )


@router.get("/clips/{clip_id}")
def one(frame: In, session: Reading, clip_id: str) -> HTMLResponse:
    """One clip: hear it, rename it, tag it, replace it, retire it."""
    clip = clip_of(session, frame.commune_id, clip_id)
    (row,) = clip_rows(session, [clip])
    return frame.page(
        "clip.html",
        row=row,
        peaks=list(clip.peaks),
        uploads=uploads_view(session, frame.commune_id, frame.deps.clock.now(), frame.operator.name),
        lists=False,
        fields=FIELDS,
        spoken=LANGUAGES_SPOKEN,
        replaces=clip,
        limit_mb=frame.deps.settings.max_upload_bytes // 1_000_000,
        is_backup=backup_of(session, frame.commune_id) == clip_id,
        warnings=clip_warnings(frame.wording, clip),
        text_read=order.text if (order := order_of(clip.speech)) else "",
    )


@router.post("/clips/{clip_id}", dependencies=[changes(Action.CLIPS)])
def change(
    frame: In,
    clip_id: str,
    title: Annotated[str, Form()],
    language: Annotated[str, Form()],
    field: Annotated[RowId, Form()],
) -> Response:
    """Keep title, language and field."""
    change_clip(
        frame.deps.services, frame.actor, frame.commune_id, clip_id, title=title, language=language, field=field
    )
    return back_to(frame.request, f"/clips/{clip_id}")


@router.post("/clips/{clip_id}/retire", dependencies=[changes(Action.CLIPS)])
def do_retire(frame: In, clip_id: str) -> Response:
    """Remove it from the library; it can be restored."""
    retire_clip(frame.deps.services, frame.actor, frame.commune_id, clip_id)
    return after_removal(frame, "clip", clip_id)


@router.post("/clips/{clip_id}/restore", dependencies=[changes(Action.CLIPS)])
def do_restore(frame: In, clip_id: str) -> Response:
    restore_clip(frame.deps.services, frame.actor, frame.commune_id, clip_id)
    return back_to(frame.request, f"/clips/{clip_id}", Flash(N_("Recording restored.")))


@router.post("/clips/{clip_id}/backup", dependencies=[changes(Action.CLIPS)])
def make_backup(frame: In, clip_id: str) -> Response:
    """Receivers play it when another recording cannot be played."""
    choose_backup(frame.deps.services, frame.actor, frame.commune_id, clip_id, chosen=True)
    return back_to(frame.request, f"/clips/{clip_id}")


@router.post("/clips/{clip_id}/no-backup", dependencies=[changes(Action.CLIPS)])
def no_backup(frame: In, clip_id: str) -> Response:
    """Receivers play their chime in that case."""
    choose_backup(frame.deps.services, frame.actor, frame.commune_id, clip_id, chosen=False)
    return back_to(frame.request, f"/clips/{clip_id}")


@router.get("/clips/{clip_id}/original")
def original(frame: In, session: Reading, clip_id: str) -> FileResponse:
    """The file as it was uploaded."""
    clip = clip_of(session, frame.commune_id, clip_id)
    originals, media = frame.deps.originals, frame.deps.media
    # The original of a chime that Loa made lies beside its renditions.
    store = originals if originals.has(clip.original_sha256, clip.original_extension) else media
    path = store.path_of(clip.original_sha256, clip.original_extension)
    return FileResponse(path, filename=clip.original_name, media_type="application/octet-stream")


def _uploads(frame: Frame, view: UploadsView, lists: str, programme: int, chimes: str) -> HTMLResponse:
    values: dict[str, Any] = {"programme_id": programme, "for_chimes": bool(chimes), "fields": FIELDS}
    return frame.page("_clip_uploads.html", uploads=view, lists=bool(lists), **values)
