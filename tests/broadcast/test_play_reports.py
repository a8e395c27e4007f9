"""Play reports: in how many places it sounded, and why not in the others."""

from datetime import timedelta

import msgspec
import pytest

from broadcast.broadcasts import Broadcast
from broadcast.planning import LEAD
from broadcast.play_log import LogFilter, play_log
from broadcast.play_reports import REPORT_WITHIN, HeardCount, heard_counts, receiver_outcomes, reports_of, take_report
from broadcast.stopping import stop
from devices.presence import PresenceChange
from devices.receivers import receiver
from runtime.clock import ManualClock, to_us
from runtime.database import Database
from tests.broadcast.studio import ALL, Studio
from tests.cast import COMMUNE
from wire.broadcasts import BroadcastClass, Targets
from wire.messages import CONTROLLER
from wire.reports import Outcome, PlayReport


@pytest.fixture
def studio(clock: ManualClock, database: Database) -> Studio:
    return Studio(clock, database)


def report(studio: Studio, receiver_id: str, put: Broadcast, **more: object) -> PlayReport:
    now_us = studio.clock.now_us()
    made = PlayReport(
        to=CONTROLLER,
        revision=now_us,
        issued_at_us=now_us,
        expires_at_us=now_us + 1,
        report=f"{receiver_id}-1",
        receiver=receiver_id,
        broadcast=put.id,
        manifest_revision=1,
        outcome=Outcome.PLAYED,
        first_frame_at_us=to_us(put.starts_at),
        last_frame_at_us=to_us(put.ends_at),
        frames_played=2_880_000,
        frames_due=2_880_000,
    )
    return msgspec.structs.replace(made, **more)


def take(studio: Studio, said: PlayReport) -> None:
    with studio.database.writing() as session:
        take_report(session, said.receiver, said)


def over(studio: Studio, put: Broadcast) -> None:
    studio.clock.set(put.ends_at + REPORT_WITHIN)


def causes(studio: Studio, put: Broadcast) -> dict[str, tuple[str, str]]:
    with studio.database.session() as session:
        return {d.receiver.id: (d.outcome, d.cause) for d in receiver_outcomes(session, put, studio.now())}


def counted(studio: Studio, put: Broadcast) -> HeardCount:
    with studio.database.session() as session:
        return heard_counts(session, [put])[put.id]


def test_partly_is_heard_and_missed_is_only_reported(studio: Studio) -> None:
    put = studio.speak_now()
    assert counted(studio, put) == HeardCount(0, 0, 2)
    take(studio, report(studio, "loa-1", put, outcome=Outcome.PARTLY, cause="joined_late"))
    assert counted(studio, put) == HeardCount(1, 1, 2)
    take(studio, report(studio, "loa-2", put, outcome=Outcome.MISSED, cause="no_audio"))
    assert counted(studio, put) == HeardCount(1, 2, 2)


def test_what_sounded_at_volume_zero_was_heard_by_nobody_and_stands_with_those_that_need_a_look(studio: Studio) -> None:
    put = studio.speak_now()
    take(studio, report(studio, "loa-1", put))
    take(studio, report(studio, "loa-2", put, cause="volume_zero"))
    assert counted(studio, put) == HeardCount(1, 2, 2)
    assert list(causes(studio, put).items()) == [("loa-2", ("played", "volume_zero")), ("loa-1", ("played", ""))]


def test_the_instants_of_the_first_and_the_last_frame_are_kept_to_the_microsecond(studio: Studio) -> None:
    put = studio.speak_now()
    take(studio, report(studio, "loa-1", put, first_frame_at_us=to_us(put.starts_at) + 17))
    take(studio, report(studio, "loa-2", put, outcome=Outcome.MISSED, first_frame_at_us=0, last_frame_at_us=0))
    with studio.database.session() as session:
        said = reports_of(session, put.id)
    assert said["loa-1"].first_frame_at == put.starts_at + timedelta(microseconds=17)
    assert said["loa-1"].last_frame_at == put.ends_at
    assert said["loa-2"].first_frame_at is None


def test_a_later_report_of_the_same_receiver_takes_the_place_of_the_first(studio: Studio) -> None:
    put = studio.speak_now()
    take(studio, report(studio, "loa-1", put, outcome=Outcome.PARTLY, cause="restarted"))
    take(studio, report(studio, "loa-1", put, report="loa-1-2"))
    assert counted(studio, put) == HeardCount(1, 1, 2)
    assert causes(studio, put)["loa-1"] == ("played", "")


