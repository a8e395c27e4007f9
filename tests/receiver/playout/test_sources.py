"""Sources: the right sample under its number, whatever the file, however it is asked for."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from receiver.playout.cues import RATE, ClickSpec, ClipSpec, Cue, LiveSpec, Samples, ToneSpec
from receiver.playout.readers import SourceBuffer
from receiver.playout.sources import ClipSource, SourceFailed, open_source
from wire.commands import ToneSound
from wire.sweeps import SWEEP_FRAMES
from wire.sweeps import sweep as swept


def sweep(rate: int, seconds: float = 3.0) -> Samples:
    """100 Hz to 5 kHz: like nothing else at any place."""
    at = np.arange(round(rate * seconds)) / rate
    return (0.5 * np.sin(2 * np.pi * (100 * at + 4_900 / (2 * seconds) * at**2))).astype(np.float32)


def written(path: Path, sound: Samples, rate: int) -> ClipSource:
    kind = {".opus": ("OGG", "OPUS"), ".mp3": ("MP3", "MPEG_LAYER_III"), ".wav": ("WAV", "FLOAT")}[path.suffix]
    soundfile.write(path, sound, rate, format=kind[0], subtype=kind[1])
    return ClipSource(ClipSpec(path, ""))


@pytest.mark.parametrize("suffix", [".wav", ".opus", ".mp3"])
def test_a_jump_lands_on_the_same_sample_as_reading_on(tmp_path: Path, suffix: str) -> None:
    source = written(tmp_path / f"a{suffix}", sweep(RATE), RATE)
    whole = source.read(0, 2 * RATE)
    for first in (RATE, 30_001, 0, 77_777):
        assert source.read(first, 4_800) == pytest.approx(whole[first : first + 4_800], abs=0.02)
    source.close()


@pytest.mark.parametrize("rate", [44_100, 16_000, 8_000])
def test_another_rate_is_resampled_in_place(tmp_path: Path, rate: int) -> None:
    tone = np.sin(2 * np.pi * 440 * np.arange(rate * 3) / rate).astype(np.float32) * 0.5
    source = written(tmp_path / "a.wav", tone, rate)
    right = 0.5 * np.sin(2 * np.pi * 440 * np.arange(RATE * 3) / RATE)
    for first in (0, 4_800, 9_600, 100_000, 50_000):
        assert source.read(first, 4_800)[300:] == pytest.approx(right[first + 300 : first + 4_800], abs=0.005)


def test_stereo_becomes_mono(tmp_path: Path) -> None:
    both = np.stack([np.full(RATE, 0.5), np.full(RATE, -0.1)], axis=1).astype(np.float32)
    source = written(tmp_path / "a.wav", both, RATE)
    assert source.read(100, 100) == pytest.approx(0.2)


@pytest.mark.parametrize("rate", [RATE, 44_100])
def test_before_and_after_is_silence(tmp_path: Path, rate: int) -> None:
    source = written(tmp_path / "a.wav", np.full(rate, 0.5, np.float32), rate)
    assert not source.read(-960, 960).any()
    assert len(source.read(-100, 960)) == 960
    assert not source.read(RATE + 10, 960).any()
    assert not source.read(10 * RATE, 960).any()


@pytest.mark.parametrize("content", [b"", b"OggS", b"<html>" * 500])
def test_what_is_no_sound_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.opus").write_bytes(content)
    with pytest.raises(SourceFailed):
        open_source(ClipSpec(tmp_path / "a.opus", ""))
    with pytest.raises(SourceFailed):
        open_source(ClipSpec(tmp_path / "missing.opus", ""))


@pytest.mark.parametrize("source", [open_source(ToneSpec()), open_source(ClickSpec(3, 250_000))])
def test_a_made_sound_is_the_same_however_it_is_cut(source: ClipSource) -> None:
    whole = source.read(0, RATE)
    pieces = [source.read(first, 700) for first in range(0, RATE, 700)]
    assert np.concatenate(pieces)[:RATE] == pytest.approx(whole)


def test_clicks_begin_at_their_period_and_end() -> None:
    sound = open_source(ClickSpec(2, 100_000)).read(-10, RATE)
    assert not sound[:11].any()
    assert abs(sound[11]) > 0
    assert abs(sound[11 + 4_800]) > 0
    assert not sound[11 + 9_500 :].any()


def test_live_sound_is_asked_for_once_and_may_be_read_again() -> None:
    asked: list[tuple[int, int]] = []

    class Sound:
        def read(self, first: int, frames: int) -> Samples:
            asked.append((first, frames))
            return np.arange(first, first + frames, dtype=np.float32)

    source = open_source(LiveSpec(Sound()))
    for first in (0, 960, 1_920):
        assert source.read(first - 16, 992)[0] == first - 16
    assert source.read(1_000, 10)[0] == 1_000
    assert asked == [(-16, 992), (976, 960), (1_936, 960)]


@pytest.mark.parametrize("sound", [ToneSound.RISING, ToneSound.FALLING])
def test_sweeps_begin_on_their_sample_however_they_are_asked_for(sound: ToneSound) -> None:
    source = open_source(ClickSpec(3, 250_000, sound=sound))
    whole = source.read(0, RATE)
    one = np.array(swept(sound is ToneSound.RISING), np.float32)
    for number in range(3):
        found = np.correlate(whole, one)[number * 12_000 - 100 if number else 0 : number * 12_000 + 100]
        assert np.argmax(found) == (100 if number else 0)
    pieces = [source.read(at, 480) for at in range(0, RATE, 480)]
    assert np.concatenate(pieces) == pytest.approx(whole)
    assert not whole[2 * 12_000 + SWEEP_FRAMES :].any()


def test_the_last_sweep_of_a_long_train_is_read_ahead_like_the_first() -> None:
    buffer = SourceBuffer(Cue("", 0, 12_700_000, ClickSpec(6, 2_500_000, sound=ToneSound.FALLING), "tone"))
    for number in range(6):
        first = number * 120_000
        buffer.prepare(first, 610_000)
        found = buffer.read(first, SWEEP_FRAMES)
        assert found is not None, buffer.failure
        assert np.abs(found).max() > 0.6


def test_a_falling_sweep_is_the_rising_one_backwards_and_neither_is_mistaken_for_the_other() -> None:
    rising, falling = np.array(swept(True)), np.array(swept(False))
    assert falling == pytest.approx(rising[::-1])
    own, other = float(np.dot(rising, rising)), np.abs(np.correlate(rising, falling, "full")).max()
    assert 20 * np.log10(other / own) < -24
