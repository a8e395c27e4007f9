"""Probing, measuring and encoding, on the table of known sounds."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from broadcast.audio import RATE, Ffmpeg
from broadcast.audio_decode import Pcm, decode
from broadcast.audio_encode import encode
from broadcast.audio_levels import MARGIN_US
from broadcast.audio_measure import measure
from broadcast.audio_probe import probe
from tests.sounds.known import TABLE, Sound

BY_NAME = pytest.mark.parametrize("sound", TABLE, ids=[sound.name for sound in TABLE])


def decoded(path: Path) -> Pcm:
    return decode(path, probe(path), Ffmpeg(), path.with_suffix(".pcm"))


@BY_NAME
def test_a_known_sound_is_measured_as_what_it_is(sound: Sound, tmp_path: Path) -> None:
    path = tmp_path / sound.name
    sound.make(path)
    found, measured = probe(path), measure(decoded(path), Ffmpeg())
    assert abs(measured.samples / RATE - sound.length_s) < 0.1
    assert abs(found.duration_us / 1e6 - sound.length_s) < 0.3
    margin_s = MARGIN_US / 1e6
    assert abs(measured.sound_from / RATE - max(0.0, sound.silence_s[0] - margin_s)) < 0.05
    assert abs((measured.samples - measured.sound_until) / RATE - max(0.0, sound.silence_s[1] - margin_s)) < 0.05
    assert measured.loudness_lufs is not None
    if sound.lufs is not None:
        assert abs(measured.loudness_lufs - sound.lufs) <= 0.3
    assert max(measured.peaks) > 0


@BY_NAME
def test_whatever_comes_leaves_at_sixteen_lufs_and_without_its_silence(sound: Sound, tmp_path: Path) -> None:
    path = tmp_path / sound.name
    sound.make(path)
    pcm = decoded(path)
    measured = measure(pcm, Ffmpeg())
    made = encode(pcm, measured, Ffmpeg(), lambda suffix: tmp_path / f"made{suffix}", trim=True)
    for level in (made.opus_level, made.mp3_level):
        assert level.lufs is not None
        assert level.true_peak_dbtp is not None
        assert abs(level.lufs + 16) <= 0.5
        assert level.true_peak_dbtp <= -1.5
    samples, rate = soundfile.read(made.opus, dtype="float32")
    assert (rate, samples.ndim) == (RATE, 1)
    assert len(samples) == made.samples == measured.sound_until - measured.sound_from
    assert np.abs(samples).max() < 10 ** (-1.0 / 20)
