"""Slots: every due instant once, none lost that could still sound, and what did not is written down with its cause."""

import threading
from collections import Counter
from datetime import date, datetime, time, timedelta
from unittest.mock import patch

import pytest
from sqlmodel import col, select

from broadcast.broadcasts import Broadcast, BroadcastState, state
from broadcast.play_reports import take_report
from broadcast.programmes import Item, ItemKind, replace_items
from broadcast.stopping import stop
from runtime.clock import ManualClock
from runtime.database import Database
from schedules import occurrences, slot_planning
from schedules.recurrence import Repeat, Rule
from schedules.slot_planning import LEAST_LEFT, LOOK_BACK, PlanChanges, plan
from schedules.slots import slots_of
from schedules.timetable import add_schedule, change_schedule, pause, restore, retire
from tests.broadcast.studio import ALL, Studio
from tests.cast import COMMUNE, VIETNAM
from wire.broadcasts import BroadcastClass, Targets
from wire.messages import CONTROLLER
from wire.reports import Outcome, PlayReport

AHEAD = timedelta(hours=48)
TICK = timedelta(microseconds=1)
TODAY = date(2026, 11, 24)
SIX = datetime(2026, 11, 24, 6, 0, tzinfo=VIETNAM)
DAY = timedelta(days=1)


def at(*hours: float) -> Rule:
    """Daily from the 24th, at these hours."""
    return Rule(repeat=Repeat.DAILY, times=[time(int(h), round(h % 1 * 60)) for h in hours], from_day=TODAY)


class Office(Studio):
    """A studio with a timetable."""

    def schedule(self, rule: Rule, **more: object) -> int:
        """The bulletin (60 s) on the timetable; gives its number."""
        with self.database.writing() as session:
            return add_schedule(
                session,
                COMMUNE,
                **{
                    "programme_id": self.programme,
                    "rule": rule,
                    "targets": ALL,
                    "class_": BroadcastClass.NORMAL,
                    "now": self.now(),
                    **more,
                },  # type: ignore[arg-type]
            ).number

    def plan(self) -> PlanChanges:
        return plan(self.database, self.now(), AHEAD)

    def report(self, aired: Broadcast) -> None:
        """A receiver says that it played it."""
        said = PlayReport(
            to=CONTROLLER,
            revision=1,
            issued_at_us=1,
            expires_at_us=2,
            report=f"report {aired.id}",
            receiver="loa-1",
            broadcast=aired.id,
            manifest_revision=aired.revision,
            outcome=Outcome.PLAYED,
        )
        with self.database.writing() as session:
            take_report(session, "loa-1", said)

    def all(self) -> list[Broadcast]:
        with self.database.session() as session:
            return list(session.exec(select(Broadcast).order_by(col(Broadcast.starts_at), col(Broadcast.planned_at))))

    def in_force(self) -> list[datetime]:
        """When broadcasts begin that were neither withdrawn nor missed."""
        return [b.starts_at for b in self.all() if b.withdrawn_at is None and not b.missed]

    def slots(self, number: int) -> list[tuple[datetime, str, str]]:
        with self.database.session() as session:
            return [(s.due_at, s.outcome, s.cause) for s in slots_of(session, number)]


@pytest.fixture
def office(clock: ManualClock, database: Database) -> Office:
    return Office(clock, database)


def test_what_is_due_within_the_horizon_is_planned_and_no_more(office: Office) -> None:
    office.clock.set(SIX - timedelta(hours=1))
    number = office.schedule(at(6))
    office.plan()
    assert office.in_force() == [SIX, SIX + DAY]
    assert [s[1] for s in office.slots(number)] == ["planned"] * 2


def test_the_edge_of_the_horizon_comes_nearer_by_the_microsecond(office: Office) -> None:
    office.schedule(at(6))
    office.clock.set(SIX + DAY - AHEAD)
    office.plan()
    assert SIX + DAY not in office.in_force()
    office.clock.advance(TICK)
    office.plan()
    assert SIX + DAY in office.in_force()


