"""The JSON API's clips: list, upload, and the job that makes a clip of an upload."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool

from broadcast.clips import Clip, clips, renditions_of
from broadcast.ingest_jobs import job
from people.rights import Action
from runtime.refusal import N_, NotFound
from usecases.clips import clip_of, open_upload
from web.request_context import In, Reading, changes
from web.typed_fields import RowId
from web.uploads import receive

router = APIRouter(prefix="/api/v1")


@router.get("/clips")
def list_clips(frame: In, session: Reading, search: str = "") -> list[dict[str, Any]]:
    found = clips(session, frame.commune_id, search=search)
    sounds = renditions_of(session, [c.id for c in found])
    return [{**_clip(c), "audio": [f"/media/{r.path}" for r in sounds.get(c.id, [])]} for c in found]


@router.post("/clips", status_code=202, dependencies=[changes(Action.CLIPS)])
async def upload_clip(
    frame: In,
    request: Request,
    name: str,
    trim: bool = True,
    replaces: str = "",
    title: str = "",
    language: str = "vi",
    field: RowId = 1,
) -> dict[str, str]:
    """Upload a recording as the request's body. Gives the job to follow."""
    size = int(request.headers.get("content-length") or 0)
    upload = await run_in_threadpool(
        lambda: open_upload(
            frame.deps.services,
            frame.actor,
            frame.deps.ingest,
            frame.commune_id,
            name,
            size_hint=size,
            trim_silence=trim,
            replaces=replaces,
            language=language,
            field=field,
            title=title,
        )
    )
    await receive(upload, request.stream())
    return {"job": upload.job_id}


@router.get("/jobs/{job_id}")
def one_job(frame: In, session: Reading, job_id: str) -> dict[str, Any]:
    """How far an upload is on its way to a clip."""
    found = job(session, job_id)
    if found.commune_id != frame.commune_id:
        raise NotFound(N_("This upload no longer exists."))
    why = found.why
    return {
        "job": found.id,
        "state": found.state,
        "progress": round(found.progress, 3),
        "clip": found.clip_id,
        "same_as_before": found.same_as_before,
        "why": frame.t.refusal(why) if why else None,
    }


@router.get("/clips/{clip_id}")
def one_clip(frame: In, session: Reading, clip_id: str) -> dict[str, Any]:
    """One clip, with its waveform (0–255)."""
    found = clip_of(session, frame.commune_id, clip_id)
    return {**_clip(found), "peaks": list(found.peaks)}


def _clip(found: Clip) -> dict[str, Any]:
    return {
        "clip": found.id,
        "title": found.title,
        "language": found.language,
        "field": found.field,
        "length_ms": found.duration_us / 1000,
        "loudness_before_lufs": found.loudness_before_lufs,
        "loudness_after_lufs": found.loudness_after_lufs,
        "true_peak_after_dbtp": found.true_peak_after_dbtp,
        "trimmed_start_ms": found.trimmed_start_us / 1000,
        "trimmed_end_ms": found.trimmed_end_us / 1000,
        "sha256": found.original_sha256,
        "uploaded_at": found.uploaded_at,
    }
