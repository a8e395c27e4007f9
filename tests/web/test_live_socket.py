"""The microphone's socket: who may speak, what is refused, what ends the broadcast, what is kept of it."""

import json
import math
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from fastapi.testclient import TestClient
from sqlmodel import select
from starlette.websockets import WebSocketDisconnect

from broadcast.broadcasts import Broadcast
from broadcast.clips import Clip
from broadcast.ingest_jobs import IngestJob
from devices.receivers import Receiver
from people.audit import AuditEntry, Deed
from people.operators import Operator, appoint
from people.rights import Role
from runtime.clock import ManualClock
from runtime.database import Database
from studio import live_session
from studio.live_limits import LiveEnd
from studio.live_recordings import LiveRecordings, live_folder
from studio.microphone_frames import FRAME_SAMPLES, MicrophoneCodec, MicrophoneFrame, frame_message
from tests.cast import COMMUNE
from tests.web.office import Office
from web.access import open_session
from wire.broadcasts import LiveItem
from wire.live import open_frame
from wire.reports import ClockState, Heartbeat, PlayoutState
from wire.sealing import PublicKey, SealingKey

ADDRESS = "/api/v1/live/speak"
ORIGIN = {"origin": "http://testserver"}
START = {"type": "start", "commune": COMMUNE, "targets": {"all": True}, "title": "Lời chủ tịch", "chime": False}


def tone(number: int) -> bytes:
    at = np.arange(number * FRAME_SAMPLES, (number + 1) * FRAME_SAMPLES)
    return (np.sin(at * 2 * math.pi * 440 / 48_000) * 9000).astype("<i2").tobytes()


@pytest.fixture
def office(database: Database, clock: ManualClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Office]:
    # The clock is turned faster than it runs.
    monkeypatch.setattr(live_session, "time", SimpleNamespace(sleep=lambda _s: time.sleep(0.0005)))
    made = Office(database, clock, tmp_path)
    made.add_receivers(2)
    yield made
    made.deps.live_sessions.close()


def guest(office: Office, name: str, role: Role) -> TestClient:
    with office.database.writing() as session:
        made = Operator(name=name, password_hash="", must_change_password=False, created_at=office.clock.now())
        session.add(made)
        session.flush()
        appoint(session, made.number, COMMUNE, role)
        token = open_session(session, made.number, office.clock.now())
    browser = TestClient(office.app)
    browser.cookies.set("loa_session", token)
    return browser


class Microphone:
    """A browser that is connected."""

    def __init__(self, socket: Any, office: Office, number: int = 0) -> None:
        self.socket, self.office, self.number = socket, office, number

    def ask(self, **first: Any) -> dict[str, Any]:
        self.socket.send_text(json.dumps(first))
        return self.until("started", "refused")

    def until(self, *kinds: str) -> dict[str, Any]:
        while True:
            message: dict[str, Any] = self.socket.receive_json()
            if message["type"] in kinds:
                return message

    def until_state(self, is_wanted: Callable[[dict[str, Any]], bool]) -> dict[str, Any]:
        for _ in range(40):
            if is_wanted(state := self.until("state")):
                return state
        raise AssertionError(f"the last state was {state}")

    def speak(self, seconds: float, *, late_s: float = 0.0) -> None:
        """The clock goes along. late_s: how long the frames take."""
        for _ in range(round(seconds * 50)):
            self.office.clock.advance(seconds=0.02)
            captured_us = self.office.clock.now_us() - round(late_s * 1_000_000)
            frame = MicrophoneFrame(MicrophoneCodec.PCM, self.number, captured_us, tone(self.number))
            self.socket.send_bytes(frame_message(frame))
            self.number += 1
            time.sleep(0.001)  # the session's thread goes along too


def row(office: Office, broadcast_id: str) -> Broadcast:
    with office.database.session() as session:
        return session.get_one(Broadcast, broadcast_id)


