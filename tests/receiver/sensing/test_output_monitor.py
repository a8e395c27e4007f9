"""What meters say while it sounds goes to the broadcast that sounds, into its report, the heartbeat and the faults."""

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from receiver.sensing import output_monitor as witness_module
from receiver.sensing.output_monitor import OutputMonitor
from receiver.sensing.sensors import NoSensors, board_temperature_c
from tests.fakes.speaker import FakeSpeaker
from wire.reports import Link, Supply

SECOND_US = 1_000_000


class Meters(NoSensors):
    """Meters that say what they are told to."""

    def __init__(self, least: float | None = 0.2) -> None:
        self.draw_least, self.draw_unit = least, "A"  # type: ignore[assignment]
        self.says: list[float] = []
        self.loud: list[bool] = []
        self.wrong: dict[str, str] = {}

    @property
    def faults(self) -> dict[str, str]:
        return self.wrong

    def hear(self, loud: bool) -> None:
        self.loud.append(loud)

    def draws(self) -> list[float]:
        said, self.says = self.says, []
        return said


class Playing:
    """A playout in which something sounds, so loud."""

    def __init__(self, broadcast: str = "b1", level_dbfs: float = -20.0) -> None:
        self.broadcast, self.level = broadcast, level_dbfs

    def now_playing(self) -> Any:
        return SimpleNamespace(cue=SimpleNamespace(broadcast=self.broadcast)) if self.broadcast else None

    def level_dbfs(self) -> float:
        return self.level


@pytest.fixture
def meters() -> Meters:
    return Meters()


@pytest.fixture
def monitor(tmp_path: Path, meters: Meters) -> OutputMonitor:
    return OutputMonitor(tmp_path, FakeSpeaker(), meters, None)


def step(monitor: OutputMonitor, playing: Playing, at_s: float = 0) -> None:
    monitor.step(playing, round(at_s * SECOND_US))  # type: ignore[arg-type]


def test_readings_belong_to_what_sounds_and_is_loud(monitor: OutputMonitor, meters: Meters) -> None:
    for broadcast, level, says in (("b1", -20.0, 1.5), ("b1", -60.0, 0.0), ("", -20.0, 0.0), ("b2", -20.0, 0.1)):
        meters.says = [says]
        step(monitor, Playing(broadcast, level))
    assert meters.loud == [True, False, False, True]
    electrical, acoustic = monitor.proof("b1")
    assert electrical is not None
    assert (electrical.passed, electrical.readings, acoustic) == (True, 1, None)
    other, _ = monitor.proof("b2")
    assert other is not None
    assert other.passed is False


def test_faults_of_the_meters_and_those_found_by_them_are_told_together(monitor: OutputMonitor, meters: Meters) -> None:
    meters.wrong = {"mains": "82.5 V"}
    for _ in range(10):
        meters.says = [0.0]
        step(monitor, Playing())
    assert monitor.faults == {"mains": "82.5 V", "amplifier": "0 A < 0.2 A"}


def test_a_meter_that_was_taken_away_leaves_no_fault_behind(
    tmp_path: Path, monitor: OutputMonitor, meters: Meters
) -> None:
    for _ in range(10):
        meters.says = [0.0]
        step(monitor, Playing())
    assert list(OutputMonitor(tmp_path, FakeSpeaker(), Meters(), None).faults) == ["amplifier"], "it outlives a start"
    assert OutputMonitor(tmp_path, FakeSpeaker(), NoSensors(), None).faults == {}


def test_the_heartbeat_says_what_is_measured_and_nothing_else(monitor: OutputMonitor, meters: Meters) -> None:
    assert (monitor.supply, monitor.link) == (None, None)
    meters.mains_v, meters.sim, meters.operator = 229.0, "ready", "Viettel"  # type: ignore[assignment]
    assert monitor.supply == Supply(mains_v=229.0)
    assert monitor.link == Link(operator="Viettel", sim="ready")


def test_a_board_that_is_too_hot_is_a_fault_until_it_has_cooled(
    monkeypatch: pytest.MonkeyPatch, monitor: OutputMonitor
) -> None:
    told = []
    for at_s, celsius in ((0, 84.9), (10, 85.1), (20, 81.0), (30, 79.9)):
        monkeypatch.setattr(witness_module, "board_temperature_c", lambda celsius=celsius: celsius)
        step(monitor, Playing(), at_s)
        told.append(monitor.faults.get("temperature", ""))
    assert told == ["", "85 °C", "81 °C", ""]
    assert monitor.temperature_c == 79.9


def test_the_hottest_zone_of_the_board_counts_and_senseless_ones_do_not(tmp_path: Path) -> None:
    assert board_temperature_c(tmp_path) is None
    for number, said in enumerate(("41500\n", "52250\n", "-274000\n", "broken")):
        (tmp_path / f"thermal_zone{number}").mkdir()
        (tmp_path / f"thermal_zone{number}" / "temp").write_text(said)
    assert board_temperature_c(tmp_path) == 52.25
