"""The pages: who may see them, what they carry, and that they do not grow heavy with a big commune."""

import gzip
import re
from pathlib import Path

import pytest
from sqlalchemy import event

from broadcast.clips import Clip, ClipRendition
from broadcast.programmes import Item, ItemKind, add_programme
from devices.communes import add_commune
from runtime.clock import ManualClock
from runtime.database import Database
from tests.cast import COMMUNE_NAME, OPERATOR
from tests.web.office import PASSWORD, Office
from web.assets import Assets

PAGES = [
    "/",
    "/clips",
    "/programmes",
    "/timetable",
    "/timetable/new",
    "/receivers",
    "/receivers/new",
    "/play-log",
    "/put-on-air",
    "/allowed-hours",
    "/allowed-hours/commune",
    "/why",
]


@pytest.fixture
def office(database: Database, clock: ManualClock, tmp_path: Path) -> Office:
    made = Office(database, clock, tmp_path)
    made.add_receivers(3)
    return made


def queries(office: Office, path: str) -> int:
    seen: list[str] = []

    def count(*arguments: object) -> None:
        seen.append(str(arguments[2]))

    event.listen(office.database.engine, "before_cursor_execute", count)
    try:
        assert office.browser.get(path).status_code == 200
    finally:
        event.remove(office.database.engine, "before_cursor_execute", count)
    return len(seen)


@pytest.mark.parametrize("path", PAGES)
def test_every_page_answers_in_vietnamese_and_names_the_commune(office: Office, path: str) -> None:
    answer = office.browser.get(path)
    assert answer.status_code == 200
    assert 'lang="vi"' in answer.text
    assert COMMUNE_NAME in answer.text


@pytest.mark.parametrize("path", [*PAGES, "/receivers/loa-1", "/live/on-air"])
def test_a_stranger_is_led_to_the_sign_in(office: Office, path: str) -> None:
    answer = office.stranger.get(path)
    assert (answer.status_code, answer.headers["location"]) == (303, "/sign-in")


def test_a_stranger_gets_nothing_from_the_api(office: Office) -> None:
    for path in ("clips", "programmes", "schedules", "receivers", "broadcasts", "play-log"):
        assert office.stranger.get(f"/api/v1/{path}").status_code == 401


@pytest.mark.parametrize("path", ["/zones", "/programmes", "/put-on-air", "/receivers/loa-1/do/reboot", "/sign-out"])
def test_a_form_of_another_site_is_refused(office: Office, path: str) -> None:
    fields = {"name": "x", "zone_id": "x", "title": "x", "what": "x", "form_token": "0" * 64}
    assert office.browser.post(path, data=fields).status_code == 422
    own = {**fields, "form_token": office.form_token}
    assert office.browser.post(path, data=own, headers={"sec-fetch-site": "cross-site"}).status_code == 422


def test_the_policy_allows_nothing_from_elsewhere_and_nothing_inline(office: Office) -> None:
    answer = office.browser.get("/")
    policy = answer.headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "unsafe" not in policy
    for path in PAGES:
        html = office.browser.get(path).text
        assert not re.search(r"<script(?![^>]*\bsrc=)", html)
        assert not re.search(r"\s(style|onclick|onload|onchange)=", html)
        assert not re.search(r'(src|href)="(https?:)?//', html)


def test_the_number_of_queries_does_not_grow_with_the_receivers(office: Office) -> None:
    few = {path: queries(office, path) for path in ("/", "/receivers", "/put-on-air", "/play-log")}
    office.add_receivers(60, first=100)
    assert {path: queries(office, path) for path in few} == few


def test_two_hundred_receivers_with_everything_are_under_150_kb(office: Office) -> None:
    office.add_receivers(200, first=100)
    page = gzip.compress(office.browser.get("/receivers").content)
    # No page loads a spoken warning before it is spoken, or an icon before it is installed.
    shipped = sum(len(a.packed) for name, a in Assets()._by_name.items() if not name.endswith((".mp3", ".png")))
    assert len(page) + shipped < 150_000


def test_signing_in_needs_the_right_password_and_too_many_attempts_are_stopped(office: Office) -> None:
    def attempt(password: str) -> int:
        form = office.stranger.get("/sign-in")
        token = re.search(r'name="form_token" value="(\w+)"', form.text)
        assert token
        fields = {"name": OPERATOR, "password": password, "form_token": token[1]}
        return office.stranger.post("/sign-in", data=fields).status_code

    assert attempt(PASSWORD) == 303
    office.stranger.cookies.clear()
    assert [attempt(f"wrong-{k}") for k in range(6)] == [422] * 6
    assert attempt(PASSWORD) == 422  # the seventh is not even tried


def test_a_one_time_password_opens_nothing_but_the_page_to_change_it(
    database: Database, clock: ManualClock, tmp_path: Path
) -> None:
    office = Office(database, clock, tmp_path, must_change=True)
    assert office.browser.get("/clips").headers["location"] == "/password"
    assert office.browser.get("/api/v1/clips").status_code == 403
    assert office.post("/password", old=PASSWORD, new="short", again="short") == 422
    assert office.post("/password", old=PASSWORD, new="một mật khẩu mới", again="một mật khẩu mới") == 303
    assert office.browser.get("/clips").status_code == 200


