"""What the plain port still answers when there is HTTPS: receivers' audio, and the page on which a device trusts it.

Pure ASGI, before everything else. The machine itself may go on with the plain port: nothing crosses a network then.
"""

from http.cookies import CookieError, SimpleCookie
from ipaddress import ip_address
from urllib.parse import urlsplit

from starlette.datastructures import Headers, MutableHeaders
from starlette.responses import PlainTextResponse, RedirectResponse
from starlette.types import ASGIApp, Message, Receive, Scope, Send

TRUST = "/trust"
#: Audio is checked by its hash, files of the page and /health hold no secret, an authority's certificate is public.
OPEN_PATHS = ("/media/", "/static/", "/health")
#: Set over HTTPS: this browser gets through, so it is led there at once.
SECURE_BEFORE_COOKIE = "loa_https"
_YEAR_S = 31_536_000


class PlainDoor:
    """Leads browsers on other devices from the plain port to HTTPS."""

    def __init__(self, app: ASGIApp, *, https_port: int, must_be_trusted: bool) -> None:
        """must_be_trusted: the certificate is our own, so a browser that is new here is led to /trust."""
        self._app = app
        self._https_port = https_port
        self._must_be_trusted = must_be_trusted

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] not in ("http", "websocket"):
            await self._app(scope, receive, send)
        elif scope["scheme"] in ("https", "wss"):
            await self._app(scope, receive, _remembering(scope, send))
        elif _of_this_machine(scope) or _is_open(scope["path"]):
            await self._app(scope, receive, send)
        elif scope["type"] == "websocket":
            await send({"type": "websocket.close", "code": 1008, "reason": "use wss"})
        else:
            await self._led(scope)(scope, receive, send)

    def _led(self, scope: Scope) -> ASGIApp:
        if scope["method"] not in ("GET", "HEAD"):
            return PlainTextResponse(f"Send this over HTTPS, to port {self._https_port}.\n", 403)
        if self._must_be_trusted and not _was_secure(scope):
            return RedirectResponse(TRUST, 307)
        host = urlsplit("//" + Headers(scope=scope).get("host", "")).hostname or ""
        host = f"[{host}]" if ":" in host else host
        port = "" if self._https_port == 443 else f":{self._https_port}"
        query = scope.get("query_string", b"").decode("latin-1")
        path = scope.get("raw_path", scope["path"].encode()).decode("latin-1")
        return RedirectResponse(f"https://{host}{port}{path}{'?' + query if query else ''}", 307)


def _is_open(path: str) -> bool:
    return path.startswith(OPEN_PATHS) or path == TRUST or path.startswith(TRUST + "/") or path.startswith("/language/")


def _of_this_machine(scope: Scope) -> bool:
    host = (scope.get("client") or ("",))[0]
    try:
        return ip_address(host.split("%")[0]).is_loopback
    except ValueError:
        return False


def _was_secure(scope: Scope) -> bool:
    try:
        return SECURE_BEFORE_COOKIE in SimpleCookie(Headers(scope=scope).get("cookie", ""))
    except CookieError:
        return False


def _remembering(scope: Scope, send: Send) -> Send:
    if scope["type"] != "http" or _was_secure(scope):
        return send

    async def sent(message: Message) -> None:
        if message["type"] == "http.response.start":
            headers = MutableHeaders(scope=message)
            if headers.get("content-type", "").startswith("text/html"):
                headers.append(
                    "Set-Cookie", f"{SECURE_BEFORE_COOKIE}=1; Max-Age={_YEAR_S}; Path=/; HttpOnly; SameSite=Lax"
                )
        await send(message)

    return sent
