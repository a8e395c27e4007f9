"""A live stream with holes, late joiners, repeats and rubbish."""

import numpy as np
import opuslib_next
import pytest

from receiver.live.live_stream import MOST_AHEAD_PACKETS, PACKET_SAMPLES, LiveStream, Samples
from wire.live import LiveFrame

STREAM = b"streamid"
START_US = 1_764_000_000_000_000


def tone(seconds: float) -> Samples:
    """A 440 Hz tone that swells slowly."""
    t = np.arange(int(seconds * 48_000)) / 48_000
    return (0.4 * np.sin(2 * np.pi * 440 * t) * (0.6 + 0.4 * np.sin(2 * np.pi * 0.5 * t))).astype(np.float32)


def frames(sound: Samples, per_message: int = 1) -> list[LiveFrame]:
    encoder = opuslib_next.Encoder(48_000, 1, "audio")
    encoder.bitrate, encoder.inband_fec, encoder.packet_loss_perc = 32_000, 1, 20
    pcm = (sound * 32767).astype("<i2")
    packets = [bytes(encoder.encode(pcm[at : at + 960].tobytes(), 960)) for at in range(0, len(pcm) // 960 * 960, 960)]
    return [
        LiveFrame(STREAM, at, START_US + at * 20_000, tuple(packets[at : at + per_message]))
        for at in range(0, len(packets), per_message)
    ]


def heard(stream: LiveStream, first: int, last: int) -> Samples:
    return np.concatenate([stream.decode(k) for k in range(first, last)])


def rms(sound: Samples) -> float:
    return float(np.sqrt(np.mean(sound**2)))


def whole(sent: list[LiveFrame], but: set[int] = frozenset()) -> LiveStream:  # type: ignore[assignment]
    kept = [f for f in sent if f.first_index not in but]
    stream = LiveStream(kept[0])
    for frame in kept[1:]:
        assert stream.add(frame)
    return stream


def test_all_that_was_sent_sounds_in_order() -> None:
    sound = tone(2)
    out = heard(whole(frames(sound)), 0, 100)
    assert np.corrcoef(out[4_800 + 312 : 90_000 + 312], sound[4_800:90_000])[0, 1] > 0.97


def test_frames_out_of_order_and_repeated_change_nothing() -> None:
    sent = frames(tone(1))
    straight = heard(whole(sent), 0, 50)
    shuffled = list(sent)
    np.random.default_rng(4).shuffle(shuffled)  # type: ignore[arg-type]
    stream = whole(shuffled + sent[10:20])
    assert np.array_equal(heard(stream, 0, 50), straight)
    assert stream.counts.repeated == 10


def test_one_lost_packet_is_mended_from_the_next_and_counted() -> None:
    sound = tone(1)
    stream = whole(frames(sound), but={25})
    out = heard(stream, 0, 50)
    assert (stream.counts.lost, stream.counts.concealed) == (1, 1)
    hole = slice(25 * 960, 26 * 960)
    assert np.sqrt(np.mean(out[hole] ** 2)) > 0.3 * np.sqrt(np.mean(sound[hole] ** 2))
    assert np.corrcoef(out[40 * 960 + 312 : 49 * 960], sound[40 * 960 : 49 * 960 - 312])[0, 1] > 0.95


def test_a_long_hole_fades_to_silence_and_never_bursts() -> None:
    stream = whole(frames(tone(4)), but=set(range(50, 120)))
    out = heard(stream, 0, 200)
    assert np.abs(out).max() < 0.6
    assert np.abs(out[100 * 960 : 118 * 960]).max() < 0.01
    assert np.abs(out[130 * 960 :]).max() > 0.1


def test_a_steady_sound_whose_sender_dies_is_silent_after_half_a_second() -> None:
    stream = whole(frames(tone(2)))
    out = heard(stream, 0, 100 + 30 * 50)
    assert rms(out[90 * 960 : 100 * 960]) > 0.1
    assert rms(out[101 * 960 : 104 * 960]) > 0.02, "a short hole is concealed"
    assert not out[126 * 960 :].any()
    assert np.abs(np.diff(out[100 * 960 :])).max() < 0.05, "and it fades, without a click"


def test_frames_that_return_after_a_long_hole_rise_without_a_click_and_are_in_step() -> None:
    sound = tone(4)
    sent = frames(sound)
    stream = whole(sent, but=set(range(50, 120)))
    out = heard(stream, 0, 200)
    assert np.abs(out[120 * 960 : 120 * 960 + 96]).max() < 0.1
    assert np.corrcoef(out[125 * 960 + 312 : 199 * 960], sound[125 * 960 : 199 * 960 - 312])[0, 1] > 0.95


def test_a_stream_that_does_not_sound_takes_frames_later_than_its_last_decoded_packet() -> None:
    sent = frames(tone(1))
    stream = whole(sent[:20])
    heard(stream, 0, 20)
    later = MOST_AHEAD_PACKETS + 500
    returned = sent[30]._replace(first_index=later, starts_at_us=START_US + later * 20_000)
    assert not stream.add(returned)
    assert stream.add(returned, later - 50)
    assert stream.packet_from(later - 50) == later
    for k in range(2 * MOST_AHEAD_PACKETS):
        at = later + k
        stream.add(sent[30]._replace(first_index=at, starts_at_us=START_US + at * 20_000), at - 50)
    assert stream.held <= MOST_AHEAD_PACKETS + 1


def test_a_late_joiner_hears_the_same_as_the_others() -> None:
    sent = frames(tone(3))
    all_along = heard(whole(sent), 0, 150)
    joined = heard(whole([f for f in sent if f.first_index >= 60]), 70, 150)
    assert np.abs(joined[4_800:] - all_along[70 * 960 + 4_800 :]).max() < 0.02


def test_a_packet_that_comes_when_its_place_has_sounded_is_late_and_not_used() -> None:
    sent = frames(tone(1))
    stream = whole(sent[:20])
    heard(stream, 0, 20)
    assert stream.add(sent[5]._replace(packets=(b"x",)))
    assert stream.counts.repeated == 1
    stream = whole(sent[:20], but={19})
    heard(stream, 0, 20)
    assert stream.add(sent[19])
    assert stream.counts.late == 1


def test_a_frame_of_another_stream_or_another_line_is_not_taken() -> None:
    sent = frames(tone(1))
    stream = whole(sent)
    assert not stream.add(sent[3]._replace(stream=b"another!"))
    assert not stream.add(sent[3]._replace(starts_at_us=sent[3].starts_at_us + 1))


def test_a_sender_far_ahead_cannot_fill_our_memory() -> None:
    sent = frames(tone(0.1))
    stream = whole(sent[:1])
    far = MOST_AHEAD_PACKETS + 1
    assert not stream.add(LiveFrame(STREAM, far, START_US + far * 20_000, (b"x",)))


def test_what_has_sounded_is_forgotten() -> None:
    stream = whole(frames(tone(4)))
    heard(stream, 0, 200)
    assert not stream.has(100)
    assert stream.has(199)


@pytest.mark.parametrize("packet", [b"\xff" * 300, b"\x00", b"rubbish"])
def test_rubbish_that_is_signed_is_no_burst_of_noise(packet: bytes) -> None:
    sent = frames(tone(1))
    sent[20] = sent[20]._replace(packets=(packet,))
    out = heard(whole(sent), 0, 50)
    assert len(out) == 50 * PACKET_SAMPLES
    assert np.abs(out).max() < 0.9
