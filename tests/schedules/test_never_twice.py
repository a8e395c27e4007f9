"""Whatever is edited, whenever the controller dies, however the clock is set: no instant sounds twice, none is lost.

Receivers are modelled as what they are: they sound what was announced and holds, and report it. Time runs on a clock
turned by hand.
"""

import tempfile
from collections import Counter
from contextlib import nullcontext, suppress
from datetime import date, datetime, time, timedelta
from pathlib import Path
from unittest.mock import patch

import hypothesis.strategies as st
import pytest
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule
from sqlmodel import col, select

from broadcast.broadcasts import Broadcast
from broadcast.manifests import manifest_of
from broadcast.play_reports import take_report
from broadcast.programmes import Item, ItemKind, replace_items
from devices.communes import commune
from runtime.clock import ManualClock
from runtime.refusal import Refusal
from schedules import slot_planning, slots
from schedules.recurrence import Repeat, Rule
from schedules.schedules import due, schedules
from schedules.slot_planning import LEAST_LEFT, plan
from schedules.slots import Slot
from schedules.timetable import add_schedule, change_schedule, pause
from tests.broadcast.studio import ALL, Studio
from tests.cast import COMMUNE, MORNING
from tests.empty_database import empty_database
from wire.broadcasts import BroadcastClass
from wire.messages import CONTROLLER
from wire.reports import Outcome, PlayReport

AHEAD = timedelta(hours=6)
HOURS = [time(5, 0, 30), time(5, 2), time(5, 2, 45), time(6, 0), time(9, 30)]
TIMES = st.lists(st.sampled_from(HOURS), min_size=1, max_size=3, unique=True)
Key = tuple[str, datetime]


class Killed(BaseException):
    """The process is gone, here and now."""


