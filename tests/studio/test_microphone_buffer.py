"""The microphone buffer, with time passed in: an even stream, late frames dropped, delay given back."""

import random

import numpy as np
import pytest

from runtime.refusal import Refusal
from studio.microphone_buffer import FAR_DEPTH_US, LEAST_DEPTH_US, MOST_AGE_US, MOST_AHEAD, MicrophoneBuffer
from studio.microphone_frames import (
    FRAME_BYTES,
    FRAME_SAMPLES,
    FRAME_US,
    MicrophoneCodec,
    MicrophoneFrame,
    frame_message,
    parse_frame,
)

TONE = (np.sin(np.arange(FRAME_SAMPLES) * 2 * np.pi * 500 / 48_000) * 9000).astype("<i2").tobytes()


class StraightFollower:
    """A source whose crystal is that of the controller."""

    def take(self, pcm: bytes, _now_us: int) -> bytes:
        return pcm


class Talk:
    """A browser that sends a frame each 20 ms, and a session that takes one as often."""

    def __init__(self) -> None:
        self.buffer = MicrophoneBuffer(lambda _now_us: StraightFollower())  # type: ignore[arg-type,return-value]
        self.now_us = 1_000_000
        self.sent = 0
        self.out: list[bytes | None] = []

    def send(self, delay_us: int = 30_000, sound: bytes = TONE) -> bool:
        """One frame, captured so long before now."""
        self.sent += 1
        return self.buffer.put(self.sent - 1, self.sent * FRAME_US, sound, self.sent * FRAME_US + delay_us)

    def run(self, frames: int, delay_us: int = 30_000, sound: bytes = TONE) -> None:
        for _ in range(frames):
            self.send(delay_us, sound)
            self.out.append(self.buffer.take(self.sent * FRAME_US + delay_us))


def test_an_even_link_gives_every_frame_after_the_least_delay() -> None:
    talk = Talk()
    talk.run(100)
    silent = talk.out.index(TONE) if TONE in talk.out else -1
    first = next(index for index, block in enumerate(talk.out) if block is not None)
    assert first == LEAST_DEPTH_US // FRAME_US - 1
    assert silent == first + 1, "the first fades in, the others are as they were captured"
    assert all(block == TONE for block in talk.out[first + 1 :])
    assert talk.buffer.counts == (100, 0, 0, 0)


def test_a_stalled_link_costs_a_gap_and_no_delay_that_stays() -> None:
    talk = Talk()
    talk.run(50)
    held_us = talk.buffer.held_us
    for second in range(100):  # two seconds without a frame
        talk.out.append(talk.buffer.take(talk.sent * FRAME_US + 30_000 + second * FRAME_US))
    late = [talk.send(2_030_000 - index * FRAME_US) for index in range(100)]  # they come at once
    assert late.count(False) >= 100 - MOST_AGE_US // FRAME_US - 1
    assert talk.buffer.counts.gaps == 1
    assert talk.buffer.counts.late == late.count(False)
    talk.run(500, sound=bytes(FRAME_BYTES))
    assert talk.buffer.held_us <= held_us + 2 * FRAME_US


def opened(jitter_us: int) -> Talk:
    """A link that was seen for two seconds before the microphone is heard."""
    talk, draw = Talk(), random.Random(1)
    for _ in range(100):
        talk.send(30_000 + draw.randrange(jitter_us))
    talk.buffer.begin()
    return talk


def test_a_link_that_jitters_is_given_the_time_for_a_lost_packet_before_one_is_lost() -> None:
    talk = opened(jitter_us=40_000)
    assert talk.buffer.depth_us == FAR_DEPTH_US
    talk.run(50)
    talk.out.clear()
    for late in range(10):  # 200 ms without a frame, then all at once
        talk.out.append(talk.buffer.take((talk.sent + late) * FRAME_US + 30_000))
    for late in range(10, 0, -1):
        talk.send(30_000 + late * FRAME_US)
    talk.run(50)
    assert talk.buffer.counts[1:] == (0, 0, 0), "nothing late, lost or empty"
    assert None not in talk.out


def test_a_local_link_holds_what_its_own_unevenness_needs() -> None:
    assert opened(jitter_us=10_000).buffer.depth_us == LEAST_DEPTH_US
    assert opened(jitter_us=24_000).buffer.depth_us == LEAST_DEPTH_US + FRAME_US


def test_a_gap_of_lost_frames_keeps_its_place_and_is_counted() -> None:
    talk = Talk()
    talk.run(50)
    talk.sent += 3
    talk.buffer.put(talk.sent, (talk.sent + 1) * FRAME_US, TONE, (talk.sent + 1) * FRAME_US + 30_000)
    assert talk.buffer.counts.lost == 3
    assert talk.buffer.held_us == LEAST_DEPTH_US - FRAME_US + 4 * FRAME_US, "silence in place of the three"


def test_the_first_block_of_a_gap_fades_out() -> None:
    talk = Talk()
    talk.run(20)
    blocks = [talk.buffer.take(talk.sent * FRAME_US + 60_000) for _ in range(4)]
    fading = np.frombuffer(next(b for b in blocks if b not in (TONE, None)) or b"", "<i2")
    assert abs(fading[-1]) == 0
    assert np.abs(fading[:200]).max() > 6000
    assert blocks[-1] is None


def test_a_number_that_came_before_is_refused() -> None:
    talk = Talk()
    talk.run(3)
    talk.sent -= 1
    with pytest.raises(Refusal, match="the same sound twice"):
        talk.send()


def test_more_sound_than_a_microphone_makes_is_refused() -> None:
    buffer = MicrophoneBuffer()
    for number in range(MOST_AHEAD):
        buffer.put(number, number * FRAME_US, TONE, 1_000_000)
    with pytest.raises(Refusal, match="more sound than a microphone"):
        buffer.put(MOST_AHEAD, MOST_AHEAD * FRAME_US, TONE, 1_000_000)
    assert buffer.held_us < 1_000_000, "what came before is not played late"


@pytest.mark.parametrize("message", [b"", b"\x01", b"\x03" + bytes(20), b"\x01" + bytes(100), b"\x02" + bytes(2000)])
def test_what_is_no_frame_is_refused(message: bytes) -> None:
    with pytest.raises(Refusal, match="not sound"):
        parse_frame(message)


def test_a_frame_is_read_as_it_was_written() -> None:
    frame = MicrophoneFrame(MicrophoneCodec.PCM, 7, 123_456_789, TONE)
    assert parse_frame(frame_message(frame)) == frame
