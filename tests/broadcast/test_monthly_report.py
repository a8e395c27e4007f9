"""The play log filtered, and the month in figures: both sides of every edge."""

from datetime import date, datetime, timedelta

import pytest
from msgspec import structs
from sqlmodel import Session

from broadcast.broadcasts import Broadcast
from broadcast.clips import Clip, Field
from broadcast.manifest_items import manifest_items
from broadcast.monthly_report import MonthlyReport, month_bounds, monthly_report
from broadcast.planning import new_broadcast, plan_broadcast
from broadcast.play_log import LogFilter, play_log
from broadcast.play_reports import take_report
from broadcast.programmes import Item, ItemKind, items_of
from broadcast.stopping import mark_missed, stop, withdraw
from devices.communes import commune
from devices.presence import PresenceChange
from devices.presence_states import PresenceState
from runtime.clock import ManualClock
from runtime.database import Database
from tests.broadcast.studio import ALL, Studio
from tests.cast import COMMUNE, VIETNAM
from tests.devices.test_receivers import counted
from wire.broadcasts import BroadcastClass, Targets
from wire.messages import CONTROLLER
from wire.reports import Outcome, PlayReport

NOVEMBER = datetime(2026, 11, 1, tzinfo=VIETNAM)
DECEMBER = datetime(2026, 12, 1, tzinfo=VIETNAM)
TICK = timedelta(microseconds=1)
MINUTE = timedelta(minutes=1)


@pytest.fixture
def studio(clock: ManualClock, database: Database) -> Studio:
    made = Studio(clock, database)
    clock.set(DECEMBER + timedelta(days=3))
    with database.writing() as session:
        storm = session.get(Clip, "storm")
        assert storm is not None
        storm.field = int(Field.UNEXPECTED)
        session.add(storm)
    return made


def air(
    studio: Studio,
    starts_at: datetime,
    *,
    class_: BroadcastClass = BroadcastClass.NORMAL,
    targets: Targets = ALL,
    title: str = "Bản tin sáng",
    minutes: float = 1,
    heard_by: tuple[str, ...] = (),
    clips: tuple[str, ...] = (),
) -> Broadcast:
    """A broadcast of some minutes with the bulletin (60 s), and who played it."""
    with studio.database.writing() as session:
        programme = studio.programme
        if clips:
            programme = studio.add_programme(session, f"{title} {starts_at}", [Item(ItemKind.CLIP, c) for c in clips])
        made = plan_broadcast(
            session,
            new_broadcast(
                commune_id=COMMUNE,
                title=title,
                class_=class_,
                targets=targets,
                starts_at=starts_at,
                length_us=round(minutes * 60e6),
                items=manifest_items(session, items_of(session, programme)),
                now=starts_at - MINUTE,
            ),
        )
        for receiver_id in heard_by:
            report = PlayReport(
                to=CONTROLLER,
                revision=1,
                issued_at_us=1,
                expires_at_us=2,
                report=f"{made.id}-{receiver_id}",
                receiver=receiver_id,
                broadcast=made.id,
                manifest_revision=1,
                outcome=Outcome.PLAYED,
            )
            take_report(session, receiver_id, report)
        return made


def month(studio: Studio, now: datetime | None = None) -> MonthlyReport:
    with studio.database.session() as session:
        return monthly_report(session, commune(session, COMMUNE), date(2026, 11, 1), now or studio.now())


def found(studio: Studio, wanted: LogFilter) -> list[str]:
    with studio.database.session() as session:
        return [b.id for b in play_log(session, COMMUNE, studio.now(), wanted)]


@pytest.mark.parametrize(
    ("starts_at", "counts"), [(NOVEMBER - TICK, 0), (NOVEMBER, 1), (DECEMBER - TICK, 1), (DECEMBER, 0)]
)
def test_a_broadcast_belongs_to_the_month_in_which_it_begins_by_the_communes_clock(
    studio: Studio, starts_at: datetime, counts: int
) -> None:
    air(studio, starts_at)
    assert month(studio).broadcasts == counts


