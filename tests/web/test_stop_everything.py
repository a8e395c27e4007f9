"""Stop everything: one press, who still sounds until nobody does, and what goes on since it may not be stopped."""

from datetime import timedelta
from pathlib import Path

import pytest

from broadcast.broadcasts import Broadcast
from broadcast.planning import put_on_air
from people.rights import Role
from runtime.clock import ManualClock
from runtime.database import Database
from tests.broadcast.studio import ALL, add_clip
from tests.cast import COMMUNE
from tests.web.office import Office
from tests.web.test_rights_of_pages import Guest
from wire.broadcasts import BroadcastClass
from wire.reports import ClockState, Heartbeat, Held


@pytest.fixture
def office(database: Database, clock: ManualClock, tmp_path: Path) -> Office:
    made = Office(database, clock, tmp_path)
    made.add_receivers(2)
    with database.writing() as session:
        add_clip(session, "ban-tin", 600, now=clock.now())
    return made


def put(office: Office, class_: BroadcastClass = BroadcastClass.NORMAL) -> Broadcast:
    with office.database.writing() as session:
        now = office.clock.now()
        return put_on_air(session, COMMUNE, targets=ALL, class_=class_, now=now, by="lan", clip_id="ban-tin")


def beat(office: Office, receiver_id: str, broadcast_id: str, revision: int = 1) -> None:
    held = [Held(broadcast=broadcast_id, revision=revision, ready=True)] if broadcast_id else []
    heartbeat = Heartbeat(session=1, sequence=2, broadcast=broadcast_id, holds=held, clock=ClockState(locked=True))
    office.presence.heard(receiver_id, heartbeat, office.clock.now())


def state_of(office: Office, broadcast_id: str) -> str:
    return str(office.browser.get(f"/api/v1/broadcasts/{broadcast_id}").json()["state"])


def test_it_stops_what_is_on_air_and_what_was_about_to_be_and_follows_until_nobody_sounds(office: Office) -> None:
    sounding = put(office)
    office.clock.set(sounding.starts_at + timedelta(seconds=5))
    for receiver_id in ("loa-0", "loa-1"):
        beat(office, receiver_id, sounding.id)
    soon = put(office)
    assert office.post("/stop-everything") == 303
    assert (state_of(office, sounding.id), state_of(office, soon.id)) == ("stopped", "withdrawn")
    shown = office.browser.get("/stop-everything/sounding").text
    assert "2 cụm loa còn kêu" in " ".join(shown.split())
    beat(office, "loa-0", "")
    shown = office.browser.get("/stop-everything/sounding").text
    assert "1 cụm loa còn kêu" in " ".join(shown.split())
    assert "Thôn 1</a>" in shown
    assert office.browser.get("/api/v1/stop-everything").json()["sounding"] == ["loa-1"]
    beat(office, "loa-1", "")
    assert "Không cụm loa nào đang kêu." in office.browser.get("/stop-everything/sounding").text


def test_an_emergency_goes_on_for_one_who_may_not_stop_it_and_that_is_said(office: Office) -> None:
    emergency, normal = put(office, BroadcastClass.EMERGENCY), put(office)
    office.clock.set(normal.starts_at + timedelta(seconds=5))
    operator = Guest(office, Role.OPERATOR)
    answer = operator.browser.post("/api/v1/stop-everything", headers={"X-Form-Token": operator.form_token})
    assert answer.json()["not_allowed"] == answer.json()["on_air"] == [emergency.id]
    assert (state_of(office, emergency.id), state_of(office, normal.id)) == ("on_air", "stopped")
    assert operator.post("/stop-everything") == 303
    assert "Buổi phát khẩn cấp vẫn tiếp tục" in operator.browser.get("/stop-everything?stopped=1").text


def test_one_without_the_right_stops_nothing(office: Office) -> None:
    sounding = put(office)
    assert Guest(office, Role.VIEWER).post("/stop-everything") == 403
    assert state_of(office, sounding.id) == "planned"


def test_the_page_asks_once_and_has_the_limits_of_live_broadcasts_beside_it(office: Office) -> None:
    assert "Dừng tất cả ngay" in office.browser.get("/stop-everything").text
    numbers = {"live_lead_ms": "300", "live_silence_s": "45", "live_longest_min": "30"}
    assert office.post("/settings/live", **numbers) == 303
    assert "sau 45 giây không có tiếng nói, hoặc sau 30 phút" in " ".join(office.browser.get("/speak").text.split())
    assert office.post("/settings/live", **{**numbers, "live_lead_ms": "20"}) == 422
    assert office.post("/settings/live", **{**numbers, "live_lead_ms": "0"}) == 303
    page = office.browser.get("/settings").text
    assert page.partition('value="0" selected>')[2].startswith("Tự động theo đường truyền<")
    assert "Tự động hiện là 1000 ms" in page, "nothing is known of the links"


def test_the_shell_is_kept_and_no_page(office: Office) -> None:
    manifest = office.stranger.get("/manifest.webmanifest")
    assert manifest.json()["start_url"] == "/"
    assert all(office.stranger.get(icon["src"]).status_code == 200 for icon in manifest.json()["icons"])
    worker = office.stranger.get("/service-worker.js")
    assert worker.headers["content-type"].startswith("text/javascript")
    kept = worker.text.partition("SHELL = ")[2].partition("];")[0]
    assert kept.count("/static/") >= 6
    assert all(part.strip(' "[').startswith("/static/") for part in kept.split(","))
    assert "Không có mạng" in office.stranger.get("/without-network").text
