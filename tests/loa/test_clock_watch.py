"""The clock watch with real tables and a controller clock, both clocks below it turned by hand."""

import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from click.testing import CliRunner
from sqlmodel import select

from loa.clock_command import clock
from loa.clock_watch import LONGEST_AWAY, RELEASED, ClockWatch
from loa.schema import open_database
from people.audit import Deed, note
from runtime.clock import STEP_HOLDS_US, ControllerClock, from_us, to_us
from runtime.clock_steps import ClockStep, StepAnswer, StepState, known_time
from runtime.database import Database
from runtime.settings import load_settings
from tests.cast import LAN, MORNING
from usecases.clock_steps import answer_clock_step
from usecases.services import Services

DAY = timedelta(days=1)


class Machine:
    """A controller's machine: its wall clock can be set, and the controller restarted on it."""

    def __init__(self, database: Database, shows: datetime = MORNING) -> None:
        self.database = database
        self.wall_us, self.monotonic_us = to_us(shows), 7_000_000
        self.restart()

    def restart(self) -> None:
        self.clock = ControllerClock(lambda: self.wall_us * 1000, lambda: self.monotonic_us * 1000)
        self.watch = ClockWatch(self.database, self.clock)
        self.watch.begin()

    def run(self, seconds: float) -> None:
        for _ in range(4):
            self.wall_us += round(seconds * 250_000)
            self.monotonic_us += round(seconds * 250_000)
            self.watch.step()

    def set(self, by: timedelta) -> None:
        """Set the wall clock, and wait until the step is believed."""
        self.wall_us += by // timedelta(microseconds=1)
        self.run(4 * STEP_HOLDS_US / 1e6)

    def answer(self, answer: StepAnswer) -> None:
        [step] = [step for step in self.steps() if step.waits]
        answer_clock_step(Services(self.database, self.clock), LAN, "", step.number, answer)
        self.watch.step()
        self.watch.step()

    def steps(self) -> list[ClockStep]:
        with self.database.session() as session:
            return list(session.exec(select(ClockStep).order_by(ClockStep.id)))

    @property
    def states(self) -> list[str]:
        return [step.state for step in self.steps()]

    @property
    def follows(self) -> bool:
        return abs(self.clock.now_us() - self.wall_us) < 1_000_000


@pytest.fixture
def machine(database: Database) -> Machine:
    return Machine(database)


def test_a_right_clock_asks_nothing_and_its_time_is_written_down(machine: Machine) -> None:
    machine.run(200)
    assert machine.clock.trusted
    assert machine.states == []
    with machine.database.session() as session:
        known_at = known_time(session)
    assert known_at is not None
    assert machine.clock.now() - known_at <= timedelta(seconds=70)


@pytest.mark.parametrize("by", [timedelta(hours=7), timedelta(hours=-14), timedelta(minutes=4)])
def test_a_step_within_a_day_is_followed_at_once_and_shown(machine: Machine, by: timedelta) -> None:
    machine.set(by)
    assert machine.follows
    [step] = machine.steps()
    assert step.state == StepState.TAKEN
    assert abs(step.after_at - step.before_at - by) < timedelta(seconds=1)


def test_a_step_of_seconds_is_followed_and_not_shown(machine: Machine) -> None:
    machine.set(timedelta(seconds=40))
    assert machine.follows
    assert machine.states == []


