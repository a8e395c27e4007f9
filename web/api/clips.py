"""The JSON API's clips: list, upload, and the job that makes a clip of an upload."""

from typing import Any

from fastapi import APIRouter, Request
from starlette.concurrency import run_in_threadpool

from broadcast.clips import Clip, clips, renditions_of
from broadcast.ingest_jobs import job
from people.rights import Action
from runtime.refusal import N_, NotFound
from usecases.clips import clip_of, open_upload
from web.labels.clip_warnings import clip_warnings
from web.request_context import In, Reading, changes
from web.typed_fields import Count, RowId
from web.uploads import body_of, receive

router = APIRouter(prefix="/api/v1")


@router.get("/clips")
def list_clips(
    frame: In, session: Reading, search: str = "", limit: Count = 50, offset: Count = 0
) -> list[dict[str, Any]]:
    """The newest first, at most 500 at once. offset: how many to leave out before them."""
    rows = clips(session, frame.commune_id, search=search, limit=min(500, max(1, limit)), offset=max(0, offset))
    sounds = renditions_of(session, [c.id for c in rows])
    return [{**_clip(c), "audio": [f"/media/{r.path}" for r in sounds.get(c.id, [])]} for c in rows]


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
    urgent: bool = False,
) -> dict[str, str]:
    """Upload a recording as the request's body. Gives the job to follow. urgent: for an emergency; done at once."""
    body = body_of(request)
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
            urgent=urgent,
        )
    )
    await receive(upload, body)
    return {"job": upload.job_id}


@router.get("/jobs/{job_id}")
def one_job(frame: In, session: Reading, job_id: str) -> dict[str, Any]:
    """How far an upload is on its way to a clip."""
    row = job(session, job_id)
    if row.commune_id != frame.commune_id:
        raise NotFound(N_("This upload no longer exists."))
    why = row.why
    return {
        "job": row.id,
        "state": row.state,
        "progress": round(row.progress, 3),
        "clip": row.clip_id,
        "same_as_before": row.same_as_before,
        "why": frame.t.refusal(why) if why else None,
    }


@router.get("/clips/{clip_id}")
def one_clip(frame: In, session: Reading, clip_id: str) -> dict[str, Any]:
    """One clip, with its waveform (0–255) and what could be better about the recording."""
    clip = clip_of(session, frame.commune_id, clip_id)
    return {**_clip(clip), "peaks": list(clip.peaks), "warnings": clip_warnings(frame.wording, clip)}


def _clip(clip: Clip) -> dict[str, Any]:
    return {
        "clip": clip.id,
        "title": clip.title,
        "language": clip.language,
        "field": clip.field,
        "length_ms": clip.duration_us / 1000,
        "loudness_before_lufs": clip.loudness_before_lufs,
        "loudness_after_lufs": clip.loudness_after_lufs,
        "true_peak_after_dbtp": clip.true_peak_after_dbtp,
        "trimmed_start_ms": clip.trimmed_start_us / 1000,
        "trimmed_end_ms": clip.trimmed_end_us / 1000,
        "sha256": clip.original_sha256,
        "uploaded_at": clip.uploaded_at,
    }
