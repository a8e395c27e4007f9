"""The planner plans what has changed and no more, and wakes the transmitter only for changes."""

import logging
from collections.abc import Callable, Iterator
from datetime import date, datetime, time, timedelta
from unittest.mock import patch

import pytest
from sqlalchemy import event
from sqlmodel import Session, col, delete, select, update

from broadcast.clips import Clip, ClipRendition, change_clip
from broadcast.modes import Mode, Spread
from broadcast.programmes import Item, ItemKind, rename, replace_items
from devices.communes import Commune, add_commune
from devices.positions import Position, place_receiver
from devices.receivers import Receiver
from devices.zones import set_zones
from noise.noise_rules import set_rules
from runtime.clock import ManualClock
from runtime.database import Database
from schedules import planner
from schedules.planner import COMPARED_EVERY, Planner
from schedules.recurrence import Repeat, Rule
from schedules.schedules import Schedule
from schedules.slot_planning import PlanChanges, plan_commune
from schedules.slots import Slot, slots_of
from schedules.timetable import add_schedule, change_schedule, pause
from tests.broadcast.studio import ALL, Studio
from tests.cast import COMMUNE, VIETNAM
from wire.allowed_hours import AllowedHours
from wire.broadcasts import BroadcastClass

AHEAD = timedelta(hours=48)
SIX = datetime(2026, 11, 24, 6, 0, tzinfo=VIETNAM)
TICK = timedelta(microseconds=1)
OTHER = "an-binh"


@pytest.fixture
def studio(clock: ManualClock, database: Database) -> Studio:
    return Studio(clock, database)


@pytest.fixture
def plans(studio: Studio) -> Planner:
    return Planner(studio.database, studio.clock, studio.transmitter, plan_ahead=AHEAD)


@pytest.fixture
def planned() -> Iterator[list[str]]:
    """The communes that are compared with their timetable, in order."""
    communes: list[str] = []

    def noted(
        database: Database, commune_id: str, now: datetime, ahead: timedelta
    ) -> tuple[PlanChanges, list[Exception]]:
        communes.append(commune_id)
        return plan_commune(database, commune_id, now, ahead)

    with patch.object(planner, "plan_commune", side_effect=noted):
        yield communes


def schedule_daily(studio: Studio, *hours: int, commune_id: str = COMMUNE, spread: Spread | None = None) -> int:
    with studio.database.writing() as session:
        added = add_schedule(
            session,
            COMMUNE,
            programme_id=studio.programme,
            rule=Rule(repeat=Repeat.DAILY, times=[time(hour) for hour in hours], from_day=date(2026, 11, 24)),
            targets=ALL,
            class_=BroadcastClass.NORMAL,
            spread=spread or Spread(),
            now=studio.now(),
        )
        added.commune_id = commune_id
        session.add(added)
        return added.number


def instants(studio: Studio, schedule_id: int) -> list[datetime]:
    with studio.database.session() as session:
        return [slot.due_at for slot in slots_of(session, schedule_id)]


def test_the_transmitter_is_woken_only_when_something_changed(studio: Studio, plans: Planner) -> None:
    with patch.object(studio.transmitter, "wake") as wake:
        with patch.object(planner, "plan_commune", return_value=(PlanChanges(), [])):
            plans.plan_now(COMMUNE)
        wake.assert_not_called()
        with patch.object(planner, "plan_commune", return_value=(PlanChanges(withdrawn=["a"]), [])):
            plans.plan_now(COMMUNE)
        wake.assert_called_once()


def test_missed_broadcasts_are_logged_as_an_error(plans: Planner, caplog: pytest.LogCaptureFixture) -> None:
    changes = PlanChanges(missed=["a", "b"])
    with patch.object(planner, "plan_commune", return_value=(changes, [])), caplog.at_level(logging.ERROR):
        plans.plan_now(COMMUNE)
    assert "2 broadcasts were missed" in caplog.text


def test_a_plan_that_fails_raises(plans: Planner) -> None:
    failed = (PlanChanges(), [RuntimeError("broken")])
    with patch.object(planner, "plan_commune", return_value=failed), pytest.raises(RuntimeError):
        plans.plan_now(COMMUNE)