def test_to_plan_again_changes_nothing_and_takes_no_write_lock(office: Office) -> None:
    office.schedule(at(6, 17))
    assert len(office.plan().planned) == 4
    with patch.object(Database, "writing", side_effect=AssertionError("an idle plan wrote")):
        assert not office.plan().anything
    assert len(office.all()) == 4


def test_a_broadcast_is_what_the_schedule_says(office: Office) -> None:
    number = office.schedule(at(6), targets=Targets(zones=["thon-1"]), class_=BroadcastClass.PRIORITY, precedence=3)
    office.plan()
    made = office.all()[0]
    assert (made.title, made.class_, made.precedence, made.audience) == (
        "Bản tin sáng",
        "priority",
        3,
        Targets(zones=["thon-1"]),
    )
    assert made.ends_at - made.starts_at == timedelta(seconds=60)
    with office.database.session() as session:
        assert next(slot.broadcast_id for slot in slots_of(session, number)) == made.id


def test_what_became_due_while_nothing_ran_is_joined_while_it_lasts(office: Office) -> None:
    number = office.schedule(at(6))
    office.clock.set(SIX + timedelta(seconds=60) - LEAST_LEFT)
    office.plan()
    assert state(office.all()[0], office.now()) is BroadcastState.ON_AIR
    assert office.slots(number)[0] == (SIX, "planned", "")


def test_what_has_too_little_left_is_written_down_as_missed(office: Office) -> None:
    number = office.schedule(at(6))
    office.clock.set(SIX + timedelta(seconds=60) - LEAST_LEFT + TICK)
    done = office.plan()
    assert len(done.missed) == 1
    assert office.slots(number)[0] == (SIX, "missed", "controller_away")
    assert state(office.all()[0], office.now()) is BroadcastState.MISSED
    assert office.all()[0].cause == "controller_away"


def test_all_that_was_missed_in_a_night_is_there_afterwards_each_once(office: Office) -> None:
    number = office.schedule(at(6, 11, 17))
    office.clock.set(SIX + timedelta(hours=20))
    office.plan()
    office.plan()
    assert [s[1] for s in office.slots(number)][:3] == ["missed"] * 3
    assert len({s[0] for s in office.slots(number)}) == len(office.slots(number))


def test_nobody_looks_back_further_than_two_days(office: Office) -> None:
    number = office.schedule(at(6))
    office.clock.set(SIX + 10 * DAY)
    office.plan()
    assert min(s[0] for s in office.slots(number)) == SIX + 10 * DAY - LOOK_BACK


def test_a_schedule_made_now_has_missed_nothing(office: Office) -> None:
    office.clock.set(SIX + timedelta(minutes=5))
    office.schedule(at(6))
    assert office.plan().missed == []


def test_a_change_withdraws_what_has_not_begun_and_plans_it_anew(office: Office) -> None:
    number = office.schedule(at(6))
    office.plan()
    with office.database.writing() as session:
        change_schedule(session, number, rule=at(7), now=office.now())
    done = office.plan()
    assert (len(done.withdrawn), len(done.planned)) == (2, 2)
    assert office.in_force() == [SIX + timedelta(hours=1), SIX + timedelta(hours=25)]
    assert {b.cause for b in office.all() if b.withdrawn_at} == {"schedule_changed"}


def test_a_change_of_place_alone_keeps_the_instants_and_each_sounds_once(office: Office) -> None:
    number = office.schedule(at(6))
    office.plan()
    with office.database.writing() as session:
        change_schedule(session, number, targets=Targets(zones=["thon-2"]), now=office.now())
    office.plan()
    assert office.in_force() == [SIX, SIX + DAY]
    assert [b.audience.zones for b in office.all() if not b.withdrawn_at] == [["thon-2"], ["thon-2"]]


def test_what_sounds_when_its_schedule_is_changed_sounds_to_its_end_and_not_again(office: Office) -> None:
    number = office.schedule(at(6))
    office.plan()
    office.clock.set(SIX + timedelta(seconds=1))
    with office.database.writing() as session:
        change_schedule(session, number, class_=BroadcastClass.PRIORITY, now=office.now())
    office.plan()
    assert office.in_force() == [SIX, SIX + DAY, SIX + 2 * DAY]
    assert [b.class_ for b in office.all() if not b.withdrawn_at] == ["normal", "priority", "priority"]


