"""The plain port beside HTTPS: what it answers to whom; and the page on which a device comes to trust the server."""

import asyncio
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from starlette.responses import HTMLResponse
from starlette.types import Receive, Scope, Send

from runtime.clock import ManualClock
from runtime.database import Database
from tests.web.office import Office
from web.plain_door import PlainDoor

LAN, ITSELF = ("192.168.1.77", 5000), ("127.0.0.1", 5000)


@pytest.fixture
def office(database: Database, clock: ManualClock, tmp_path: Path) -> Office:
    return Office(database, clock, tmp_path, https_port=8443)


def browser(office: Office, client: tuple[str, int], url: str = "http://192.168.1.10:8080") -> TestClient:
    return TestClient(office.app, base_url=url, client=client, follow_redirects=False)


def test_a_device_that_is_new_is_led_to_the_page_of_trust_then_to_https(office: Office) -> None:
    phone = browser(office, LAN)
    assert phone.get("/timetable").headers["location"] == "/trust"
    page = phone.get("/trust", headers={"User-Agent": "Mozilla/5.0 (Linux; Android 14)"})
    assert "https://192.168.1.10:8443/" in page.text
    assert page.text.index("<details open") < page.text.index("Android") < page.text.index("iPhone")
    authority = phone.get("/trust/loa-authority.crt")
    assert authority.headers["content-type"] == "application/x-x509-ca-cert"
    assert office.deps.https
    assert office.deps.https.authority
    assert authority.content == office.deps.https.authority.der
    secure = browser(office, LAN, "https://192.168.1.10:8443")
    assert secure.get("/sign-in").status_code == 200
    phone.cookies.update(secure.cookies)
    assert phone.get("/timetable?week=1").headers["location"] == "https://192.168.1.10:8443/timetable?week=1"


def test_nothing_that_is_sent_to_the_plain_port_from_elsewhere_is_taken(office: Office) -> None:
    sent = browser(office, LAN).post("/sign-in", data={"name": "a", "password": "b"})
    assert sent.status_code == 403
    assert "HTTPS" in sent.text
    assert browser(office, LAN).get("/api/v1/receivers").status_code == 307


def test_receivers_fetch_audio_and_the_machine_itself_goes_on(office: Office) -> None:
    assert browser(office, LAN).get("/media/" + "0" * 64 + ".opus").status_code == 404
    assert browser(office, LAN).get("/health").status_code == 200
    assert browser(office, ITSELF, "http://127.0.0.1:8080").get("/sign-in").status_code == 200


def test_the_page_of_trust_is_not_locked_out_by_strict_transport(office: Office) -> None:
    at_a_port = browser(office, LAN, "https://loa.example.vn:8443").get("/sign-in")
    assert "strict-transport-security" not in at_a_port.headers
    behind_a_proxy = browser(office, LAN, "https://loa.example.vn").get("/sign-in")
    assert "strict-transport-security" in behind_a_proxy.headers


def test_without_https_the_page_says_how_there_will_be(database: Database, clock: ManualClock, tmp_path: Path) -> None:
    plain = Office(database, clock, tmp_path)
    assert "LOA_HTTPS_PORT=8443" in plain.browser.get("/trust").text
    assert plain.browser.get("/trust/loa-authority.crt").status_code == 404


async def _page(scope: Scope, receive: Receive, send: Send) -> None:
    await HTMLResponse("page")(scope, receive, send)


@pytest.mark.parametrize(
    ("host", "path", "wanted"),
    [
        (b"[fd00::2]:8080", "/a%20b", "https://[fd00::2]:8443/a%20b"),
        (b"loa.example.vn", "/", "https://loa.example.vn:8443/"),
        (b"loa.example.vn:x", "/", "https://loa.example.vn:8443/"),
        (b"", "/", "https://:8443/"),
    ],
)
def test_a_given_certificate_needs_no_page_of_trust(host: bytes, path: str, wanted: str) -> None:
    door = PlainDoor(_page, https_port=8443, must_be_trusted=False)
    assert asyncio.run(_answer(door, "http", host, path)) == (307, wanted)


def test_a_web_socket_at_the_plain_port_is_closed() -> None:
    door = PlainDoor(_page, https_port=8443, must_be_trusted=True)
    assert asyncio.run(_answer(door, "websocket", b"x", "/")) == (1008, "")


async def _answer(door: PlainDoor, kind: str, host: bytes, path: str) -> tuple[int, str]:
    sent: list[dict[str, object]] = []
    scope = {"type": kind, "scheme": "ws" if kind == "websocket" else "http", "method": "GET", "path": path}
    scope |= {"raw_path": path.encode(), "query_string": b"", "headers": [(b"host", host)], "client": LAN}

    async def send(message: object) -> None:
        assert isinstance(message, dict)
        sent.append(message)

    async def receive() -> dict[str, object]:
        return {"type": "http.request"}

    await door(scope, receive, send)  # type: ignore[arg-type]
    first = sent[0]
    if "code" in first:
        return int(str(first["code"])), ""
    headers = dict(first["headers"])  # type: ignore[call-overload]
    return int(str(first["status"])), headers[b"location"].decode()
