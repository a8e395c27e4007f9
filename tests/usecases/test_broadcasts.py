"""Put on air and stop: each step of the use case happens, or none."""

from dataclasses import dataclass, field
from datetime import timedelta

import pytest
from sqlmodel import Session, select

from broadcast.broadcasts import Broadcast, BroadcastState, state
from devices.communes import add_commune
from noise.noise_rules import set_rules
from people.audit import AuditEntry, Deed
from people.rights import Action, NotAllowed
from runtime.clock import ManualClock
from runtime.database import Database
from runtime.refusal import NotFound, Refusal
from tests.broadcast.studio import ALL, Studio
from tests.cast import COMMUNE, LAN
from usecases import broadcasts
from usecases.actors import LIVE, Actor
from usecases.live_broadcasts import put_live_on_air
from usecases.services import Services
from wire.allowed_hours import AllowedHours
from wire.broadcasts import BroadcastClass

ANNOUNCER = Actor("hoa", allowed=frozenset({Action.ON_AIR}))
TECHNICIAN = Actor("minh", allowed=frozenset({Action.RECEIVERS}))
OTHER = "thieu-hoa"


@dataclass
class Office:
    """A studio whose transmitter is asked how many broadcasts were committed when it was told to look."""

    studio: Studio
    announced: list[int] = field(default_factory=list)

    @property
    def services(self) -> Services:
        return Services(self.studio.database, self.studio.clock, announce=self._announce)

    def _announce(self) -> None:
        self.announced.append(len(self.broadcasts()))

    def broadcasts(self) -> list[Broadcast]:
        with self.studio.database.session() as session:
            return list(session.exec(select(Broadcast)))

    def deeds(self) -> list[tuple[str, str, str]]:
        with self.studio.database.session() as session:
            return [(e.by, e.action, e.detail) for e in session.exec(select(AuditEntry).order_by(AuditEntry.id))]

    def put_on_air(self, actor: Actor, class_: BroadcastClass = BroadcastClass.NORMAL) -> Broadcast:
        return broadcasts.put_on_air(
            self.services, actor, COMMUNE, targets=ALL, class_=class_, programme_id=self.studio.programme
        )

    def rules(self, **rules: object) -> None:
        with self.studio.database.writing() as session:
            set_rules(session, COMMUNE, "", **rules)  # type: ignore[arg-type]


@pytest.fixture
def office(clock: ManualClock, database: Database) -> Office:
    return Office(Studio(clock, database))


def test_put_on_air_writes_audits_and_announces_after_the_commit(office: Office) -> None:
    broadcast = office.put_on_air(ANNOUNCER)
    assert [b.id for b in office.broadcasts()] == [broadcast.id]
    assert office.deeds() == [("hoa", Deed.PUT_ON_AIR, "Bản tin sáng")]
    assert office.announced == [1]


def test_without_the_right_nothing_is_put_on_air(office: Office) -> None:
    with pytest.raises(NotAllowed):
        office.put_on_air(TECHNICIAN)
    assert (office.broadcasts(), office.deeds(), office.announced) == ([], [], [])


def test_an_emergency_needs_the_right_to_emergencies_to_start_and_to_stop(office: Office) -> None:
    with pytest.raises(NotAllowed):
        office.put_on_air(ANNOUNCER, BroadcastClass.EMERGENCY)
    broadcast = office.put_on_air(LAN, BroadcastClass.EMERGENCY)
    with pytest.raises(NotAllowed):
        broadcasts.stop(office.services, ANNOUNCER, COMMUNE, broadcast.id)
    assert [b.withdrawn_at for b in office.broadcasts()] == [None]


def test_a_refused_budget_leaves_no_broadcast_and_no_audit(office: Office) -> None:
    office.rules(minutes_a_day=1, refuses=True)
    office.put_on_air(ANNOUNCER)
    office.studio.clock.advance(timedelta(minutes=5))
    with pytest.raises(Refusal, match="minutes"):
        office.put_on_air(ANNOUNCER)
    assert len(office.broadcasts()) == len(office.deeds()) == 1