def test_a_month_ends_where_the_next_begins_also_over_the_new_year() -> None:
    zone = NOVEMBER.tzinfo
    assert month_bounds(date(2026, 12, 1), zone)[1] == datetime(2027, 1, 1, tzinfo=VIETNAM)  # type: ignore[arg-type]
    assert month_bounds(date(2028, 2, 1), zone)[1] == datetime(2028, 3, 1, tzinfo=VIETNAM)  # type: ignore[arg-type]


def test_minutes_by_class_and_by_field_both_add_up_to_the_whole(studio: Studio) -> None:
    air(studio, NOVEMBER, minutes=2)  # a minute of the bulletin, a minute of pause
    air(studio, NOVEMBER + MINUTE * 10, class_=BroadcastClass.EMERGENCY, minutes=1.5, clips=("bulletin", "storm"))
    report = month(studio)
    assert report.minutes == pytest.approx(3.5)
    assert report.minutes_by_class == pytest.approx({"normal": 2, "emergency": 1.5})
    assert report.minutes_by_field == pytest.approx({0: 1, int(Field.GENERAL): 2, int(Field.UNEXPECTED): 0.5})
    assert sum(report.minutes_by_field.values()) == pytest.approx(report.minutes)


def test_what_was_stopped_counts_until_the_stop_and_what_never_aired_counts_for_nothing(studio: Studio) -> None:
    stopped, withdrawn, missed = (air(studio, NOVEMBER + k * MINUTE * 10, minutes=4) for k in range(3))
    with studio.database.writing() as session:
        stop(session, stopped.id, NOVEMBER + MINUTE)
        withdraw(session, withdrawn.id, NOVEMBER, cause="by_operator")
        kept = session.get(Broadcast, missed.id)
        assert kept is not None
        mark_missed(session, kept, NOVEMBER, "controller_away")
    report = month(studio)
    assert (report.broadcasts, report.withdrawn) == (1, 1)
    assert report.minutes == pytest.approx(1)
    assert [(line.broadcast.id, line.causes) for line in report.not_fully_heard] == [
        (stopped.id, {"by_operator": 2}),
        (missed.id, {"controller_away": 2}),
    ]


def test_heard_is_counted_over_all_who_were_meant(studio: Studio) -> None:
    air(studio, NOVEMBER, heard_by=("loa-1", "loa-2"))
    half = air(studio, NOVEMBER + MINUTE * 10, heard_by=("loa-1",))
    report = month(studio)
    assert (report.heard, report.meant, report.heard_share) == (3, 4, 0.75)
    assert [(line.broadcast.id, line.causes) for line in report.not_fully_heard] == [(half.id, {"no_report": 1})]


def test_each_zone_has_what_was_meant_for_it_or_for_some_in_it(studio: Studio) -> None:
    air(studio, NOVEMBER, heard_by=("loa-1",))
    air(studio, NOVEMBER + MINUTE * 10, minutes=2, targets=Targets(receivers=["loa-2"]), heard_by=("loa-2",))
    air(studio, DECEMBER, heard_by=("loa-1", "loa-2"))
    lines = {z.id: (z.broadcasts, z.minutes, z.heard, z.meant) for z in month(studio).by_zone}
    assert lines == {"thon-1": (1, pytest.approx(1), 1, 1), "thon-2": (2, pytest.approx(3), 1, 2)}


def test_what_is_on_air_counts_for_as_long_as_it_has_been(studio: Studio) -> None:
    air(studio, NOVEMBER, minutes=4)
    report = month(studio, NOVEMBER + MINUTE * 3)
    assert (report.minutes, report.by_zone[0].minutes) == (pytest.approx(3), pytest.approx(3))
    assert report.minutes_by_field == pytest.approx({0: 2, int(Field.GENERAL): 1})


def test_the_month_is_asked_with_as_many_queries_for_many_broadcasts(studio: Studio) -> None:
    counts = []
    for first in (0, 30):
        for k in range(first, first + first + 1):
            air(studio, NOVEMBER + MINUTE * 10 * k, heard_by=("loa-1",))
        with studio.database.session() as session, counted(studio.database) as statements:
            monthly_report(session, commune(session, COMMUNE), date(2026, 11, 1), studio.now())
        counts.append(len(statements))
    assert counts[0] == counts[1]