def test_a_pause_that_ends_leaves_out_only_what_is_due_before(office: Office) -> None:
    number = office.schedule(at(6))
    office.plan()
    with office.database.writing() as session:
        pause(session, number, True, office.now(), SIX + DAY)
    office.plan()
    assert office.in_force() == [SIX + DAY]
    office.clock.set(SIX + timedelta(hours=20))
    office.plan()
    assert office.in_force() == [SIX + DAY, SIX + 2 * DAY], "nobody has to resume it"


@pytest.mark.parametrize("how", ["pause", "retire"])
def test_a_schedule_at_rest_plans_nothing_and_what_it_planned_is_withdrawn(office: Office, how: str) -> None:
    number = office.schedule(at(6))
    office.plan()
    with office.database.writing() as session:
        if how == "pause":
            pause(session, number, True, office.now())
        else:
            retire(session, number, office.now())
    assert len(office.plan().withdrawn) == 2
    assert office.in_force() == []
    assert {b.cause for b in office.all()} == {"schedule_paused" if how == "pause" else "schedule_removed"}
    with office.database.writing() as session:
        if how == "pause":
            pause(session, number, False, office.now())
        else:
            restore(session, number, office.now())
    office.plan()
    assert office.in_force() == [SIX, SIX + DAY]


def test_the_clock_set_back_an_hour_makes_nothing_sound_again(office: Office) -> None:
    office.schedule(at(6))
    office.plan()
    office.clock.set(SIX + timedelta(minutes=30))
    office.plan()
    office.clock.set(SIX - timedelta(minutes=30))
    office.plan()
    assert len([b for b in office.all() if b.starts_at == SIX]) == 1


def test_what_was_missed_only_because_the_clock_ran_ahead_sounds_when_its_hour_comes(office: Office) -> None:
    office.schedule(at(6))
    office.clock.set(SIX + timedelta(minutes=30))
    office.plan()
    office.clock.set(SIX - timedelta(minutes=30))
    office.plan()
    assert office.in_force()[0] == SIX


def test_the_clock_set_forward_a_month_and_back_loses_nothing(office: Office) -> None:
    number = office.schedule(at(6))
    office.plan()
    month = timedelta(days=30)
    office.clock.set(SIX + month + timedelta(hours=1))
    office.plan()  # by the wrong clock it was missed
    office.clock.set(SIX + timedelta(hours=1))
    office.plan()
    office.clock.set(SIX + month - timedelta(hours=1))
    office.plan()
    assert SIX + month in office.in_force()
    assert len([s for s in office.slots(number) if s[0] == SIX + month]) == 1


def test_an_edit_made_by_a_clock_that_ran_ahead_does_not_silence_the_hours_between(office: Office) -> None:
    number = office.schedule(at(6))
    office.clock.set(SIX + timedelta(hours=10))
    with office.database.writing() as session:
        change_schedule(session, number, rule=at(8), now=office.now())
    office.clock.set(SIX)
    office.plan()
    assert SIX + timedelta(hours=2) in office.in_force()


def test_what_was_aired_before_the_clock_was_set_back_stays_in_the_log_as_it_was(office: Office) -> None:
    number = office.schedule(at(6))
    office.plan()
    office.clock.set(SIX + timedelta(minutes=30))
    office.report(office.all()[0])
    with office.database.writing() as session:
        change_schedule(session, number, class_=BroadcastClass.PRIORITY, now=office.now())
    office.clock.set(SIX - timedelta(minutes=30))
    office.plan()
    assert [b.class_ for b in office.all() if b.starts_at == SIX and not b.withdrawn_at] == ["normal"]


