"""Why something did (not) sound on one receiver at one instant: each verdict, from what was written down."""

from datetime import datetime, timedelta

import pytest
from sqlmodel import Session

from broadcast.broadcasts import Broadcast
from broadcast.planning import put_on_air
from broadcast.play_reports import REPORT_WITHIN, take_report
from broadcast.stopping import stop, withdraw
from devices.presence import PresenceChange
from devices.presence_states import PresenceState
from devices.receivers import receiver
from noise.noise_rules import set_rules
from runtime.clock import ManualClock, to_us
from runtime.database import Database
from schedules.explanations import AROUND, Explanation, Preemption, Verdict, explain, preemptions_of
from tests.broadcast.studio import ALL
from tests.cast import COMMUNE
from tests.devices.test_receivers import counted
from tests.schedules.test_slots import DAY, SIX, TICK, Office, at
from wire.allowed_hours import AllowedHours
from wire.broadcasts import BroadcastClass, Targets
from wire.messages import CONTROLLER
from wire.reports import Outcome, PlayReport

MINUTE = timedelta(minutes=1)


@pytest.fixture
def office(clock: ManualClock, database: Database) -> Office:
    made = Office(clock, database)
    clock.set(SIX - timedelta(hours=1))
    return made


def planned(office: Office) -> Broadcast:
    """The bulletin at six on both receivers, 60 s long."""
    office.schedule(at(6))
    office.plan()
    return office.all()[0]


def ask(office: Office, instant: datetime = SIX, receiver_id: str = "loa-1") -> Explanation:
    with office.database.session() as session:
        return explain(session, receiver(session, receiver_id), instant, office.now())


def said(office: Office, told: Broadcast, outcome: Outcome, cause: str = "", volume: int = 80) -> None:
    report = PlayReport(
        to=CONTROLLER,
        revision=1,
        issued_at_us=1,
        expires_at_us=2,
        report="r1",
        receiver="loa-1",
        broadcast=told.id,
        manifest_revision=told.revision,
        outcome=outcome,
        cause=cause,
        volume_percent=volume,
        first_frame_at_us=to_us(told.starts_at),
        last_frame_at_us=to_us(told.ends_at),
        frames_played=10,
        frames_due=10,
    )
    with office.database.writing() as session:
        take_report(session, "loa-1", report)


def gone(session: Session, instant: datetime) -> None:
    session.add(PresenceChange(receiver_id="loa-1", at=instant, state=PresenceState.OFFLINE.value, cause="silent"))


def verdicts(found: Explanation) -> list[tuple[Verdict, str]]:
    return [(story.verdict, story.cause) for story in found.outcomes]


@pytest.mark.parametrize(
    ("outcome", "cause", "volume", "verdict"),
    [
        (Outcome.PLAYED, "", 80, Verdict.PLAYED),
        (Outcome.PLAYED, "volume_zero", 0, Verdict.MUTED),
        (Outcome.PARTLY, "late", 80, Verdict.PARTLY),
        (Outcome.MISSED, "no_audio", 80, Verdict.SILENT),
        (Outcome.MISSED, "card", 80, Verdict.SILENT),
        (Outcome.REFUSED, "allowed_hours", 80, Verdict.SILENT),
    ],
)
def test_what_the_receiver_reported_is_what_is_said(
    office: Office, outcome: Outcome, cause: str, volume: int, verdict: Verdict
) -> None:
    told = planned(office)
    office.clock.set(SIX + 3 * MINUTE)
    said(office, told, outcome, cause, volume)
    assert verdicts(ask(office)) == [(verdict, cause)]


def test_what_was_cut_names_by_whom_from_when_to_when(office: Office) -> None:
    told = planned(office)
    office.clock.set(SIX + timedelta(seconds=12))
    storm = office.speak_now(BroadcastClass.EMERGENCY)
    with office.database.writing() as session:
        office.clock.set(SIX + timedelta(seconds=40))
        stop(session, storm.id, office.now())
    office.clock.set(SIX + 3 * MINUTE)
    said(office, told, Outcome.PARTLY, "cut")
    story = next(s for s in ask(office).outcomes if s.broadcast.id == told.id)
    (cut,) = story.preemptions
    assert (cut.by.id, cut.since, cut.until) == (storm.id, SIX + timedelta(seconds=20), SIX + timedelta(seconds=40))
    with office.database.session() as session:
        assert [c.since for c in preemptions_of(session, told, ["loa-1"])["loa-1"]] == [cut.since]
        other = next(s for s in ask(office).outcomes if s.broadcast.id == storm.id)
    assert other.preemptions == []  # the stronger one was cut by nobody


