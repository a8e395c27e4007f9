"""The recording of a free emergency message: it becomes a clip before all other uploads."""

from broadcast.clips import Field
from broadcast.ingest import Ingest
from broadcast.upload import Upload
from people.rights import Action
from runtime.refusal import N_, Refusal
from usecases.actors import Actor

_TITLE = "Thông báo khẩn"
MOST_BYTES = 50_000_000


def open_recording(ingest: Ingest, actor: Actor, commune_id: str, file_name: str, size: int) -> Upload:
    """Its job goes into `EmergencyOrder.free_job_id`. Raises NotAllowed, Refusal (too large, no room)."""
    actor.need(Action.EMERGENCY, commune_id)
    if size > MOST_BYTES:
        raise Refusal(N_("This recording is too long for an emergency. Speak for some minutes at most.")).at(
            "recording"
        )
    return ingest.open_upload(
        commune_id,
        file_name or "micro.webm",
        by=actor.name,
        size_hint=size,
        title=_TITLE,
        field=int(Field.UNEXPECTED),
        urgent=True,
    )
