"""A schedule that sounds zone after zone: as long as all its turns, and planned anew when a receiver is moved."""

from datetime import timedelta

import pytest

from broadcast.manifests import manifest_of
from broadcast.modes import Mode, Spread
from devices.positions import Position, place_receiver
from noise.noise_rules import set_rules
from runtime.clock import ManualClock
from runtime.database import Database
from runtime.refusal import Refusal
from schedules.occurrences import between
from schedules.outlook import outlook
from schedules.schedules import schedule
from schedules.timetable import change_schedule
from tests.broadcast.studio import ALL
from tests.cast import COMMUNE
from tests.schedules.test_slots import SIX, TODAY, Office, at
from wire.allowed_hours import AllowedHours
from wire.broadcasts import BroadcastClass

STAGGERED = Spread(mode=Mode.STAGGERED, gap_s=5)
HERE, NEAR, FAR = Position(19.87, 105.68), Position(19.872, 105.68), Position(19.9, 105.68)


@pytest.fixture
def office(database: Database, clock: ManualClock) -> Office:
    made = Office(clock, database)
    move(made, "loa-1", HERE)
    move(made, "loa-2", NEAR)
    return made


def move(office: Office, receiver_id: str, place: Position) -> None:
    with office.database.writing() as session:
        place_receiver(session, receiver_id, place)


def next_planned(office: Office) -> dict[str, int]:
    first = min((b for b in office.all() if b.withdrawn_at is None), key=lambda b: b.starts_at)
    assert first.starts_at == SIX
    assert manifest_of(first, office.now()).shifts_us == first.shifts_us
    return first.shifts_us


def test_its_due_instants_end_when_the_last_zone_has_sounded(office: Office) -> None:
    office.schedule(at(6), spread=STAGGERED)
    with office.database.session() as session:
        first = between(session, COMMUNE, TODAY, TODAY + timedelta(days=1))[0]
    assert first.ends_at - first.starts_at == timedelta(seconds=125)


def test_moving_a_receiver_plans_it_anew(office: Office) -> None:
    office.schedule(at(6), spread=STAGGERED)
    office.plan()
    assert next_planned(office) == {"loa-2": 65_000_000}
    assert not office.plan().anything
    move(office, "loa-2", FAR)
    assert office.plan().anything
    assert next_planned(office) == {}


def test_the_mode_of_a_schedule_can_be_changed_and_stays_when_other_things_are(office: Office) -> None:
    number = office.schedule(at(6))
    office.plan()
    with office.database.writing() as session:
        change_schedule(session, number, now=office.now(), spread=STAGGERED)
        change_schedule(session, number, now=office.now(), precedence=1)
        assert schedule(session, number).time_spread == STAGGERED
    office.plan()
    assert next_planned(office) == {"loa-2": 65_000_000}


def test_all_its_turns_must_be_allowed_and_fit_the_minutes(office: Office) -> None:
    with office.database.writing() as session:
        hours = [AllowedHours(weekdays=list(range(7)), from_minute=0, until_minute=6 * 60 + 2)]
        set_rules(session, COMMUNE, "", hours=hours)
    office.schedule(at(6))
    with pytest.raises(Refusal, match="outside the allowed hours"):
        office.schedule(at(6), spread=STAGGERED)
    with office.database.writing() as session:
        set_rules(session, COMMUNE, "", minutes_a_day=2, refuses=True)
    with pytest.raises(Refusal, match="minutes"):
        office.schedule(at(7), spread=STAGGERED)


def test_what_will_happen_names_the_turns_and_the_end(office: Office) -> None:
    with office.database.session() as session:
        found = outlook(
            session,
            COMMUNE,
            rule=at(6),
            programme_id=office.programme,
            targets=ALL,
            class_=BroadcastClass.NORMAL,
            precedence=0,
            now=office.now(),
            states={},
            spread=STAGGERED,
        )
    assert (found.turns, found.whole) == ([["thon-1"], ["thon-2"]], timedelta(seconds=125))
