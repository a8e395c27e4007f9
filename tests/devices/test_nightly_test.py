"""The nightly test: once a night, asked of who is there, and a fault in the morning of who did not pass."""

from collections.abc import Iterator
from datetime import UTC, datetime, time, timedelta
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest
from sqlmodel import select

from broadcast.audio_silent import SilentRecordings
from broadcast.backup_clip import choose_backup
from broadcast.media import Media
from broadcast.play_reports import reports_of
from broadcast.play_reports import take_report as take_play_report
from devices import faults, self_tests
from devices.nightly_test import NightlyTest, due_night
from devices.presence import PresenceWatch
from devices.receivers import Receiver
from devices.self_tests import SelfTestPart, latest
from receiver.self_test import check_file
from runtime.clock import ManualClock
from runtime.database import Database
from runtime.refusal import NotFound
from tests.broadcast.studio import KEY, Studio
from tests.cast import COMMUNE
from wire.commands import Command, Config, SelfTest
from wire.messages import CONTROLLER
from wire.reports import ClockState, Fallback, Heartbeat, Outcome, PlayReport, Presence, SelfTestReport, SubstitutedItem
from wire.sealing import PublicKey, open_sealed
from wire.topics import Kind, of_receiver

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
HALF_PAST_TWO = datetime(2026, 11, 24, 19, 30, tzinfo=UTC)  # of 25 November in Vietnam


class Night:
    """A studio with two receivers, and a controller that tests them."""

    def __init__(self, clock: ManualClock, database: Database, folder: Path) -> None:
        self.studio, self.clock, self.database, self.folder = Studio(clock, database), clock, database, folder
        self.watch = PresenceWatch(database, now=clock.now())
        self.media = Media(folder / "media")
        self.test = self.controller()
        self._beats = 0

    def controller(self) -> NightlyTest:
        """One more controller, or the same one started again."""
        return NightlyTest(
            self.database,
            SilentRecordings(self.media),
            self.studio.downlink,
            self.watch,
            self.clock,
            at=time(2, 30),
            verdict_after=timedelta(hours=1),
        )

    def beat(self, *receiver_ids: str, session: int = 1) -> None:
        self._beats += 1
        for receiver_id in receiver_ids:
            beat = Heartbeat(session=session, sequence=self._beats, clock=ClockState(locked=True))
            self.watch.heard(receiver_id, beat, self.clock.now())
        self.watch.sweep(self.clock.now())

    def at(self, after: timedelta, *online: str, session: int = 1) -> None:
        """It is so long after half past two; these are heard, and the controller looks."""
        self.clock.set(HALF_PAST_TWO + after)
        self.beat(*online, session=session)
        self.test.step()

    def asked(self, receiver_id: str) -> list[SelfTest]:
        keys, topic = {KEY.kid: PublicKey(KEY.public)}, of_receiver(receiver_id, Kind.DO)
        commands: list[Command] = [
            open_sealed(payload, Command, keys, to=f"r/{receiver_id}", now_us=None)
            for at, payload, _, _ in self.studio.broker.log
            if at == topic
        ]
        return [command.action for command in commands if isinstance(command.action, SelfTest)]

    def answer(self, receiver_id: str, test: str, failed_step: str = "") -> None:
        now_us = self.clock.now_us()
        report = SelfTestReport(
            to=CONTROLLER,
            revision=1,
            issued_at_us=1,
            expires_at_us=2,
            report="r",
            receiver=receiver_id,
            test=test,
            ok=not failed_step,
            failed_step=failed_step,
            at_us=now_us,
            took_ms=900,
        )
        with self.database.writing() as session:
            self_tests.take_report(session, receiver_id, report)

    def faults(self) -> dict[str, str]:
        with self.database.session() as session:
            return {
                receiver_id: fault.detail
                for receiver_id, found in faults.current(session).items()
                for fault in found
                if fault.fault == "self_test"
            }


@pytest.fixture
def night(clock: ManualClock, database: Database, tmp_path: Path) -> Iterator[Night]:
    return Night(clock, database, tmp_path)


MINUTE, HOUR = timedelta(minutes=1), timedelta(hours=1)