def let_end(office: Office, broadcast_id: str) -> None:
    """Turn the clock until the session has stopped its broadcast."""
    for _ in range(200):
        session = office.deps.live_sessions.session_of(broadcast_id)
        if session is None or session.ended.wait(0.02):
            return
        office.clock.advance(seconds=1)
    raise AssertionError("it never ended")


def recordings(office: Office) -> LiveRecordings:
    return LiveRecordings(office.deps.services, office.deps.ingest, live_folder(office.deps.originals.folder))


@pytest.mark.parametrize("headers", [{}, {"origin": "http://evil.example"}, {"origin": "null"}])
def test_a_page_of_another_site_opens_no_microphone(office: Office, headers: dict[str, str]) -> None:
    with (
        pytest.raises(WebSocketDisconnect),
        office.browser.websocket_connect(ADDRESS, headers=headers),
    ):
        pass


def test_a_stranger_and_one_without_the_right_are_told_who_may(office: Office) -> None:
    for browser, words in (
        (office.stranger, "Bạn đã đăng xuất"),
        (guest(office, "hoa", Role.VIEWER), "do cán bộ văn hóa và lãnh đạo xã phụ trách"),
    ):
        with browser.websocket_connect(ADDRESS, headers=ORIGIN) as socket:
            answer = Microphone(socket, office).ask(**START)
        assert answer["type"] == "refused"
        assert words in answer["message"]
    with office.database.session() as session:
        assert session.exec(select(Broadcast)).all() == []


def test_what_is_spoken_is_sent_ahead_signed_audited_and_kept_as_a_clip(office: Office) -> None:
    with office.browser.websocket_connect(ADDRESS, headers=ORIGIN) as socket:
        microphone = Microphone(socket, office)
        started = microphone.ask(**START)
        office.clock.advance(seconds=2.1)
        microphone.speak(3)
        socket.send_json({"type": "stop"})
        let_end(office, started["broadcast"])
        assert microphone.until("ended")["message"] == "Bạn đã kết thúc buổi phát."
    key = PublicKey(SealingKey(bytes(range(32))).public)
    frames = [open_frame(p, t, key) for t, p, *_ in office.broker.log if f"/live/{started['broadcast']}" in t]
    assert len(frames) >= 20
    assert len({frame.stream_starts_at_us for frame in frames if frame.stream == frames[0].stream}) == 1
    ended = row(office, started["broadcast"])
    assert (ended.title, ended.planned_by, ended.cause) == ("Lời chủ tịch", "lan", "live_ended")
    recordings(office).step()
    with office.database.session() as session:
        job = session.exec(select(IngestJob)).one()
        deeds = [entry.action for entry in session.exec(select(AuditEntry))]
    assert {Deed.PUT_ON_AIR, Deed.STOPPED, Deed.LIVE_RECORDED} <= set(deeds)
    office.deps.ingest.work_one(job.id)
    with office.database.session() as session:
        clip = session.exec(select(Clip).where(Clip.builtin == "")).one()
    assert (clip.title, clip.uploaded_by) == ("Lời chủ tịch 24/11/2026 05:00", "lan")
    assert 2_500_000 < clip.duration_us < 5_000_000


def test_a_second_person_sees_who_speaks_and_starts_over_them_only_by_choice(office: Office) -> None:
    other = guest(office, "hung", Role.OPERATOR)
    with office.browser.websocket_connect(ADDRESS, headers=ORIGIN) as socket:
        started = Microphone(socket, office).ask(**START)
        with other.websocket_connect(ADDRESS, headers=ORIGIN) as second:
            answer = Microphone(second, office).ask(**START)
        assert answer["type"] == "refused"
        assert "lan đang nói trực tiếp" in answer["message"]
        assert "lan đang nói trực tiếp từ" in other.get("/speak").text
        with other.websocket_connect(ADDRESS, headers=ORIGIN) as second:
            assert Microphone(second, office).ask(**START, over=[started["broadcast"]])["type"] == "started"


