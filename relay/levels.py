"""Levels of mono S16_LE audio, and the passage from one sound to another."""

import numpy as np

#: As the level of digital silence.
LOWEST_DB = -120.0


def level_db(pcm: bytes) -> float:
    """RMS in dB below full scale."""
    samples = np.frombuffer(pcm, "<i2").astype(np.float32)
    power = float(np.mean(samples * samples)) / 32768.0**2 if len(samples) else 0.0
    return max(LOWEST_DB, 10 * float(np.log10(power))) if power > 0 else LOWEST_DB


def crossfaded(old: bytes, new: bytes) -> bytes:
    """From the one to the other over their whole length, which is the same."""
    before, after = (np.frombuffer(pcm, "<i2").astype(np.float32) for pcm in (old, new))
    ramp = np.linspace(0, 1, len(after), dtype=np.float32)
    return np.clip(before * (1 - ramp) + after * ramp, -32768, 32767).astype("<i2").tobytes()
