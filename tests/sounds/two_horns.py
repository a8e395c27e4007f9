"""Recordings of two horns that play in turn, as a phone between them captures them: with echoes, noise and a gain."""

import subprocess
from pathlib import Path
from typing import NamedTuple

import numpy as np
import soundfile
import soxr
from numpy.typing import NDArray
from scipy.signal import butter, lfilter, sosfilt

from acoustics.arrivals import SweepTrain
from acoustics.measuring import TRAIN
from wire.sweeps import RATE, sweep

Floats = NDArray[np.float64]
_TAIL = 2**16


class Scene(NamedTuple):
    """What was recorded.

    offset_s: how much later the second horn is heard. second_db: how much louder it is. signal_to_noise_db: of the
    fainter horn's straight sound while it sounds. noise: white, pink or wind.
    echoes: seconds after the straight sound, and dB above it. tail_db: what the place rings on with, all together.
    begins_s: of recording before the first sweep; negative: after it. ppm: the recorder's clock, too fast.
    rate: of the recorder. agc: a gain that follows the level. peak: highest sample; beyond 1 it is cut off.
    seed: of noise and tail. silent: a horn that does not sound.
    """

    offset_s: float = 0.0
    second_db: float = 0.0
    signal_to_noise_db: float = 10.0
    noise: str = "pink"
    echoes: tuple[tuple[float, float], ...] = ()
    tail_db: float = -12.0
    begins_s: float = 2.0
    ends_s: float = 1.5
    ppm: float = 0.0
    rate: int = 48_000
    agc: bool = False
    peak: float = 0.5
    seed: int = 0
    silent: tuple[bool, bool] = (False, False)


def recorded(scene: Scene, train: SweepTrain = TRAIN) -> Floats:
    """The recording, mono, at the scene's rate."""
    draw = np.random.default_rng(scene.seed)
    begin = max(0.0, scene.begins_s) + 1.0  # a horn may be earlier than its time
    sound = np.zeros(round((begin + train.length_s + abs(scene.offset_s) + 2.0 + scene.ends_s) * RATE) + _TAIL)
    for number, (silent, louder_db) in enumerate(zip(scene.silent, (0.0, scene.second_db), strict=True)):
        pulse = _heard(number == 0, scene, number * scene.offset_s, draw) * 10 ** (louder_db / 20)
        for k in range(0 if silent else train.rounds):
            at = round((begin + number * train.interval_s + k * train.period_s - 0.5) * RATE)
            sound[at : at + _TAIL] += pulse
    power = float(np.mean(_horn(np.array(sweep(True))) ** 2)) * 10 ** (min(0.0, scene.second_db) / 10)
    sound += _noise(scene.noise, len(sound), draw) * np.sqrt(power / 10 ** (scene.signal_to_noise_db / 10))
    first = round((begin - scene.begins_s) * RATE)
    last = round((begin + train.length_s + max(0.0, scene.offset_s) + scene.ends_s) * RATE)
    sound = sound[first:last]
    if scene.agc:
        sound = _followed(sound)
    sound = np.clip(sound / np.abs(sound).max() * scene.peak, -1, 1)
    return soxr.resample(sound, RATE, scene.rate * (1 + scene.ppm * 1e-6))


def written(scene: Scene, path: Path, *options: str) -> Path:
    """The recording as a file; options: for ffmpeg, when the suffix is another than .wav."""
    wav = path.with_suffix(".wav")
    soundfile.write(wav, recorded(scene), scene.rate)
    if path != wav:
        subprocess.run(["ffmpeg", "-loglevel", "error", "-y", "-i", str(wav), *options, str(path)], check=True)
        wav.unlink()
    return path


def _heard(rising: bool, scene: Scene, later_s: float, draw: np.random.Generator) -> Floats:
    """One sweep with all its ways, half a second after the piece's beginning."""
    hertz = np.fft.rfftfreq(_TAIL, 1 / RATE)
    ways = sum(
        (10 ** (db / 20) * np.exp(-2j * np.pi * hertz * (0.5 + later_s + after_s)) for after_s, db in scene.echoes),
        np.exp(-2j * np.pi * hertz * (0.5 + later_s)),
    )
    ring = draw.normal(size=round(0.4 * RATE)) * np.exp(-np.arange(round(0.4 * RATE)) / (0.06 * RATE))
    ring *= 10 ** (scene.tail_db / 20) / float(np.sqrt(np.sum(ring**2)))
    ways = ways + np.fft.rfft(ring, _TAIL) * np.exp(-2j * np.pi * hertz * (0.505 + later_s))
    return np.fft.irfft(np.fft.rfft(_horn(np.array(sweep(rising))), _TAIL) * ways, _TAIL)


def _horn(sound: Floats) -> Floats:
    """A reflex horn passes some four octaves. Its own delay is less than the millisecond that is asked for."""
    return sosfilt(butter(2, (400, 5_500), "bandpass", fs=RATE, output="sos"), sound)


def _noise(kind: str, frames: int, draw: np.random.Generator) -> Floats:
    white = draw.normal(size=frames)
    if kind == "white":
        return white
    spectrum, hertz = np.fft.rfft(white), np.fft.rfftfreq(frames, 1 / RATE)
    spectrum /= np.sqrt(np.maximum(hertz, 20)) if kind == "pink" else np.maximum(hertz, 20)
    found = np.fft.irfft(spectrum, frames)
    if kind == "wind":  # in gusts
        gusts = np.interp(
            np.arange(frames),
            np.arange(0, frames + RATE, RATE),
            draw.uniform(0.2, 2, frames // RATE + 2)[: len(np.arange(0, frames + RATE, RATE))],
        )
        found = found * gusts
    return found / float(np.sqrt(np.mean(found**2)))


def _followed(sound: Floats) -> Floats:
    """Down within 20 ms, up within half a second, by four fifths of the level."""
    fast = lfilter([1 - np.exp(-1 / (0.02 * RATE))], [1, -np.exp(-1 / (0.02 * RATE))], np.abs(sound))
    slow = lfilter([1 - np.exp(-1 / (0.5 * RATE))], [1, -np.exp(-1 / (0.5 * RATE))], np.abs(sound))
    return sound / (np.maximum(fast, slow) + 1e-4) ** 0.8
