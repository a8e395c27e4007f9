"""Playout on a speaker turned by hand: what leaves, and when, is looked at sample by sample."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile

from receiver.playout.cues import FRAME_US, RATE, ClickSpec, ClipSpec, Cue, LiveSpec, Samples
from receiver.playout.interpolation import interpolate, span
from receiver.playout.playout import Playout
from receiver.timing.local_clock import local_us
from receiver.timing.station_time import StationTime
from tests.fakes.speaker import FakeSpeaker
from wire.time import Exchange

OFFSET_US = 1_764_000_000_000_000


class Line:
    """A timeline of given cues."""

    def __init__(self, *cues: Cue) -> None:
        self.listed = list(cues)

    def cues(self, controller_us: int, horizon_us: int) -> list[Cue]:
        return [c for c in self.listed if c.until_us > controller_us and c.sounds_from_us < controller_us + horizon_us]


def locked(drift_ppm: float = 0.0) -> StationTime:
    station = StationTime()
    now_us = local_us()
    for k in range(40, 0, -1):
        at_us = now_us - k * 500_000
        station.add(Exchange(at_us, OFFSET_US + (at_us - now_us) * drift_ppm * 1e-6, 200))
    return station


class Studio:
    """A playout on a fake speaker; the speaker is some seconds ahead of the real clock, which nothing here reads."""

    def __init__(self, *, ppm: float = 0.0) -> None:
        self.station = locked()
        self.starts_us = local_us()
        self.speaker = FakeSpeaker(ppm=ppm, starts_local_us=self.starts_us)
        self.playout = Playout(self.speaker, self.station)
        self.playout.start()

    def air(self, *cues: Cue) -> Line:
        """Put cues on, and wait until the feeder has read them ahead."""
        line = Line(*cues)
        self.playout.set_timeline(line)
        self.feed(line)
        return line

    def feed(self, line: Line) -> None:
        wanted = line.cues(self.head_us, 4_000_000)
        self.playout.wake()
        until(lambda: [reader.cue for reader in self.playout._readers] == wanted)
        until(lambda: all(v.buffer._chunks or v.buffer._live or v.buffer.failure for v in self.playout._readers))

    @property
    def head_us(self) -> int:
        head = self.playout._head
        return int(head.instant_us if head else self.station.to_controller_us(local_us()))

    def at(self, controller_us: float, path_us: float = 0.0) -> int:
        """The number of the frame that is heard at an instant."""
        local = local_instant(self.station, controller_us - path_us)
        return round((local - self.starts_us) / self.speaker.frame_us)

    def instant(self, seconds: float) -> int:
        """Controller time so long after the speaker started."""
        return round(self.station.to_controller_us(self.starts_us + seconds * 1e6))


def local_instant(station: StationTime, controller_us: float) -> float:
    """The inverse of `to_controller_us`; drifts of 100 ppm converge within three steps."""
    local_us = controller_us
    for _ in range(4):
        local_us += controller_us - station.to_controller_us(local_us)
    return local_us


def until(held: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 5
    while not held():
        assert time.monotonic() < deadline, "it never came to that"
        time.sleep(0.002)


@pytest.fixture
def studio() -> Studio:
    return Studio()


@pytest.fixture
def noise(tmp_path: Path) -> Path:
    rng = np.random.default_rng(7)
    spectrum = np.fft.rfft(rng.standard_normal(RATE * 4))
    spectrum[int(len(spectrum) * 0.6) :] = 0
    sound = np.fft.irfft(spectrum)
    soundfile.write(tmp_path / "noise.wav", sound / np.abs(sound).max() * 0.8, RATE, subtype="FLOAT")
    return tmp_path / "noise.wav"


def clip(path: Path, starts_us: int, seconds: float, key: str = "b/0", **more: int) -> Cue:
    return Cue("b", starts_us, starts_us + round(seconds * 1e6), ClipSpec(path, ""), key, **more)


def clicks_at(sound: Samples) -> list[int]:
    """Where clicks begin."""
    loud = np.flatnonzero(np.abs(sound) > 0.05)
    return [int(n) for k, n in enumerate(loud) if k == 0 or n - loud[k - 1] > 1_000]


def test_before_the_lock_it_is_silent() -> None:
    speaker = FakeSpeaker()
    playout = Playout(speaker, StationTime())
    playout.start()
    speaker.take(0.5)
    playout.close()
    assert not speaker.sound.any()


@pytest.mark.parametrize("ppm", [0.0, 100.0, -100.0])
def test_a_click_leaves_at_its_instant_on_any_crystal(ppm: float) -> None:
    studio = Studio(ppm=ppm)
    starts_us = studio.instant(1.0)
    studio.air(Cue("", starts_us, starts_us + 10_000_000, ClickSpec(3), "tone"))
    studio.speaker.take(3.9)
    studio.playout.close()
    due = [studio.at(starts_us + k * 1_000_000) for k in range(3)]
    assert clicks_at(studio.speaker.sound) == pytest.approx(due, abs=3)


def test_the_path_delay_sends_the_sound_earlier(studio: Studio) -> None:
    studio.playout.set_path_delay(120_000)
    starts_us = studio.instant(1.0)
    studio.air(Cue("", starts_us, starts_us + 10_000_000, ClickSpec(1), "tone"))
    studio.speaker.take(2)
    studio.playout.close()
    assert clicks_at(studio.speaker.sound) == pytest.approx([studio.at(starts_us, 120_000)], abs=3)
    assert studio.at(starts_us, 120_000) == pytest.approx(0.88 * RATE, abs=3)


def test_joined_late_it_is_at_the_right_place(studio: Studio, noise: Path) -> None:
    starts_us = studio.instant(-1.0)
    studio.air(clip(noise, starts_us, 4))
    studio.speaker.take(0.5)
    studio.playout.close()
    original, _ = soundfile.read(noise, dtype="float32")
    heard = studio.speaker.sound[9_600:19_200]
    offset_frames = RATE + 9_600
    near = original[offset_frames - 20 : offset_frames + 9_600 + 20]
    lag = int(np.argmax(np.correlate(near, heard, "valid"))) - 20
    assert abs(lag) <= 1
    assert studio.playout.played("b") is not None


def test_a_stop_is_a_fade_and_not_a_click(studio: Studio, tmp_path: Path) -> None:
    at = np.arange(RATE * 4)
    soundfile.write(tmp_path / "sine.wav", 0.5 * np.sin(2 * np.pi * 200 / RATE * at), RATE, subtype="FLOAT")
    starts_us = studio.instant(0.0)
    line = studio.air(clip(tmp_path / "sine.wav", starts_us, 4))
    studio.speaker.take(1)
    line.listed = [clip(tmp_path / "sine.wav", starts_us, 0.9)]
    studio.feed(line)
    studio.speaker.take(0.5)
    studio.playout.close()
    sound = studio.speaker.sound
    assert np.abs(np.diff(sound[2_000:])).max() < 0.5 * 2 * np.pi * 200 / RATE * 1.3
    assert not sound[RATE + 500 :].any()


def test_changing_the_path_delay_moves_the_sound_with_a_fade(studio: Studio, tmp_path: Path) -> None:
    at = np.arange(RATE * 4)
    soundfile.write(tmp_path / "sine.wav", 0.5 * np.sin(2 * np.pi * 200 / RATE * at), RATE, subtype="FLOAT")
    studio.air(clip(tmp_path / "sine.wav", studio.instant(0.0), 4))
    studio.speaker.take(1)
    studio.playout.set_path_delay(33_300)
    studio.speaker.take(0.5)
    state = studio.playout.state()
    studio.playout.close()
    assert np.abs(np.diff(studio.speaker.sound[2_000:])).max() < 0.5 * 2 * np.pi * 200 / RATE * 1.3
    assert state.reanchors == 1
    assert studio.head_us == pytest.approx(studio.instant(1.5) + 33_300, abs=100)


def test_after_a_hole_in_the_card_it_goes_on_in_step(studio: Studio) -> None:
    starts_us = studio.instant(0.5)
    studio.air(Cue("", starts_us, starts_us + 10_000_000, ClickSpec(4), "tone"))
    studio.speaker.take(1)
    studio.speaker.run_dry(300_000)
    studio.speaker.take(2)
    studio.playout.close()
    before, after = clicks_at(studio.speaker.sound[:RATE]), clicks_at(studio.speaker.sound[RATE:])
    assert before == pytest.approx([RATE // 2], abs=3)
    # 1 s of frames, 0.3 s of hole: the click of instant 1.5 s is 0.2 s into the new run.
    assert after[0] == pytest.approx(0.2 * RATE, abs=3)
    assert studio.playout.state().underruns == 1


def test_a_card_that_began_with_a_wrong_guess_is_in_step_within_a_second(studio: Studio, noise: Path) -> None:
    studio.air(clip(noise, studio.instant(0.0), 4))
    studio.speaker.take(1)
    studio.speaker.guess_wrong_us = 3_200.0
    studio.speaker.run_dry(60_000)
    studio.speaker.take(1)
    studio.playout.state()
    studio.speaker.take(0.2)
    state = studio.playout.state()
    studio.playout.close()
    assert state.error_max_us < 250
    assert 1 <= state.reanchors <= 2


def test_an_emergency_sounds_at_once_and_the_other_goes_on_where_it_would_have_been(
    studio: Studio, noise: Path
) -> None:
    starts_us = studio.instant(0.0)
    first = clip(noise, starts_us, 4)
    line = studio.air(first)
    studio.speaker.take(0.5)
    middle_us = studio.instant(1.0)
    alarm = Cue("e", middle_us, middle_us + 500_000, ClickSpec(1), "e/0")
    line.listed = [first._replace(until_us=middle_us), alarm, first._replace(from_us=middle_us + 500_000)]
    studio.feed(line)
    studio.speaker.take(1.5)
    studio.playout.close()
    sound = studio.speaker.sound
    assert clicks_at(sound[RATE - 100 : RATE + 20_000])[-1] <= 110
    assert not sound[RATE + 300 : RATE + 23_000].any()
    original, _ = soundfile.read(noise, dtype="float32")
    heard, near = sound[75_000:80_000], original[74_980:80_020]
    assert abs(int(np.argmax(np.correlate(near, heard, "valid"))) - 20) <= 1


def test_what_was_played_is_counted(studio: Studio, noise: Path) -> None:
    starts_us = studio.instant(0.2)
    studio.air(clip(noise, starts_us, 0.5))
    studio.speaker.take(1)
    played = studio.playout.played("b")
    studio.playout.close()
    assert played is not None
    assert played.frames == pytest.approx(RATE // 2, abs=2)
    assert played.first_frame_at_us == pytest.approx(starts_us, abs=25)
    assert played.last_frame_at_us == pytest.approx(starts_us + 500_000, abs=25)
    assert played.lacking == 0
    assert played.errors.max_us < 50
    studio.playout.forget("b")
    assert studio.playout.played("b") is None


def test_a_file_that_cannot_be_read_is_silence_and_counted(studio: Studio, tmp_path: Path) -> None:
    (tmp_path / "bad.opus").write_bytes(b"not a sound" * 100)
    studio.air(clip(tmp_path / "bad.opus", studio.instant(0.0), 1))
    studio.speaker.take(0.5)
    played, failures = studio.playout.played("b"), studio.playout.failures()
    studio.playout.close()
    assert not studio.speaker.sound.any()
    assert played is not None
    assert played.frames == 0
    assert played.lacking == pytest.approx(RATE // 2, abs=960)
    assert "b/0" in failures


def test_the_volume_is_ramped_and_full_volume_is_what_the_file_has(studio: Studio, noise: Path) -> None:
    studio.playout.set_volume(0)
    studio.air(clip(noise, studio.instant(0.0), 4))
    studio.speaker.take(1)
    silent = studio.speaker.sound[RATE // 2 :]
    studio.playout.set_volume(100)
    studio.speaker.take(0.1)
    rising = studio.speaker.sound[RATE:]
    studio.speaker.take(0.9)
    studio.playout.close()
    assert not silent.any()
    assert np.abs(rising[:960]).max() < 0.1
    assert np.abs(studio.speaker.sound[-RATE // 2 :]).max() > 0.5


def test_live_sound_is_read_in_order(studio: Studio) -> None:
    class Sound:
        def __init__(self) -> None:
            self.next: int | None = None

        def read(self, first: int, frames: int) -> Samples:
            assert self.next is None or first == self.next
            self.next = first + frames
            return np.full(frames, 0.25, np.float32)

    starts_us = studio.instant(0.0)
    studio.air(Cue("b", starts_us, starts_us + 3_000_000, LiveSpec(Sound()), "b/0"))
    studio.speaker.take(1)
    studio.playout.close()
    assert studio.speaker.sound[RATE // 2 :] == pytest.approx(0.25, abs=1e-3)


def test_a_kilohertz_read_between_samples_is_a_kilohertz() -> None:
    omega = 2 * np.pi * 1_000 / RATE
    for place, step in ((5.25, 1.0001), (7.999, 0.9995), (0.0, 1.0)):
        first, count = span(place, step, 960)
        read = np.sin(omega * np.arange(first, first + count)).astype(np.float32)
        right = np.sin(omega * (place + step * np.arange(960)))
        assert np.abs(interpolate(read, place, step, 960) - right).max() < 3e-4


def test_a_frame_is_a_forty_eight_thousandth_of_a_second() -> None:
    assert pytest.approx(1e6) == FRAME_US * RATE
