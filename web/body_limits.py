"""Limits of request bodies: size, right and time, checked in ASGI before anything parses a body.

FastAPI parses a form or JSON before it runs the dependencies that ask who is signed in. Without these limits a stranger
can fill memory (JSON) and the temporary folder (multipart).
"""

import asyncio
import re
import time
from collections.abc import Callable, Collection
from dataclasses import dataclass

from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from acoustics.delay_measurements import MOST_RECORDING_BYTES
from cap.xml_files import MOST_BYTES as MOST_CAP_BYTES
from devices.outlines import MOST_BYTES as MOST_OUTLINE_BYTES
from people.rights import Action, refusal_of
from province.message_parser import MOST_BYTES as MOST_PROVINCE_BYTES
from schedules.calendars import MOST_FILE_BYTES as MOST_CALENDAR_BYTES
from transfer.imports import MOST_BYTES as MOST_TABLE_BYTES
from transfer.text_files import MOST_TEXT_BYTES
from usecases.emergency_recordings import MOST_BYTES as MOST_EMERGENCY_BYTES
from web.request_context import frame_with_any_password

#: Without a session: a sign-in form has a few hundred bytes.
MOST_STRANGER_BYTES = 16_384
#: A form or JSON of an operator. A merger of 100 communes has some 50 kB.
MOST_FORM_BYTES = 1_000_000
#: What multipart adds to a file: boundaries, and the other fields of the form.
_AROUND_A_FILE_BYTES = 20_000
#: A zip holds many recordings.
_RECORDINGS_IN_A_ZIP = 4

#: Between two parts of a body.
_PAUSE_S = 30.0
#: A form is there after this long. An upload must go on at `_SLOWEST_BYTES_S` on average.
_FORM_S = 60.0
_SLOWEST_BYTES_S = 1000


@dataclass(frozen=True)
class UploadLimit:
    """A path that takes a file. actions: the operator needs one of these rights."""

    path: re.Pattern[str]
    most_bytes: int
    actions: Collection[Action]


def upload_limits(max_upload_bytes: int) -> list[UploadLimit]:
    """max_upload_bytes: of one recording, as set."""
    tables = (Action.RECEIVERS, Action.TIMETABLE, Action.OPERATORS)
    return [
        UploadLimit(re.compile(path), most_bytes + _AROUND_A_FILE_BYTES, actions)
        for path, most_bytes, actions in (
            (r"/clips|/clips/upload|/api/v1/clips", max_upload_bytes, (Action.CLIPS,)),
            (r"/emergency|/emergency/drill", min(max_upload_bytes, MOST_EMERGENCY_BYTES), (Action.EMERGENCY,)),
            (r"/read-aloud/file", MOST_TEXT_BYTES, (Action.CLIPS,)),
            (r"/import/recordings", max_upload_bytes * _RECORDINGS_IN_A_ZIP, (Action.CLIPS,)),
            (r"/import/[a-z_]+", MOST_TABLE_BYTES, tables),
            (r"/timetable/read", MOST_CALENDAR_BYTES, (Action.TIMETABLE,)),
            (r"/map/outline|/api/v1/outline", MOST_OUTLINE_BYTES, (Action.RECEIVERS,)),
            (r"/measure/[^/]+/recording", MOST_RECORDING_BYTES, (Action.RECEIVERS,)),
        )
    ]


class BodyTooLarge(HTTPException):
    """The body has more bytes than this path takes."""

    def __init__(self) -> None:
        super().__init__(413)


class BodyLimits:
    """answer: makes the response to an exception, as the application does."""

    def __init__(
        self, app: ASGIApp, *, max_upload_bytes: int, answer: Callable[[Request, Exception], Response]
    ) -> None:
        self._app = app
        self._uploads = upload_limits(max_upload_bytes)
        self._answer = answer

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        request = Request(scope)
        upload = next((limit for limit in self._uploads if limit.path.fullmatch(scope["path"])), None)
        if request.method in ("GET", "HEAD"):
            upload = None
        try:
            most_bytes = await self._most_bytes(request, upload)
        except Exception as error:  # the application's handlers stand inside of this middleware
            response = self._answer(request, error)
            response.headers["Connection"] = "close"
            await response(scope, receive, send)
            return
        started = False

        async def sending(message: Message) -> None:
            nonlocal started
            started = True
            await send(message)

        try:
            await self._app(scope, _Body(receive, most_bytes, is_upload=upload is not None).receive, sending)
        except BodyTooLarge as error:  # raised where a middleware reads the body, outside of the application's handlers
            if started:
                raise
            response = self._answer(request, error)
            response.headers["Connection"] = "close"
            await response(scope, receive, send)

    async def _most_bytes(self, request: Request, upload: UploadLimit | None) -> int:
        """Raises BodyTooLarge, NotSignedIn, NotAllowed."""
        declared = _declared_bytes(request)
        if declared is not None and declared <= MOST_STRANGER_BYTES:
            return MOST_STRANGER_BYTES
        if request.scope["path"].startswith("/api/province/"):
            most_bytes = 2 * MOST_PROVINCE_BYTES  # signs in with a token; the route refuses more than one in words
        elif request.scope["path"] == "/api/v1/cap":
            most_bytes = 2 * MOST_CAP_BYTES  # likewise; the token is checked before the body is read
        else:
            frame = await run_in_threadpool(frame_with_any_password, request)
            if upload is not None and not any(frame.may(action) for action in upload.actions):
                raise refusal_of(next(iter(upload.actions)))
            most_bytes = MOST_FORM_BYTES if upload is None else upload.most_bytes
        if declared is not None and declared > most_bytes:
            raise BodyTooLarge
        return most_bytes


class _Body:
    """One request's body as it comes."""

    def __init__(self, receive: Receive, most_bytes: int, *, is_upload: bool) -> None:
        self._receive = receive
        self._most_bytes, self._is_upload = most_bytes, is_upload
        self._received_bytes, self._complete = 0, False
        self._began_s = time.monotonic()

    async def receive(self) -> Message:
        """Raises BodyTooLarge. A sender that is too slow counts as gone: `http.disconnect`."""
        if self._complete:
            return await self._receive()  # waits until the browser goes away, as long as that takes
        try:
            message = await asyncio.wait_for(self._receive(), _PAUSE_S)
        except TimeoutError:
            return {"type": "http.disconnect"}
        if message["type"] != "http.request":
            return message
        self._complete = not message.get("more_body", False)
        self._received_bytes += len(message.get("body", b""))
        if self._received_bytes > self._most_bytes:
            raise BodyTooLarge
        took_s = time.monotonic() - self._began_s
        allowed_s = _FORM_S + (self._received_bytes / _SLOWEST_BYTES_S if self._is_upload else 0.0)
        return message if self._complete or took_s <= allowed_s else {"type": "http.disconnect"}


def _declared_bytes(request: Request) -> int | None:
    """None: the body comes in chunks, and only its end tells its size."""
    if "transfer-encoding" in request.headers:
        return None
    declared = request.headers.get("content-length", "0")
    return int(declared) if declared.isascii() and declared.isdigit() else None
