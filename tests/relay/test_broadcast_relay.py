"""A relay as it is sent: on the broadcast's time line, whole, with the fallback in place of a station that was cut."""

import subprocess
import time
from pathlib import Path

import numpy as np
import pytest

from broadcast.live import LiveSender
from broadcast.live_encoder import LiveEncoder
from receiver.live.live_stream import LiveStream
from relay.broadcast_relay import BroadcastRelay, RelaySlot
from relay.fallback_sound import FallbackSound
from relay.player import RelayedStation, RelayPlayer
from runtime.clock import ControllerClock
from tests.relay.station_server import TONE_HZ, Behaviour, StationServer
from wire.live import LiveFrame, open_frame
from wire.sealing import PublicKey, SealingKey

KEY = SealingKey(bytes(range(32)))
TOPIC, FALLBACK_HZ, SECOND = "loa/1/c/x/live/b", 1000, 1_000_000


@pytest.fixture
def backup(tmp_path: Path) -> Path:
    path = tmp_path / "backup.opus"
    tone = f"-f lavfi -i sine={FALLBACK_HZ}:r=48000 -t 1 -ac 1 -c:a libopus -b:a 48k"
    subprocess.run(f"ffmpeg -loglevel error {tone} {path}".split(), check=True)
    return path


def decoded(frames: list[LiveFrame]) -> np.ndarray:
    stream = LiveStream(frames[0])
    for frame in frames[1:]:
        assert stream.add(frame, frame.first_index)
    first, last = frames[0].first_index, frames[-1].first_index + len(frames[-1].packets)
    return np.concatenate([stream.decode(index) for index in range(first, last)])


def frequency_hz(sound: np.ndarray) -> float:
    return float(np.argmax(np.abs(np.fft.rfft(sound * np.hanning(len(sound)))))) * 48_000 / len(sound)


def test_a_slot_is_sent_whole_and_a_station_that_is_cut_is_replaced_without_a_gap(backup: Path) -> None:
    clock, frames = ControllerClock(), list[LiveFrame]()
    starts_at_us = clock.now_us() + 3_000_000
    # A bulletin of 0.5 s comes first: the stream is on the broadcast's time line, and nothing is sent for it.
    slot = RelaySlot(1, 7, starts_at_us + SECOND // 2, starts_at_us + SECOND // 2 + 3_500_000, 1_800_000)
    with StationServer(burst_s=0.8) as station:

        def new_player(_slot: RelaySlot) -> RelayPlayer:
            relayed = RelayedStation("VOV1", [station.url("live.mp3")])
            return RelayPlayer(relayed, FallbackSound([backup]), {station.place}, clock.monotonic_us)

        def new_sender(stream_starts_at_us: int, buffer_us: int) -> LiveSender:
            def publish(payload: bytes) -> None:
                frames.append(open_frame(payload, TOPIC, PublicKey(KEY.public)))

            starts = {"starts_at_us": stream_starts_at_us, "buffer_us": buffer_us}
            return LiveSender(publish, TOPIC, KEY, LiveEncoder(48_000), **starts)

        relay = BroadcastRelay([slot], starts_at_us, new_player, new_sender, clock)
        relay.start()
        while len(frames) < 5:
            time.sleep(0.02)
        station.behaviour = Behaviour.CUT
        while relay.is_alive:
            assert clock.now_us() < slot.ends_at_us + 3 * SECOND
            time.sleep(0.02)
    indexes = [index for frame in frames for index in range(frame.first_index, frame.first_index + len(frame.packets))]
    assert indexes == list(range(indexes[0], indexes[-1] + 1))  # no gap
    assert frames[0].stream_starts_at_us == pytest.approx(starts_at_us, abs=7000)
    assert frames[0].starts_at_us <= slot.starts_at_us
    assert frames[-1].starts_at_us >= slot.ends_at_us - 40_000
    sound = decoded(frames)
    assert frequency_hz(sound[9600:28_800]) == pytest.approx(TONE_HZ, abs=5)
    assert frequency_hz(sound[-28_800:-9600]) == pytest.approx(FALLBACK_HZ, abs=5)
    loud = np.abs(sound[4800:-4800]).reshape(-1, 480).max(axis=1)
    assert loud.min() > 0.02, "silence between the two"
    began, ended = list(relay.events)[-2:]
    assert "station" in str(began.reason) or "failed" in str(began.reason) or "refuses" in str(began.reason)
    assert slot.starts_at_us < began.at_us < slot.ends_at_us
    assert (ended.at_us, ended.reason) == (slot.ends_at_us, None)
