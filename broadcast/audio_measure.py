"""Measuring a decoded recording: length, silence at both ends, loudness, peaks, and the waveform for display."""

import math
from subprocess import CalledProcessError
from typing import NamedTuple

from broadcast.audio import Ffmpeg, pcm_source, unreadable
from broadcast.audio_decode import Pcm
from broadcast.audio_loudness import loudness_of


class Measured(NamedTuple):
    """samples: at 48 kHz. sound_from, sound_until: samples, excluding the silence at both ends but including a margin.

    loudness_lufs: integrated, None when there is nothing louder than the gate of EBU R128 (−70 LUFS).
    peak_dbfs: of the loudest sample. usual_peak_dbfs: exceeded in 5 % of the time. Both None for silence.
    peaks: up to 800 points of 0–255 over the whole length.
    """

    samples: int
    sound_from: int
    sound_until: int
    loudness_lufs: float | None
    peak_dbfs: float | None
    usual_peak_dbfs: float | None
    peaks: bytes


def measure(pcm: Pcm, run: Ffmpeg) -> Measured:
    """Raises Refusal when ffmpeg fails."""
    levels = pcm.levels
    first, last = levels.sound_between()
    peak_dbfs, usual_peak_dbfs = _dbfs(levels.sample_peak), _dbfs(levels.usual_peak())
    lufs = None
    if peak_dbfs is not None:
        # ebur128 counts nothing above +10 LUFS; a file of floats may be louder.
        lowered_db = max(0.0, peak_dbfs)
        sound = pcm_source(pcm.path).audio.filter("atrim", start_sample=first, end_sample=last)
        try:
            lufs = loudness_of(sound.filter("volume", f"{-lowered_db:.2f}dB"), last - first, run).lufs
        except CalledProcessError as error:
            raise unreadable() from error
        lufs = None if lufs is None else lufs + lowered_db
    return Measured(levels.samples, first, last, lufs, peak_dbfs, usual_peak_dbfs, levels.waveform())


def _dbfs(amplitude: float) -> float | None:
    return 20 * math.log10(amplitude) if amplitude > 0 else None