def test_a_programme_with_nothing_in_it_is_refused_and_the_others_are_planned(office: Office) -> None:
    with office.database.writing() as session:
        other = office.add_programme(session, "Bão", [Item(ItemKind.CLIP, "storm")])
    number, fine = office.schedule(at(6)), office.schedule(at(6), programme_id=other)
    with office.database.writing() as session:
        replace_items(session, office.programme, [])
    office.plan()
    assert {s[1] for s in office.slots(number)} == {"refused"}
    assert "nothing to play" in office.slots(number)[0][2]
    assert {s[1] for s in office.slots(fine)} == {"planned"}
    assert not office.plan().anything


def test_a_programme_mended_before_its_hour_sounds_after_all(office: Office) -> None:
    number = office.schedule(at(6))
    with office.database.writing() as session:
        replace_items(session, office.programme, [])
    office.plan()
    with office.database.writing() as session:
        replace_items(session, office.programme, [Item(ItemKind.CLIP, "storm")])
    office.plan()
    assert office.in_force() == [SIX, SIX + DAY]
    assert {s[1] for s in office.slots(number)} == {"planned"}


def test_tomorrows_bulletin_put_in_tonight_is_what_sounds(office: Office) -> None:
    office.schedule(at(6))
    office.plan()
    with office.database.writing() as session:
        replace_items(session, office.programme, [Item(ItemKind.CLIP, "storm")])
    done = office.plan()
    assert len(done.planned) == len(done.withdrawn) == 2
    sounding = [b for b in office.all() if b.withdrawn_at is None]
    assert [b.starts_at for b in sounding] == [SIX, SIX + DAY]
    assert [i.clip for b in sounding for i in b.playlist] == ["storm", "storm"]  # type: ignore[union-attr]
    assert {b.cause for b in office.all() if b.withdrawn_at} == {"schedule_changed"}
    assert not office.plan().anything


def test_a_programme_changed_while_it_sounds_sounds_on_as_it_was(office: Office) -> None:
    office.schedule(at(6))
    office.plan()
    office.clock.set(SIX + timedelta(seconds=1))
    with office.database.writing() as session:
        replace_items(session, office.programme, [Item(ItemKind.CLIP, "storm")])
    office.plan()
    assert [b.playlist[0].clip for b in office.all() if not b.withdrawn_at] == ["bulletin", "storm", "storm"]  # type: ignore[union-attr]


def test_what_the_operator_withdrew_by_hand_is_not_planned_again(office: Office) -> None:
    office.schedule(at(6))
    office.plan()
    with office.database.writing() as session:
        stop(session, office.all()[0].id, office.now(), by="lan")
    office.plan()
    with office.database.writing() as session:
        replace_items(session, office.programme, [Item(ItemKind.CLIP, "storm")])
    office.plan()
    assert office.in_force() == [SIX + DAY]


def test_a_controller_killed_in_the_middle_of_a_plan_leaves_no_claim_without_its_broadcast(office: Office) -> None:
    number = office.schedule(at(6))
    with patch.object(slot_planning, "_plan_one", side_effect=MemoryError), pytest.raises(MemoryError):
        office.plan()
    assert office.slots(number) == []
    office.plan()
    assert office.in_force() == [SIX, SIX + DAY]


@pytest.mark.parametrize("kind", ["database", "postgres"])
def test_four_controllers_at_once_plan_each_instant_once(
    kind: str, clock: ManualClock, request: pytest.FixtureRequest
) -> None:
    office = Office(clock, request.getfixturevalue(kind))
    for _ in range(3):
        office.schedule(at(*range(24)))
    start, failed = threading.Barrier(4), []

    def one_of_four() -> None:
        start.wait()
        try:
            plan(office.database, office.now(), AHEAD)
        except Exception as error:
            failed.append(error)

    threads = [threading.Thread(target=one_of_four) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(60)
    assert failed == []
    assert len(office.in_force()) == 3 * 48
    assert set(Counter(office.in_force()).values()) == {3}


def test_what_a_page_shows_for_the_week_is_what_is_planned(office: Office) -> None:
    office.schedule(at(6, 17))
    office.plan()
    with office.database.session() as session:
        shown = [o.starts_at for o in occurrences.between(session, COMMUNE, date(2026, 11, 23), date(2026, 11, 30))]
    assert office.in_force() == [s for s in shown if s < office.now() + AHEAD]
