"""What every answer carries: a strict content policy and its companions; and compression where it is safe.

Pure ASGI, so that a stream of server-sent events and a file with ranges pass through untouched.
"""

import re

from starlette.datastructures import Headers, MutableHeaders
from starlette.middleware.gzip import GZipMiddleware
from starlette.types import ASGIApp, Message, Receive, Scope, Send

HEADERS = {
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Permissions-Policy": "camera=(), payment=(), usb=(), geolocation=(self), microphone=(self)",
}
#: A year. Sent over https only; a browser that was once here securely then refuses to come otherwise. Not at a port of
#: its own: the browser would ask the plain port with https too, where receivers are served and devices learn to trust.
STRICT_TRANSPORT = "max-age=31536000"

#: The one page that may show pictures from elsewhere.
MAP = "/map"

#: Audio is compressed already and is asked for by byte ranges; shipped files are compressed at start.
_UNCOMPRESSED = ("/media/", "/listen/", "/static/", "/live/")


def content_policy(pictures_from: str | None = None) -> str:
    """No inline script, no inline style, nothing from elsewhere, no frames, forms only to us.

    pictures_from: the origin of one more server of pictures, https://host.
    """
    return "; ".join(
        (
            "default-src 'self'",
            "script-src 'self'",
            "style-src 'self'",
            f"img-src 'self' {pictures_from}" if pictures_from else "img-src 'self'",
            "media-src 'self' blob:",  # a recording that is not sent yet
            "object-src 'none'",
            "base-uri 'none'",
            "form-action 'self'",
            "frame-ancestors 'none'",
        )
    )


class SecurityHeaders:
    """Adds the headers above, and `no-store` to whatever does not say how it may be kept."""

    def __init__(self, app: ASGIApp, *, map_pictures_from: str | None = None) -> None:
        self._app = app
        self._policy, self._map_policy = content_policy(), content_policy(map_pictures_from)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass a request on, and dress the answer."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return

        async def dressed(message: Message) -> None:
            if message["type"] == "http.response.start":
                headers = MutableHeaders(scope=message)
                policy = self._map_policy if scope["path"] == MAP else self._policy
                headers.setdefault("Content-Security-Policy", policy)
                for name, value in HEADERS.items():
                    headers.setdefault(name, value)
                headers.setdefault("Cache-Control", "no-store")
                if scope["scheme"] == "https" and not _names_a_port(scope):
                    headers.setdefault("Strict-Transport-Security", STRICT_TRANSPORT)
            await send(message)

        await self._app(scope, receive, dressed)


def _names_a_port(scope: Scope) -> bool:
    return re.search(r":\d+$", Headers(scope=scope).get("host", "")) is not None


class PagesCompressed:
    """gzip for pages and JSON; media, shipped files and live streams go as they are."""

    def __init__(self, app: ASGIApp) -> None:
        self._plain = app
        self._packed = GZipMiddleware(app, minimum_size=500, compresslevel=6)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Choose the way by the path."""
        plain = scope["type"] != "http" or scope["path"].startswith(_UNCOMPRESSED)
        await (self._plain if plain else self._packed)(scope, receive, send)
