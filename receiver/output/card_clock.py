"""The card's clock: when each of its frames leaves, learnt from what it says with every stretch it asks for.

A straight line through what was said, by least squares; all of it at first, then with a memory of `MEMORY` stretches.
What a card says is coarse (USB: whole milliseconds) and comes through a busy machine; the crystal behind it is steady.
"""

from receiver.output.speaker import FrameRequest
from receiver.playout.cues import FRAME_US

#: Stretches remembered: 20 s of 20 ms. Long enough for 1 ms granules to average out, short enough while it warms up.
MEMORY = 1_000
#: What is this far off the line is a freak (the machine stood still between two readings of a clock)…
FREAK_US = 3_000.0
#: …unless so many come in a row: then the card stopped and went on.
FREAKS = 5
#: What is thought of a card before it was heard: its saying errs by so much, its crystal by so much (one sigma).
SAYING_US, CRYSTAL_PPM = 30.0, 50.0
#: The first stretches fill the card's buffer, before it runs: what they say is a guess.
FILLING = 15
#: Stretches of the first 2 s.
FRESH = 85
#: After so many stretches of what it says, a card is known well enough to be believed to the tenth of a millisecond.
KNOWN_AFTER = 10
#: A crystal worse than this is none: the rate is held within.
MOST_PPM = 500.0


class CardClock:
    """Fed with every stretch, in order; used by the speaker's thread alone."""

    def __init__(self) -> None:
        self._run: int | None = None
        self._next_first = 0
        self._count = self._filling = 0
        self._leaves_us = 0.0
        self._freaks = 0
        self._variances = (0.0, 0.0, 0.0)  # of level, of both, of rate
        self._level_gain = self._rate_gain = 0.0
        #: Length of a frame by the local clock, µs. Kept over a stop: the crystal is the same.
        self.frame_us = FRAME_US

    @property
    def fresh(self) -> bool:
        """Whether the card began a moment ago (some 2 s): what is thought of its clock may still move."""
        return self._filling > 0 or self._count < FRESH

    @property
    def known(self) -> bool:
        """Whether what is thought of its clock rests on what it said while it ran."""
        return self._filling == 0 and self._count >= KNOWN_AFTER

    def hear(self, request: FrameRequest) -> tuple[float, bool]:
        """When the stretch's first frame leaves (local µs), and whether that goes on from the last request.

        False when the card stopped in between: the sound has a hole there.
        """
        goes_on = request.run == self._run and request.first == self._next_first
        if not goes_on:
            self._restart(request)
        elif self._filling > 0:
            self._filling -= 1
            self._leaves_us = request.leaves_local_us
        else:
            self._follow(request)
        self._next_first = request.first + request.frames
        leaves_us = self._leaves_us
        self._leaves_us += request.frames * self.frame_us
        return leaves_us, goes_on

    def _restart(self, request: FrameRequest) -> None:
        self._run, self._count, self._freaks = request.run, 1, 0
        self._leaves_us = request.leaves_local_us
        self._filling = FILLING
        self._variances = SAYING_US**2, 0.0, (FRAME_US * CRYSTAL_PPM * 1e-6) ** 2
        self._level_gain = self._rate_gain = 0.0

    def _follow(self, request: FrameRequest) -> None:
        off_us = request.leaves_local_us - self._leaves_us
        if abs(off_us) > FREAK_US:
            self._freaks += 1
            if self._freaks >= FREAKS:
                self._restart(request)
            return
        self._freaks = 0
        self._count = min(self._count + 1, MEMORY)
        if self._count < MEMORY:
            self._weigh(request.frames)
        self._leaves_us += off_us * self._level_gain
        self.frame_us += off_us * self._rate_gain
        most = FRAME_US * MOST_PPM * 1e-6
        self.frame_us = min(max(self.frame_us, FRAME_US - most), FRAME_US + most)

    def _weigh(self, frames: int) -> None:
        """How much the next saying counts: least squares, as a Kalman filter of level (µs) and rate (µs a frame)."""
        level, both, rate = self._variances
        level, both = level + frames * (2 * both + frames * rate), both + frames * rate
        self._level_gain, self._rate_gain = level / (level + SAYING_US**2), both / (level + SAYING_US**2)
        left = 1 - self._level_gain
        self._variances = level * left, both * left, rate - self._rate_gain * both
