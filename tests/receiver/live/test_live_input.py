"""Live frames reach the playout only when they are the controller's, of this broadcast, and in time."""

import numpy as np
import opuslib_next

from receiver.live.live_input import LiveInput
from tests.receiver.plans import KEY, KEYS, NOW_US
from wire.live import LiveFrame, seal_frame
from wire.sealing import SealingKey

TOPIC = "loa/1/c/tt/live/b1"


def frames(count: int = 50, stream: bytes = b"stream-1", start_us: int = NOW_US) -> list[LiveFrame]:
    encoder = opuslib_next.Encoder(48_000, 1, "audio")
    tone = (np.sin(np.arange(count * 960) * 0.05) * 8000).astype("<i2")
    return [
        LiveFrame(
            stream, k, start_us + k * 20_000, (bytes(encoder.encode(tone[k * 960 : k * 960 + 960].tobytes(), 960)),)
        )
        for k in range(count)
    ]


def test_what_the_controller_sends_is_heard_where_its_line_says() -> None:
    told: list[int] = []
    live_input = LiveInput(KEYS, lambda: told.append(1))
    for frame in frames():
        live_input.take_frame(TOPIC, "b1", seal_frame(frame, TOPIC, KEY), NOW_US)
    sound = live_input.sound_of("b1")
    assert sound is not None
    assert sound.starts_at_us == NOW_US
    assert np.abs(sound.read(4_800, 9_600)).max() > 0.1
    assert np.array_equal(sound.read(-960, 960), np.zeros(960, np.float32))
    assert told == [1]
    assert live_input.counts("b1").taken == 50


def test_forged_foreign_late_and_garbled_frames_are_refused_counted_and_silent() -> None:
    live_input = LiveInput(KEYS, lambda: None)
    one = frames(1)[0]
    live_input.take_frame(TOPIC, "b1", seal_frame(one, TOPIC, SealingKey(b"x" * 32)), NOW_US)
    live_input.take_frame(TOPIC, "b1", seal_frame(one, TOPIC + "x", KEY), NOW_US)
    live_input.take_frame(TOPIC, "b1", seal_frame(one, TOPIC, KEY), NOW_US + 60_000_000)  # recorded, and played again
    live_input.take_frame(TOPIC, "b1", b"noise" * 50, NOW_US)
    assert live_input.refused == {"bad_signature": 2, "expired": 1, "malformed": 1}
    assert live_input.sound_of("b1") is None


def test_a_new_stream_of_the_sender_takes_over_and_the_old_one_cannot_come_back() -> None:
    live_input = LiveInput(KEYS, lambda: None)
    old, new = frames(5), frames(5, b"stream-2", NOW_US + 3_000_000)
    live_input.take_frame(TOPIC, "b1", seal_frame(old[0], TOPIC, KEY), NOW_US)
    live_input.take_frame(TOPIC, "b1", seal_frame(new[0], TOPIC, KEY), NOW_US)
    live_input.take_frame(TOPIC, "b1", seal_frame(old[1], TOPIC, KEY), NOW_US)
    sound = live_input.sound_of("b1")
    assert sound is not None
    assert sound.starts_at_us == NOW_US + 3_000_000
    assert live_input.refused == {"old": 1}
    live_input.forget("b1")
    assert live_input.sound_of("b1") is None
