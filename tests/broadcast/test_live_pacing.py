"""A file is held back to real time; a source with a crystal of its own is followed."""

from collections.abc import Iterator

import numpy as np
import pytest

from broadcast.live import LiveSender
from broadcast.live_encoder import LiveEncoder
from broadcast.live_pacing import SourceFollower, send_followed, send_paced
from runtime.clock import ManualClock
from wire.live import LiveFrame, open_frame
from wire.sealing import PublicKey, SealingKey

KEY = SealingKey(bytes(range(32)))
PIECE = b"\0" * 960  # 10 ms


class Wire:
    """Remembers what was published, and when."""

    def __init__(self, clock: ManualClock) -> None:
        self.clock = clock
        self.sent: list[tuple[int, LiveFrame]] = []

    def sender(self, starts_at_us: int) -> LiveSender:
        return LiveSender(self.publish, "t", KEY, LiveEncoder(), starts_at_us=starts_at_us)

    def publish(self, payload: bytes) -> None:
        self.sent.append((self.clock.now_us(), open_frame(payload, "t", PublicKey(KEY.public))))


def test_a_file_goes_out_no_earlier_than_its_buffer(clock: ManualClock) -> None:
    wire = Wire(clock)
    start = clock.now_us() + 2_000_000

    def wait(seconds: float) -> bool:
        clock.advance(seconds=seconds)
        return False

    send_paced([PIECE] * 300, wire.sender(start), clock, wait, buffer_us=500_000)
    ahead = [frame.starts_at_us - at for at, frame in wire.sent]
    assert max(ahead[:-1]) <= 500_000
    assert min(ahead[:-1]) > 500_000 - 60_000


def test_a_file_stops_when_told(clock: ManualClock) -> None:
    wire = Wire(clock)
    send_paced([PIECE] * 300, wire.sender(clock.now_us() + 5_000_000), clock, lambda _: True, buffer_us=500_000)
    assert wire.sent == []


@pytest.mark.parametrize("ppm", [-100.0, 0.0, 80.0])
def test_a_crystal_that_is_off_is_followed_within_a_millisecond(ppm: float) -> None:
    """Ten minutes of a source that is off by `ppm` and arrives with up to 15 ms of delay."""
    random = np.random.default_rng(3)
    follower = SourceFollower(1_000_000, 1_000_000)
    out, slacks = 0, []
    for k in range(60_000):
        now_us = (k + 1) * 10_000 / (1 + ppm * 1e-6)
        out += len(follower.take(PIECE, round(now_us + random.exponential(3_000)))) // 2
        if k > 24_000:
            slacks.append(out / 48_000 * 1e6 - now_us)
    assert max(slacks) - min(slacks) < 12_000  # pieces are 10 ms
    assert abs(np.mean(slacks[:1000]) - np.mean(slacks[-1000:])) < 1_000
    assert abs(follower.ppm - ppm) < 30


def test_a_source_that_stopped_comes_back_on_a_new_stream(clock: ManualClock) -> None:
    wire = Wire(clock)

    def pieces() -> Iterator[bytes]:
        for k in range(400):
            clock.advance(seconds=3.0 if k == 200 else 0.01)
            yield PIECE

    send_followed(pieces(), wire.sender, clock, lambda: False, 500_000, clock.now_us())
    streams = {frame.stream for _, frame in wire.sent}
    assert len(streams) == 2
    assert all(frame.starts_at_us - at > 300_000 for at, frame in wire.sent[:-1])
