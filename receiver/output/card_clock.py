"""The card's clock: when each of its frames leaves, learnt from what it says with every stretch it asks for.

A card says how many frames are still ahead as of its last interrupt (USB: each millisecond), and we hear it some time
after that on a busy machine: what it says is late, by nothing at best and by a millisecond at worst, and never early.
So the line lies along the earliest of what was said, as a quantile of those (Koenker and Bassett, 1978): an average
would err by half of what the machine is busy, a different time on each receiver.
"""

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from receiver.output.speaker import FrameRequest
from receiver.playout.cues import FRAME_US

#: Of so many stretches the earliest counts: 0.1 s.
GROUP = 5
#: Groups remembered: 20 s. Long enough for 1 ms granules, short enough while the card warms up.
MEMORY = 200
#: The line is fitted again with each group at first, later with each fourth.
EARLY, SELDOM = 40, 4
#: What share of the groups lies below the line: not the very earliest, which are freaks of their own.
BELOW = 0.2
#: Differences this small count like squares, µs: the line does not jump from one group to another.
ROUND_US = 10.0
#: What is this far off the line is a freak (the machine stood still between two readings of a clock)…
FREAK_US = 3_000.0
#: …unless so many come in a row: then the card stopped and went on.
FREAKS = 5
#: What is thought of a card before it was heard: a group errs by so much, its crystal by so much (one sigma).
SAYING_US, CRYSTAL_PPM = 20.0, 50.0
#: Of a crystal that was followed before: it changes with its temperature alone.
SAME_CRYSTAL_PPM = 5.0
#: The first stretches fill the card's buffer, before it runs: what they say is a guess.
FILLING = 15
#: Stretches of the first 2 s.
FRESH = 85
#: After so many stretches of what it says, a card is known well enough to be believed to the tenth of a millisecond.
KNOWN_AFTER = 10
#: Stretches after which its crystal is known.
CRYSTAL_KNOWN_AFTER = 1_000
#: A crystal worse than this is none: the rate is held within.
MOST_PPM = 500.0
#: Of reweighting: the line does not move any more after these.
_ROUNDS = 6


class Said(NamedTuple):
    """The earliest of a group. frame: its number. beyond_us: when it leaves by the card, less frames at 48 kHz."""

    frame: int
    beyond_us: float


class CardClock:
    """Fed with every stretch, in order; used by the speaker's thread alone."""

    def __init__(self) -> None:
        self._run: int | None = None
        self._next_first = 0
        self._count = self._filling = 0
        self._leaves_us = 0.0
        self._freaks = 0
        self._starts_us = 0.0
        self._group: list[Said] = []
        self._said: deque[Said] = deque(maxlen=MEMORY)
        self._groups = 0
        self._before_us, self._crystal_ppm = FRAME_US, CRYSTAL_PPM
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
        # The card counts what is ahead in frames of 1/48000 s; with its own crystal they take longer or shorter.
        said_us = request.leaves_local_us + request.ahead_us * (self.frame_us / FRAME_US - 1)
        if not goes_on:
            self._restart(request, said_us)
        elif self._filling > 0:
            self._filling -= 1
            self._leaves_us = said_us
        else:
            self._follow(request, said_us)
        self._next_first = request.first + request.frames
        leaves_us = self._leaves_us
        self._leaves_us += request.frames * self.frame_us
        return leaves_us, goes_on

    def _restart(self, request: FrameRequest, said_us: float) -> None:
        if self._count >= CRYSTAL_KNOWN_AFTER:
            self._before_us, self._crystal_ppm = self.frame_us, SAME_CRYSTAL_PPM
        self._run, self._count, self._freaks = request.run, 1, 0
        self._leaves_us = said_us
        self._filling = FILLING
        self._starts_us = said_us - request.first * FRAME_US
        self._group.clear()
        self._said.clear()
        self._groups = 0

    def _follow(self, request: FrameRequest, said_us: float) -> None:
        off_us = said_us - self._leaves_us
        if abs(off_us) > FREAK_US:
            self._freaks += 1
            if self._freaks >= FREAKS:
                self._restart(request, said_us)
            return
        self._freaks = 0
        self._count += 1
        if self._groups == 0:
            self._leaves_us = min(self._leaves_us, said_us)
        self._group.append(Said(request.first, said_us - self._starts_us - request.first * FRAME_US))
        if len(self._group) < GROUP:
            return
        rate_us = self.frame_us - FRAME_US
        self._said.append(min(self._group, key=lambda said: said.beyond_us - said.frame * rate_us))
        self._group.clear()
        self._groups += 1
        if self._groups <= EARLY or self._groups % SELDOM == 0:
            prior = self._before_us - FRAME_US, FRAME_US * self._crystal_ppm * 1e-6
            beyond_us, rate_us = line_below(self._said, request.first, rate_us, prior)
            most_us = FRAME_US * MOST_PPM * 1e-6
            self.frame_us = FRAME_US + min(max(rate_us, -most_us), most_us)
            self._leaves_us = self._starts_us + request.first * FRAME_US + beyond_us


def line_below(said: Sequence[Said], frame: int, rate_us: float, prior: tuple[float, float]) -> tuple[float, float]:
    """The line that leaves `BELOW` of what was said below it: its height at `frame`, µs, and its rate, µs a frame.

    rate_us: where to begin. prior: the rate that is thought likely, and one sigma of it. By iterative reweighting
    (IRLS); the normal equations by hand, since numpy.linalg is another 7 MB.
    """
    points = np.array(said)
    frames, beyond_us = points[:, 0] - frame, points[:, 1]
    prior_us, sigma_us = prior
    prior_weight = 1 / sigma_us**2
    height_us = float((beyond_us - rate_us * frames).min())
    for _ in range(_ROUNDS):
        off_us = beyond_us - height_us - rate_us * frames
        weights = np.where(off_us < 0, 1 - BELOW, BELOW) / np.maximum(np.abs(off_us), ROUND_US) / SAYING_US
        all_, first = float(weights.sum()), float((weights * frames).sum())
        second = float((weights * frames * frames).sum()) + prior_weight
        left = float((weights * beyond_us).sum())
        right = float((weights * frames * beyond_us).sum()) + prior_weight * prior_us
        determinant = all_ * second - first * first
        height_us = (second * left - first * right) / determinant
        rate_us = (all_ * right - first * left) / determinant
    return height_us, rate_us