@pytest.mark.parametrize(
    ("at", "now", "night"),
    [
        ("02:30", "2026-11-25 02:29", None),
        ("02:30", "2026-11-25 02:30", "2026-11-25"),
        ("02:30", "2026-11-25 08:29", "2026-11-25"),
        ("02:30", "2026-11-25 08:30", None),
        ("23:30", "2026-11-25 00:10", "2026-11-24"),
        ("23:30", "2026-11-24 23:30", "2026-11-24"),
        ("00:00", "2026-11-25 00:00", "2026-11-25"),
    ],
)
def test_the_night_that_is_due(at: str, now: str, night: str | None) -> None:
    local = datetime.fromisoformat(now).replace(tzinfo=VIETNAM)
    found = due_night(time.fromisoformat(at), VIETNAM, local.astimezone(UTC))
    assert (found.isoformat() if found else None) == night


def test_the_recording_is_what_the_command_says_and_new_each_night(night: Night) -> None:
    night.at(timedelta(0), "loa-1")
    night.at(HOUR, "loa-1")
    night.at(24 * HOUR, "loa-1")
    first, second = night.asked("loa-1")
    assert first.media.sha256 != second.media.sha256
    check_file(night.media.path_of(second.media.sha256, "opus"), second)
    assert not night.media.has(first.media.sha256, "opus"), "last night's is deleted"
    assert 0 < first.spread_ms <= 600_000


def test_who_answers_well_has_no_fault_and_the_others_are_told_with_why(night: Night) -> None:
    night.studio.clock.set(HALF_PAST_TWO - HOUR)
    with night.database.writing() as session:
        for receiver_id in ("loa-3", "loa-4"):
            night.studio.add_receiver(session, receiver_id, [])
    night.beat("loa-1", "loa-2", "loa-3")
    night.watch.presence_received("loa-3", Presence(session=1, online=False), night.clock.now(), retained=False)
    night.beat("loa-1", "loa-2")
    night.at(timedelta(0), "loa-1", "loa-2")
    [test] = {asked.test for asked in night.asked("loa-1") + night.asked("loa-2")}
    assert night.asked("loa-3") == night.asked("loa-4") == []
    night.answer("loa-1", test)
    night.answer("loa-2", test, "level")
    assert night.faults() == {}, "the verdict is given in the morning"
    night.at(HOUR, "loa-1", "loa-2")
    since = (HALF_PAST_TWO - HOUR).isoformat(timespec="seconds")
    assert night.faults() == {"loa-2": "level", "loa-3": f"offline {since}", "loa-4": "never_heard"}
    night.answer("loa-2", test)
    assert night.faults().keys() == {"loa-3", "loa-4"}, "a good answer ends it, late as it is"


def test_it_is_begun_and_asked_once_with_two_controllers_and_a_restart(night: Night) -> None:
    night.clock.set(HALF_PAST_TWO)
    night.beat("loa-1", "loa-2")
    for controller in (night.test, night.controller(), night.controller()):
        controller.step()
    assert [len(night.asked(r)) for r in ("loa-1", "loa-2")] == [1, 1]
    # Two that both saw that nothing was begun: the row is the claim.
    night.test._begin(COMMUNE, HALF_PAST_TWO.astimezone(VIETNAM).date(), night.clock.now())
    with night.database.session() as session:
        assert len({part.test_id for part in session.exec(select(SelfTestPart))}) == 1
    assert len(list((night.folder / "media").rglob("*.opus"))) == 1


@pytest.mark.parametrize(
    ("beats", "asked"),
    [
        ([0, 5, 10], 1),  # it has its time
        ([0, 10, 21, 40], 2),  # no answer: once more
        ([30, 31], 1),  # offline at first
    ],
)
def test_who_comes_back_is_asked_and_who_is_silent_is_asked_twice(night: Night, beats: list[int], asked: int) -> None:
    for minutes in beats:
        # Heard all the time between, so that it is the silence that counts and not an absence.
        start = night.clock.now()
        while night.clock.now() < HALF_PAST_TWO + minutes * MINUTE and minutes != beats[0]:
            night.clock.set(min(night.clock.now() + timedelta(seconds=20), HALF_PAST_TWO + minutes * MINUTE))
            night.beat("loa-1")
        assert start <= night.clock.now()
        night.at(minutes * MINUTE, "loa-1")
    assert len(night.asked("loa-1")) == asked


def test_who_was_away_meanwhile_is_asked_again_when_back(night: Night) -> None:
    night.at(timedelta(0), "loa-1")
    night.watch.presence_received("loa-1", Presence(session=1, online=False), night.clock.now(), retained=False)
    night.at(MINUTE)
    night.at(2 * MINUTE, "loa-1", session=2)
    assert len(night.asked("loa-1")) == 2


