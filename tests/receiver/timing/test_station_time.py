"""Station time against simulated networks and clocks: a seeded world turned by hand, nothing sleeps."""

import math
import random
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from receiver.timing.station_time import StationTime
from wire.time import Exchange, TimeTell, exchange

OFFSET_US = 1_764_000_000_000_000
Way = Callable[[random.Random], float]


def lan(rnd: random.Random) -> float:
    return 150 + rnd.gammavariate(2, 30) + (rnd.expovariate(1 / 3000) if rnd.random() < 0.05 else 0)


def rough(rnd: random.Random) -> float:
    """Three times the jitter of 4G."""
    return 80_100 + rnd.uniform(-60_000, 60_000)


def four_g(rnd: random.Random) -> float:
    return 50_100 + rnd.uniform(-20_000, 20_000) + (250_000 if rnd.random() < 0.005 else 0)


@dataclass
class World:
    """A receiver that boots at local instant 1 s, a controller, and a network between them."""

    way: Way = lan
    back: Way | None = None
    drift_ppm: float = 0.0
    wander_ppm: float = 0.0
    seed: int = 1
    lost: float = 0.0
    #: Whether a quick packet waits behind a slow one that left before it, as on most links.
    in_order: bool = False
    now_us: int = 1_000_000
    jumped_us: float = 0.0
    station: StationTime = field(default_factory=StationTime)
    locked_after_us: int | None = None
    errors_us: list[float] = field(default_factory=list)
    outside: int = 0

    def __post_init__(self) -> None:
        self.rnd = random.Random(self.seed)
        self.flying: list[tuple[int, Exchange]] = []
        self.last_heard, self.last_answered = 0.0, 0

    def truth_us(self, local_us: float) -> float:
        # A box that the sun warms and the night cools, in half an hour for all of it.
        turn = 2 * math.pi / 1.8e9
        wandered_us = self.wander_ppm * 1e-6 * (1 - math.cos(local_us * turn)) / turn
        return local_us + OFFSET_US + self.jumped_us + local_us * self.drift_ppm * 1e-6 + wandered_us

    def run(self, seconds: float, *, answering: bool = True) -> None:
        end_us = self.now_us + round(seconds * 1e6)
        while True:
            ask_us = max(self.now_us, self.station.next_ask())
            self.flying.sort(key=lambda flight: flight[0])
            if self.flying and self.flying[0][0] <= min(ask_us, end_us):
                self.now_us, heard = self.flying.pop(0)
                self.station.add(heard)
                self.look()
                if self.station.burst_goes_on:
                    self.station.asked(self.now_us)
                    self.ask()
            elif ask_us >= end_us:
                self.now_us = end_us
                return
            else:
                self.now_us = ask_us
                self.station.asked(ask_us)
                if answering and self.rnd.random() >= self.lost:
                    self.ask()

    def ask(self) -> None:
        heard = self.now_us + self.way(self.rnd)
        if self.in_order:
            heard = self.last_heard = max(heard, self.last_heard)
        told = heard + 100
        answered = round(told + (self.back or self.way)(self.rnd))
        if self.in_order:
            answered = self.last_answered = max(answered, self.last_answered)
        tell = TimeTell(
            to="r/r1",
            issued_at_us=0,
            expires_at_us=0,
            revision=1,
            nonce="0" * 16,
            asked_local_us=self.now_us,
            heard_at_us=round(self.truth_us(heard)),
            told_at_us=round(self.truth_us(told)),
        )
        self.flying.append((answered, exchange(tell, answered)))

    def look(self) -> None:
        if not self.station.locked:
            return
        if self.locked_after_us is None:
            self.locked_after_us = self.now_us - 1_000_000
        error_us = self.station.to_controller_us(self.now_us) - self.truth_us(self.now_us)
        self.errors_us.append(error_us)
        self.outside += abs(error_us) > self.station.error_us(self.now_us)

    @property
    def error_now_us(self) -> float:
        return self.station.to_controller_us(self.now_us) - self.truth_us(self.now_us)


def test_nothing_is_known_before_the_lock_and_asking_says_so() -> None:
    station = StationTime()
    assert not station.locked
    assert not station.state(0, 0).locked
    with pytest.raises(LookupError):
        station.to_controller_us(0)


@pytest.mark.parametrize(("way", "limit_s"), [(lan, 2), (four_g, 5)])
def test_the_lock_comes_quickly(way: Way, limit_s: float) -> None:
    world = World(way, lost=0.02)
    world.run(limit_s)
    assert world.locked_after_us is not None
    assert world.locked_after_us <= limit_s * 1e6


@pytest.mark.parametrize(("way", "least_us", "most_us"), [(lan, 300, 16_000), (four_g, 80_000, 120_000)])
def test_the_heartbeat_says_how_long_a_round_trip_takes(way: Way, least_us: int, most_us: int) -> None:
    world = World(way=way)
    assert world.station.state(world.now_us, 0).round_trip_us == 0, "not known yet"
    world.run(10)
    assert least_us <= world.station.state(world.now_us, 0).round_trip_us <= most_us


