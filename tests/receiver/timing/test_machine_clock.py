"""After a start without network only the battery clock tells how long the machine was off."""

from collections.abc import Callable
from pathlib import Path

import pytest

from receiver.timing.machine_clock import MachineClock
from receiver.timing.station_time import StationTime
from receiver.timing.time_asker import MOST_ERROR_US, TimeAsker
from tests.receiver.plans import KEY, KEYS, NOW_US
from tests.receiver.timing.test_time_asker import LOCAL_US, exchange, tell

HOUR_S = 3600


class Machine:
    """A machine that is switched off and on; its clocks are turned by hand."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.rtc = folder / "rtc" / "rtc0" / "since_epoch"
        self.rtc.parent.mkdir(parents=True)
        self.boot = folder / "boot_id"
        self.boot.write_text("first\n")
        self.seconds = NOW_US / 1e6 + 7 * HOUR_S  # it shows local time, as some do
        self.passed_s = 0.0
        self.clock = MachineClock(folder / "rtc", self.boot, rest=self.rest, monotonic=lambda: self.passed_s)
        self.show()

    def show(self) -> None:
        self.rtc.write_text(f"{int(self.seconds)}\n")

    def rest(self, seconds: float) -> None:
        self.passed_s += seconds
        self.seconds += seconds
        self.show()

    def start_anew(self, off_s: float, battery_lost_s: float = 0.0) -> None:
        self.boot.write_text("second\n")
        self.seconds += off_s - battery_lost_s
        self.show()

    def asker(self, station: StationTime) -> TimeAsker:
        return TimeAsker(station, "loa-1", KEYS, self.folder / "time.json", self.clock)


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    """One that has known the time."""
    made = Machine(tmp_path)
    asker = made.asker(StationTime())
    for k in range(40):
        exchange(asker, LOCAL_US + k * 60_000)
    asker.keep(LOCAL_US + 3_000_000)
    return made


def recall(machine: Machine, local: Callable[[], int] = lambda: 1_000_000) -> StationTime:
    station = StationTime()
    machine.asker(station).recall(local, lambda _: None)
    return station


@pytest.mark.parametrize("off_s", [5.0, HOUR_S, 72 * HOUR_S])
def test_it_knows_the_time_again_within_the_error_that_it_says(machine: Machine, off_s: float) -> None:
    machine.start_anew(off_s)
    station = recall(machine)
    assert station.locked
    truth_us = NOW_US + 3_000_000 + (off_s + machine.passed_s) * 1e6
    error_us = station.error_us(1_000_000)
    assert abs(station.to_controller_us(1_000_000) - truth_us) <= error_us
    assert 500_000 < error_us < 600_000 + off_s * 55


def test_a_battery_clock_that_ran_wrong_within_its_drift_is_still_within_the_error(machine: Machine) -> None:
    off_s = 72 * HOUR_S
    machine.start_anew(off_s, battery_lost_s=off_s * 49e-6)
    station = recall(machine)
    truth_us = NOW_US + 3_000_000 + (off_s + machine.passed_s) * 1e6
    assert abs(station.to_controller_us(1_000_000) - truth_us) <= station.error_us(1_000_000)


def test_a_dead_battery_no_clock_at_all_and_one_that_stands_leave_the_time_unknown(machine: Machine) -> None:
    machine.start_anew(HOUR_S)
    machine.rtc.write_text("17\n")  # 1970
    machine.clock._rest = lambda s: setattr(machine, "passed_s", machine.passed_s + s)  # it stands
    assert not recall(machine).locked
    machine.rtc.unlink()
    assert not recall(machine).locked


def test_without_a_battery_clock_the_drift_of_the_crystal_is_known_after_each_power_up(tmp_path: Path) -> None:
    made = Machine(tmp_path)
    made.rtc.unlink()
    asker = made.asker(StationTime())
    for k in range(600):
        passed_us = k * 100_000
        ask = asker.ask(LOCAL_US + passed_us)
        at_us = LOCAL_US + passed_us + 500 + round(passed_us * 40 * 1e-6)
        asker.answered(KEY.seal(tell(ask, at_us)), LOCAL_US + passed_us + 1000)
    asker.keep(LOCAL_US + 60_000_000)
    for boot in ("second", "third"):
        made.boot.write_text(boot)
        station = recall(made)
        assert not station.locked
        assert station.drift_ppm == pytest.approx(40.0, abs=0.5)


def test_one_that_began_in_1970_and_runs_is_not_believed(machine: Machine) -> None:
    machine.start_anew(HOUR_S)
    machine.seconds = 17.0
    machine.show()
    assert not recall(machine).locked


def test_a_clock_without_a_battery_that_was_never_set_is_not_taken_for_one_that_was_off_for_seconds(
    tmp_path: Path,
) -> None:
    made = Machine(tmp_path)
    made.seconds = 40.0  # since it got power
    made.show()
    asker = made.asker(StationTime())
    for k in range(40):
        exchange(asker, LOCAL_US + k * 60_000)
    asker.keep(LOCAL_US + 3_000_000)
    made.start_anew(off_s=1)  # hours, but it began at nothing again
    assert not recall(made).locked


def test_what_was_not_believed_once_is_not_believed_when_somebody_has_set_the_battery_clock(machine: Machine) -> None:
    kept_s = machine.seconds
    machine.start_anew(HOUR_S)
    machine.seconds = 17.0
    machine.show()
    assert not recall(machine).locked
    machine.boot.write_text("third\n")
    machine.seconds = kept_s + 60  # by a system clock that took up where it was switched off
    machine.show()
    assert not recall(machine).locked


@pytest.mark.parametrize("ppm", [-90.0, 90.0])
def test_a_day_without_network_after_the_start_is_within_the_error_with_any_usual_crystal(
    tmp_path: Path, ppm: float
) -> None:
    made = Machine(tmp_path)
    asker = made.asker(StationTime())
    for k in range(600):
        passed_us = k * 100_000
        ask = asker.ask(LOCAL_US + passed_us)
        at_us = LOCAL_US + passed_us + 500 + round(passed_us * ppm * 1e-6)
        asker.answered(KEY.seal(tell(ask, at_us)), LOCAL_US + passed_us + 1000)
    asker.keep(LOCAL_US + 60_000_000)
    made.start_anew(HOUR_S)
    station = recall(made)
    day_us = 86_400_000_000
    began_us = NOW_US + 60_000_000 * (1 + ppm * 1e-6) + (HOUR_S + made.passed_s) * 1e6
    truth_us = began_us + day_us * (1 + ppm * 1e-6)
    assert abs(station.to_controller_us(1_000_000 + day_us) - truth_us) <= station.error_us(1_000_000 + day_us)


def test_rather_nothing_than_a_minute_wrong_after_two_weeks_without_power(machine: Machine) -> None:
    machine.start_anew(MOST_ERROR_US / 50 + HOUR_S)
    assert not recall(machine).locked


def test_the_first_answers_from_the_network_take_its_place(machine: Machine) -> None:
    machine.start_anew(HOUR_S, battery_lost_s=0.15)
    station = recall(machine)
    asker = machine.asker(station)
    for k in range(30):
        exchange(asker, LOCAL_US + k * 60_000)  # LOCAL_US is the local instant of NOW_US
    local_us = LOCAL_US + 2_000_000
    assert abs(station.to_controller_us(local_us) - (NOW_US + 2_000_000)) < 50
    assert station.error_us(local_us) < 5_000
