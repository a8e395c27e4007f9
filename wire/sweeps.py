"""The sweeps by which two receivers are told apart in one recording: played by receivers, looked for by the controller.

A linear sweep, 0.2 s from 500 to 4,500 Hz, its first and last 10 ms faded by half a cosine; rising, or the same samples
backwards. Why this sound, and not a click: docs/decisions/0032.
"""

import math

RATE = 48_000
SWEEP_FRAMES = 9_600
#: What a reflex horn, a 100 V line's transformer and a telephone's recorder all pass.
LOWEST_HZ, HIGHEST_HZ = 500.0, 4_500.0
_EDGE_FRAMES = 480


def sweep(rising: bool) -> list[float]:
    """Its samples at 48 kHz, from −1 to 1."""
    length_s = SWEEP_FRAMES / RATE
    slope = (HIGHEST_HZ - LOWEST_HZ) / length_s / 2
    samples = []
    for n in range(SWEEP_FRAMES):
        at_s = n / RATE
        edge = min(n + 0.5, SWEEP_FRAMES - n - 0.5, _EDGE_FRAMES) / _EDGE_FRAMES
        fade = 0.5 - 0.5 * math.cos(math.pi * edge)
        samples.append(fade * math.sin(2 * math.pi * (LOWEST_HZ + slope * at_s) * at_s))
    return samples if rising else samples[::-1]