def test_an_emergency_elsewhere_cuts_nothing_here(office: Office) -> None:
    told = planned(office)
    office.clock.set(SIX + timedelta(seconds=12))
    storm = office.speak_now(BroadcastClass.EMERGENCY, Targets(zones=["thon-2"]))
    said(office, told, Outcome.PARTLY, "interrupted")
    found = ask(office)
    assert [s.preemptions for s in found.outcomes] == [[]]
    assert [b.id for b in found.not_targeted] == [storm.id]


def test_each_receiver_is_told_of_the_cuts_at_its_own_horn_alone(office: Office) -> None:
    told = planned(office)
    office.clock.set(SIX + timedelta(seconds=12))
    storm = office.speak_now(BroadcastClass.EMERGENCY, Targets(zones=["thon-2"]))
    with office.database.session() as session:
        found = preemptions_of(session, told, ["loa-1", "loa-2"])
    assert found == {"loa-1": [], "loa-2": [Preemption(storm.starts_at, told.ends_at, storm)]}


def test_a_cut_is_asked_of_all_receivers_with_as_many_queries_as_of_one(office: Office) -> None:
    told = planned(office)
    counts = []
    for more in (1, 40):
        with office.database.writing() as session:
            for k in range(more):
                office.add_receiver(session, f"more-{more}-{k}", ["thon-1"])
        for k in range(more // 10):
            office.speak_now(BroadcastClass.EMERGENCY, Targets(receivers=[f"more-{more}-{k}"]))
        with office.database.session() as session, counted(office.database) as statements:
            preemptions_of(session, told, ["loa-1", "loa-2", *(f"more-{more}-{k}" for k in range(more))])
        counts.append(len(statements))
    assert counts[0] == counts[1]


def test_without_a_report_the_verdict_follows_the_clock(office: Office) -> None:
    told = planned(office)
    assert verdicts(ask(office)) == [(Verdict.STILL_TO_COME, "")]
    office.clock.set(told.ends_at + REPORT_WITHIN - TICK)
    assert verdicts(ask(office)) == [(Verdict.WAITING, "")]
    office.clock.set(told.ends_at + REPORT_WITHIN)
    assert verdicts(ask(office)) == [(Verdict.NO_REPORT, "")]


def test_who_was_gone_then_is_said_to_have_been_and_since_when(office: Office) -> None:
    planned(office)
    with office.database.writing() as session:
        gone(session, SIX - 20 * MINUTE)
    office.clock.set(SIX + 10 * MINUTE)
    found = ask(office)
    assert (found.presence, found.since) == (PresenceState.OFFLINE, SIX - 20 * MINUTE)
    assert [(s.verdict, s.offline_since) for s in found.outcomes] == [(Verdict.OFFLINE, SIX - 20 * MINUTE)]
    assert ask(office, receiver_id="loa-2").presence is PresenceState.NEW


def test_each_broadcast_is_held_against_the_presence_at_its_own_end(office: Office) -> None:
    office.schedule(at(5.75, 6, 6.25))
    office.plan()
    with office.database.writing() as session:
        gone(session, SIX)
        back = PresenceState.ONLINE.value
        session.add(PresenceChange(receiver_id="loa-1", at=SIX + 10 * MINUTE, state=back, cause="heard"))
    office.clock.set(SIX + timedelta(hours=1))
    found = ask(office)
    assert [v for v, _ in verdicts(found)] == [Verdict.NO_REPORT, Verdict.OFFLINE, Verdict.NO_REPORT]
    assert found.presence is PresenceState.OFFLINE
    assert ask(office, SIX - TICK).presence is PresenceState.NEW


def test_who_withdrew_it_and_when(office: Office) -> None:
    told = planned(office)
    with office.database.writing() as session:
        withdraw(session, told.id, office.now(), by="lan", cause="by_operator")
    (story,) = ask(office).outcomes
    assert (story.verdict, story.cause) == (Verdict.WITHDRAWN, "by_operator")
    assert story.decided is not None
    assert (story.decided.by, story.decided.at) == ("lan", office.now())


def test_what_was_due_while_nothing_ran_is_missed(office: Office) -> None:
    office.schedule(at(6))
    office.clock.set(SIX + timedelta(hours=3))
    office.plan()
    assert verdicts(ask(office)) == [(Verdict.MISSED, "controller_away")]


def test_what_was_due_outside_the_allowed_hours_was_not_planned_and_says_so(office: Office) -> None:
    office.schedule(at(6))
    with office.database.writing() as session:
        set_rules(session, COMMUNE, "", hours=[AllowedHours(weekdays=[0], from_minute=0, until_minute=60)])
    office.plan()
    found = ask(office)
    assert found.outcomes == []
    assert [(n.title, n.due_at, n.cause) for n in found.not_planned] == [("Bản tin sáng", SIX, "allowed_hours")]


@pytest.mark.parametrize(
    ("instant", "known"),
    [(SIX - AROUND, 0), (SIX - AROUND + TICK, 1), (SIX + MINUTE + AROUND - TICK, 1), (SIX + MINUTE + AROUND, 0)],
)
def test_half_an_hour_on_both_sides_is_looked_at(office: Office, instant: datetime, known: int) -> None:
    planned(office)
    assert len(ask(office, instant).outcomes) == known


def test_one_that_moved_to_another_zone_since_is_still_told_of_what_it_reported(office: Office) -> None:
    with office.database.writing() as session:
        told = put_on_air(
            session,
            COMMUNE,
            targets=Targets(zones=["thon-2"]),
            class_=BroadcastClass.NORMAL,
            now=office.now(),
            programme_id=office.programme,
        )
    said(office, told, Outcome.PLAYED)
    assert verdicts(ask(office, told.starts_at)) == [(Verdict.PLAYED, "")]


def test_nor_do_they_grow_with_the_broadcasts_of_that_hour_whatever_became_of_them(office: Office) -> None:
    counts = []
    for more in (1, 12):
        for k in range(more):
            office.clock.set(SIX - MINUTE)
            office.speak_now()
            unwanted = office.speak_now()
            with office.database.writing() as session:
                withdraw(session, unwanted.id, office.now(), by=f"lan {k}", cause="by_operator")
        office.clock.set(SIX + 20 * MINUTE)
        with office.database.session() as session, counted(office.database) as statements:
            found = explain(session, receiver(session, "loa-1"), SIX, office.now())
        counts.append(len(statements))
    assert len(found.outcomes) == 26
    assert {s.decided.by for s in found.outcomes if s.decided} == {"lan 0", *(f"lan {k}" for k in range(12))}
    assert counts[0] == counts[1]


def test_the_queries_do_not_grow_with_days_of_broadcasts(office: Office) -> None:
    counts = []
    for days in (1, 20):
        for k in range(days):
            office.clock.set(SIX + k * DAY)
            office.speak_now(targets=ALL)
        office.clock.set(SIX - timedelta(hours=1))
        with office.database.session() as session, counted(office.database) as statements:
            explain(session, receiver(session, "loa-1"), SIX + timedelta(hours=12), office.now())
        counts.append(len(statements))
    assert counts[0] == counts[1]


def test_what_was_stopped_is_not_told_as_played_in_full(office: Office) -> None:
    told = planned(office)
    office.clock.set(SIX + timedelta(seconds=3))
    with office.database.writing() as session:
        told = stop(session, told.id, office.now(), by="lan")
    office.clock.set(SIX + 3 * MINUTE)
    said(office, told, Outcome.PLAYED)
    assert verdicts(ask(office)) == [(Verdict.STOPPED, "")]


def test_live_audio_that_came_to_its_end_was_not_cut_short(office: Office) -> None:
    told = planned(office)
    office.clock.set(SIX + timedelta(seconds=3))
    with office.database.writing() as session:
        told = stop(session, told.id, office.now(), by="loa live", cause="live_ended")
    office.clock.set(SIX + 3 * MINUTE)
    said(office, told, Outcome.PLAYED)
    assert verdicts(ask(office)) == [(Verdict.PLAYED, "")]
