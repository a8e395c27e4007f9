"""One pass over a recording: length, silence at both ends, loudness (EBU R128), and the waveform for display."""

import array
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

from broadcast.audio import RATE, Ffmpeg, Progress, source, unreadable, wall_limit_s

#: The silence threshold; the noise floor of a phone in a quiet room is below it.
SILENCE_DBFS = -50
#: Shorter pauses belong to speech.
SILENCE_S = 0.3
#: Kept at both ends, so that the first and last sounds are complete.
MARGIN_US = 60_000
_PEAK_RATE = 8_000
#: Points of the waveform; more than a wide screen shows.
MOST_PEAKS = 800


class Measured(NamedTuple):
    """samples: at 48 kHz. sound_from, sound_until: samples, excluding the silence at both ends but including a margin.

    loudness_lufs: integrated, None when there is nothing louder than the gate of EBU R128 (−70 LUFS).
    peaks: up to 800 points of 0–255 over the whole length.
    """

    samples: int
    sound_from: int
    sound_until: int
    loudness_lufs: float | None
    peaks: bytes


class _Waveform:
    """Collects the largest amplitude of each 20 ms while the audio is decoded."""

    def __init__(self, expected_us: int, progress: Progress | None) -> None:
        self.points: list[int] = []
        self.samples = 0
        self._rest = b""
        self._expected = expected_us * _PEAK_RATE // 1_000_000
        self._progress = progress

    def take(self, block: bytes) -> None:
        data = self._rest + block
        step = _PEAK_RATE // 50 * 2
        whole = len(data) // step * step
        for at in range(0, whole, step):
            self._point(data[at : at + step])
        self._rest = data[whole:]
        self.samples += whole // 2
        if self._progress and self._expected:
            self._progress(min(1.0, self.samples / self._expected))

    def _point(self, data: bytes) -> None:
        values = array.array("h", data)
        if sys.byteorder == "big":
            values.byteswap()
        self.points.append(min(255, max(max(values), -min(values)) * 255 // 32_768))

    def finish(self) -> None:
        if len(self._rest) >= 2:
            self._point(self._rest[: len(self._rest) // 2 * 2])
            self.samples += len(self._rest) // 2


def measure(
    path: Path,
    run: Ffmpeg,
    *,
    expected_us: int = 0,
    progress: Progress | None = None,
    on_length: Callable[[int], None] = lambda _: None,
) -> Measured:
    """Decode a file once and measure it. expected_us: the length in its header, for progress.

    on_length: receives the length decoded so far, µs; what it raises ends the decoding.

    Raises Refusal when it cannot be decoded.
    """
    sound = (
        source(path)
        .audio.filter("aresample", RATE)
        .filter("aformat", channel_layouts="mono")
        .filter_multi_output("asplit")
    )
    judged = (
        sound[0]
        .filter("silencedetect", n=f"{SILENCE_DBFS}dB", d=SILENCE_S)
        .filter("ebur128", framelog="verbose")
        .output("pipe:", format="null")
    )
    waveform = _Waveform(expected_us, progress)

    def take(block: bytes) -> None:
        waveform.take(block)
        on_length(waveform.samples * 1_000_000 // _PEAK_RATE)

    drawn = sound[1].filter("aresample", _PEAK_RATE).output("pipe:1", format="s16le", acodec="pcm_s16le")
    try:
        log = run.run([judged, drawn], on_stdout=take, wall_s=wall_limit_s(bytes_=path.stat().st_size)).said
    except subprocess.CalledProcessError as error:
        raise unreadable() from error
    waveform.finish()
    samples = waveform.samples * (RATE // _PEAK_RATE)
    first, last = _sound_between(log, samples)
    return Measured(samples, first, last, loudness(log), _drawn(waveform.points))


def loudness(log: str) -> float | None:
    """The integrated loudness in ebur128's summary; None when nothing was above its gate."""
    values = re.findall(r"^\s*I:\s*(-?[\d.]+|-inf|nan) LUFS", log, re.MULTILINE)
    if not values or values[-1] in ("-inf", "nan"):
        return None
    value = float(values[-1])
    return None if value <= -69.9 or value == 0.0 else value


def true_peak(log: str) -> float | None:
    """The true peak in ebur128's summary, dBTP."""
    values = re.findall(r"^\s*Peak:\s*(-?[\d.]+|-inf|nan) dBFS", log, re.MULTILINE)
    return None if not values or values[-1] in ("-inf", "nan") else float(values[-1])


def _sound_between(log: str, samples: int) -> tuple[int, int]:
    silences: list[tuple[int, int]] = []
    began: int | None = None
    for word, value in re.findall(r"silence_(start|end): (-?[\d.]+)", log):
        at = max(0, round(float(value) * RATE))
        if word == "start":
            began = at
        elif began is not None:
            silences.append((began, at))
            began = None
    if began is not None:
        silences.append((began, samples))
    margin = MARGIN_US * RATE // 1_000_000
    first, last = 0, samples
    if silences and silences[0][0] <= RATE // 10:
        first = max(0, silences[0][1] - margin)
    if silences and silences[-1][1] >= samples - RATE // 10:
        last = min(samples, silences[-1][0] + margin)
    return (first, last) if last - first >= RATE // 10 else (0, samples)


def _drawn(points: list[int]) -> bytes:
    if len(points) <= MOST_PEAKS:
        return bytes(points)
    step = len(points) / MOST_PEAKS
    return bytes(max(points[int(k * step) : max(int(k * step) + 1, int((k + 1) * step))]) for k in range(MOST_PEAKS))