def test_why_it_was_not_heard_is_told_by_those_who_know(studio: Studio) -> None:
    told = air(studio, NOVEMBER, heard_by=("loa-1",))
    report = PlayReport(
        to=CONTROLLER,
        revision=1,
        issued_at_us=1,
        expires_at_us=2,
        report="r",
        receiver="loa-2",
        broadcast=told.id,
        manifest_revision=1,
        outcome=Outcome.MISSED,
        cause="no_audio",
    )
    with studio.database.writing() as session:
        take_report(session, "loa-2", report)
    assert [line.causes for line in month(studio).not_fully_heard] == [{"no_audio": 1}]
    with studio.database.writing() as session:
        take_report(session, "loa-2", structs.replace(report, outcome=Outcome.PLAYED, cause="volume_zero"))
    assert (month(studio).heard, [line.causes for line in month(studio).not_fully_heard]) == (1, [{"volume_zero": 1}])


def test_a_receiver_was_connected_for_a_share_of_the_time_since_it_was_first_heard(studio: Studio) -> None:
    def change(session: Session, at: datetime, state: PresenceState) -> None:
        session.add(PresenceChange(receiver_id="loa-1", at=at, state=state.value))

    with studio.database.writing() as session:
        change(session, DECEMBER, PresenceState.ONLINE)  # not the month's any more
        change(session, NOVEMBER + timedelta(days=10), PresenceState.ONLINE)
        change(session, NOVEMBER + timedelta(days=20), PresenceState.LATE)
        change(session, NOVEMBER + timedelta(days=25), PresenceState.OFFLINE)
    shares = {a.receiver.id: a.share for a in month(studio).availability}
    assert shares == {"loa-1": pytest.approx(15 / 20), "loa-2": None}
    half_way = month(studio, NOVEMBER + timedelta(days=20))
    assert half_way.until == NOVEMBER + timedelta(days=20)
    assert [a.share for a in half_way.availability if a.receiver.id == "loa-1"] == [1.0]


def test_the_state_in_which_it_came_into_the_month_goes_on_in_it(studio: Studio) -> None:
    with studio.database.writing() as session:
        for days, state in ((-20, PresenceState.OFFLINE), (-10, PresenceState.ONLINE), (15, PresenceState.OFFLINE)):
            at = NOVEMBER + timedelta(days=days)
            session.add(PresenceChange(receiver_id="loa-1", at=at, state=state.value))
    assert {a.receiver.id: a.share for a in month(studio).availability} == {"loa-1": pytest.approx(0.5), "loa-2": None}


def test_each_filter_of_the_log_leaves_what_it_names(studio: Studio) -> None:
    morning = air(studio, NOVEMBER, heard_by=("loa-1", "loa-2"))
    storm = air(
        studio,
        NOVEMBER + MINUTE * 10,
        class_=BroadcastClass.EMERGENCY,
        title="Tin bão",
        clips=("storm",),
        targets=Targets(zones=["thon-2"]),
    )
    gone = air(studio, NOVEMBER + MINUTE * 20)
    with studio.database.writing() as session:
        withdraw(session, gone.id, NOVEMBER, cause="by_operator")
    assert found(studio, LogFilter(class_="emergency")) == [storm.id]
    assert found(studio, LogFilter(field=int(Field.UNEXPECTED))) == [storm.id]
    assert found(studio, LogFilter(place="thon-1")) == [gone.id, morning.id]
    assert found(studio, LogFilter(place="loa-2")) == [gone.id, storm.id, morning.id]
    assert found(studio, LogFilter(outcome="heard")) == [morning.id]
    assert found(studio, LogFilter(outcome="lacking")) == [storm.id]
    assert found(studio, LogFilter(outcome="withdrawn")) == [gone.id]
    assert found(studio, LogFilter(outcome="missed")) == []
    assert found(studio, LogFilter(search="tin bao")) == [storm.id]
    assert found(studio, LogFilter(since=NOVEMBER + TICK, until=NOVEMBER + MINUTE * 20)) == [storm.id]
