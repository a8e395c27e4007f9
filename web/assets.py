"""The shipped files (style, script, signs): read once at start, compressed once, named by their content.

A URL carries the file's hash, so browsers may keep it for a year and still get the new one after an update.
"""

import gzip
import hashlib
from dataclasses import dataclass
from pathlib import Path

from starlette.requests import Request
from starlette.responses import Response

ROOT = Path(__file__).parent / "static"

_TYPES = {
    ".css": "text/css; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".mp3": "audio/mpeg",
    ".webmanifest": "application/manifest+json",
}
_YEAR = "public, max-age=31536000, immutable"


@dataclass(frozen=True)
class Asset:
    """One file, ready to send."""

    url: str
    content_type: str
    plain: bytes
    packed: bytes
    tag: str


class Assets:
    """All shipped files by name ("loa.css", "vendor/htmx.min.js") and by URL path."""

    def __init__(self, root: Path = ROOT) -> None:
        self._by_name = {
            path.relative_to(root).as_posix(): _read(path, root)
            for path in sorted(root.rglob("*"))
            if path.suffix in _TYPES
        }

    def url(self, name: str) -> str:
        """Where a file is fetched, its hash in the query. Raises KeyError for a file that is not shipped."""
        return self._by_name[name].url

    def plain(self, name: str) -> bytes:
        return self._by_name[name].plain

    def answer(self, name: str, request: Request) -> Response | None:
        """The file as a response; None when it is not shipped."""
        asset = self._by_name.get(name)
        if asset is None:
            return None
        asked_for_this = request.query_params.get("v") == asset.tag
        headers = {
            "Cache-Control": _YEAR if asked_for_this else "no-cache",
            "ETag": f'"{asset.tag}"',
            "Vary": "Accept-Encoding",
        }
        if request.headers.get("if-none-match") == headers["ETag"]:
            return Response(status_code=304, headers=headers)
        if "gzip" in request.headers.get("accept-encoding", ""):
            headers["Content-Encoding"] = "gzip"
            return Response(asset.packed, media_type=asset.content_type, headers=headers)
        return Response(asset.plain, media_type=asset.content_type, headers=headers)


def _read(path: Path, root: Path) -> Asset:
    plain = path.read_bytes()
    tag = hashlib.sha256(plain).hexdigest()[:12]
    url = f"/static/{path.relative_to(root).as_posix()}?v={tag}"
    return Asset(url, _TYPES[path.suffix], plain, gzip.compress(plain, 9, mtime=0), tag)