@pytest.mark.parametrize(
    ("garbage", "words"),
    [
        (b"\x00" * 40, "không phải âm thanh"),
        (b"\x02" + bytes(12) + b"\xff" * 60, "không phải âm thanh"),
        ("{}", "Trang đã cũ"),
        ("two", "một đoạn tiếng hai lần"),
        ("too much", "nhiều âm thanh hơn"),
    ],
)
def test_garbage_is_refused_and_nothing_stays_on_air(office: Office, garbage: bytes | str, words: str) -> None:
    with office.browser.websocket_connect(ADDRESS, headers=ORIGIN) as socket:
        microphone = Microphone(socket, office)
        started = microphone.ask(**START)
        office.clock.advance(seconds=3)
        microphone.speak(0.2)
        if garbage == "two":
            microphone.number -= 1
            microphone.speak(0.02)
        elif garbage == "too much":
            for number in range(microphone.number, microphone.number + 800):
                socket.send_bytes(frame_message(MicrophoneFrame(MicrophoneCodec.PCM, number, 0, tone(number))))
        elif isinstance(garbage, str):
            socket.send_text(garbage)
        else:
            socket.send_bytes(garbage)
        assert words in microphone.until("refused")["message"]
    let_end(office, started["broadcast"])
    assert row(office, started["broadcast"]).stopped_at is not None


def test_a_lost_link_goes_on_when_it_is_back_and_ends_when_it_is_not(office: Office) -> None:
    with office.browser.websocket_connect(ADDRESS, headers=ORIGIN) as socket:
        microphone = Microphone(socket, office)
        started = microphone.ask(**START)
        office.clock.advance(seconds=3)
        microphone.speak(1)
    office.clock.advance(seconds=5)
    with office.browser.websocket_connect(ADDRESS, headers=ORIGIN) as socket:
        back = Microphone(socket, office, microphone.number + 250)
        assert back.ask(type="resume", broadcast=started["broadcast"])["broadcast"] == started["broadcast"]
        back.speak(1)
        assert row(office, started["broadcast"]).stopped_at is None
    let_end(office, started["broadcast"])  # the tab was closed mid-word
    assert row(office, started["broadcast"]).cause == "sender_lost"
    with office.browser.websocket_connect(ADDRESS, headers=ORIGIN) as socket:
        answer = Microphone(socket, office).ask(type="resume", broadcast=started["broadcast"])
    assert "đã kết thúc" in answer["message"]


def test_another_person_cannot_take_a_broadcast_over(office: Office) -> None:
    other = guest(office, "hung", Role.OPERATOR)
    with office.browser.websocket_connect(ADDRESS, headers=ORIGIN) as socket:
        started = Microphone(socket, office).ask(**START)
        with other.websocket_connect(ADDRESS, headers=ORIGIN) as second:
            answer = Microphone(second, office).ask(type="resume", broadcast=started["broadcast"])
        assert answer["type"] == "refused"


def test_stopping_on_another_page_ends_it_without_a_chime(office: Office) -> None:
    office.deps.live_sessions.start()
    with office.browser.websocket_connect(ADDRESS, headers=ORIGIN) as socket:
        microphone = Microphone(socket, office)
        started = microphone.ask(**START)
        office.clock.advance(seconds=4)
        assert office.post("/stop-everything") == 303
        assert microphone.until("ended")["reason"] == "elsewhere"
    assert row(office, started["broadcast"]).cause == "by_operator"


def test_a_killed_controller_keeps_what_was_recorded_once(office: Office) -> None:
    with office.browser.websocket_connect(ADDRESS, headers=ORIGIN) as socket:
        microphone = Microphone(socket, office)
        started = microphone.ask(**START)
        office.clock.advance(seconds=2.1)
        microphone.speak(3)
        file = live_folder(office.deps.originals.folder) / f"{started['broadcast']}.flac"
        for _ in range(100):
            if file.stat().st_size > 30_000:
                break
            office.deps.live_sessions.session_of(started["broadcast"]).ended.wait(0.02)  # type: ignore[union-attr]
        recordings(office).recover()  # of another controller: one that is still written is left alone
        assert row(office, started["broadcast"]).stopped_at is None
        left = file.read_bytes()
        socket.send_json({"type": "stop"})
        let_end(office, started["broadcast"])
    with office.database.writing() as session:  # as it was when the process was killed
        broadcast = session.get_one(Broadcast, started["broadcast"])
        broadcast.stopped_at, broadcast.cause, broadcast.ends_at = None, "", office.clock.now()
        broadcast.starts_at = broadcast.planned_at
        session.add(broadcast)
    file.write_bytes(left)
    for _ in range(2):
        recordings(office).recover()
    with office.database.session() as session:
        job = session.exec(select(IngestJob)).one()
    office.deps.ingest.work_one(job.id)
    with office.database.session() as session:
        clip = session.exec(select(Clip).where(Clip.builtin == "")).one()
    assert clip.duration_us > 2_000_000
    assert list(live_folder(office.deps.originals.folder).iterdir()) == []


