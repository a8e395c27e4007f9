"""A recording made to cost much ends at a limit, with a real ffmpeg."""

import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import ffmpeg
import numpy as np
import pytest

from broadcast.acceptance import check_length
from broadcast.audio import RATE, Ffmpeg, wall_limit_s
from broadcast.audio_decode import decode
from broadcast.audio_probe import probe
from broadcast.audio_samples import samples_of
from runtime.refusal import Refusal
from tests.broadcast.hidden_length import matroska_with_still_timestamps, ogg_that_claims_a_second

HIDDEN = [ogg_that_claims_a_second, matroska_with_still_timestamps]
HELD_S, MOST_S = 150, 10


@pytest.mark.parametrize("make", HIDDEN)
def test_a_decode_of_a_false_length_stops_at_the_limit(tmp_path: Path, make: Callable[[Path, int], bytes]) -> None:
    path = tmp_path / "x"
    make(path, HELD_S)
    decoded_us: list[int] = []

    def check(length_us: int) -> None:
        decoded_us.append(length_us)
        check_length(length_us, MOST_S / 3600)

    with pytest.raises(Refusal, match="longer than"):
        decode(path, probe(path), Ffmpeg(), tmp_path / "x.pcm", on_length=check)
    assert decoded_us[-1] < 2 * MOST_S * 1_000_000


@pytest.mark.parametrize("make", HIDDEN)
def test_samples_for_a_measurement_stop_at_the_limit(tmp_path: Path, make: Callable[[Path, int], bytes]) -> None:
    path = tmp_path / "x"
    make(path, HELD_S)
    try:
        samples = samples_of(path, Ffmpeg(), most_s=MOST_S)
    except Refusal as refusal:
        samples, said = np.zeros(0, np.float32), str(refusal)
    else:
        said = "more sound"
    assert "more sound" in said
    assert len(samples) <= (MOST_S + 1) * RATE


def test_a_run_that_takes_too_long_is_ended_and_said(tmp_path: Path) -> None:
    endless = ffmpeg.input("anullsrc", format="lavfi", re=None).output(str(tmp_path / "x.wav"))
    began_s = time.monotonic()
    with pytest.raises(Refusal, match="takes too long"):
        Ffmpeg().run([endless], wall_s=0.5)
    assert time.monotonic() - began_s < 10


def test_a_run_writes_no_more_than_its_limit(tmp_path: Path) -> None:
    path = tmp_path / "x.wav"
    with pytest.raises(subprocess.CalledProcessError):
        Ffmpeg().run([ffmpeg.input("anullsrc", format="lavfi", t=60).output(str(path))], most_bytes=1_000_000)
    assert path.stat().st_size <= 1_000_000


def test_the_longest_recording_of_an_honest_size_has_its_time() -> None:
    four_hours_us = 4 * 3_600_000_000
    assert wall_limit_s(length_us=four_hours_us) == 3600
    assert wall_limit_s(bytes_=1_000_000) == 160
    assert wall_limit_s(bytes_=500_000_000) == 3600