@pytest.mark.parametrize("by", [5 * DAY, -5 * DAY, DAY, -DAY, 3650 * DAY])
def test_a_larger_step_waits_for_a_person_and_is_followed_after_the_answer(machine: Machine, by: timedelta) -> None:
    stepped: list[int] = []
    machine.clock.on_step(stepped.append)
    before = machine.clock.now()
    machine.set(by)
    assert machine.states == ["asked"]
    assert machine.clock.trusted
    assert timedelta(0) < machine.clock.now() - before < timedelta(minutes=1), "time goes on as before"
    machine.answer(StepAnswer.FOLLOW)
    assert machine.follows
    assert machine.states == ["accepted"]
    assert stepped == [by // timedelta(microseconds=1)], "what plans and announces is told"


def test_a_refused_step_is_not_followed_and_not_asked_again(machine: Machine) -> None:
    before = machine.clock.now()
    machine.set(30 * DAY)
    machine.answer(StepAnswer.KEEP)
    machine.run(3600)
    assert machine.clock.now() - before < 2 * timedelta(hours=1)
    assert machine.states == ["kept"]
    machine.set(-30 * DAY)
    assert machine.states == ["gone"]
    assert machine.follows


def test_a_clock_that_comes_back_by_itself_ends_the_question(machine: Machine) -> None:
    machine.set(30 * DAY)
    machine.set(-30 * DAY)
    assert machine.states == ["gone"]
    assert machine.follows


def test_a_second_step_replaces_the_question(machine: Machine) -> None:
    machine.set(30 * DAY)
    machine.set(60 * DAY)
    assert machine.states == ["gone", "asked"]
    machine.answer(StepAnswer.FOLLOW)
    assert machine.follows


def test_a_start_before_the_release_is_doubted_until_the_clock_is_set_right(database: Database) -> None:
    machine = Machine(database, datetime(2020, 1, 1, tzinfo=UTC))
    machine.run(100)
    assert not machine.clock.trusted
    assert machine.states == ["doubted"]
    with database.session() as session:
        assert known_time(session) is None
    machine.set(MORNING - from_us(machine.wall_us))
    assert machine.clock.trusted
    assert machine.follows
    assert machine.states == ["gone", "taken"]


def test_a_start_before_the_last_known_time_is_doubted(machine: Machine) -> None:
    machine.run(100)
    machine.wall_us -= 600_000_000
    machine.restart()
    assert not machine.clock.trusted


def test_a_start_before_the_newest_row_of_an_earlier_version_is_doubted(database: Database) -> None:
    with database.writing() as session:
        note(session, at=MORNING, by="lan", commune_id="", action=Deed.STOPPED)
    assert not Machine(database, MORNING - timedelta(hours=1)).clock.trusted


def test_a_start_years_ahead_is_doubted_and_a_start_after_months_is_not(machine: Machine) -> None:
    machine.wall_us += (LONGEST_AWAY + DAY) // timedelta(microseconds=1)
    machine.restart()
    assert not machine.clock.trusted
    machine.wall_us -= 100 * DAY // timedelta(microseconds=1)
    machine.restart()
    assert machine.clock.trusted
    assert machine.states == ["gone"]


def test_a_person_confirms_a_time_that_seemed_wrong(database: Database) -> None:
    machine = Machine(database, RELEASED - 30 * DAY)
    stepped: list[int] = []
    machine.clock.on_step(stepped.append)
    machine.answer(StepAnswer.FOLLOW)
    assert machine.clock.trusted
    assert machine.states == ["accepted"]
    assert stepped == [0], "what plans and announces is told"


def test_a_clock_that_a_person_called_wrong_is_doubted_after_a_restart(machine: Machine) -> None:
    machine.set(30 * DAY)
    machine.answer(StepAnswer.KEEP)
    machine.restart()
    assert not machine.clock.trusted
    machine.set(-30 * DAY)
    assert machine.clock.trusted


def test_a_clock_set_right_after_a_time_ahead_was_accepted_is_right_after_a_restart_too(machine: Machine) -> None:
    machine.set(300 * DAY)
    machine.answer(StepAnswer.FOLLOW)
    machine.set(-300 * DAY)
    machine.answer(StepAnswer.FOLLOW)
    machine.restart()
    assert machine.clock.trusted


def test_the_question_is_answered_from_the_command_line(tmp_path: Path) -> None:
    database = open_database(load_settings(data_dir=tmp_path))
    machine = Machine(database)
    machine.set(5 * DAY)
    run, data = CliRunner(), ["--data", str(tmp_path)]
    assert "2026-11-28" in run.invoke(clock, data).output
    assert run.invoke(clock, ["follow", *data]).exit_code == 0
    machine.run(2)
    assert machine.follows
    assert "does not ask" in run.invoke(clock, data).output
    database.close()


def releases(changelog: str) -> list[date]:
    """Days of the releases. Each has one: "## 1.2.0 (2027-03-01)"."""
    headings = [line for line in changelog.splitlines() if line.startswith("## ") and line != "## Unreleased"]
    days = [re.search(r"\d{4}-\d{2}-\d{2}", heading) for heading in headings]
    return [date.fromisoformat(day[0]) if day else date.max for day in days]


def test_the_earliest_believed_time_is_that_of_the_newest_release() -> None:
    changelog = (Path(__file__).parents[2] / "CHANGELOG.md").read_text()
    assert "## Unreleased" in changelog
    assert max(releases(changelog), default=date.min) <= RELEASED.date()
    next_release = changelog.replace("## Unreleased", "## Unreleased\n\n## 1.0.0 (2027-03-01)")
    assert max(releases(next_release)) > RELEASED.date()
    assert releases("## 1.0.0\n") == [date.max], "a release without a day is no release"
