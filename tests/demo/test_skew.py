from pathlib import Path

import numpy as np
import pytest

from demo.skew import RATE, CardRecording, instants_of, skew


def write_recording(
    directory: Path, sound: np.ndarray, *, starts_at_s: float, silence_s: float = 0.5, ppm: float = 0.0
) -> CardRecording:
    """A card that begins at `starts_at_s`, is silent for `silence_s`, then plays `sound`."""
    directory.mkdir()
    rate = RATE * (1 + ppm / 1e6)
    frames = np.concatenate([np.zeros(int(silence_s * RATE)), sound, np.zeros(RATE)])
    (frames * 32767).astype("<i2").tofile(directory / "audio.raw")
    (directory / "segments.csv").write_text(f"start,0,{int(starts_at_s * 1e9)},{rate:.9f},48000,1,2\n")
    return CardRecording(directory)


@pytest.fixture(scope="module")
def noise() -> np.ndarray:
    return (np.random.default_rng(7).standard_normal(3 * RATE) * 0.1).astype(np.float32)


def test_two_cards_that_start_apart_are_measured_to_a_tenth_of_a_frame(tmp_path: Path, noise: np.ndarray) -> None:
    first = write_recording(tmp_path / "a", noise, starts_at_s=100.0)
    second = write_recording(tmp_path / "b", noise, starts_at_s=100.003, silence_s=0.5)
    measured = skew([instants_of(noise, first), instants_of(noise, second)])
    assert measured.p50_ms == pytest.approx(3.0, abs=0.002)
    assert measured.max_ms == pytest.approx(3.0, abs=0.002)
    assert measured.windows == 30


def test_silence_before_the_sound_is_counted_as_time(tmp_path: Path, noise: np.ndarray) -> None:
    first = write_recording(tmp_path / "a", noise, starts_at_s=100.0, silence_s=0.5)
    second = write_recording(tmp_path / "b", noise, starts_at_s=99.0, silence_s=1.5)
    assert skew([instants_of(noise, first), instants_of(noise, second)]).max_ms < 0.002


def test_a_crystal_that_runs_fast_is_seen_as_growing_skew(tmp_path: Path, noise: np.ndarray) -> None:
    first = write_recording(tmp_path / "a", noise, starts_at_s=100.0)
    second = write_recording(tmp_path / "b", noise, starts_at_s=100.0, ppm=100)
    instants = [instants_of(noise, first), instants_of(noise, second)]
    apart_ms = (instants[0] - instants[1]) * 1e3
    assert apart_ms[-1] - apart_ms[0] == pytest.approx(2.9 * 0.1, abs=0.01)


def test_another_sound_is_not_taken_for_the_reference(tmp_path: Path, noise: np.ndarray) -> None:
    other = (np.random.default_rng(8).standard_normal(3 * RATE) * 0.1).astype(np.float32)
    first = write_recording(tmp_path / "a", noise, starts_at_s=100.0)
    second = write_recording(tmp_path / "b", other, starts_at_s=100.0)
    with pytest.raises(ValueError, match="no piece of the reference"):
        skew([instants_of(noise, first), instants_of(noise, second)])


def test_what_was_missed_is_not_taken_for_a_like_sound_elsewhere(tmp_path: Path, noise: np.ndarray) -> None:
    # A tenth of a second that sounds twice, at 0.5 s and at 2.0 s; a receiver that died misses the first.
    speech = noise.copy()
    speech[int(0.5 * RATE) : int(0.6 * RATE)] = speech[2 * RATE : int(2.1 * RATE)]
    cut = speech.copy()
    cut[int(0.35 * RATE) : int(0.85 * RATE)] = 0.0
    found = instants_of(speech, write_recording(tmp_path / "a", cut, starts_at_s=100.0))
    whole = instants_of(speech, write_recording(tmp_path / "b", speech, starts_at_s=100.0))
    assert np.isnan(found[4:8]).all()
    assert skew([found, whole]).max_ms < 0.002
    assert np.isfinite(found[9:]).all()


def test_a_recording_without_a_segment_is_refused(tmp_path: Path) -> None:
    (tmp_path / "audio.raw").write_bytes(b"")
    (tmp_path / "segments.csv").write_text("")
    with pytest.raises(ValueError, match="nothing was played"):
        CardRecording(tmp_path)
