"""Which source sounds, and what is connected: by a clock turned by hand."""

import pytest

from relay.source_choice import (
    BETWEEN_ADDRESSES_US,
    CONNECT_WITHIN_US,
    FIRST_PAUSE_US,
    MOST_PAUSE_US,
    STALLED_AFTER_US,
    Observed,
    Playing,
    SourceChoice,
    Step,
)
from runtime.refusal import Refusal

SECOND = 1_000_000
ONE, TWO = ["http://one/a"], ["http://one/a", "http://two/b"]
ENDED = Refusal("ended")


class Turned:
    """A choice with its clock. buffered_us: what the connection has delivered."""

    def __init__(self, addresses: list[str] = ONE, silence_us: int = 10 * SECOND) -> None:
        self.choice = SourceChoice(addresses, silence_db=-50.0, silence_us=silence_us)
        self.now_us = 0
        self.observed: Observed | None = None
        self.buffered_us = self.heard_us = 0
        self.connects: list[tuple[int, str]] = []

    def step(self, *, is_due: bool = True, is_late: bool = False) -> Step:
        step = self.choice.step(self.now_us, self.observed, self.buffered_us, is_due=is_due, is_late=is_late)
        if step.disconnect:
            self.observed = None
        if step.connect:
            self.connects.append((self.now_us, step.connect))
            self.observed = Observed(None, None, 0)
        return step

    def sounds(self, level_db: float = -20.0, buffered_us: int = 3 * SECOND) -> None:
        self.heard_us = self.heard_us + 20_000 if level_db > -50 else 0
        self.observed, self.buffered_us = Observed(None, self.now_us, self.heard_us), buffered_us

    def fails(self) -> None:
        self.observed = Observed(ENDED, self.now_us, self.heard_us)

    def connect(self) -> None:
        """Turn the clock to the next attempt."""
        count = len(self.connects)
        while len(self.connects) == count:
            self.now_us += 100_000
            self.step(is_due=False)

    def play(self, seconds: float, level_db: float = -20.0) -> list[Playing]:
        """A step each 20 ms, each of which sends a piece of the station."""
        played = []
        for _ in range(round(seconds * 50)):
            if self.observed is not None:
                self.sounds(level_db)
            step = self.step()
            if step.playing is Playing.STATION:
                self.choice.note_sent(level_db, 20_000)
            played.append(step.playing)
            self.now_us += 20_000
        return played


@pytest.fixture
def playing() -> Turned:
    turned = Turned()
    turned.step(is_due=False)
    turned.sounds()
    assert turned.step().playing is Playing.STATION
    return turned


def test_the_station_is_connected_at_once_and_awaited_until_it_is_late() -> None:
    turned = Turned()
    assert turned.step(is_due=False).connect == ONE[0]
    assert turned.step().playing is Playing.WAIT
    assert turned.step(is_late=True).playing is Playing.FALLBACK


def test_what_runs_dry_is_awaited_then_the_fallback_sounds_and_the_station_returns_with_a_reserve(
    playing: Turned,
) -> None:
    playing.buffered_us = 0
    assert playing.step().playing is Playing.WAIT
    assert playing.step(is_late=True).playing is Playing.FALLBACK
    assert str(playing.choice.reason) == "The station sends no more sound."
    playing.sounds(buffered_us=SECOND)
    assert playing.step().playing is Playing.FALLBACK  # a second would be gone at once
    playing.sounds(buffered_us=2 * SECOND)
    assert playing.step().playing is Playing.STATION
    assert playing.choice.reason is None


def test_what_is_buffered_still_plays_while_the_next_address_is_connected() -> None:
    turned = Turned(TWO)
    turned.step()
    turned.sounds()
    turned.step()
    turned.fails()
    step = turned.step()
    assert (step.playing, step.disconnect, step.connect) == (Playing.STATION, True, "")
    turned.now_us += BETWEEN_ADDRESSES_US
    assert turned.step().connect == TWO[1]


def test_pauses_grow_after_each_round_up_to_the_most_and_begin_again_after_good_sound() -> None:
    turned = Turned()
    turned.step()
    for _ in range(9):
        turned.fails()
        turned.step(is_due=False)
        turned.connect()
    pauses = [later - earlier for (earlier, _), (later, _) in zip(turned.connects, turned.connects[1:], strict=False)]
    assert pauses[:3] == [FIRST_PAUSE_US, 2 * FIRST_PAUSE_US, 4 * FIRST_PAUSE_US]
    assert pauses[-1] == MOST_PAUSE_US
    turned.play(40)
    turned.fails()
    turned.step()
    failed_us = turned.now_us
    turned.connect()
    assert turned.now_us - failed_us == FIRST_PAUSE_US


def test_an_address_without_sound_is_given_up_in_time() -> None:
    turned = Turned(TWO)
    turned.step()
    turned.now_us = CONNECT_WITHIN_US
    assert not turned.step(is_due=False).disconnect
    turned.now_us += 1
    assert turned.step(is_due=False).disconnect
    turned.now_us += BETWEEN_ADDRESSES_US
    assert turned.step(is_due=False).connect == TWO[1]


def test_a_stalled_connection_is_given_up_and_one_that_comes_in_bursts_is_not(playing: Turned) -> None:
    heard_us = playing.now_us
    playing.now_us += STALLED_AFTER_US + 1
    playing.buffered_us = 0
    playing.observed = Observed(None, heard_us, SECOND, burst_us=6 * SECOND)
    assert not playing.step(is_late=True).disconnect
    playing.observed = Observed(None, heard_us, SECOND)
    assert playing.step(is_late=True).disconnect


def test_silence_of_the_set_length_is_a_failure_and_a_shorter_one_is_none(playing: Turned) -> None:
    assert Playing.FALLBACK not in playing.play(9.9, level_db=-70.0)
    playing.play(1.0)
    played = playing.play(11, level_db=-70.0)
    assert played.index(Playing.FALLBACK) == 500
    assert str(playing.choice.reason) == "The station is silent."
    returned = playing.play(3)
    assert returned[:70] == [Playing.FALLBACK] * 70  # a click is not the station
    assert returned[80:] == [Playing.STATION] * 70


def test_a_silent_station_with_another_address_is_left_for_it() -> None:
    turned = Turned(TWO)
    turned.step()
    turned.play(1)
    turned.play(17, level_db=-70.0)
    assert [url for _, url in turned.connects][:2] == TWO


def test_a_station_that_may_be_silent_is_never_left_for_it() -> None:
    turned = Turned(silence_us=0)
    turned.step()
    assert set(turned.play(60, level_db=-90.0)) == {Playing.STATION}
