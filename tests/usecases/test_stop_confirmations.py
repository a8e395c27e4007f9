"""A stop says which receivers it has not reached, until they have confirmed or cannot sound any more."""

from datetime import timedelta

import pytest

from broadcast.broadcasts import Broadcast
from broadcast.play_reports import take_report
from broadcast.stop_confirmations import StopConfirmation
from devices.presence import PresenceWatch
from runtime.clock import ManualClock, to_us
from runtime.database import Database
from tests.broadcast.studio import Studio
from tests.cast import COMMUNE, LAN
from usecases import broadcasts
from usecases.services import Services
from wire.messages import CONTROLLER
from wire.reports import ClockState, Heartbeat, Held, Outcome, PlayReport


class Office:
    """Two receivers, one bulletin of a minute on air for both since ten seconds."""

    def __init__(self, clock: ManualClock, database: Database) -> None:
        self.studio = Studio(clock, database)
        self.presence = PresenceWatch(database, now=clock.now())
        self.services = Services(database, clock, statuses=self.presence.snapshot)
        self.bulletin = self.studio.speak_now()
        clock.set(self.bulletin.starts_at + timedelta(seconds=10))

    def beat(self, receiver_id: str, broadcast: str = "", holds: int = 0) -> None:
        """holds: the revision of the bulletin that it holds, 0 for none."""
        held = [Held(broadcast=self.bulletin.id, revision=holds, ready=True)] if holds else []
        now = self.studio.now()
        heartbeat = Heartbeat(
            session=1, sequence=1, sent_at_us=to_us(now), broadcast=broadcast, holds=held, clock=ClockState(locked=True)
        )
        self.presence.heard(receiver_id, heartbeat, now)

    def stop(self) -> StopConfirmation:
        return broadcasts.stop(self.services, LAN, COMMUNE, self.bulletin.id)

    def unconfirmed(self) -> list[str]:
        with self.studio.database.session() as session:
            row = session.get(Broadcast, self.bulletin.id)
            assert row is not None
            return [r.id for r in broadcasts.confirmation_of(session, self.services, row).unconfirmed]


@pytest.fixture
def office(clock: ManualClock, database: Database) -> Office:
    return Office(clock, database)


def test_the_one_whose_network_is_cut_is_named_until_its_planned_end(office: Office) -> None:
    for receiver_id in ("loa-1", "loa-2"):
        office.beat(receiver_id, office.bulletin.id, holds=1)
    office.studio.clock.advance(seconds=2)
    confirmation = office.stop()
    assert [r.id for r in confirmation.unconfirmed] == ["loa-1", "loa-2"]
    assert confirmation.sounds_until == office.bulletin.ends_at
    office.studio.clock.advance(seconds=1)
    office.beat("loa-1")
    assert office.unconfirmed() == ["loa-2"]
    office.studio.clock.set(office.bulletin.ends_at)
    assert office.unconfirmed() == []


def test_one_that_comes_back_and_is_silent_has_confirmed(office: Office) -> None:
    office.beat("loa-1", office.bulletin.id, holds=1)
    office.stop()
    office.studio.clock.advance(seconds=5)
    office.beat("loa-1", office.bulletin.id, holds=1)
    assert office.unconfirmed() == ["loa-1"], "a heartbeat that says that it sounds is no confirmation"
    office.beat("loa-1")
    assert office.unconfirmed() == []


def test_a_play_report_confirms_without_a_heartbeat(office: Office) -> None:
    office.beat("loa-1", office.bulletin.id, holds=1)
    office.stop()
    report = PlayReport(
        to=CONTROLLER,
        revision=1,
        issued_at_us=1,
        expires_at_us=2,
        report="r1",
        receiver="loa-1",
        broadcast=office.bulletin.id,
        manifest_revision=2,
        outcome=Outcome.PARTLY,
    )
    with office.studio.database.writing() as session:
        take_report(session, "loa-1", report)
    assert office.unconfirmed() == []


def test_one_without_power_that_holds_the_audio_may_begin_when_it_is_back(office: Office) -> None:
    office.beat("loa-2", "", holds=1)
    office.stop()
    assert office.unconfirmed() == ["loa-2"]


def test_one_that_never_held_it_has_nothing_to_confirm(office: Office) -> None:
    office.beat("loa-1")
    office.stop()
    assert office.unconfirmed() == []


def test_a_stop_before_the_start_and_one_after_the_end_leave_nothing_unconfirmed(office: Office) -> None:
    office.beat("loa-1", office.bulletin.id, holds=1)
    office.studio.clock.set(office.bulletin.ends_at + timedelta(seconds=5))
    assert office.stop().unconfirmed == []
