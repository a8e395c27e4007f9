"""After Stop, the first page and the API say which loudspeakers may still be heard."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from broadcast.broadcasts import Broadcast
from broadcast.planning import put_on_air
from runtime.clock import ManualClock
from runtime.database import Database
from tests.broadcast.studio import ALL, add_clip
from tests.cast import COMMUNE
from tests.web.office import Office
from wire.broadcasts import BroadcastClass
from wire.reports import ClockState, Heartbeat, Held


@pytest.fixture
def office(database: Database, clock: ManualClock, tmp_path: Path) -> Office:
    clock.set(datetime(2026, 11, 23, 13, 37, tzinfo=UTC))  # 20:37
    made = Office(database, clock, tmp_path)
    made.add_receivers(2)
    with database.writing() as session:
        add_clip(session, "ban-tin", 600, now=clock.now())
    return made


def on_air(office: Office) -> Broadcast:
    with office.database.writing() as session:
        put = put_on_air(
            session,
            COMMUNE,
            targets=ALL,
            class_=BroadcastClass.NORMAL,
            now=office.clock.now(),
            by="lan",
            clip_id="ban-tin",
        )
    office.clock.set(put.starts_at + timedelta(seconds=5))
    for receiver_id in ("loa-0", "loa-1"):
        beat(office, receiver_id, put.id)
    return put


def beat(office: Office, receiver_id: str, broadcast_id: str) -> None:
    held = [Held(broadcast=broadcast_id, revision=1, ready=True)] if broadcast_id else []
    heartbeat = Heartbeat(session=1, sequence=2, broadcast=broadcast_id, holds=held, clock=ClockState(locked=True))
    office.presence.heard(receiver_id, heartbeat, office.clock.now())


def test_the_page_names_those_that_have_not_confirmed_and_then_says_that_all_have(office: Office) -> None:
    put = on_air(office)
    assert office.post(f"/broadcasts/{put.id}/stop") == 303
    beat(office, "loa-0", "")
    shown = " ".join(office.browser.get("/").text.split())
    assert "1 cụm loa đang phát chưa xác nhận, có thể còn kêu đến 20:47" in shown
    assert 'href="/receivers/loa-1">Thôn 1</a>' in shown
    assert "lan đã dừng lúc 20:37" in shown
    beat(office, "loa-1", "")
    shown = " ".join(office.browser.get("/").text.split())
    assert "chưa xác nhận" not in shown
    assert "Tất cả cụm loa đã xác nhận." in shown
    office.clock.advance(seconds=90)
    assert "đã xác nhận" not in office.browser.get("/").text


def test_the_api_answers_a_stop_with_those_that_have_not_confirmed(office: Office) -> None:
    put = on_air(office)
    header = {"X-Form-Token": office.form_token}
    answer = office.browser.post(f"/api/v1/broadcasts/{put.id}/stop", headers=header)
    assert answer.status_code == 200
    assert answer.json()["state"] == "stopped"
    assert answer.json()["stop"]["unconfirmed"] == ["loa-0", "loa-1"]
    assert datetime.fromisoformat(answer.json()["stop"]["may_sound_until"]) == put.ends_at
    for receiver_id in ("loa-0", "loa-1"):
        beat(office, receiver_id, "")
    stop = office.browser.get(f"/api/v1/broadcasts/{put.id}").json()["stop"]
    assert (stop["by"], stop["unconfirmed"], stop["may_sound_until"]) == ("lan", [], None)


def test_a_broadcast_whose_sender_was_lost_is_told_on_the_first_page(office: Office) -> None:
    put = on_air(office)
    with office.database.writing() as session:
        row = session.get(Broadcast, put.id)
        assert row is not None
        row.stopped_at, row.stopped_by, row.cause, row.revision = office.clock.now(), "loa", "sender_lost", 2
        session.add(row)
    office.clock.advance(timedelta(minutes=9))
    assert "vì mất nguồn phát trực tiếp" in office.browser.get("/").text