def test_stop_silences_audits_and_announces(office: Office) -> None:
    broadcast = office.put_on_air(ANNOUNCER)
    office.studio.clock.advance(timedelta(seconds=20))
    broadcasts.stop(office.services, ANNOUNCER, COMMUNE, broadcast.id)
    (stopped,) = office.broadcasts()
    assert state(stopped, office.studio.now()) is BroadcastState.STOPPED
    assert stopped.stopped_by == "hoa"
    assert office.deeds()[1:] == [("hoa", Deed.STOPPED, "Bản tin sáng")]
    assert office.announced == [1, 1]


def test_stopping_what_is_over_changes_and_audits_nothing(office: Office) -> None:
    broadcast = office.put_on_air(ANNOUNCER)
    office.studio.clock.advance(timedelta(hours=1))
    broadcasts.stop(office.services, ANNOUNCER, COMMUNE, broadcast.id)
    assert office.broadcasts()[0].revision == 1
    assert [deed for _, deed, _ in office.deeds()] == [Deed.PUT_ON_AIR]


def test_an_unknown_broadcast_and_one_of_another_commune_cannot_be_stopped(office: Office) -> None:
    broadcast = office.put_on_air(ANNOUNCER)
    with office.studio.database.writing() as session:
        add_commune(session, OTHER, "Xã Thiệu Hòa")
    with pytest.raises(NotFound):
        broadcasts.stop(office.services, ANNOUNCER, COMMUNE, "none")
    with pytest.raises(NotFound):
        broadcasts.stop(office.services, ANNOUNCER, OTHER, broadcast.id)
    assert office.broadcasts()[0].withdrawn_at is None


def live(office: Office, hours: float = 4.0) -> Broadcast:
    return put_live_on_air(
        office.services,
        LIVE,
        COMMUNE,
        targets=ALL,
        class_=BroadcastClass.NORMAL,
        title="Họp dân",
        longest=timedelta(hours=hours),
        buffer_us=300_000,
    )


def test_live_is_audited_as_everything_else(office: Office) -> None:
    live(office)
    assert office.deeds() == [("loa live", Deed.PUT_ON_AIR, "Họp dân")]


def test_live_ends_where_the_noise_budget_is_used_up(office: Office) -> None:
    office.rules(minutes_a_day=10, refuses=True)
    office.put_on_air(ANNOUNCER)  # one minute
    office.studio.clock.advance(timedelta(minutes=5))
    broadcast = live(office)
    assert timedelta(minutes=8) < broadcast.ends_at - broadcast.starts_at <= timedelta(minutes=9)


def test_live_is_refused_when_the_noise_budget_is_used_up_and_outside_the_allowed_hours(office: Office) -> None:
    office.rules(minutes_a_day=1, refuses=True)
    office.put_on_air(ANNOUNCER)
    office.studio.clock.advance(timedelta(minutes=5))
    with pytest.raises(Refusal, match="minutes"):
        live(office)
    office.rules(hours=[AllowedHours(weekdays=list(range(7)), from_minute=600, until_minute=660)])
    with pytest.raises(Refusal):
        live(office)
    assert len(office.broadcasts()) == 1


def test_inside_a_transaction_of_another_nothing_is_announced(office: Office) -> None:
    with office.studio.database.writing() as session:
        _put_in(session, office)
    assert office.announced == []
    assert len(office.broadcasts()) == len(office.deeds()) == 1


def _put_in(session: Session, office: Office) -> None:
    broadcasts.put_on_air_in(
        session,
        ANNOUNCER,
        COMMUNE,
        targets=ALL,
        class_=BroadcastClass.NORMAL,
        now=office.studio.now(),
        programme_id=office.studio.programme,
    )
