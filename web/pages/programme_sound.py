"""A whole programme to listen to, with its joins, as receivers would play it."""

from fastapi import APIRouter
from fastapi.responses import Response, StreamingResponse

from broadcast.audio_stream import asked_range, mp3_stream, stream_bytes
from broadcast.manifest_items import manifest_items
from broadcast.programmes import duration_us, items_of
from usecases.programmes import programme_of
from web.request_context import In, Reading
from web.typed_fields import RowId

router = APIRouter(include_in_schema=False)


@router.get("/listen/programme/{number}.mp3")
def sound(frame: In, session: Reading, number: RowId) -> Response:
    """The sound as MP3, made while it is read, by byte ranges."""
    programme_of(session, frame.commune_id, number)
    items = items_of(session, number)
    playlist, size = manifest_items(session, items), stream_bytes(duration_us(items))
    headers, asked = {"Accept-Ranges": "bytes"}, frame.request.headers.get("range", "")
    span = asked_range(asked, size)
    if span is None:
        return Response(status_code=416, headers={**headers, "Content-Range": f"bytes */{size}"})
    first, until = span
    headers["Content-Length"] = str(until - first)
    if asked:
        headers["Content-Range"] = f"bytes {first}-{until - 1}/{size}"
    stream = mp3_stream(lambda sample: frame.deps.programme_sound(playlist, sample), first, until)
    return StreamingResponse(stream, 206 if asked else 200, headers, "audio/mpeg")