def test_a_long_cause_is_cut_and_not_refused(studio: Studio) -> None:
    put = studio.speak_now()
    take(studio, report(studio, "loa-1", put, cause="x" * 1000))
    assert len(causes(studio, put)["loa-1"][1]) == 200


def test_silence_means_nothing_until_a_report_is_overdue(studio: Studio) -> None:
    put = studio.speak_now()
    studio.clock.set(put.ends_at + REPORT_WITHIN - timedelta(microseconds=1))
    assert causes(studio, put)["loa-1"] == ("", "waiting")
    over(studio, put)
    assert causes(studio, put)["loa-1"] == ("", "no_report")


def test_who_was_offline_while_it_sounded_is_said_to_have_been_and_since_when(studio: Studio) -> None:
    put, since = studio.speak_now(), studio.now() - timedelta(hours=3)
    with studio.database.writing() as session:
        session.add(PresenceChange(receiver_id="loa-1", at=since - timedelta(days=1), state="online"))
        session.add(PresenceChange(receiver_id="loa-1", at=since, state="offline", cause="silent"))
        session.add(PresenceChange(receiver_id="loa-2", at=since, state="offline", cause="silent"))
        session.add(PresenceChange(receiver_id="loa-2", at=studio.now(), state="online", cause="heard"))
    over(studio, put)
    assert causes(studio, put) == {"loa-1": ("", "offline"), "loa-2": ("", "no_report")}
    with studio.database.session() as session:
        assert {d.receiver.id: d.offline_since for d in receiver_outcomes(session, put, studio.now())}["loa-1"] == since


def test_who_went_away_after_the_end_is_not_said_to_have_been_offline(studio: Studio) -> None:
    put = studio.speak_now()
    with studio.database.writing() as session:
        session.add(PresenceChange(receiver_id="loa-1", at=put.ends_at + timedelta(seconds=1), state="offline"))
    over(studio, put)
    assert causes(studio, put)["loa-1"] == ("", "no_report")


def test_of_what_was_withdrawn_nobody_is_waited_for(studio: Studio) -> None:
    put = studio.speak_now()
    with studio.database.writing() as session:
        gone = stop(session, put.id, studio.now(), by="lan")
    assert set(causes(studio, gone).values()) == {("", "by_operator")}


def test_a_receiver_retired_since_still_counts_for_what_it_played(studio: Studio) -> None:
    put = studio.speak_now(targets=Targets(receivers=["loa-1"]))
    take(studio, report(studio, "loa-1", put))
    with studio.database.writing() as session:
        receiver(session, "loa-1").retired_at = studio.now()
    assert counted(studio, put) == HeardCount(1, 1, 1)
    assert causes(studio, put) == {"loa-1": ("played", "")}


def test_those_that_need_a_look_come_first(studio: Studio) -> None:
    put = studio.speak_now()
    take(studio, report(studio, "loa-1", put))
    over(studio, put)
    assert list(causes(studio, put)) == ["loa-2", "loa-1"]


def test_the_log_holds_what_began_newest_first_by_page(studio: Studio) -> None:
    made = []
    for _ in range(3):
        made.append(studio.speak_now().id)
        studio.clock.advance(seconds=60)
    studio.speak_now()  # not begun yet
    with studio.database.session() as session:
        assert [b.id for b in play_log(session, COMMUNE, studio.now())] == made[::-1]
        assert [b.id for b in play_log(session, COMMUNE, studio.now(), limit=2)] == made[:0:-1]
        assert [b.id for b in play_log(session, COMMUNE, studio.now(), limit=2, offset=2)] == [made[0]]
        assert play_log(session, "elsewhere", studio.now()) == []


def test_the_log_is_searched_without_diacritics_and_by_class_and_time(studio: Studio) -> None:
    first = studio.speak_now()
    emergency = studio.speak_now(BroadcastClass.EMERGENCY, ALL)
    studio.clock.advance(LEAD)
    now = studio.now()
    with studio.database.session() as session:
        assert {b.id for b in play_log(session, COMMUNE, now, LogFilter(search="ban TIN"))} == {first.id, emergency.id}
        assert play_log(session, COMMUNE, now, LogFilter(search="bão")) == []
        assert [b.id for b in play_log(session, COMMUNE, now, LogFilter(class_="emergency"))] == [emergency.id]
        assert play_log(session, COMMUNE, now, LogFilter(until=first.starts_at)) == []
        assert len(play_log(session, COMMUNE, now, LogFilter(since=first.starts_at))) == 2
