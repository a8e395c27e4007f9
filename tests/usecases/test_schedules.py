"""Schedules: each step of the use case happens, or none; an emergency needs its own right on every path."""

from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import time, timedelta

import pytest
from sqlmodel import select

from people.audit import AuditEntry, Deed
from people.rights import Action, NotAllowed
from runtime.clock import ManualClock
from runtime.database import Database
from runtime.refusal import NotFound
from schedules.recurrence import Repeat, Rule
from schedules.schedules import Schedule
from tests.broadcast.studio import ALL, Studio
from tests.cast import COMMUNE, LAN, VIETNAM
from usecases import schedules
from usecases.actors import Actor
from usecases.schedules import ScheduleSettings
from usecases.services import Services
from wire.broadcasts import BroadcastClass

ANNOUNCER = Actor("hoa", allowed=frozenset({Action.TIMETABLE}))
TECHNICIAN = Actor("minh", allowed=frozenset({Action.RECEIVERS}))


@dataclass
class Office:
    studio: Studio
    planned: list[int] = field(default_factory=list)

    @property
    def services(self) -> Services:
        return Services(
            self.studio.database,
            self.studio.clock,
            plan=lambda _commune_id=None: self.planned.append(len(self.deeds())),
        )

    def settings(self, class_: BroadcastClass = BroadcastClass.NORMAL) -> ScheduleSettings:
        today = self.studio.now().astimezone(VIETNAM).date()
        rule = Rule(repeat=Repeat.DAILY, times=[time(17)], from_day=today)
        return ScheduleSettings(self.studio.programme, rule, ALL, class_)

    def add(self, actor: Actor, class_: BroadcastClass = BroadcastClass.NORMAL) -> int:
        return schedules.add_schedule(self.services, actor, COMMUNE, self.settings(class_)).number

    def kept(self) -> list[tuple[str, int, bool, bool]]:
        with self.studio.database.session() as session:
            rows = session.exec(select(Schedule).order_by(Schedule.id))  # type: ignore[arg-type]
            return [(s.class_, s.revision, s.paused, s.retired_at is not None) for s in rows]

    def deeds(self) -> list[str]:
        with self.studio.database.session() as session:
            return [e.action for e in session.exec(select(AuditEntry).order_by(AuditEntry.id))]  # type: ignore[arg-type]


@pytest.fixture
def office(clock: ManualClock, database: Database) -> Office:
    return Office(Studio(clock, database))


def change(office: Office, actor: Actor, number: int, class_: BroadcastClass = BroadcastClass.NORMAL) -> None:
    schedules.change_schedule(office.services, actor, COMMUNE, number, office.settings(class_))


def pause(office: Office, actor: Actor, number: int) -> None:
    schedules.pause_schedule(office.services, actor, COMMUNE, number, paused=True)


def resume(office: Office, actor: Actor, number: int) -> None:
    schedules.pause_schedule(office.services, actor, COMMUNE, number, paused=False)


def retire(office: Office, actor: Actor, number: int) -> None:
    schedules.retire_schedule(office.services, actor, COMMUNE, number)


def restore(office: Office, actor: Actor, number: int) -> None:
    schedules.restore_schedule(office.services, actor, COMMUNE, number)


def move(office: Office, actor: Actor, number: int) -> None:
    today = office.studio.now().astimezone(VIETNAM).date()
    schedules.move_airing(
        office.services,
        actor,
        COMMUNE,
        number,
        from_day=today,
        from_time=time(17),
        to_day=today,
        to_time=time(18),
    )


def copy(office: Office, actor: Actor, _number: int) -> None:
    today = office.studio.now().astimezone(VIETNAM).date()
    rule = Rule(repeat=Repeat.ONCE, times=[time(9)], from_day=today)
    with office.studio.database.session() as session:
        class_ = BroadcastClass(session.exec(select(Schedule.class_)).first() or "normal")
    schedules.add_schedule(office.services, LAN, COMMUNE, ScheduleSettings(office.studio.programme, rule, ALL, class_))
    schedules.copy_days(office.services, actor, COMMUNE, today, today + timedelta(days=1), 1)


ACTIONS: dict[Deed, Callable[[Office, Actor, int], None]] = {
    Deed.SCHEDULE_CHANGED: change,
    Deed.SCHEDULE_PAUSED: pause,
    Deed.SCHEDULE_RESUMED: resume,
    Deed.SCHEDULE_RETIRED: retire,
    Deed.SCHEDULE_RESTORED: restore,
    Deed.DAYS_COPIED: copy,
}

#: What must have been done for the action to change something.
BEFORE = {Deed.SCHEDULE_RESUMED: pause, Deed.SCHEDULE_RESTORED: retire}


def test_adding_writes_audits_and_plans_after_the_commit(office: Office) -> None:
    office.add(ANNOUNCER)
    assert office.kept() == [("normal", 1, False, False)]
    assert (office.deeds(), office.planned) == ([Deed.SCHEDULE_ADDED], [1])


def test_without_the_right_nothing_is_added(office: Office) -> None:
    with pytest.raises(NotAllowed):
        office.add(TECHNICIAN)
    assert (office.kept(), office.deeds(), office.planned) == ([], [], [])


@pytest.mark.parametrize("deed", ACTIONS)
def test_every_change_is_audited_and_planned(office: Office, deed: Deed) -> None:
    number = office.add(ANNOUNCER)
    if deed in BEFORE:
        BEFORE[deed](office, ANNOUNCER, number)
    ACTIONS[deed](office, ANNOUNCER, number)
    assert office.deeds()[-1] == deed
    assert office.planned[-1] == len(office.deeds())


@pytest.mark.parametrize("action", [*ACTIONS.values(), move])
def test_an_emergency_needs_its_own_right_on_every_path(
    office: Office, action: Callable[[Office, Actor, int], None]
) -> None:
    number = office.add(LAN, BroadcastClass.EMERGENCY)
    with pytest.raises(NotAllowed):
        action(office, ANNOUNCER, number)
    assert office.kept()[0] == ("emergency", 1, False, False)


def test_making_an_emergency_of_a_schedule_needs_the_right_to_emergencies(office: Office) -> None:
    with pytest.raises(NotAllowed):
        office.add(ANNOUNCER, BroadcastClass.EMERGENCY)
    number = office.add(ANNOUNCER)
    with pytest.raises(NotAllowed):
        change(office, ANNOUNCER, number, BroadcastClass.EMERGENCY)
    assert office.kept() == [("normal", 1, False, False)]


def test_a_schedule_of_another_commune_is_not_found(office: Office) -> None:
    number = office.add(LAN)
    with pytest.raises(NotFound):
        schedules.retire_schedule(office.services, LAN, "thieu-hoa", number)
    assert office.kept() == [("normal", 1, False, False)]
