"""Loudness (EBU R128) and true peak, measured by ffmpeg's ebur128.

The values come as the filter's own metadata on standard output, never from a log, which also prints a file's tags.
"""

import math
from typing import Any, NamedTuple

from broadcast.audio import RATE, Ffmpeg, wall_limit_s

#: The gating block of EBU R128 is 400 ms: a shorter sound is measured repeated, as it would sound on and on.
_BLOCK = RATE * 4 // 10
_REPEATED = RATE * 2
#: What ebur128 gives when nothing was above its gate.
_GATE_LUFS = -70.0
_TAIL_BYTES = 4_096


class Loudness(NamedTuple):
    """lufs: integrated, None when nothing is above EBU R128's gate (−70 LUFS). true_peak_dbtp: None for silence."""

    lufs: float | None
    true_peak_dbtp: float | None = None


def loudness_of(sound: Any, samples: int, run: Ffmpeg, *, true_peak: bool = False) -> Loudness:
    """Measure a stream of this many samples, mono at 48 kHz. true_peak: takes twice as long.

    Raises subprocess.CalledProcessError when it cannot be decoded.
    """
    if samples <= _BLOCK:
        sound = sound.filter("aloop", loop=-1, size=samples).filter("atrim", end_sample=_REPEATED)
    options: dict[str, Any] = {"peak": "true"} if true_peak else {}
    measured = sound.filter("ebur128", metadata=1, **options).filter("ametadata", "print", file="pipe:1")
    tail = bytearray()

    def keep_tail(block: bytes) -> None:
        tail.extend(block)
        del tail[:-_TAIL_BYTES]

    wall_s = wall_limit_s(length_us=samples * 1_000_000 // RATE)
    run.run([measured.output("pipe:", format="null")], on_stdout=keep_tail, wall_s=wall_s)
    values = dict(line.split("=", 1) for line in tail.decode(errors="replace").splitlines() if "=" in line)
    lufs = float(values.get("lavfi.r128.I", "nan"))
    peak = float(values.get("lavfi.r128.true_peaks_ch0", "nan"))
    return Loudness(lufs if lufs > _GATE_LUFS + 0.1 else None, _decibels(peak))


def _decibels(amplitude: float) -> float | None:
    # ebur128 prints three decimals.
    return 20 * math.log10(amplitude + 0.0005) if amplitude > 0 else None
