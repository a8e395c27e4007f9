"""The answer to a refused form: the page it stands on, with what was typed and the reason at its field.

The page is asked for again, as the browser would, and then filled by `web.form_refill`.
"""

from http import HTTPStatus
from urllib.parse import unquote, urlsplit

from fastapi import Request
from fastapi.responses import HTMLResponse
from starlette.types import Message, Scope

from web.form_refill import FORM_PAGE, refilled
from web.shown import sent_values

#: Of the request: who asks, and in which language. Not what it accepts: a page is read here, uncompressed.
_HEADERS_KEPT = (b"host", b"cookie", b"user-agent")


async def form_again(request: Request, message: str, field: str, status: HTTPStatus) -> HTMLResponse | None:
    """None where the request did not come from a page of ours that shows the form."""
    page = _page_before(request)
    if page is None or request.method != "POST":
        return None
    html = await _read(request, *page)
    if html is None:
        return None
    address = "?".join(part for part in page if part)
    filled = refilled(html, request.url.path, sent_values(request), message, field, address)
    return None if filled is None else HTMLResponse(filled, status)


def _page_before(request: Request) -> tuple[str, str] | None:
    """Path and query of the page that the form was on. A form that was refused before names it itself."""
    named = next((value for name, value in sent_values(request) if name == FORM_PAGE), "")
    if named.startswith("/") and not named.startswith("//"):
        return urlsplit(named).path, urlsplit(named).query
    referer = urlsplit(request.headers.get("referer", ""))
    if not referer.path.startswith("/") or referer.netloc != request.headers.get("host", ""):
        return None
    return referer.path, referer.query


async def _read(request: Request, path: str, query: str) -> str | None:
    """What the page answers now; None for anything but a page."""
    scope: Scope = {
        "type": "http",
        "asgi": request.scope.get("asgi", {"version": "3.0"}),
        "http_version": request.scope.get("http_version", "1.1"),
        "method": "GET",
        "scheme": request.scope.get("scheme", "http"),
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": request.scope.get("root_path", ""),
        "headers": [(name, value) for name, value in request.scope["headers"] if name in _HEADERS_KEPT],
        "client": request.scope.get("client"),
        "server": request.scope.get("server"),
    }
    status, is_page, body = 0, False, bytearray()

    async def receive() -> Message:
        return {"type": "http.request", "body": b"", "more_body": False}

    async def send(message: Message) -> None:
        nonlocal status, is_page
        if message["type"] == "http.response.start":
            status = message["status"]
            kinds = [value for name, value in message["headers"] if name.lower() == b"content-type"]
            is_page = any(kind.startswith(b"text/html") for kind in kinds)
        elif message["type"] == "http.response.body" and is_page:
            body.extend(message.get("body", b""))

    await request.app(scope, receive, send)
    return body.decode() if status == HTTPStatus.OK and is_page else None
