"""Audio by its hash: for receivers, which fetch ahead, and for listening in the page.

There is no sign-in here: a name of 256 bits that only a sealed manifest or a signed-in page tells is leave enough, and
a caching proxy can serve it (docs/decisions/0019).
"""

import re

from fastapi import APIRouter, Request
from fastapi.responses import FileResponse

from runtime.refusal import N_, NotFound
from web.request_context import deps_of

router = APIRouter(include_in_schema=False)
_NAME = re.compile(r"([0-9a-f]{64})\.(opus|mp3)\Z")
_TYPES = {"opus": "audio/ogg", "mp3": "audio/mpeg"}


@router.get("/media/{name}")
@router.head("/media/{name}")
def audio(name: str, request: Request) -> FileResponse:
    """A rendition, whole or by byte ranges."""
    match = _NAME.match(name)
    if match is None:
        raise NotFound(N_("This audio is no longer available."))
    path = deps_of(request).media.path_of(match[1], match[2])
    headers = {"Cache-Control": "public, max-age=31536000, immutable", "ETag": f'"{match[1]}"'}
    return FileResponse(path, media_type=_TYPES[match[2]], headers=headers)