def test_by_hand_it_is_one_receiver_judged_as_soon_as_it_answers(night: Night) -> None:
    night.beat("loa-1", "loa-2")
    test = night.test.test_now(COMMUNE, ["loa-1"])
    assert [asked.spread_ms for asked in night.asked("loa-1")] == [0]
    assert night.asked("loa-2") == []
    night.answer("loa-1", test, "speaker")
    night.test.step()
    assert night.faults() == {"loa-1": "speaker"}
    night.answer("loa-1", night.test.test_now(COMMUNE, ["loa-1"]))
    assert night.faults() == {}


def test_a_late_good_answer_to_an_older_test_does_not_hide_a_newer_failure(night: Night) -> None:
    night.beat("loa-1")
    older = night.test.test_now(COMMUNE, ["loa-1"])
    night.clock.set(night.clock.now() + MINUTE)
    night.beat("loa-1")
    night.answer("loa-1", night.test.test_now(COMMUNE, ["loa-1"]), "speaker")
    night.test.step()
    night.answer("loa-1", older)
    assert night.faults() == {"loa-1": "speaker"}


def test_who_is_retired_meanwhile_has_no_fault_and_strangers_change_nothing(night: Night) -> None:
    night.at(timedelta(0), "loa-1", "loa-2")
    with night.database.writing() as session:
        retired = session.get(Receiver, "loa-2")
        assert retired is not None
        retired.retired_at = night.clock.now()
        session.add(retired)
    night.answer("loa-9", night.asked("loa-1")[0].test, "level")
    night.answer("loa-1", "no such test")
    night.at(HOUR, "loa-1")
    assert night.faults() == {"loa-1": "no_answer"}
    with night.database.session() as session:
        assert latest(session, ["loa-1"], HALF_PAST_TWO)["loa-1"].why == "no_answer"
        assert latest(session, ["loa-1"], HALF_PAST_TWO + HOUR) == {}


def test_old_tests_are_forgotten(night: Night) -> None:
    night.at(timedelta(0), "loa-1")
    night.at(HOUR, "loa-1")
    night.at(40 * 24 * HOUR, "loa-1")
    with night.database.session() as session:
        assert {part.test_id for part in session.exec(select(SelfTestPart))} == {night.asked("loa-1")[-1].test}


def test_the_backup_is_in_every_config_and_its_change_is_news(night: Night) -> None:
    def told(clip_id: str | None) -> Config:
        with night.database.writing() as session:
            choose_backup(session, COMMUNE, clip_id)
        with night.database.session() as session:
            found = session.get(Receiver, "loa-1")
            assert found is not None
            night.studio.downlink.configure_all(session, [found])
        keys, topic = {KEY.kid: PublicKey(KEY.public)}, of_receiver("loa-1", Kind.CONFIG)
        payload = [payload for at, payload, _, _ in night.studio.broker.log if at == topic][-1]
        return open_sealed(payload, Config, keys, to="r/loa-1", now_us=None)

    first, other, none = told("storm"), told("bulletin"), told(None)
    assert [c.backup.clip if c.backup else None for c in (first, other, none)] == ["storm", "bulletin", None]
    assert first.revision < other.revision < none.revision
    assert first.backup is not None
    assert (first.backup.duration_us, len(first.backup.renditions)) == (30_000_000, 2)


def test_a_backup_of_nowhere_is_refused(night: Night) -> None:
    with night.database.writing() as session, pytest.raises(NotFound):
        choose_backup(session, COMMUNE, "nothing")


def test_what_stood_in_is_kept_with_the_play_report(night: Night) -> None:
    stood_in = [SubstitutedItem(position=1, clip="bulletin", rung=Fallback.BACKUP, detail="its audio is not there")]
    report = PlayReport(
        to=CONTROLLER,
        revision=1,
        issued_at_us=1,
        expires_at_us=2,
        report="r",
        receiver="loa-1",
        broadcast="b",
        manifest_revision=1,
        outcome=Outcome.PARTLY,
        cause="backup",
        stood_in=stood_in,
    )
    with night.database.writing() as session:
        take_play_report(session, "loa-1", report)
    with night.database.session() as session:
        row = reports_of(session, "b")["loa-1"]
    assert (row.cause, row.items_stood_in) == ("backup", stood_in)
