"""What an intruder sends to the microphone's socket: each is refused with a sentence, and nothing is on air."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import select

from broadcast.broadcasts import Broadcast
from broadcast.live_encoder import LiveEncoder
from runtime.clock import ManualClock
from runtime.database import Database
from studio.microphone_frames import FRAME_BYTES, MicrophoneCodec, MicrophoneFrame, frame_message
from tests.cast import COMMUNE
from tests.web.office import Office

ADDRESS, ORIGIN = "/api/v1/live/speak", {"origin": "http://testserver"}
START = {"type": "start", "commune": COMMUNE, "targets": {"all": True}, "title": "Lời chủ tịch", "chime": False}


@pytest.fixture
def office(database: Database, clock: ManualClock, tmp_path: Path) -> Iterator[Office]:
    made = Office(database, clock, tmp_path)
    made.add_receivers(1)
    yield made
    made.deps.live_sessions.close()


def broadcasts(office: Office) -> list[Broadcast]:
    with office.database.session() as session:
        return list(session.exec(select(Broadcast)).all())


@pytest.mark.parametrize(
    "first",
    [
        b"\x01" * 40,
        "",
        "[]",
        '{"type": "stop"}',
        '{"type": "start", "commune": 7}',
        '{"type": "start", "x": ' + "[" * 8000,
        '{"type": "resume", "broadcast": "../../etc/passwd"}',
    ],
)
def test_a_first_message_that_asks_for_nothing_is_refused(office: Office, first: bytes | str) -> None:
    with office.browser.websocket_connect(ADDRESS, headers=ORIGIN) as socket:
        socket.send({"type": "websocket.receive", "bytes" if isinstance(first, bytes) else "text": first})
        answer = socket.receive_json()
    assert answer["type"] == "refused"
    assert answer["message"]
    assert broadcasts(office) == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"commune": "xa-khac"}, "Hãy tải lại trang này"),
        ({"targets": {"receivers": ["loa-99"]}}, "Không có cụm loa nào"),
        ({"title": "x" * 5000}, "dài 5000 ký tự"),
        ({"title": "a\u202eb"}, "ký tự không nhìn thấy"),
    ],
)
def test_a_start_that_is_wrong_is_refused(office: Office, change: dict[str, Any], words: str) -> None:
    with office.browser.websocket_connect(ADDRESS, headers=ORIGIN) as socket:
        socket.send_json(START | change)
        answer = socket.receive_json()
    assert words in answer["message"]
    assert broadcasts(office) == []


def test_a_packet_that_holds_more_than_its_frame_is_refused(office: Office) -> None:
    packet = LiveEncoder(32_000).encode(bytes(FRAME_BYTES))
    with office.browser.websocket_connect(ADDRESS, headers=ORIGIN) as socket:
        socket.send_json(START)
        # Code 3 of RFC 6716: two frames of 20 ms in one packet.
        sound = bytes([packet[0] | 3, 2]) + packet[1:] * 2
        socket.send_bytes(frame_message(MicrophoneFrame(MicrophoneCodec.OPUS, 0, 2**64 - 1, sound)))
        while (answer := socket.receive_json())["type"] in ("started", "state"):
            pass
    assert "không phải âm thanh" in answer["message"]