def test_at_rest_no_commune_is_compared_with_its_timetable(studio: Studio, plans: Planner, planned: list[str]) -> None:
    schedule_daily(studio, 6, 17)
    plans.plan_changed()
    assert planned == [COMMUNE]
    for _ in range(20):
        studio.clock.advance(timedelta(seconds=15))
        plans.plan_changed()
    assert planned == [COMMUNE]


def test_at_rest_the_tables_are_not_read(plans: Planner) -> None:
    for _ in range(2):
        plans.plan_changed()
    with patch.object(planner, "fingerprints", side_effect=AssertionError("nothing was committed since")):
        plans.plan_changed()


def test_an_edit_plans_its_commune_and_no_other(studio: Studio, plans: Planner, planned: list[str]) -> None:
    with studio.database.writing() as session:
        add_commune(session, OTHER, OTHER)
    schedule_daily(studio, 6, commune_id=OTHER)
    number = schedule_daily(studio, 6)
    plans.plan_now(COMMUNE)
    assert planned == [COMMUNE]
    assert len(instants(studio, number)) == 2


def test_the_statements_of_an_edit_do_not_grow_with_the_communes(studio: Studio, plans: Planner) -> None:
    def statements() -> int:
        counted = []
        listener = lambda *arguments: counted.append(arguments[2])  # noqa: E731
        schedule_daily(studio, 6)
        event.listen(studio.database.engine, "before_cursor_execute", listener)
        plans.plan_now(COMMUNE)
        event.remove(studio.database.engine, "before_cursor_execute", listener)
        return len(counted)

    alone = statements()
    with studio.database.writing() as session:
        for k in range(10):
            add_commune(session, f"xa-{k}", f"xa-{k}")
    for k in range(10):
        schedule_daily(studio, 6, 11, 17, commune_id=f"xa-{k}")
    assert statements() <= alone


