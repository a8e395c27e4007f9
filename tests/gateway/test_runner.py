"""A chain is switched in order, sound may come when all of it holds, and nothing is ever left on."""

import pytest

from gateway.description import Chain, ChainKind, Dtmf, Switch, Wait
from gateway.device_description import GpioOutput
from gateway.runner import HANGS_S, RETRY_OFF_S, RETRY_S, ChainRunner, ChainState
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


def test_what_could_not_be_switched_off_is_tried_again_until_it_is(bench: Bench) -> None:
    bench.wish(True)
    bench.board.fails = {("amp", False)}
    bench.wish(False)
    assert bench.runner.may_be_on
    bench.board.fails = set()
    bench.clock.at_s += RETRY_OFF_S - 0.1
    bench.runner.turn()
    assert bench.board.on == {"amp"}
    bench.clock.at_s += 0.2
    bench.runner.turn()
    assert bench.board.on == set()
    assert not bench.runner.may_be_on
    assert bench.runner.failure == ""


def test_what_a_failed_start_left_on_is_dropped_while_sound_is_still_wanted(bench: Bench) -> None:
    bench.line.value = None
    bench.board.fails = {("mains", False)}
    bench.wish(True)
    assert bench.board.on == {"mains"}
    bench.board.fails = set()
    bench.clock.at_s += RETRY_OFF_S
    bench.runner.turn()
    assert bench.board.on == set()
    assert bench.runner.failure.startswith("step 4: ")


def test_an_error_of_our_own_in_one_step_off_keeps_none_of_the_others_on(bench: Bench) -> None:
    bench.wish(True)
    bench.board.breaks = {("amp", False)}
    bench.wish(False)
    assert bench.board.on == {"amp"}
    assert "broken" in bench.runner.failure


def test_a_step_that_takes_longer_than_it_may_hangs(bench: Bench) -> None:
    hung: list[tuple[float, bool]] = []
    bench.board.slow = {("amp", True): 4.0}
    bench.clock.during = lambda at_s: hung.append((round(at_s - 100.5, 2), bench.runner.hangs))
    bench.wish(True)
    assert {at_s for at_s, hangs in hung if hangs} == {at_s for at_s, _ in hung if 1.0 + HANGS_S < at_s <= 4.0}


class Tones:
    """Sounds tones as long as they take, or never ends."""

    def __init__(self, clock: HandClock, *, ends: bool = True) -> None:
        self.clock, self.ends = clock, ends
        self.asked: list[tuple[str, float]] = []
        self._until_s = 0.0

    def call(self, digits: str, on_ms: int, off_ms: int, level_dbfs: float, twist_db: float) -> None:
        self.asked.append((digits, round(self.clock.now_s() - 100, 2)))
        self._until_s = self.clock.now_s() + len(digits) * (on_ms + off_ms) / 1000

    def called(self) -> bool:
        return self.ends and self.clock.now_s() >= self._until_s


def transmitter(clock: HandClock, board: Board) -> ChainRunner:
    chain = Chain(
        kind=ChainKind.FM,
        outputs={"carrier": GpioOutput(pin="GPIO17"), "mute": GpioOutput(pin="GPIO22")},
        on=[Switch(output="carrier"), Wait(ms=500), Dtmf(digits="12"), Switch(output="mute")],
        off=[Switch(output="mute"), Dtmf(digits="0"), Switch(output="carrier")],
    )
    return ChainRunner(chain, {name: board.relay(name) for name in ("carrier", "mute")}, {}, clock)


def test_tones_sound_after_the_carrier_settled_and_the_chain_is_on_when_they_are_through() -> None:
    clock = HandClock()
    board, tones = Board(clock), Tones(clock)
    runner = transmitter(clock, board)
    runner.caller = tones
    runner.switch(True)
    runner.turn()
    assert tones.asked == [("12", 0.5)]
    assert board.done == [(0.0, "carrier", True), (pytest.approx(0.9, abs=0.11), "mute", True)]
    assert clock.now_s() - 100 <= runner.lead_ms / 1000
    assert runner.lead_ms == 1000 + 500 + (2 * 200 + 1000) + 1000
    runner.switch(False)
    runner.turn()
    assert [digits for digits, _ in tones.asked] == ["12", "0"]
    assert board.on == set()


def test_tones_that_do_not_sound_end_with_everything_off() -> None:
    for caller, said in ((None, "no sound card"), ("stuck", "takes no samples")):
        clock = HandClock()
        board = Board(clock)
        runner = transmitter(clock, board)
        runner.caller = Tones(clock, ends=False) if caller else None
        runner.switch(True)
        runner.turn()
        assert board.on == set()
        assert said in runner.failure


def test_at_a_start_nothing_sounds_and_the_rest_is_dropped() -> None:
    clock = HandClock()
    board = Board(clock)
    runner = transmitter(clock, board)
    runner.drop()
    assert [(name, on) for _, name, on in board.done] == [("mute", False), ("carrier", False)]
    assert runner.failure == ""


def villages(board: Board, clock: HandClock) -> ChainRunner:
    """A carrier, and a group for each of two villages."""
    chain = Chain(
        kind=ChainKind.FM,
        outputs={"carrier": GpioOutput(pin="GPIO17"), "g3": GpioOutput(pin="GPIO22"), "g7": GpioOutput(pin="GPIO27")},
        on=[
            Switch(output="carrier"),
            Wait(ms=500),
            Switch(output="g3", zones=["thon-3"]),
            Switch(output="g7", zones=["thon-7", "thon-8"]),
        ],
    )
    return ChainRunner(chain, {name: board.relay(name) for name in ("carrier", "g3", "g7")}, {}, clock)


@pytest.mark.parametrize(
    ("zones", "on"),
    [
        (None, {"carrier", "g3", "g7"}),
        (frozenset({"thon-3"}), {"carrier", "g3"}),
        (frozenset({"thon-8", "chợ"}), {"carrier", "g7"}),
        (frozenset({"chợ"}), {"carrier"}),
    ],
)
def test_only_the_steps_of_the_zones_that_are_meant_are_done(zones: frozenset[str] | None, on: set[str]) -> None:
    clock = HandClock()
    board = Board(clock)
    runner = villages(board, clock)
    runner.switch(True, zones)
    runner.turn()
    assert board.on == on
    runner.switch(False)
    runner.turn()
    assert board.on == set()
    assert {(name, on) for _, name, on in board.done if not on} == {("carrier", False), ("g3", False), ("g7", False)}


def test_other_zones_of_the_next_broadcast_are_switched_over_without_letting_the_carrier_go() -> None:
    clock = HandClock()
    board = Board(clock)
    runner = villages(board, clock)
    runner.switch(True, frozenset({"thon-3"}))
    runner.turn()
    done = len(board.done)
    runner.switch(True, frozenset({"thon-7"}))
    runner.turn()
    assert [(name, on) for _, name, on in board.done[done:]] == [("g3", False), ("g7", True)]
    assert runner.is_on
    runner.switch(True, None)
    runner.turn()
    assert board.on == {"carrier", "g3", "g7"}


def test_zones_that_cannot_be_switched_over_end_with_everything_off() -> None:
    clock = HandClock()
    board = Board(clock)
    runner = villages(board, clock)
    runner.switch(True, frozenset({"thon-3"}))
    runner.turn()
    board.fails = {("g7", True)}
    runner.switch(True, frozenset({"thon-7"}))
    runner.turn()
    assert board.on == set()
    assert runner.failure == "step 4: g7 does not answer"
