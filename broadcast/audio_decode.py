"""Decoding: a recording becomes one file of uniform samples, which is what is measured and encoded.

Mono, 48 kHz, 32-bit floats, without what is below 80 Hz. A container says only how to decode: its lengths, timestamps
and gaps do not reach the samples, and neither does a change of format in the middle.
"""

import math
from collections.abc import Callable
from pathlib import Path
from subprocess import CalledProcessError
from typing import IO, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from broadcast.audio import RATE, Ffmpeg, Progress, source, unreadable, wall_limit_s
from broadcast.audio_levels import FRAME, Levels
from broadcast.audio_probe import Probe

#: Horns reproduce nothing below; an offset, wind and rumble would only take headroom from the limiter.
HIGH_PASS_HZ = 80
#: Two second-order filters with these qualities are a Butterworth filter of the fourth order.
HIGH_PASS_Q = (0.541, 1.307)
#: Channels cancel in a frame when their mix is this far below that of unrelated channels,
_CANCELLED_DB = 10
#: and in a recording when they cancel in this share of its energy.
_CANCELLED_SHARE = 0.25
#: No sample of a real recording is larger, also not in a file of floats that holds 16-bit numbers.
_MOST_AMPLITUDE = 1e5
_AMR = ("amr_nb", "amr_wb")


class Pcm(NamedTuple):
    """path: the samples. channel: the only one used, from 1, where the channels cancel each other; None: all, mixed.

    mix_loss_db: how much softer the mix is than its loudest channel; 15.6 dB for one channel of six.
    """

    path: Path
    levels: Levels
    channel: int | None
    mix_loss_db: float


def decode(
    path: Path,
    header: Probe,
    run: Ffmpeg,
    into: Path,
    *,
    on_length: Callable[[int], None] = lambda _: None,
    progress: Progress | None = None,
) -> Pcm:
    """Decode a recording into the file `into`.

    on_length: receives the length decoded so far, µs; what it raises ends the decoding.

    Raises Refusal when it cannot be decoded, OSError when the disk is full.
    """
    unpacked = into.with_name(into.name + ".amr")
    try:
        if header.codec in _AMR and "mov" in header.container:
            # Old phones put many frames in one sample; ffmpeg decodes only the first frame of each.
            run.run([source(path).audio.output(f"file:{unpacked}", format="amr", acodec="copy")])
            path = unpacked
        mixdown = _decode(path, header, run, into, None, on_length, progress)
        channel = mixdown.best_channel()
        if channel is not None:
            mixdown = _decode(path, header, run, into, channel, on_length, progress)
    except CalledProcessError as error:
        raise unreadable() from error
    finally:
        unpacked.unlink(missing_ok=True)
    return Pcm(into, mixdown.levels, None if channel is None else channel + 1, mixdown.loss_db())


class _Mixdown:
    """Mixes interleaved 32-bit floats to mono, and notes in which channel the energy is."""

    def __init__(self, channels: int, channel: int | None, file: IO[bytes]) -> None:
        """channel: from 0, the only one to use; None: all."""
        self.levels = Levels()
        self._channels = channels
        self._judging = channel is None and channels > 1
        self._weights = np.full(channels, 1 / channels, np.float32)
        if channel is not None:
            self._weights = np.zeros(channels, np.float32)
            self._weights[channel] = 1
        self._file = file
        self._rest = b""
        self._energy = np.zeros(channels)
        self._unrelated_energy = self._cancelled_energy = self._whole_energy = 0.0

    def take(self, block: bytes) -> None:
        data = self._rest + block
        whole = len(data) - len(data) % (FRAME * self._channels * 4)
        self._rest = data[whole:]
        if whole:
            self._mix(np.frombuffer(data[:whole], "<f4").reshape(-1, self._channels))

    def finish(self) -> None:
        whole = len(self._rest) - len(self._rest) % (self._channels * 4)
        if whole:
            self._mix(np.frombuffer(self._rest[:whole], "<f4").reshape(-1, self._channels))

    def best_channel(self) -> int | None:
        """The channel with the most energy when the channels cancel each other, otherwise None."""
        if self._cancelled_energy > _CANCELLED_SHARE * self._unrelated_energy:
            return int(self._energy.argmax())
        return None

    def loss_db(self) -> float:
        if not self._energy.any() or self._whole_energy <= 0:
            return 0.0
        return max(0.0, 10 * math.log10(float(self._energy.max()) / self._whole_energy))

    def _mix(self, sound: NDArray[np.float32]) -> None:
        if not np.abs(sound).max() <= _MOST_AMPLITUDE:  # also not a number
            sound = np.clip(np.nan_to_num(sound, nan=0, posinf=0, neginf=0), -_MOST_AMPLITUDE, _MOST_AMPLITUDE)
        mono = (sound @ self._weights).astype(np.float32)
        if self._judging and len(sound) % FRAME == 0:
            self._judge(sound.reshape(-1, FRAME, self._channels), mono.reshape(-1, FRAME))
        self.levels.take(mono)
        self._file.write(mono.astype("<f4").tobytes())

    def _judge(self, sound: NDArray[np.float32], mono: NDArray[np.float32]) -> None:
        energy = np.einsum("ijk,ijk->ik", sound, sound, dtype=np.float64)
        mixed = np.einsum("ij,ij->i", mono, mono, dtype=np.float64)
        # The energy that the mean of unrelated channels would have.
        unrelated = energy.sum(axis=1) / self._channels**2
        self._energy += energy.sum(axis=0)
        self._unrelated_energy += float(unrelated.sum())
        self._whole_energy += float(mixed.sum())
        self._cancelled_energy += float(unrelated[mixed < unrelated * 10 ** (-_CANCELLED_DB / 10)].sum())


def _decode(
    path: Path,
    header: Probe,
    run: Ffmpeg,
    into: Path,
    channel: int | None,
    on_length: Callable[[int], None],
    progress: Progress | None,
) -> _Mixdown:
    with into.open("wb") as file:
        mixdown = _Mixdown(header.channels, channel, file)

        def take(block: bytes) -> None:
            mixdown.take(block)
            length_us = mixdown.levels.samples * 1_000_000 // RATE
            on_length(length_us)
            if progress is not None and header.duration_us:
                progress(min(1.0, length_us / header.duration_us))

        run.run(
            [_sound(path).output("pipe:1", format="f32le", acodec="pcm_f32le")],
            on_stdout=take,
            wall_s=wall_limit_s(bytes_=path.stat().st_size),
        )
        mixdown.finish()
    return mixdown


def _sound(path: Path) -> Any:
    """All channels, as they are: ffmpeg has no rule for mixing 10 or 12."""
    # Only where the layout changes in the middle does ffmpeg mix, without exceeding full scale.
    sound = source(path).audio.filter("aresample", RATE, rematrix_maxval=1)
    for quality in HIGH_PASS_Q:
        sound = sound.filter("highpass", f=HIGH_PASS_HZ, width_type="q", width=quality)
    return sound