CHANGES: dict[str, Callable[[Studio, Session, int], object]] = {
    "a schedule": lambda s, session, number: change_schedule(session, number, precedence=5, now=s.now()),
    "a pause": lambda s, session, number: pause(session, number, True, s.now()),
    "a schedule's own title": lambda s, session, number: session.exec(
        update(Schedule).where(col(Schedule.id) == number).values(title="Tin")
    ),
    "the programme's items": lambda s, session, _: replace_items(session, s.programme, [Item(ItemKind.CLIP, "storm")]),
    "the programme's title": lambda s, session, _: rename(session, s.programme, "Bản tin tối"),
    "a clip's title": lambda s, session, _: change_clip(session, "bulletin", title="Thời sự"),
    "a clip's renditions": lambda s, session, _: session.exec(
        delete(ClipRendition).where(col(ClipRendition.clip_id) == "bulletin")
    ),
    "the chimes": lambda s, session, _: session.exec(
        update(Clip).where(col(Clip.builtin) == "opening_chime").values(duration_us=9_000_000)
    ),
    "the allowed hours": lambda s, session, _: set_rules(
        session, COMMUNE, "", hours=[AllowedHours(weekdays=[0, 1, 2, 3, 4, 5, 6], from_minute=600, until_minute=700)]
    ),
    "a receiver's zones": lambda s, session, _: set_zones(session, "loa-1", COMMUNE, ["thon-2"]),
    "a receiver's position": lambda s, session, _: place_receiver(session, "loa-1", Position(19.9, 105.7)),
    "a receiver out of service": lambda s, session, _: session.exec(
        update(Receiver).where(col(Receiver.id) == "loa-1").values(retired_at=s.now())
    ),
    "another receiver": lambda s, session, _: s.add_receiver(session, "loa-3", ["thon-1"]),
    "the commune's time zone": lambda s, session, _: session.exec(
        update(Commune).where(col(Commune.id) == COMMUNE).values(time_zone="Asia/Tokyo")
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_another_process_changed_is_planned_at_the_next_interval(
    studio: Studio, plans: Planner, planned: list[str], change: str
) -> None:
    number = schedule_daily(studio, 6, 17, spread=Spread(mode=Mode.STAGGERED))
    with studio.database.writing() as session:
        replace_items(session, studio.programme, [Item(ItemKind.OPENING_CHIME), Item(ItemKind.CLIP, "bulletin")])
    plans.plan_changed()
    planned.clear()
    with studio.database.writing() as session:
        CHANGES[change](studio, session, number)
    studio.clock.advance(timedelta(seconds=15))
    plans.plan_changed()
    assert planned == [COMMUNE]
    planned.clear()
    plans.plan_changed()
    assert planned == []


def test_the_next_instant_is_planned_as_soon_as_it_is_within_the_horizon(studio: Studio, plans: Planner) -> None:
    number = schedule_daily(studio, 6)
    plans.plan_changed()
    studio.clock.set(SIX + timedelta(days=2) - AHEAD)
    plans.plan_changed()
    assert SIX + timedelta(days=2) not in instants(studio, number)
    studio.clock.advance(TICK)
    plans.plan_changed()
    assert SIX + timedelta(days=2) in instants(studio, number)


def test_a_clock_that_was_set_back_makes_the_plan_be_compared_again(
    studio: Studio, plans: Planner, planned: list[str]
) -> None:
    schedule_daily(studio, 6)
    plans.plan_changed()
    studio.clock.set(studio.now() - timedelta(seconds=1))
    plans.plan_changed()
    assert len(planned) == 2


def test_what_no_fingerprint_shows_is_repaired_within_half_an_hour(studio: Studio, plans: Planner) -> None:
    number = schedule_daily(studio, 6, 17)
    plans.plan_changed()
    kept = instants(studio, number)
    with studio.database.writing() as session:
        session.delete(session.exec(select(Slot).where(Slot.due_at == kept[-1])).one())
    studio.clock.advance(COMPARED_EVERY - timedelta(seconds=15))
    plans.plan_changed()
    assert instants(studio, number) == kept[:-1]
    studio.clock.advance(timedelta(seconds=15))
    plans.plan_changed()
    assert instants(studio, number)[: len(kept)] == kept


def test_a_commune_that_could_not_be_planned_is_tried_again(studio: Studio, plans: Planner) -> None:
    number = schedule_daily(studio, 6)
    failed = (PlanChanges(), [RuntimeError("broken")])
    with patch.object(planner, "plan_commune", return_value=failed), pytest.raises(RuntimeError):
        plans.plan_changed()
    plans.plan_changed()
    assert len(instants(studio, number)) == 2


def test_a_fault_in_one_commune_stops_no_other(studio: Studio, plans: Planner, planned: list[str]) -> None:
    with studio.database.writing() as session:
        add_commune(session, OTHER, OTHER)
    schedule_daily(studio, 6, commune_id=OTHER)
    number = schedule_daily(studio, 6)

    def fails_elsewhere(
        database: Database, commune_id: str, now: datetime, ahead: timedelta
    ) -> tuple[PlanChanges, list[Exception]]:
        if commune_id == OTHER:
            return PlanChanges(), [RuntimeError("broken")]
        return plan_commune(database, commune_id, now, ahead)

    with patch.object(planner, "plan_commune", side_effect=fails_elsewhere), pytest.raises(RuntimeError):
        plans.plan_changed()
    assert len(instants(studio, number)) == 2


def test_a_controller_that_is_stopped_while_it_plans_ends_after_a_commune_and_the_next_start_plans_the_rest(
    studio: Studio, plans: Planner, planned: list[str]
) -> None:
    numbers = [schedule_daily(studio, 6)]
    for k in range(4):
        with studio.database.writing() as session:
            add_commune(session, f"xa-{k}", f"xa-{k}")
        numbers.append(schedule_daily(studio, 6, commune_id=f"xa-{k}"))
    plans.close()
    plans.plan_changed()
    assert len(planned) == 1
    Planner(studio.database, studio.clock, studio.transmitter, plan_ahead=AHEAD).plan_changed()
    assert [len(instants(studio, number)) for number in numbers] == [2] * 5


def test_nothing_is_planned_by_a_clock_that_is_plainly_wrong(
    studio: Studio, plans: Planner, planned: list[str]
) -> None:
    schedule_daily(studio, 6)
    with patch.object(studio.clock, "trusted", False):
        plans.plan_now(COMMUNE)
        plans.plan_changed()
    assert planned == []