@pytest.mark.parametrize("drift_ppm", [-80.0, 0.0, 20.0])
def test_on_a_quiet_network_it_is_within_some_microseconds(drift_ppm: float) -> None:
    worlds = [World(lan, drift_ppm=drift_ppm, seed=seed) for seed in range(3)]
    for world in worlds:
        world.run(25)
        world.errors_us.clear()
        world.run(35)
        assert max(map(abs, world.errors_us)) < 20
        assert world.station.drift_ppm == pytest.approx(drift_ppm, abs=0.5)


def test_jitter_of_twenty_milliseconds_leaves_less_than_half_of_one() -> None:
    for seed in range(3):
        world = World(four_g, drift_ppm=10.0, seed=seed)
        world.run(30)
        world.errors_us.clear()
        world.run(40)
        assert max(map(abs, world.errors_us)) < 500


def test_asks_keep_apart_on_a_link_that_keeps_the_order() -> None:
    """Asks each 25 ms, as on a link without order, leave a median of 1.1 ms after twelve seconds."""
    worlds = [World(rough, seed=seed, lost=0.03, in_order=True) for seed in range(16)]
    for world in worlds:
        world.run(12)
    errors_us = sorted(abs(world.error_now_us) for world in worlds)
    assert errors_us[8] < 800
    assert max(world.station.exchanges for world in worlds) < 250


def test_a_drift_known_from_before_helps_the_first_seconds_and_a_wrong_one_is_forgotten() -> None:
    def errors_us(known_ppm: float | None, seconds: float) -> list[float]:
        worlds = [World(four_g, drift_ppm=15.0, seed=seed, lost=0.005, in_order=True) for seed in range(12)]
        for world in worlds:
            if known_ppm is not None:
                world.station.recall_drift(known_ppm, 0.5)
            world.run(seconds)
        return sorted(abs(world.error_now_us) for world in worlds)

    assert sum(errors_us(14.0, 12)) < 0.8 * sum(errors_us(None, 12))
    assert errors_us(-60.0, 120)[-1] < 300


@pytest.mark.parametrize(("way", "wander_ppm", "most_us"), [(lan, 0.1, 30), (lan, 1.0, 200), (four_g, 0.5, 700)])
def test_a_crystal_that_wanders_is_followed(way: Way, wander_ppm: float, most_us: float) -> None:
    world = World(way, wander_ppm=wander_ppm)
    world.run(200)
    world.errors_us.clear()
    world.run(1200)
    assert max(map(abs, world.errors_us)) < most_us


@pytest.mark.parametrize("way", [lan, four_g])
def test_the_truth_is_within_the_error_bar(way: Way) -> None:
    world = World(way, drift_ppm=50.0)
    world.run(60)
    assert world.outside <= 0.01 * len(world.errors_us)


def test_a_network_slower_one_way_is_owned_up_to_in_the_error_bar() -> None:
    world = World(way=lambda rnd: 60_000 + rnd.uniform(0, 200), back=lambda rnd: 10_000 + rnd.uniform(0, 200))
    world.run(20)
    assert abs(world.error_now_us) == pytest.approx(25_000, abs=100)
    assert world.station.error_us(world.now_us) > 25_000
    assert world.outside == 0


@pytest.mark.parametrize("jump_us", [-7_200_000_000.0, 3_000_000.0])
def test_when_a_clock_was_set_it_begins_anew_within_seconds(jump_us: float) -> None:
    world = World()
    world.run(30)
    world.jumped_us = jump_us
    world.run(10)
    assert world.station.restarts == 1
    assert abs(world.error_now_us) < 100


def test_a_lone_contradicting_answer_moves_nothing() -> None:
    world = World()
    world.run(20)
    before = world.error_now_us
    world.station.add(Exchange(world.now_us, OFFSET_US + 5_000_000, 300))
    assert world.error_now_us == before
    world.run(5)
    assert world.station.restarts == 0


def test_a_slewing_controller_is_followed() -> None:
    world = World()
    world.run(60)
    world.jumped_us = 0.0
    before_us = world.now_us
    for _ in range(120):
        world.jumped_us = (world.now_us - before_us) * 40e-6
        world.run(1)
    assert abs(world.error_now_us) < 400


def test_absurd_answers_are_thrown_away() -> None:
    station = StationTime()
    assert not station.add(Exchange(1_000_000, 0.0, -5))
    assert not station.add(Exchange(1_000_000, 0.0, 60_000_000))
    assert station.absurd == 2
    assert station.exchanges == 0


def test_alone_it_holds_over_and_the_error_bar_grows() -> None:
    world = World(drift_ppm=30.0)
    world.run(60)
    bar_us = world.station.error_us(world.now_us)
    world.run(600, answering=False)
    assert abs(world.error_now_us) < world.station.error_us(world.now_us)
    assert world.station.error_us(world.now_us) > bar_us + 500
    assert abs(world.error_now_us) < 1_000
    assert world.station.state(world.now_us, 0).age_ms > 590_000


def test_at_rest_it_asks_about_once_a_second_and_unheard_it_does_not_storm() -> None:
    world = World()
    world.run(400)
    before = world.station.exchanges
    world.run(60)
    assert 30 <= world.station.exchanges - before <= 60
    deaf = World()
    deaf.run(300, answering=False)
    assert deaf.station._asked < 600
