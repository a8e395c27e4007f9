"""What a live sender sends, decoded again."""

import numpy as np
import opuslib_next
import pytest

from broadcast.live import LiveSender
from broadcast.live_encoder import LOOKAHEAD_SAMPLES, LiveEncoder
from wire.live import LiveFrame, open_frame
from wire.sealing import PublicKey, SealingKey

KEY = SealingKey(bytes(range(32)))
TOPIC = "loa/1/c/thieu-trung/live/00112233aabbccdd"
START_US = 1_764_000_000_000_000


def noise(samples: int, seed: int = 1) -> bytes:
    """Band-limited noise, S16_LE: something to correlate with."""
    raw = np.random.default_rng(seed).standard_normal(samples)
    smooth = np.convolve(raw, np.ones(24) / 24, mode="same")
    return (smooth / np.abs(smooth).max() * 12_000).astype("<i2").tobytes()


def sent(pcm: bytes, piece: int, packets_per_message: int = 2) -> list[LiveFrame]:
    payloads: list[bytes] = []
    sender = LiveSender(
        payloads.append, TOPIC, KEY, LiveEncoder(), starts_at_us=START_US, packets_per_message=packets_per_message
    )
    for at in range(0, len(pcm), piece):
        sender.send(pcm[at : at + piece])
    sender.finish()
    return [open_frame(payload, TOPIC, PublicKey(KEY.public)) for payload in payloads]


def test_a_sample_leaves_at_the_instant_its_frame_says() -> None:
    pcm = noise(48_000)
    decoder = opuslib_next.Decoder(48_000, 1)
    frames = sent(pcm, 700)
    heard = np.frombuffer(b"".join(decoder.decode(p, 960) for f in frames for p in f.packets), "<i2").astype(float)
    given = np.frombuffer(pcm, "<i2").astype(float)
    window = given[12_000:16_800]
    lag = int(np.argmax(np.correlate(heard[11_000:18_000], window, "valid"))) + 11_000 - 12_000
    assert abs(lag - LOOKAHEAD_SAMPLES) <= 4  # the codec's own filters bend a wave by some samples
    said_us = frames[0].starts_at_us + (12_000 + lag) * 1_000_000 / 48_000
    assert abs(said_us - (START_US + 250_000)) <= 90


@pytest.mark.parametrize("packets_per_message", [1, 2, 5, 50])
def test_every_frame_is_on_one_line_and_none_lacks(packets_per_message: int) -> None:
    frames = sent(noise(48_000), 1_000, packets_per_message)
    assert {f.stream_starts_at_us for f in frames} == {frames[0].starts_at_us}
    index = 0
    for frame in frames:
        assert frame.first_index == index
        index += len(frame.packets)
    assert index == 51  # one second, and one more packet for the look-ahead


def test_two_runs_of_a_sender_are_two_streams() -> None:
    assert sent(noise(960), 1920)[0].stream != sent(noise(960), 1920)[0].stream


@pytest.mark.parametrize("packets", [0, 51])
def test_an_impossible_packing_is_refused_at_once(packets: int) -> None:
    with pytest.raises(ValueError, match="packets"):
        LiveSender(print, TOPIC, KEY, LiveEncoder(), starts_at_us=0, packets_per_message=packets)


def test_who_joins_gets_what_lies_ahead_once_more_and_a_crowd_no_more_often_than_bearable() -> None:
    payloads: list[bytes] = []
    sender = LiveSender(
        payloads.append, TOPIC, KEY, LiveEncoder(), starts_at_us=START_US, packets_per_message=2, buffer_us=400_000
    )
    message = noise(1_920)

    def sent_next() -> list[int]:
        before = len(payloads)
        sender.send(message)
        return [open_frame(p, TOPIC, PublicKey(KEY.public)).first_index // 2 for p in payloads[before:]]

    for k in range(20):
        assert sent_next() == [k]
    sender.again()
    assert sent_next() == [20, *range(11, 20)]  # 400 ms of 40 ms, the new one among them
    sender.again()
    for k in range(21, 25):
        assert sent_next() == [k]  # 200 ms have not passed
    assert sent_next() == [25, *range(16, 25)]
    assert sent_next() == [26]
