"""The timetable: what it takes, what it refuses, and the week that it shows."""

from datetime import date, datetime, time, timedelta

import pytest

from broadcast.programmes import Item, ItemKind
from devices.communes import add_commune
from runtime.clock import ManualClock
from runtime.database import Database
from runtime.refusal import NotFound, Refusal
from schedules.occurrences import between
from schedules.recurrence import Repeat, Rule
from schedules.schedules import Schedule, next_due, schedule, schedules
from schedules.timetable import add_schedule, change_schedule, pause, restore, retire
from tests.broadcast.studio import ALL, Studio
from tests.cast import COMMUNE, VIETNAM
from wire.broadcasts import BroadcastClass, Targets

MONDAY, TUESDAY = date(2026, 11, 23), date(2026, 11, 24)
SIX = Rule(repeat=Repeat.DAILY, times=[time(6)], from_day=TUESDAY)


@pytest.fixture
def studio(clock: ManualClock, database: Database) -> Studio:
    return Studio(clock, database)


def add(studio: Studio, **more: object) -> Schedule:
    wanted = {"programme_id": studio.programme, "rule": SIX, "targets": ALL, "class_": BroadcastClass.NORMAL} | more
    with studio.database.writing() as session:
        return add_schedule(session, COMMUNE, now=studio.now(), by="lan", **wanted)  # type: ignore[arg-type]


def test_what_is_put_in_comes_out(studio: Studio) -> None:
    number = add(studio, targets=Targets(zones=["thon-1"]), class_=BroadcastClass.PRIORITY).number
    with studio.database.session() as session:
        kept = schedule(session, number)
    assert (kept.recurrence, kept.audience, kept.broadcast_class) == (
        SIX,
        Targets(zones=["thon-1"]),
        BroadcastClass.PRIORITY,
    )
    assert (kept.created_by, kept.created_at, kept.revision) == ("lan", studio.now(), 1)


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ({"targets": Targets()}, "Choose where"),
        ({"targets": Targets(zones=["thon-9"])}, "thon-9 is not a zone"),
        ({"targets": Targets(receivers=["loa-9"])}, "Receiver loa-9 does not exist"),
        ({"programme_id": 99}, "no longer exists"),
        ({"rule": Rule(repeat=Repeat.ONCE, times=[time(5)], from_day=TUESDAY)}, "time has passed"),
        ({"rule": Rule(repeat=Repeat.DAILY, times=[], from_day=TUESDAY)}, "at what time"),
    ],
)
def test_what_can_never_sound_is_refused_with_what_to_do(studio: Studio, bad: dict[str, object], says: str) -> None:
    with pytest.raises(Refusal, match=says):
        add(studio, **bad)
    with studio.database.session() as session:
        assert schedules(session) == []


def test_a_programme_with_nothing_to_hear_is_refused(studio: Studio) -> None:
    with studio.database.writing() as session:
        silent = studio.add_programme(session, "Lặng", [Item(ItemKind.GAP, gap_ms=1000)])
    with pytest.raises(Refusal, match="nothing to play"):
        add(studio, programme_id=silent)


def test_a_programme_of_another_commune_is_not_there(studio: Studio) -> None:
    with studio.database.writing() as session:
        add_commune(session, "hau-hien", "Hậu Hiền")
        with pytest.raises(NotFound):
            add_schedule(
                session,
                "hau-hien",
                programme_id=studio.programme,
                rule=SIX,
                targets=ALL,
                class_=BroadcastClass.NORMAL,
                now=studio.now(),
            )


def test_a_change_is_a_new_revision_and_what_is_not_named_stays(studio: Studio) -> None:
    number = add(studio, targets=Targets(zones=["thon-1"])).number
    studio.clock.advance(seconds=5)
    with studio.database.writing() as session:
        changed = change_schedule(session, number, class_=BroadcastClass.EMERGENCY, now=studio.now())
    assert (changed.revision, changed.changed_at) == (2, studio.now())
    assert (changed.recurrence, changed.audience.zones) == (SIX, ["thon-1"])


def test_a_bad_change_leaves_it_as_it_was(studio: Studio) -> None:
    number = add(studio).number
    with pytest.raises(Refusal), studio.database.writing() as session:
        change_schedule(session, number, targets=Targets(), now=studio.now())
    with studio.database.session() as session:
        assert schedule(session, number).revision == 1


def test_a_schedule_at_rest_is_on_the_list_and_a_retired_one_is_not(studio: Studio) -> None:
    number = add(studio).number
    with studio.database.writing() as session:
        pause(session, number, True, studio.now())
        assert [s.number for s in schedules(session, COMMUNE)] == [number]
        assert next_due(session, schedule(session, number), studio.now()) == []
        retire(session, number, studio.now())
        assert schedules(session, COMMUNE) == []
        restore(session, number, studio.now())
        pause(session, number, False, studio.now())
        assert len(next_due(session, schedule(session, number), studio.now(), 3)) == 3


def test_a_pause_until_a_day_ends_by_itself_and_is_shown_as_paused_before(studio: Studio) -> None:
    number = add(studio).number
    thursday = datetime(2026, 11, 26, tzinfo=VIETNAM)
    with studio.database.writing() as session:
        pause(session, number, True, studio.now(), thursday)
        paused = schedule(session, number)
        assert paused.is_paused_at(thursday - timedelta(microseconds=1))
        assert not paused.is_paused_at(thursday)
        assert next_due(session, paused, studio.now(), 1) == [datetime(2026, 11, 26, 6, tzinfo=VIETNAM)]
        week = between(session, COMMUNE, TUESDAY, TUESDAY + timedelta(days=4), with_paused=True)
        assert [o.paused for o in week] == [True, True, False, False]
        assert len(between(session, COMMUNE, TUESDAY, TUESDAY + timedelta(days=4))) == 2
        with pytest.raises(Refusal, match="has passed"):
            pause(session, number, True, studio.now(), studio.now())


def test_the_week_is_the_communes_from_monday_midnight_to_the_next(studio: Studio) -> None:
    edges = Rule(
        repeat=Repeat.DAILY,
        times=[time(0), time(23, 59, 59)],
        from_day=MONDAY - timedelta(days=7),
    )
    add(studio, rule=edges)
    with studio.database.session() as session:
        shown = between(session, COMMUNE, MONDAY, MONDAY + timedelta(days=7))
    assert len(shown) == 14
    assert shown[0].starts_at == datetime(2026, 11, 23, tzinfo=VIETNAM)
    assert shown[-1].starts_at == datetime(2026, 11, 29, 23, 59, 59, tzinfo=VIETNAM)
    assert shown[0].ends_at - shown[0].starts_at == timedelta(seconds=60)


def test_the_week_is_in_order_over_all_schedules(studio: Studio) -> None:
    late, early = add(studio), add(studio, rule=Rule(repeat=Repeat.DAILY, times=[time(5, 30)], from_day=TUESDAY))
    with studio.database.session() as session:
        assert [o.schedule.number for o in between(session, COMMUNE, MONDAY, MONDAY + timedelta(days=7))][:2] == [
            early.number,
            late.number,
        ]


def test_an_unknown_schedule_is_not_there(studio: Studio) -> None:
    with studio.database.session() as session, pytest.raises(NotFound):
        schedule(session, 1)