def test_credentials_are_shown_once_and_kept_nowhere(office: Office) -> None:
    fields = {
        "receiver_id": "thon-9",
        "name": "Thôn 9",
        "station": str(office.station),
        "form_token": office.form_token,
    }
    shown = office.browser.post("/receivers", data=fields)
    assert shown.status_code == 200
    secret = re.search(r"broker_secret&#34;: &#34;([^&]+)&#34;", shown.text)
    assert secret
    assert secret[1] not in office.browser.get("/receivers/thon-9").text
    assert office.browser.post("/receivers", data=fields).status_code == 422  # taken now


def test_a_test_tone_reaches_every_receiver_with_the_same_instant(office: Office) -> None:
    before = len(office.broker.log)
    assert office.post("/receivers/test-tone/all") == 303
    assert len(office.broker.log) - before == 3


def test_an_unknown_page_and_a_fault_say_what_to_do(office: Office) -> None:
    answer = office.browser.get("/nowhere")
    assert answer.status_code == 404
    assert "Hãy quay về trang đầu" in answer.text
    assert office.browser.get("/programmes/999").status_code == 404
    assert office.browser.get("/api/v1/jobs/none").json()["error"]


def test_the_api_says_itself_what_it_can(office: Office) -> None:
    paths = office.browser.get("/api/v1/openapi.json").json()["paths"]
    assert {"/api/v1/clips", "/api/v1/schedules", "/api/v1/broadcasts/{broadcast_id}/stop"} <= set(paths)


def test_a_recording_sent_as_a_body_is_received_and_a_hostile_one_refused(office: Office) -> None:
    headers = {"X-Form-Token": office.form_token}
    sent = office.browser.post("/clips/upload?name=../../etc/x.mp3", content=b"x" * 1000, headers=headers)
    assert sent.status_code == 200
    office.deps.ingest.work_one(sent.json()["job"])
    said = office.browser.get(f"/api/v1/jobs/{sent.json()['job']}").json()
    assert said["state"] == "refused"
    assert "không phải bản ghi âm" in said["why"]
    too_large = office.browser.post("/clips/upload?name=a.mp3&size=99999999999", content=b"x", headers=headers)
    assert too_large.status_code == 422


def test_media_is_served_by_ranges_and_only_by_its_hash(office: Office) -> None:
    fresh = office.deps.media.incoming(".opus")
    fresh.write_bytes(b"0123456789" * 100)
    kept = office.deps.media.adopt(fresh, "opus")
    part = office.stranger.get(f"/media/{kept.path}", headers={"Range": "bytes=10-19"})
    assert (part.status_code, part.content) == (206, b"0123456789")
    for name in ("../secrets/controller.key", "a" * 64 + ".opus", kept.sha256 + ".wav"):
        assert office.stranger.get(f"/media/{name}").status_code == 404


def test_what_belongs_to_another_commune_is_neither_aired_nor_replaced(office: Office) -> None:
    now = office.clock.now()
    with office.database.writing() as session:
        add_commune(session, "xuan-loc", "Xã Xuân Lộc")
        session.add(
            Clip(
                id="c" * 16,
                commune_id="xuan-loc",
                title="Bản tin",
                original_name="a.mp3",
                original_sha256="0" * 64,
                original_bytes=1,
                uploaded_at=now,
                duration_us=5_000_000,
                peaks=b"a",
            )
        )
        session.flush()
        session.add(ClipRendition(clip_id="c" * 16, codec="opus", sha256="1" * 64, bytes=1, extension="opus"))
        session.flush()
        theirs = add_programme(session, "xuan-loc", "Bản tin", [Item(ItemKind.CLIP, "c" * 16)], now=now).number
    for what in (f"programme {theirs}", "clip " + "c" * 16):
        asked = {"what": what, "where": "all", "class": "normal"}
        fields = {**asked, "form_token": office.form_token}
        answer = office.browser.post("/put-on-air", data=fields)
        assert answer.status_code == 404, answer.text
    headers = {"X-Form-Token": office.form_token}
    sent = office.browser.post("/clips/upload?name=a.mp3&replaces=" + "c" * 16, content=b"x", headers=headers)
    assert sent.status_code in (404, 422)


def test_an_alarm_clock_that_fails_is_said_on_the_first_page(office: Office) -> None:
    assert "Bộ lập lịch bị lỗi" not in office.browser.get("/").text
    with pytest.raises(RuntimeError):
        office.deps.alarms.run("plan", _break)
    assert "Bộ lập lịch bị lỗi" in office.browser.get("/").text
    office.deps.alarms.run("plan", lambda: None)
    assert "Bộ lập lịch bị lỗi" not in office.browser.get("/").text


def _break() -> None:
    raise RuntimeError("the disk is gone")


@pytest.mark.parametrize("path", ["/broadcasts/none/stop", "/api/v1/broadcasts/none/stop"])
def test_stopping_what_is_unknown_is_an_error_with_a_sentence(office: Office, path: str) -> None:
    answer = office.browser.post(path, headers={"X-Form-Token": office.form_token})
    assert answer.status_code == 404
    assert "không" in answer.text.lower()
