"""Once-only keys: the second send of a form or call with the same key gets the first one's answer and has no effect.

A form carries a hidden key, the API takes `Idempotency-Key`. The key is claimed before the request is processed. After
a refusal it is free: what was wrong can be corrected and sent with the same form.
"""

import asyncio
import hashlib
import json
import re
import threading
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from http import HTTPStatus
from urllib.parse import parse_qs

from fastapi import Request
from fastapi.responses import Response
from sqlalchemy import Column, LargeBinary
from sqlmodel import Field, SQLModel, col, delete, or_
from starlette.concurrency import run_in_threadpool
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from runtime.clock import Clock
from runtime.database import Database, UtcDateTime, insert_if_absent
from runtime.refusal import N_, Refusal
from web.flash import FLASH_COOKIE

#: A key is remembered for a day; old ones are deleted once an hour.
KEPT, TIDY_EVERY = timedelta(days=1), timedelta(hours=1)
#: A longer key, or a larger form or call, is none of ours: it passes without this.
LONGEST_KEY, MOST_SENT_BYTES = 200, 1_000_000
#: Of a JSON answer in the database, of a page in memory, and how many of those.
MOST_ANSWER_BYTES, PAGES_IN_MEMORY = 64_000, 200
WAIT_S = 0.02
#: A form with a file has its key among the first fields: so much is read to find it, the file is not.
_MULTIPART_PEEK_BYTES = 4096
_MULTIPART_KEY = re.compile(rb'name="once"\r\n\r\n([A-Za-z0-9_-]{1,200})\r\n')
#: Headers of an answer that are given again.
_HEADERS = ("content-type", "location", "hx-redirect", "hx-retarget", "hx-reswap", "etag")


class UsedKey(SQLModel, table=True):
    """key_hash: of the session's cookie and the key. request_hash: of what was sent with it.

    status, headers (JSON), body: the answer; status 0 while there is none. Pages may show a secret once (credentials, a
    one-time password), so their bodies are in memory only.
    """

    __tablename__ = "used_key"

    key_hash: str = Field(primary_key=True)
    request_hash: str
    used_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False, index=True))
    status: int
    headers: str
    body: bytes = Field(sa_column=Column(LargeBinary, nullable=False))


@dataclass(frozen=True)
class _SentResponse:
    key_hash: str
    request_hash: str


@dataclass
class _Answer:
    status: int = 0
    headers: list[tuple[str, str]] = field(default_factory=list)
    body: bytes = b""
    whole: bool = True

    @property
    def is_final(self) -> bool:
        """A refusal is not: htmx gets it with status 200, for #notices."""
        names = {name for name, _ in self.headers}
        return 0 < self.status < HTTPStatus.BAD_REQUEST and "hx-retarget" not in names

    @property
    def is_json(self) -> bool:
        return any(name == "content-type" and value.startswith("application/json") for name, value in self.headers)


