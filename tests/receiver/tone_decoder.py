"""A decoder of telephone tones, by Goertzel's recurrence, as strict as ITU-T Q.24 lets one be."""

import numpy as np

from receiver.playout.cues import RATE, Samples

LOW, HIGH = (697, 770, 852, 941), (1209, 1336, 1477, 1633)
KEYS = ("123A", "456B", "789C", "*0#D")


def power(samples: Samples, frequency_hz: float) -> float:
    """Goertzel's recurrence: the power of one frequency."""
    turn = 2 * np.cos(2 * np.pi * frequency_hz / RATE)
    before = last = 0.0
    for sample in samples.tolist():
        before, last = last, sample + turn * last - before
    return float(last**2 + before**2 - turn * last * before) / (len(samples) / 2) ** 2


def detected(samples: Samples) -> list[tuple[str, int]]:
    """Digits as a decoder after Q.24 hears them, with their length in ms.

    Blocks of 10 ms; the strongest of each group must hold most of the block's energy, the high one at most 4 dB above
    and 8 dB below the low one; a digit counts from 40 ms on, and so does a pause.
    """
    block = RATE // 100
    heard: list[str] = []
    for start in range(0, len(samples) - block + 1, block):
        piece = samples[start : start + block]
        energy = 2 * float(np.mean(piece.astype(np.float64) ** 2))
        low, high = [power(piece, f) for f in LOW], [power(piece, f) for f in HIGH]
        row, column = int(np.argmax(low)), int(np.argmax(high))
        twist_db = 10 * np.log10(max(high[column], 1e-12) / max(low[row], 1e-12))
        clear = energy > 1e-4 and low[row] + high[column] > 0.8 * energy and -8.5 <= twist_db <= 4.5
        heard.append(KEYS[row][column] if clear else "")
    found: list[tuple[str, int]] = []
    runs: list[tuple[str, int]] = []
    for each in heard:
        runs = [*runs[:-1], (each, runs[-1][1] + 10)] if runs and runs[-1][0] == each else [*runs, (each, 10)]
    for at, (each, length_ms) in enumerate(runs):
        paused = at == 0 or runs[at - 1] == ("", runs[at - 1][1])
        if each and length_ms >= 40 and paused:
            found.append((each, length_ms))
    return found
