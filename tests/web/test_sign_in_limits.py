"""Guessing passwords is limited however it is spelled and sent, and locks nobody out of a browser they use."""

import threading
import time
import unicodedata
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from fastapi.testclient import TestClient

from people import operators
from people.rate_limit import SignInLimit, device_cookie, known_device, network_of
from runtime.clock import ManualClock
from runtime.database import Database
from runtime.refusal import Refusal
from tests.cast import OPERATOR
from tests.web.office import KEY, PASSWORD, Office

WAIT = "năm phút"


@pytest.fixture
def office(database: Database, clock: ManualClock, tmp_path: Path) -> Office:
    return Office(database, clock, tmp_path)


def guess(office: Office, name: str, password: str, address: str = "192.0.2.1", cookie: str = "") -> str:
    """Gives the page, or "" after signing in."""
    client = TestClient(office.app, follow_redirects=False, client=(address, 50000))
    if cookie:
        client.cookies.set("loa_device", cookie)
    page = client.get("/sign-in").text
    token = page.split('name="form_token" value="')[1].split('"')[0]
    answer = client.post("/sign-in", data={"name": name, "password": password, "form_token": token})
    return "" if answer.status_code == 303 else answer.text


def fail(limit: SignInLimit, name: str, address: str, device: str = "") -> None:
    with limit.sign_in(name, address, device):
        pass


def test_one_name_is_counted_however_it_is_spelled() -> None:
    limit = SignInLimit()
    spellings = ["hòa", "HÒA", " hòa ", "Hòa\t", unicodedata.normalize("NFD", "hòa"), "hÒa"]
    for spelling in spellings:
        fail(limit, spelling, "192.0.2.1")
    for spelling in spellings:
        with pytest.raises(Refusal):
            fail(limit, spelling, "192.0.2.1")
    for spaces in range(60):
        try:
            fail(limit, "lan" + " " * spaces, f"198.51.100.{spaces}")
        except Refusal:
            pytest.fail("another name")
    with pytest.raises(Refusal):
        fail(limit, "LAN", "203.0.113.9")


def test_an_ipv6_subscriber_is_one_address() -> None:
    assert network_of("2001:db8:1:2::1") == network_of("2001:db8:1:2:ffff::9") != network_of("2001:db8:1:3::1")
    assert network_of("::ffff:192.0.2.1") == network_of("192.0.2.1")
    assert network_of("fe80::1%eth0") == network_of("fe80::2")
    assert network_of("testclient") == "testclient"
    limit = SignInLimit()
    for k in range(30):
        fail(limit, f"name {k}", f"2001:db8::{k:x}")
    with pytest.raises(Refusal):
        fail(limit, "another", "2001:db8::ffff")


def test_of_sixty_guesses_at_once_six_are_checked(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    checked = []
    lock = threading.Lock()

    def slow(database: Database, name: str, password: str) -> None:
        with lock:
            checked.append(password)
        time.sleep(0.05)

    monkeypatch.setattr("web.pages.sign_in.check_password", slow)
    with ThreadPoolExecutor(60) as threads:
        pages = list(threads.map(lambda k: guess(office, OPERATOR, f"guess {k}"), range(60)))
    assert len(checked) == 6
    assert sum(WAIT in page for page in pages) == 54


def test_a_browser_that_was_signed_in_before_is_not_locked_out_by_strangers() -> None:
    limit = SignInLimit()
    cookie = device_cookie(KEY, "", "Lan")
    for k in range(60):
        fail(limit, "lan", f"198.51.100.{k}")
    with pytest.raises(Refusal):
        fail(limit, "lan", "192.0.2.1")
    device = known_device(KEY, cookie, " LAN")
    with limit.sign_in("lan", "198.51.100.1", device) as attempt:
        attempt.succeeded = True
    for _ in range(6):
        fail(limit, "lan", "192.0.2.1", device)
    with pytest.raises(Refusal):  # a stolen cookie gives no more guesses than an address
        fail(limit, "lan", "192.0.2.1", device)


def test_a_device_is_known_for_the_operators_who_signed_in_from_it_alone() -> None:
    cookie = ""
    for name in ("lan", "tám", "hòa"):
        cookie = device_cookie(KEY, cookie, name)
    assert all(known_device(KEY, cookie, name) for name in ("lan", "tám", "hòa"))
    for forged in ("", "x", "x.", "x.y", cookie.split(".")[0], "x." + cookie.split(".", 1)[1], "ü.ü"):
        assert known_device(KEY, forged, "lan") == ""
    assert known_device(KEY, cookie, "admin") == ""
    assert known_device(b"another", cookie, "lan") == ""
    for k in range(20):
        cookie = device_cookie(KEY, cookie, f"name {k}")
    assert len(cookie) < 400


def test_the_page_knows_its_device_again(office: Office) -> None:
    client = TestClient(office.app, follow_redirects=False)
    token = client.get("/sign-in").text.split('name="form_token" value="')[1].split('"')[0]
    signed_in = client.post("/sign-in", data={"name": OPERATOR, "password": PASSWORD, "form_token": token})
    assert signed_in.status_code == 303
    cookie = signed_in.cookies["loa_device"]
    limit: SignInLimit = office.app.state.sign_in_limit
    for k in range(60):
        fail(limit, OPERATOR, f"198.51.100.{k}")
    assert WAIT in guess(office, OPERATOR, PASSWORD)
    assert guess(office, OPERATOR, PASSWORD, cookie=cookie) == ""


def test_the_old_password_cannot_be_guessed_on_the_password_page(office: Office) -> None:
    fields = {"new": "tiếng loa buổi sáng", "again": "tiếng loa buổi sáng", "form_token": office.form_token}

    def change(old: str) -> str:
        return office.browser.post("/password", data={"old": old, **fields}).text

    assert [WAIT in change(f"guess {k}") for k in range(8)] == [False] * 6 + [True] * 2
    assert WAIT in change(PASSWORD)


def test_no_transaction_is_open_while_a_password_is_hashed(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    hashed = operators.hash_password

    def writing_meanwhile(password: str) -> str:
        with office.database.writing() as session:  # would wait 15 s for a write lock that is held
            session.connection()
        return hashed(password)

    monkeypatch.setattr(operators, "hash_password", writing_meanwhile)
    began_s = time.monotonic()
    assert office.post("/password", old=PASSWORD, new="tiếng loa sáng", again="tiếng loa sáng") == 303
    assert time.monotonic() - began_s < 10


def test_many_sign_ins_at_once_leave_the_pages_their_threads(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    release = threading.Event()
    monkeypatch.setattr("web.pages.sign_in.check_password", lambda *_: release.wait(20) and None)
    with TestClient(office.app) as client, ThreadPoolExecutor(50) as threads:
        client.cookies.set("loa_session", office.browser.cookies["loa_session"])
        token = office.form_token

        def sign_in(k: int) -> int:
            data = {"name": f"name {k}", "password": "x", "form_token": token}
            return client.post("/sign-in", data=data, headers={"X-Forwarded-For": f"192.0.2.{k}"}).status_code

        waiting = [threads.submit(sign_in, k) for k in range(50)]
        assert client.get("/timetable").status_code == 200
        release.set()
        assert {one.result() for one in waiting} == {422}


def test_choosing_the_language_leads_to_no_other_site(office: Office) -> None:
    for path in ("//evil.example", "/\\evil.example", "///evil.example/x"):
        answer = office.browser.post("/language/en", headers={"Referer": f"http://testserver/{path.removeprefix('/')}"})
        assert answer.headers["location"].startswith("/")
        assert not answer.headers["location"].startswith(("//", "/\\"))