class OnceOnly:
    """ASGI middleware. say: words a refusal for who asked."""

    def __init__(
        self,
        app: ASGIApp,
        *,
        database: Database,
        clock: Clock,
        cookie: str,
        say: Callable[[Request, Refusal, HTTPStatus], Response],
    ) -> None:
        self._app, self._database, self._clock, self._cookie, self._say = app, database, clock, cookie, say
        self._running: set[str] = set()
        self._lock = threading.Lock()
        self._pages: OrderedDict[str, bytes] = OrderedDict()
        self._tidied_at: datetime | None = None

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http" or scope["method"] in ("GET", "HEAD", "OPTIONS"):
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        sent, receive = await self._sent(request, receive)
        if sent is None:
            await self._app(scope, receive, send)
            return
        while not self._begin(sent.key_hash):
            await asyncio.sleep(WAIT_S)  # the first is being processed: its answer is this one's too
        try:
            used = await run_in_threadpool(self._claim, sent)
            if used is None:
                await self._first(sent, scope, receive, send)
            else:
                await self._again(used, sent, request)(scope, receive, send)
        finally:
            self._running.discard(sent.key_hash)

    def _begin(self, key_hash: str) -> bool:
        with self._lock:
            if key_hash in self._running:
                return False
            self._running.add(key_hash)
            return True

    async def _sent(self, request: Request, receive: Receive) -> tuple[_SentResponse | None, Receive]:
        """What came, when it carries a key. The body that was read for it is given to the application again."""
        cookie, kind = request.cookies.get(self._cookie, ""), request.headers.get("content-type", "")
        header, length = request.headers.get("idempotency-key", ""), request.headers.get("content-length", "")
        key, body = header, length.encode()
        if not cookie or (length.isdigit() and int(length) > MOST_SENT_BYTES):
            return None, receive
        if kind.startswith(("application/x-www-form-urlencoded", "application/json")):
            body, complete, receive = await _read(receive, MOST_SENT_BYTES)
            if not complete:
                return None, receive
            if kind.startswith("application/x-www-form-urlencoded") and not header and b"once=" in body:
                key = parse_qs(body.decode("utf-8", "replace")).get("once", [""])[0]
        elif kind.startswith("multipart/form-data") and not header:
            beginning, _, receive = await _read(receive, _MULTIPART_PEEK_BYTES)
            found = _MULTIPART_KEY.search(beginning)
            key = found[1].decode() if found else ""
        if not 0 < len(key) <= LONGEST_KEY:
            return None, receive
        target = f"{request.method} {request.url.path}?{request.url.query}"
        request_hash = _hash(target.encode(), body)
        # A form that was corrected and sent again is another request; a call must take another key for another request.
        parts = (b"call",) if header else (b"form", request_hash.encode())
        return _SentResponse(_hash(cookie.encode(), key.encode(), *parts), request_hash), receive

    async def _first(self, sent: _SentResponse, scope: Scope, receive: Receive, send: Send) -> None:
        answer = _Answer()

        async def noted(message: Message) -> None:
            _note(answer, message)
            await send(message)

        try:
            await self._app(scope, receive, noted)
        finally:
            await run_in_threadpool(self._keep if answer.is_final else self._release, sent, answer)

    def _claim(self, sent: _SentResponse) -> UsedKey | None:
        """None: it is ours. Else the row of the first send."""
        now = self._clock.now()
        with self._database.writing() as session:
            if self._tidied_at is None or abs(now - self._tidied_at) > TIDY_EVERY:
                old = or_(col(UsedKey.used_at) < now - KEPT, col(UsedKey.used_at) > now + KEPT)
                session.exec(delete(UsedKey).where(old))
                self._tidied_at = now
            row = {"key_hash": sent.key_hash, "request_hash": sent.request_hash, "used_at": now}
            if insert_if_absent(session, UsedKey, {**row, "status": 0, "headers": "[]", "body": b""}):
                return None
            return session.get_one(UsedKey, sent.key_hash)

    def _keep(self, sent: _SentResponse, answer: _Answer) -> None:
        if answer.body and answer.whole and not answer.is_json:
            self._pages[sent.key_hash] = answer.body
            if len(self._pages) > PAGES_IN_MEMORY:
                self._pages.popitem(last=False)
        with self._database.writing() as session:
            row = session.get(UsedKey, sent.key_hash)
            if row is not None:
                row.status, row.headers = answer.status, json.dumps(answer.headers)
                row.body = answer.body if answer.is_json and answer.whole else b""
                session.add(row)

    def _release(self, sent: _SentResponse, _answer: _Answer) -> None:
        with self._database.writing() as session:
            session.exec(delete(UsedKey).where(col(UsedKey.key_hash) == sent.key_hash))

    def _again(self, used: UsedKey, sent: _SentResponse, request: Request) -> Response:
        headers = dict(json.loads(used.headers))
        body = used.body or self._pages.get(used.key_hash, b"")
        if used.request_hash != sent.request_hash:
            refusal = Refusal(N_("This key was used for another request. Use a new key for each request."))
            return self._say(request, refusal, HTTPStatus.UNPROCESSABLE_ENTITY)
        if not used.status:
            refusal = Refusal(
                N_("This was sent before, and Loa was interrupted. Check whether it took effect, then send again.")
            )
            return self._say(request, refusal, HTTPStatus.CONFLICT)
        if used.status == HTTPStatus.OK and not body:
            refusal = Refusal(N_("This was sent before and took effect. Open the page again to see the result."))
            return self._say(request, refusal, HTTPStatus.CONFLICT)
        return Response(body, used.status, {**headers, "Idempotent-Replayed": "true"})


async def _read(receive: Receive, most_bytes: int) -> tuple[bytes, bool, Receive]:
    """The body, or its beginning; whether it is complete; and what gives it, and what follows, to the application."""
    messages: list[Message] = []
    body, complete = b"", False
    while not complete and len(body) <= most_bytes:
        message = await receive()
        messages.append(message)
        if message["type"] != "http.request":
            break
        body += message.get("body", b"")
        complete = not message.get("more_body", False)

    async def again() -> Message:
        return messages.pop(0) if messages else await receive()

    return body, complete, again


def _note(answer: _Answer, message: Message) -> None:
    if message["type"] == "http.response.start":
        answer.status = message["status"]
        headers = [(name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in message["headers"]]
        answer.headers = [
            (name, value)
            for name, value in headers
            if name in _HEADERS or (name == "set-cookie" and value.startswith(f"{FLASH_COOKIE}="))
        ]
    elif message["type"] == "http.response.body" and answer.whole:
        answer.body += message.get("body", b"")
        if len(answer.body) > MOST_ANSWER_BYTES:
            answer.body, answer.whole = b"", False


def _hash(*parts: bytes) -> str:
    digest = hashlib.sha256()
    for part in parts:
        digest.update(len(part).to_bytes(4, "big") + part)
    return digest.hexdigest()
