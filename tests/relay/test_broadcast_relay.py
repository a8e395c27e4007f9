"""A relay as it is sent: on the broadcast's time line, whole, with the fallback in place of a station that was cut."""

import itertools
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
from relay.player import PlayerState, RelayedStation, RelayPlayer
from runtime.clock import ControllerClock, ManualClock
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


class SlowPlayer(RelayPlayer):
    """The clock goes on while it works; once, at its 50th piece, by 6 s."""

    def __init__(self, clock: ManualClock) -> None:
        self.state, self._turned, self._pieces = PlayerState(on_station=True), clock, 0

    def step(self, *, is_due: bool, is_late: bool) -> bytes | None:
        self._turned.advance(seconds=0.02 if self._pieces != 50 else 6)
        self._pieces += is_due
        return bytes(1920) if is_due else None

    def note_left_out(self) -> None:
        pass

    def close(self) -> None:
        pass


def test_after_a_standstill_what_would_come_too_late_is_left_out(clock: ManualClock) -> None:
    sent = list[tuple[int, LiveFrame]]()
    slot = RelaySlot(0, 7, clock.now_us(), clock.now_us() + 20 * SECOND, 4 * SECOND)

    def new_sender(starts_at_us: int, buffer_us: int) -> LiveSender:
        def publish(payload: bytes) -> None:
            sent.append((clock.now_us(), open_frame(payload, TOPIC, PublicKey(KEY.public))))

        return LiveSender(publish, TOPIC, KEY, LiveEncoder(), starts_at_us=starts_at_us, buffer_us=buffer_us)

    relay = BroadcastRelay([slot], slot.starts_at_us, lambda _slot: SlowPlayer(clock), new_sender, clock)
    relay.start()
    deadline_s = time.monotonic() + 10
    while relay.is_alive:
        assert time.monotonic() < deadline_s
        time.sleep(0.01)
    leads_us = [frame.starts_at_us - at_us for at_us, frame in sent]
    assert sum(lead_us < 0 for lead_us in leads_us) <= 3
    assert sent[-1][1].starts_at_us >= slot.ends_at_us - 60_000
    indexes = [frame.first_index for _, frame in sent]
    assert max(later - earlier for earlier, later in itertools.pairwise(indexes)) > 50
