"""A speaker driven by the test: it takes as many frames as the test says, on a clock that the test sets."""

import numpy as np

from receiver.output.speaker import FrameRequest, Render, SpeakerFailed
from receiver.playout.cues import RATE, Samples


class FakeSpeaker:
    """See `Speaker`. Frames leave `buffer_us` after they were taken, on a crystal that is `ppm` off."""

    def __init__(self, *, ppm: float = 0.0, starts_local_us: float = 1e9, broken: bool = False) -> None:
        self.frame_us = 1e6 / (RATE * (1 + ppm * 1e-6))
        self.xruns = 0
        self.taken: list[Samples] = []
        self.stretches: list[FrameRequest] = []
        self._render: Render | None = None
        self._broken = broken
        self._run = -1
        self._first = 0
        self._run_starts_us = starts_local_us
        #: By how much what it says is wrong while its buffer fills, for so many stretches of a run.
        self.guess_wrong_us, self.guesses = 0.0, 14

    @property
    def running(self) -> bool:
        return self._render is not None

    @property
    def sound(self) -> Samples:
        """All that was handed over."""
        return np.concatenate(self.taken) if self.taken else np.zeros(0, np.float32)

    @property
    def leaves_us(self) -> float:
        """When the next frame leaves."""
        return self._run_starts_us + self._first * self.frame_us

    def open(self, render: Render) -> None:
        if self._broken:
            raise SpeakerFailed("fake speaker: broken")
        if self._render is not None:
            raise RuntimeError("the speaker is open already")
        self._render = render
        self._begin_run(0.0)

    def close(self) -> None:
        self._render = None

    def take(self, seconds: float, *, frames: int = 960) -> None:
        """Ask for so much, in stretches of `frames`."""
        for _ in range(max(1, round(seconds * RATE / frames))):
            assert self._render is not None, "a closed speaker takes nothing"
            wrong_us = self.guess_wrong_us if self._first < self.guesses * frames else 0.0
            request = FrameRequest(frames, self._first, self.leaves_us + wrong_us, self._run)
            sound = self._render(request)
            assert sound.shape == (frames,), "a speaker is given exactly what it asked for"
            assert sound.dtype == np.float32
            self.stretches.append(request)
            self.taken.append(np.clip(sound, -1.0, 1.0))
            self._first += frames

    def run_dry(self, hole_us: float) -> None:
        """An xrun: the card stops and goes on so much later."""
        self.xruns += 1
        self._begin_run(hole_us)

    def _begin_run(self, hole_us: float) -> None:
        self._run_starts_us = self.leaves_us + hole_us
        self._run += 1
        self._first = 0
