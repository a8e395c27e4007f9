"""After Stop, the first page and the API say which loudspeakers may still be heard."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from broadcast.broadcasts import Broadcast
from broadcast.planning import put_on_air
from broadcast.play_reports import take_report
from runtime.clock import ManualClock, to_us
from runtime.database import Database
from tests.broadcast.studio import ALL, add_clip
from tests.cast import COMMUNE
from tests.web.office import Office
from wire.broadcasts import BroadcastClass
from wire.messages import CONTROLLER
from wire.reports import ClockState, Heartbeat, Held, Outcome, PlayReport


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


def report(office: Office, put: Broadcast, played_s: float, outcome: Outcome = Outcome.PLAYED, cause: str = "") -> None:
    """Of the first receiver."""
    told = PlayReport(
        to=CONTROLLER,
        revision=1,
        issued_at_us=1,
        expires_at_us=2,
        report="r1",
        receiver="loa-0",
        broadcast=put.id,
        manifest_revision=2,
        outcome=outcome,
        cause=cause,
        first_frame_at_us=to_us(put.starts_at),
        last_frame_at_us=to_us(put.starts_at) + round(played_s * 1e6),
        frames_played=round(played_s * 48_000),
        frames_due=5 * 48_000,
        volume_percent=80,
    )
    with office.database.writing() as session:
        take_report(session, "loa-0", told)


def why(office: Office, put: Broadcast) -> str:
    at = put.starts_at + timedelta(hours=7)
    return " ".join(office.browser.get(f"/why?receiver=loa-0&at={at:%Y-%m-%dT%H:%M}").text.split())


def test_the_why_page_and_the_log_name_the_stop_who_did_it_and_how_much_was_played(office: Office) -> None:
    put = on_air(office)
    assert office.post(f"/broadcasts/{put.id}/stop") == 303
    at = (office.clock.now() + timedelta(hours=7)).strftime("%H:%M:%S")
    report(office, put, 5)
    shown, logged = why(office, put), " ".join(office.browser.get(f"/play-log/{put.id}").text.split())
    assert f"lan dừng lúc {at}, đã phát 5 giây trên 10 phút." in shown
    assert "Đã bị dừng giữa chừng" in shown
    assert "Đã phát đủ" not in shown
    assert f"lan đã dừng lúc {at}." in logged
    assert "kêu thêm" not in shown + logged


def test_what_sounded_after_the_stop_is_in_the_log(office: Office) -> None:
    put = on_air(office)
    assert office.post(f"/broadcasts/{put.id}/stop") == 303
    report(office, put, 37)
    overrun = "Loa còn kêu thêm 32 giây sau khi dừng, vì lệnh dừng chưa đến nơi."
    assert overrun in why(office, put)
    assert overrun in " ".join(office.browser.get(f"/play-log/{put.id}").text.split())


def test_one_cut_by_another_of_its_own_class_gave_way_to_that_one(office: Office) -> None:
    put = on_air(office)
    with office.database.writing() as session:
        add_clip(session, "thong-bao", 20, now=office.clock.now())
        put_on_air(
            session,
            COMMUNE,
            targets=ALL,
            class_=BroadcastClass.NORMAL,
            now=office.clock.now(),
            by="lan",
            clip_id="thong-bao",
        )
    office.clock.set(put.ends_at + timedelta(minutes=2))
    report(office, put, 580, Outcome.PARTLY, "cut")
    shown = why(office, put)
    assert "nhường cho nội dung khác" in shown
    assert "«Thong-Bao»" in shown
    assert "mức cao hơn" not in shown
