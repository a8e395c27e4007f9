"""The card's clock, from what cards say: coarse, shaken, and sometimes plainly wrong."""

import random

import pytest

from receiver.output.card_clock import CardClock
from receiver.output.speaker import FrameRequest
from receiver.playout.cues import FRAME_US

BLOCK = 960


class Card:
    def __init__(self, *, ppm: float = 0.0, granule_us: float = 0.0, shaken_us: float = 10.0) -> None:
        self.clock = CardClock()
        self.frame_us = FRAME_US / (1 + ppm * 1e-6)
        self.granule_us, self.shaken_us = granule_us, shaken_us
        self.rnd = random.Random(3)
        self.starts_us, self.first, self.run = 1e9, 0, 0

    @property
    def leaves_us(self) -> float:
        return self.starts_us + self.first * self.frame_us

    def say(self, count: int, *, wrong_us: float = 0.0) -> tuple[float, bool]:
        """The error (µs) of the last of so many stretches, and whether it went on from the one before."""
        off_us, goes_on = 0.0, True
        for _ in range(count):
            said = self.leaves_us + wrong_us + self.rnd.uniform(0, self.granule_us) + self.rnd.gauss(0, self.shaken_us)
            leaves_us, goes_on = self.clock.hear(FrameRequest(BLOCK, self.first, said, self.run))
            off_us = leaves_us - self.leaves_us - self.granule_us / 2
            self.first += BLOCK
        return off_us, goes_on


@pytest.mark.parametrize("ppm", [-100.0, 0.0, 100.0])
def test_after_twenty_seconds_it_knows_the_crystal(ppm: float) -> None:
    card = Card(ppm=ppm)
    off_us, _ = card.say(1_000)
    assert abs(off_us) < 5
    assert (FRAME_US / card.clock.frame_us - 1) * 1e6 == pytest.approx(ppm, abs=2)


def test_whole_milliseconds_are_averaged_out() -> None:
    card = Card(ppm=50, granule_us=1_000)
    card.say(1_000)
    worst_us = max(abs(card.say(1)[0]) for _ in range(500))
    assert worst_us < 80


def test_a_freak_moves_nothing() -> None:
    card = Card()
    card.say(500)
    assert abs(card.say(2, wrong_us=50_000)[0]) < 10
    assert abs(card.say(1)[0]) < 10


def test_a_shift_that_stays_is_believed() -> None:
    card = Card()
    card.say(500)
    card.starts_us += 40_000
    assert abs(card.say(30)[0]) < 30


def test_a_hole_is_told_once() -> None:
    card = Card()
    card.say(100)
    card.starts_us, card.first, card.run = card.leaves_us + 300_000, 0, 1
    assert card.say(1)[1] is False
    assert card.say(1)[1] is True
    assert abs(card.say(50)[0]) < 20