def test_all_wait_for_the_receiver_with_the_longest_path(office: Office) -> None:
    with office.database.writing() as session:
        receiver = session.get_one(Receiver, "loa-1")
        receiver.path_delay_us = 119_500
        session.add(receiver)
    with office.browser.websocket_connect(ADDRESS, headers=ORIGIN) as socket:
        started = Microphone(socket, office).ask(**START)
        item = row(office, started["broadcast"]).playlist[0]
    assert isinstance(item, LiveItem)
    assert item.buffer_us == 1_120_000


@pytest.mark.parametrize(("taken_ahead_us", "lead_ms"), [(0, 298), (150_000, 200), (180_000, 228), (250_000, 298)])
def test_a_short_lead_is_longer_for_a_card_that_is_fed_further_ahead(
    office: Office, taken_ahead_us: int, lead_ms: int
) -> None:
    assert office.post("/settings/live", live_lead_ms="200", live_silence_s="45", live_longest_min="30") == 303
    beat = Heartbeat(
        session=2, sequence=1, clock=ClockState(locked=True), playout=PlayoutState(taken_ahead_us=taken_ahead_us)
    )
    office.presence.heard("loa-1", beat, office.clock.now())
    with office.browser.websocket_connect(ADDRESS, headers=ORIGIN) as socket:
        started = Microphone(socket, office).ask(**{**START, "targets": {"receivers": ["loa-1"]}})
        item = row(office, started["broadcast"]).playlist[0]
    assert isinstance(item, LiveItem)
    assert item.buffer_us == lead_ms * 1000


def test_a_sender_whose_frames_come_too_late_is_told_and_nothing_stays_on_air(office: Office) -> None:
    with office.browser.websocket_connect(ADDRESS, headers=ORIGIN) as socket:
        microphone = Microphone(socket, office)
        started = microphone.ask(**START)
        office.clock.advance(seconds=2.1)
        microphone.speak(1)
        microphone.speak(2, late_s=1.5)
        office.clock.advance(seconds=0.02)
        state = microphone.until_state(lambda state: state["late"] >= 90)
        assert state["age_ms"] >= 1_400
        assert state["phase"] == "speaking", "the broadcast goes on, silent"
        microphone.speak(1)
        socket.send_json({"type": "stop"})
        let_end(office, started["broadcast"])
        assert microphone.until("ended")["reason"] == "by_speaker"
    assert row(office, started["broadcast"]).cause == "live_ended"


def test_a_browser_that_sends_too_slowly_is_cut_off_and_nothing_stays_on_air(office: Office) -> None:
    with office.browser.websocket_connect(ADDRESS, headers=ORIGIN) as socket:
        microphone = Microphone(socket, office)
        started = microphone.ask(**START)
        office.clock.advance(seconds=2.1)
        for _ in range(21):  # a second of sound in ten, for two of the windows that are looked at
            microphone.speak(0.1)
            office.clock.advance(seconds=0.9)
            time.sleep(0.01)
        session = office.deps.live_sessions.session_of(started["broadcast"])
        assert session is not None
        assert session.status.end is LiveEnd.CONNECTION
        let_end(office, started["broadcast"])
        assert microphone.until("ended")["reason"] == "connection"
    assert row(office, started["broadcast"]).cause == "sender_lost"