class Timetable(RuleBasedStateMachine):
    """One controller, its timetable, and receivers that hear all."""

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.clock = ManualClock(MORNING)
        self.database = empty_database(Path(self.folder.name) / "test.db")
        self.studio = Studio(self.clock, self.database)
        self.alive = True
        self.numbers: list[int] = []
        #: which broadcasts sounded at which instant of which schedule.
        self.sounded: dict[Key, set[str]] = {}

    def teardown(self) -> None:
        self.database.close()
        self.folder.cleanup()

    @initialize(times=TIMES)
    def begin(self, times: list[time]) -> None:
        self.add(times)

    @precondition(lambda self: self.alive and len(self.numbers) < 3)
    @rule(times=TIMES)
    def add(self, times: list[time]) -> None:
        with suppress(Refusal), self.database.writing() as session:
            added = add_schedule(
                session,
                COMMUNE,
                programme_id=self.studio.programme,
                rule=self.daily(times),
                targets=ALL,
                class_=BroadcastClass.NORMAL,
                now=self.clock.now(),
            )
            added.title = f"schedule {added.number}"  # so that a broadcast tells whose it is, whatever its slot says
            self.numbers.append(added.number)
        self.wake()

    @precondition(lambda self: self.alive)
    @rule(which=st.integers(0, 2), times=TIMES)
    def edit(self, which: int, times: list[time]) -> None:
        with suppress(Refusal), self.database.writing() as session:
            change_schedule(session, self.number(which), rule=self.daily(times), now=self.clock.now())
        self.wake()

    @precondition(lambda self: self.alive)
    @rule(which=st.integers(0, 2), resting=st.booleans())
    def rest(self, which: int, resting: bool) -> None:
        with self.database.writing() as session:
            pause(session, self.number(which), resting, self.clock.now())
        self.wake()

    @precondition(lambda self: self.alive)
    @rule(clip=st.sampled_from(["bulletin", "storm", ""]))
    def put_into_the_programme(self, clip: str) -> None:
        with self.database.writing() as session:
            replace_items(session, self.studio.programme, [Item(ItemKind.CLIP, clip)] if clip else [])
        self.wake()

    @rule(seconds=st.sampled_from([1, 15, 29, 60, 200, 3600]))
    def let_time_pass(self, seconds: int) -> None:
        """In two steps of the alarm clock; receivers sound meanwhile whether the controller lives or not."""
        step = timedelta(seconds=seconds) / 2
        for _ in range(2):
            self.clock.advance(step)
            self.sound(self.clock.now() - step)
            if self.alive:
                self.wake()

    @rule()
    def kill(self) -> None:
        self.alive = False

    @precondition(lambda self: self.alive)
    @rule(before_commit=st.booleans())
    def kill_in_the_middle_of_a_plan(self, before_commit: bool) -> None:
        """Between claim and commit, or after the commit and before anything is sent."""
        fate = patch.object(slot_planning, "_plan_one", side_effect=Killed) if before_commit else nullcontext()
        with fate, suppress(Killed):
            plan(self.database, self.clock.now(), AHEAD)
        self.alive = False

    @precondition(lambda self: not self.alive)
    @rule()
    def start(self) -> None:
        self.alive = True
        self.wake()

    @rule(by=st.sampled_from([timedelta(hours=-1), timedelta(days=1), timedelta(days=-1), timedelta(seconds=-40)]))
    def set_the_clock(self, by: timedelta) -> None:
        self.clock.set(self.clock.now() + by)
        if self.alive:
            self.wake()

    @invariant()
    def no_instant_sounded_twice(self) -> None:
        assert {key: ids for key, ids in self.sounded.items() if len(ids) > 1} == {}

    @invariant()
    def every_instant_has_at_most_one_broadcast_that_holds(self) -> None:
        held = Counter((b.title, b.starts_at) for b in self.broadcasts() if b.withdrawn_at is None and not b.missed)
        assert [key for key, count in held.items() if count > 1] == []

    @invariant()
    def no_claim_is_without_its_broadcast(self) -> None:
        with self.database.session() as session:
            orphans = session.exec(select(Slot).where(col(Slot.broadcast_id).is_(None), Slot.outcome != "refused"))
            assert list(orphans) == []

    @invariant()
    def none_is_lost_that_can_still_be_played(self) -> None:
        """After a plan every due instant of the horizon holds a broadcast, or has sounded, or says why not."""
        if not self.alive:
            return
        now = self.clock.now()
        with self.database.session() as session:
            for number in self.numbers:
                found = schedules(session, COMMUNE)
                schedule = next(s for s in found if s.number == number)
                zone = commune(session, COMMUNE).zone
                taken = {s.due_at: s for s in slots.slots_of(session, number)}
                for due_at in due(schedule, zone, now, now + AHEAD):
                    slot = taken[due_at]
                    if slot.outcome == "refused":
                        continue
                    assert slot.outcome == "planned"
                    planned = session.get(Broadcast, slot.broadcast_id)
                    assert planned is not None
                    assert planned.withdrawn_at is None
                    assert not planned.missed
                    assert planned.starts_at == due_at

    def wake(self) -> None:
        """The alarm clock, then the transmitter."""
        plan(self.database, self.clock.now(), AHEAD)
        self.studio.transmitter.announce_due()

    def sound(self, since: datetime) -> None:
        """What the receivers hold sounds from `since` until now, and is reported."""
        now = self.clock.now()
        for planned in self.broadcasts():
            if not planned.announced_revision or planned.starts_at >= now or planned.sounds_until <= since:
                continue
            manifest = manifest_of(planned, now)
            if manifest.withdrawn or planned.missed:
                continue
            self.sounded.setdefault((planned.title, planned.starts_at), set()).add(planned.id)
            said = PlayReport(
                to=CONTROLLER,
                revision=1,
                issued_at_us=1,
                expires_at_us=2,
                report=f"report {planned.id}",
                receiver="loa-1",
                broadcast=planned.id,
                manifest_revision=1,
                outcome=Outcome.PLAYED,
            )
            with self.database.writing() as session:
                take_report(session, "loa-1", said)

    def broadcasts(self) -> list[Broadcast]:
        with self.database.session() as session:
            return list(session.exec(select(Broadcast)))

    def number(self, which: int) -> int:
        return self.numbers[which % len(self.numbers)]

    @staticmethod
    def daily(times: list[time]) -> Rule:
        return Rule(repeat=Repeat.DAILY, times=times, from_day=date(2026, 11, 20))


# Not shrunk: that takes minutes here, and the steps as they were found say enough.
Timetable.TestCase.settings = settings(
    max_examples=25,
    stateful_step_count=20,
    phases=(Phase.generate,),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
TestTimetable = Timetable.TestCase


@pytest.mark.parametrize("left", [LEAST_LEFT, timedelta(seconds=59)])
def test_the_model_itself_hears_what_is_joined_late(left: timedelta) -> None:
    """Guards the guard: a model in which nothing ever sounds would find nothing."""
    machine = Timetable()
    try:
        machine.add([time(6, 0)])
        machine.kill()
        machine.clock.set(datetime(2026, 11, 24, 6, 1, tzinfo=MORNING.tzinfo) - left)
        machine.start()
        machine.let_time_pass(15)
        assert [len(ids) for ids in machine.sounded.values()] == [1]
    finally:
        machine.teardown()
