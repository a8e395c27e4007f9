"""The delay found in recordings of two horns: how far it is from the true one, over many that are drawn.

    benchmarks/measuring.py [CASES] [FIRST_SEED]

Each: offset −300…+300 ms; an echo after 300 ms, −12…+12 dB beside the straight sound, and two nearer ones; noise 10 dB
below the fainter horn while it sounds (white, pink or wind); one horn up to 12 dB louder; a recorder at 44.1 or 48 kHz
whose clock is up to 100 ppm off, with and without a gain that follows the level; uploaded as WAV, MP3, AAC or Opus, and
decoded by the page's own way. Prints one line of JSON. Ends with 1 when one is off by more than the limit, or refused.
"""

import json
import random
import sys
import tempfile
from pathlib import Path

import numpy as np

from acoustics.measuring import MOST_S, measure_offset
from broadcast.audio import Ffmpeg
from broadcast.audio_samples import samples_of
from runtime.refusal import Refusal
from tests.sounds.two_horns import Scene, written

LIMIT_MS = 1.0
KINDS = {
    ".wav": (),
    ".mp3": ("-b:a", "64k"),
    ".m4a": ("-c:a", "aac", "-b:a", "64k"),
    ".opus": ("-c:a", "libopus", "-b:a", "24k", "-ar", "48000"),
}


def drawn(seed: int) -> tuple[Scene, str]:
    """A case, and the suffix of its file."""
    draw = random.Random(seed)
    near = tuple((draw.uniform(0.003, 0.2), draw.uniform(-25, -3)) for _ in range(2))
    scene = Scene(
        offset_s=draw.uniform(-0.3, 0.3),
        second_db=draw.uniform(-12, 12),
        signal_to_noise_db=10,
        noise=draw.choice(["white", "pink", "wind"]),
        echoes=((0.3, draw.uniform(-12, 12)), *near),
        begins_s=draw.uniform(0.2, 4),
        ppm=draw.uniform(-100, 100),
        rate=draw.choice([44_100, 48_000]),
        agc=draw.random() < 0.5,
        peak=draw.uniform(0.05, 1.3),
        seed=seed,
    )
    return scene, draw.choice(list(KINDS))


def main() -> int:
    """Prints a line for each case, then the summary."""
    cases = int(sys.argv[1]) if len(sys.argv) > 1 else 400
    first = int(sys.argv[2]) if len(sys.argv) > 2 else 0
    errors_ms, failures = [], []
    with tempfile.TemporaryDirectory() as name:
        for seed in range(first, first + cases):
            scene, suffix = drawn(seed)
            path = written(scene, Path(name) / f"r{suffix}", *KINDS[suffix])
            try:
                heard = measure_offset(samples_of(path, Ffmpeg(), most_s=MOST_S), "one", "other")
            except Refusal as refusal:
                failures.append({"seed": seed, "kind": suffix, "why": refusal.message_id})
                continue
            errors_ms.append(abs(heard.offset_us / 1000 - scene.offset_s * 1000))
            if errors_ms[-1] > LIMIT_MS:
                failures.append({"seed": seed, "kind": suffix, "off_ms": round(errors_ms[-1], 2)})
    print(
        json.dumps(
            {
                "cases": cases,
                "p50_ms": round(float(np.percentile(errors_ms, 50)), 4),
                "p99_ms": round(float(np.percentile(errors_ms, 99)), 4),
                "max_ms": round(max(errors_ms), 4),
                "limit_ms": LIMIT_MS,
                "failed": len(failures),
                "failures": failures[:20],
            }
        )
    )
    return 1 if failures else 0


if __name__ == "__main__":
    sys.exit(main())
