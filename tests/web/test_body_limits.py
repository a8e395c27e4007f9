"""Bodies of requests are bounded before anything parses them, and before a stranger may fill memory or disk."""

import asyncio
import re
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.params import File
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.types import Message

from people.rights import Role
from runtime.clock import ManualClock
from runtime.database import Database
from tests.web.office import Office
from tests.web.test_rights_of_pages import Guest
from web import body_limits
from web.body_limits import MOST_FORM_BYTES, MOST_STRANGER_BYTES, upload_limits

BLOCK = b"x" * 65_536


@pytest.fixture
def office(database: Database, clock: ManualClock, tmp_path: Path) -> Office:
    return Office(database, clock, tmp_path)


class Answered:
    """What the application said to a request, and how many bytes of the body it took until then."""

    def __init__(self) -> None:
        self.status, self.headers, self.taken_bytes = 0, dict[bytes, bytes](), 0


async def sent(office: Office, path: str, kind: str, *, body: AsyncIterator[bytes], **more: str) -> Answered:
    answered = Answered()
    headers = {"content-type": kind, **{name.replace("_", "-"): value for name, value in more.items()}}

    async def receive() -> Message:
        block = await anext(body, None)
        answered.taken_bytes += len(block or b"")
        return {"type": "http.request", "body": block or b"", "more_body": block is not None}

    async def send(message: Message) -> None:
        if message["type"] == "http.response.start":
            answered.status, answered.headers = message["status"], dict(message["headers"])

    scope = {
        "type": "http",
        "method": "POST",
        "path": path,
        "raw_path": path.encode(),
        "query_string": b"",
        "scheme": "http",
        "http_version": "1.1",
        "client": ("192.0.2.1", 1),
        "server": ("loa.example", 80),
        "headers": [(name.encode(), value.encode()) for name, value in headers.items()],
    }
    await office.app(scope, receive, send)
    return answered


async def megabytes(count: int) -> AsyncIterator[bytes]:
    for _ in range(count * 16):
        yield BLOCK


PATHS = ["/sign-in", "/api/v1/programmes", "/api/v1/clips", "/clips", "/import/receivers", "/commune", "/no-such-page"]
KINDS = ["application/json", "multipart/form-data; boundary=b", "application/x-www-form-urlencoded"]


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("framing", ["content_length", "transfer_encoding"])
def test_nothing_of_a_large_body_is_read_from_a_stranger(office: Office, path: str, kind: str, framing: str) -> None:
    value = str(400 << 20) if framing == "content_length" else "chunked"
    answered = asyncio.run(sent(office, path, kind, body=megabytes(400), **{framing: value}))
    assert answered.status in (303, 401)
    assert answered.taken_bytes == 0
    assert answered.headers[b"connection"] == b"close"


def test_a_stranger_who_declares_less_than_is_sent_is_cut_off(office: Office) -> None:
    answered = asyncio.run(sent(office, "/sign-in", KINDS[2], body=megabytes(400), content_length="100"))
    assert answered.status == 413
    assert answered.taken_bytes <= MOST_STRANGER_BYTES + len(BLOCK)


@pytest.mark.parametrize("path", ["/api/v1/programmes", "/programmes", "/sign-in", "/zones"])
@pytest.mark.parametrize("kind", KINDS)
def test_a_form_of_an_operator_is_bounded_too(office: Office, path: str, kind: str) -> None:
    cookie = f"loa_session={office.browser.cookies['loa_session']}"
    answered = asyncio.run(
        sent(office, path, kind, body=megabytes(40), transfer_encoding="chunked", cookie=cookie, origin="x")
    )
    assert answered.status in (400, 413, 422)  # some are refused by their first bytes
    assert answered.taken_bytes <= MOST_FORM_BYTES + len(BLOCK)


def test_an_upload_is_read_only_from_an_operator_who_may_upload(office: Office) -> None:
    guest = Guest(office, Role.VIEWER).browser
    body = b"--b\r\n" + b"x" * 200_000
    for path in ("/clips", "/import/receivers", "/timetable/read", "/map/outline", "/measure/m/recording"):
        answer = guest.post(path, content=body, headers={"Content-Type": "multipart/form-data; boundary=b"})
        assert answer.status_code == 403


def test_what_is_too_large_is_said_in_words(office: Office) -> None:
    answer = office.browser.post("/programmes", data={"title": "x" * 2_000_000, "form_token": office.form_token})
    assert answer.status_code == 413
    assert "quá lớn" in answer.text


def test_each_path_that_takes_a_file_has_a_limit_of_its_own(office: Office) -> None:
    def takes_file(dependant: Dependant) -> bool:
        return any(isinstance(field.field_info, File) for field in dependant.body_params)

    limits = upload_limits(office.deps.settings.max_upload_bytes)
    paths = [
        re.sub(r"\{[^}]*\}", "1", context.original_route.path)
        for context in iter_route_contexts(office.app.routes)
        if isinstance(context.original_route, APIRoute) and takes_file(context.original_route.dependant)
    ]
    assert len(paths) >= 5
    assert [path for path in paths if not any(limit.path.fullmatch(path) for limit in limits)] == []


def test_a_sender_that_stops_in_the_middle_is_given_up(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_limits, "_PAUSE_S", 0.05)

    async def stopped() -> AsyncIterator[bytes]:
        yield b"name=a"
        await asyncio.sleep(60)

    answered = asyncio.run(sent(office, "/sign-in", KINDS[2], body=stopped(), content_length="100"))
    assert answered.status == 400


def test_a_form_that_trickles_in_is_given_up(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(body_limits, "_FORM_S", 0.1)

    async def trickle() -> AsyncIterator[bytes]:
        while True:
            yield b"a"
            await asyncio.sleep(0.01)

    answered = asyncio.run(sent(office, "/sign-in", KINDS[2], body=trickle(), content_length="15000"))
    assert answered.status == 400
    assert answered.taken_bytes < 50
