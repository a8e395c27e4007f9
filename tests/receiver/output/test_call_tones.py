"""Telephone tones: told apart by a detector, whole, and in the place of what would sound."""

import time
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from demo.skew import CardRecording
from receiver.output.call_tones import CallTones, dtmf
from receiver.output.speaker import FrameRequest
from receiver.output.virtual_speaker import VirtualSpeaker
from receiver.playout.cues import FRAME_US, RATE, Samples
from receiver.timing.local_clock import local_us
from tests.gateway.devices import until
from tests.receiver.tone_decoder import detected

DIGITS = "0123456789ABCD*#"


@pytest.mark.parametrize(
    ("on_ms", "off_ms", "twist_db"), [(100, 100, 2.0), (50, 50, 0.0), (70, 70, -6.0), (200, 60, 3.0)]
)
def test_every_digit_is_heard_with_its_length_and_no_other(on_ms: int, off_ms: int, twist_db: float) -> None:
    heard = detected(dtmf(DIGITS, on_ms, off_ms, -12.0, twist_db))
    assert [digit for digit, _ in heard] == list(DIGITS)
    assert all(abs(length_ms - on_ms) <= 10 for _, length_ms in heard)


def test_frequencies_are_q23s_and_levels_what_was_asked_for() -> None:
    tone = dtmf("1", 1000, 40, -12.0, 2.0)[: RATE // 1]
    spectrum: NDArray[np.float64] = np.abs(np.fft.rfft(tone * np.hanning(len(tone)))) * 4 / len(tone)
    peaks = sorted(np.argsort(spectrum)[-2:].tolist())
    assert peaks == [697, 1209]
    levels_db = [20 * np.log10(spectrum[peak]) for peak in peaks]
    assert levels_db == pytest.approx([-12.0, -10.0], abs=0.1)
    assert float(np.max(np.abs(tone))) <= 1.0


def test_what_is_no_digit_is_refused() -> None:
    with pytest.raises(ValueError, match="'E' is no digit"):
        dtmf("1E", 100, 100, -12, 2)


def take(calls: CallTones, first: int, frames: int, *, run: int = 0, leaves_us: float = 0.0) -> Samples:
    return calls.over(FrameRequest(frames, first, leaves_us, run), np.full(frames, 0.5, np.float32))


def test_they_take_the_place_of_what_sounds_and_give_it_back_with_a_fade() -> None:
    calls = CallTones()
    assert np.all(take(calls, 0, 960) == 0.5)
    calls.call("5", 40, 40, -12.0, 2.0)
    assert not calls.called()
    got = np.concatenate([take(calls, 960 + at, 960) for at in range(0, 5 * 960, 960)])
    assert np.array_equal(got[: 80 * 48], dtmf("5", 40, 40, -12.0, 2.0))
    rest = got[80 * 48 :]
    assert rest[0] == 0.0
    assert np.all(np.diff(rest[:240]) >= 0)
    assert np.all(rest[240:] == 0.5)


def test_they_are_through_when_the_last_has_left_the_card() -> None:
    calls = CallTones()
    calls.call("5", 40, 40, -12.0, 2.0)
    take(calls, 0, 80 * 48, leaves_us=local_us() + 60_000_000)
    assert not calls.called()
    calls.call("5", 40, 40, -12.0, 2.0)
    take(calls, 0, 80 * 48, leaves_us=local_us() - 80 * 48 * FRAME_US - 1)
    assert calls.called()


def test_after_a_hole_they_begin_again() -> None:
    calls = CallTones()
    calls.call("57", 40, 40, -12.0, 2.0)
    take(calls, 0, 4000)
    got = take(calls, 0, 9000, run=1)
    assert np.array_equal(got[: 160 * 48], dtmf("57", 40, 40, -12.0, 2.0))


def test_a_detector_hears_them_on_a_recording_of_the_card(tmp_path: Path) -> None:
    calls, speaker = CallTones(), VirtualSpeaker(tmp_path, ppm=60)
    speaker.open(lambda request: calls.over(request, np.zeros(request.frames, np.float32)))
    try:
        calls.call("19#", 60, 60, -12.0, 2.0)
        until(calls.called)
        ended_s = time.monotonic()
    finally:
        speaker.close()
    recording = CardRecording(tmp_path)
    assert [digit for digit, _ in detected(recording.samples)] == list("19#")
    last = int(np.flatnonzero(np.abs(recording.samples) > 0.01)[-1])
    assert recording.instant_s(last) <= ended_s
