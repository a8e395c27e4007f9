"""Volume ramp: the volume applied to what is handed to the card, changed gradually; and how loud the result is."""

import math

import numpy as np

from receiver.playout.cues import RATE, Samples

#: The volume goes from nothing to full in this time.
RAMP_FRAMES = RATE // 4


class VolumeRamp:
    """`apply` is called by the speaker's thread."""

    def __init__(self) -> None:
        self._gain = self._gain_wanted = 1.0
        self._square = 0.0

    def set(self, percent: int) -> None:
        """0 to 100. 50 is a quarter of the amplitude, about half as loud."""
        self._gain_wanted = (min(max(percent, 0), 100) / 100) ** 2

    def apply(self, sound: Samples) -> Samples:
        """Change `sound` in place, without a copy."""
        most = len(sound) / RAMP_FRAMES
        gain = self._gain + min(max(self._gain_wanted - self._gain, -most), most)
        sound *= np.linspace(self._gain, gain, len(sound), dtype=np.float32)
        self._gain = gain
        share = min(1.0, len(sound) / RATE)
        self._square += share * (float(np.dot(sound, sound)) / len(sound) - self._square)
        return sound

    def level_dbfs(self) -> float:
        """Of about the last second; −120 is silence."""
        return max(-120.0, 10 * math.log10(max(self._square, 1e-12)))
