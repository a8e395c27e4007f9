"""A chain is switched in order, sound may come when all of it holds, and nothing is ever left on."""

import pytest

from gateway.runner import RETRY_S, ChainRunner, ChainState
from tests.gateway.chains import Board, HandClock, Needle, wired


class Bench:
    """A chain on a bench."""

    def __init__(self) -> None:
        self.clock, self.line = HandClock(), Needle()
        self.board = Board(self.clock)
        relays = {name: self.board.relay(name) for name in ("mains", "amp", "mute")}
        self.runner = ChainRunner(wired(), relays, {"line": self.line, "door": Needle()}, self.clock)

    def wish(self, on: bool) -> None:
        self.runner.switch(on)
        self.runner.turn()


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_the_steps_go_in_order_with_their_times_and_off_the_other_way_round(bench: Bench) -> None:
    bench.wish(True)
    assert bench.runner.is_on
    assert bench.board.done == [(0.0, "mains", True), (0.5, "amp", True), (0.5, "mute", True)]
    assert bench.runner.readings == {"line": 220.0}
    bench.wish(False)
    assert [(name, on) for _, name, on in bench.board.done[3:]] == [("mute", False), ("amp", False), ("mains", False)]
    assert bench.board.on == set()
    assert bench.runner.state is ChainState.OFF


def test_it_is_on_within_the_lead_worked_out_of_its_steps(bench: Bench) -> None:
    bench.line.value = 0.0
    bench.clock.during = lambda at_s: setattr(bench.line, "value", 220.0 if at_s >= 101.4 else 0.0)
    bench.wish(True)
    assert bench.runner.is_on
    assert bench.clock.now_s() - 100 <= bench.runner.lead_ms / 1000
    assert bench.runner.lead_ms == 3 * 1000 + 500 + 1000


@pytest.mark.parametrize("reading", [None, 0.0, 400.0])
def test_a_line_that_does_not_come_up_ends_with_everything_off_and_says_why(
    bench: Bench, reading: float | None
) -> None:
    bench.line.value = reading
    bench.wish(True)
    assert not bench.runner.is_on
    assert bench.board.on == set()
    assert bench.runner.failure.startswith("step 4: line ")
    assert ("mute", True) not in [(name, on) for _, name, on in bench.board.done]


@pytest.mark.parametrize("fails", ["mains", "amp", "mute"])
def test_a_relay_that_fails_leaves_nothing_on(bench: Bench, fails: str) -> None:
    bench.board.fails = {(fails, True)}
    bench.wish(True)
    assert bench.board.on == set()
    assert f"{fails} does not answer" in bench.runner.failure


def test_one_that_cannot_be_switched_off_keeps_none_of_the_others_on(bench: Bench) -> None:
    bench.wish(True)
    bench.board.fails = {("amp", False)}
    bench.wish(False)
    assert bench.board.on == {"amp"}
    assert "amp does not answer" in bench.runner.failure


def test_a_failed_chain_rests_and_is_tried_again_while_sound_is_wanted(bench: Bench) -> None:
    bench.line.value = None
    bench.wish(True)
    tried = len(bench.board.done)
    bench.clock.at_s += RETRY_S - 5
    bench.runner.turn()
    assert len(bench.board.done) == tried
    bench.clock.at_s += 6
    bench.line.value = 220.0
    bench.runner.turn()
    assert bench.runner.is_on
    assert bench.runner.failure == ""


def test_a_new_wish_is_tried_at_once(bench: Bench) -> None:
    bench.line.value = None
    bench.wish(True)
    bench.wish(False)
    bench.line.value = 220.0
    bench.wish(True)
    assert bench.runner.is_on


def test_a_wish_that_is_over_before_the_chain_is_on_drops_it_at_once(bench: Bench) -> None:
    bench.clock.during = lambda at_s: bench.runner.switch(False) if at_s > 100.2 else None
    bench.wish(True)
    assert bench.board.on == set()
    assert bench.clock.now_s() - 100 < 0.4
    assert ("amp", True) not in [(name, on) for _, name, on in bench.board.done]
    assert bench.runner.failure == ""


def test_the_end_drops_everything(bench: Bench) -> None:
    bench.wish(True)
    bench.runner.end()
    bench.runner.turn()
    assert bench.board.on == set()
    assert not bench.runner.is_on
