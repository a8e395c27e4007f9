"""The card's clock, from what cards say: coarse, shaken, and sometimes plainly wrong."""

import itertools
import random
from collections.abc import Callable

import pytest

from receiver.output.card_clock import CardClock
from receiver.output.speaker import FrameRequest
from receiver.playout.cues import FRAME_US

BLOCK = 960
Late = Callable[[], float]


class Card:
    """A card whose saying is late by the age of its last interrupt; `late_us` draws that age, µs."""

    def __init__(self, late_us: Late, *, ppm: float = 0.0, ahead_us: float = 0.0) -> None:
        self.clock = CardClock()
        self.frame_us = FRAME_US / (1 + ppm * 1e-6)
        self.late_us, self.ahead_us = late_us, ahead_us
        self.starts_us, self.first, self.run = 1e9, 0, 0

    @property
    def leaves_us(self) -> float:
        return self.starts_us + self.first * self.frame_us

    def say(self, count: int, *, wrong_us: float = 0.0) -> tuple[float, bool]:
        """The error (µs) of the last of so many stretches, and whether it went on from the one before."""
        off_us, goes_on = 0.0, True
        for _ in range(count):
            # The card counts frames, and calls each 1/48000 s.
            nominal_us = self.ahead_us * (FRAME_US / self.frame_us - 1)
            said_us = self.leaves_us + nominal_us + self.late_us() + wrong_us
            request = FrameRequest(BLOCK, self.first, said_us, self.run, self.ahead_us + nominal_us)
            leaves_us, goes_on = self.clock.hear(request)
            off_us = leaves_us - self.leaves_us
            self.first += BLOCK
        return off_us, goes_on


def idle(seed: int = 3) -> Late:
    """An idle machine is awake some 50 µs after the interrupt."""
    rnd = random.Random(seed)
    return lambda: 30 + rnd.expovariate(1 / 20)


def busy(seed: int = 4) -> Late:
    """On a busy one anything of a millisecond may pass."""
    rnd = random.Random(seed)
    return lambda: 30 + rnd.uniform(0, 1000)


@pytest.mark.parametrize("ppm", [-100.0, 0.0, 100.0])
def test_after_twenty_seconds_it_knows_the_crystal(ppm: float) -> None:
    card = Card(idle(), ppm=ppm, ahead_us=250_000)
    off_us, _ = card.say(1_015)
    assert 25 < off_us < 45
    assert (FRAME_US / card.clock.frame_us - 1) * 1e6 == pytest.approx(ppm, abs=1)


def test_a_busy_machine_is_as_late_as_an_idle_one() -> None:
    calm, slow = Card(idle(), ppm=50), Card(busy(), ppm=-50)
    calm.say(700)
    slow.say(700)
    apart_us = [abs(calm.say(1)[0] - slow.say(1)[0]) for _ in range(1_000)]
    assert max(apart_us) < 120
    assert sorted(apart_us)[500] < 60


def test_the_crystal_is_known_still_after_a_hole() -> None:
    card = Card(busy(), ppm=80)
    card.say(1_100)
    card.starts_us, card.first, card.run = card.leaves_us + 300_000, 0, 1
    card.say(100)
    assert (FRAME_US / card.clock.frame_us - 1) * 1e6 == pytest.approx(80, abs=12)


def test_the_line_does_not_jump() -> None:
    card = Card(idle())
    card.say(600)
    steps_us = [card.say(1)[0] for _ in range(1_000)]
    assert max(abs(b - a) for a, b in itertools.pairwise(steps_us)) < 4


def test_a_freak_moves_nothing() -> None:
    card = Card(idle())
    before_us, _ = card.say(500)
    assert abs(card.say(2, wrong_us=50_000)[0] - before_us) < 10
    assert abs(card.say(1)[0] - before_us) < 10


def test_a_shift_that_stays_is_believed() -> None:
    card = Card(idle())
    card.say(500)
    card.starts_us += 40_000
    assert abs(card.say(30)[0]) < 80


def test_a_hole_is_told_once() -> None:
    card = Card(idle())
    card.say(100)
    card.starts_us, card.first, card.run = card.leaves_us + 300_000, 0, 1
    assert card.say(1)[1] is False
    assert card.say(1)[1] is True
    assert abs(card.say(50)[0]) < 60
