"""Receivers, commands, zones, clips and noise rules: each step happens, and without the right none does."""

from collections.abc import Callable
from dataclasses import dataclass, field

import pytest
from sqlmodel import select

from broadcast import clips
from broadcast.retirement import retire
from devices.faults import FaultKey
from devices.receivers import receiver
from devices.stations import StationKind
from people.audit import AuditEntry, Deed
from people.rights import NotAllowed
from runtime.clock import ManualClock
from runtime.database import Database
from tests.broadcast.studio import Studio
from tests.cast import COMMUNE, LAN
from usecases.actors import Actor
from usecases.clips import change_clip, choose_backup, restore_clip, retire_clip
from usecases.faults import acknowledge_fault
from usecases.noise_rules import set_rules
from usecases.programmes import add_programme, rename_programme, retire_programme
from usecases.receiver_commands import command_receiver, self_test_receiver, tone_everywhere
from usecases.receivers import ReceiverSettings, change_receiver, place_receiver, retire_receiver
from usecases.services import Services
from usecases.stations import StationSettings, add_station, set_outline
from usecases.zones import add_zone

VISITOR = Actor("khach")


@dataclass
class Place:
    """Notified: what was told to whom, in order, with the number of audit entries that were committed by then."""

    studio: Studio
    notified: list[tuple[str, int]] = field(default_factory=list)

    @property
    def services(self) -> Services:
        def tell(what: str) -> Callable[..., None]:
            return lambda *_: self.notified.append((what, len(self.deeds())))

        return Services(
            self.studio.database,
            self.studio.clock,
            announce=tell("announce"),
            plan=tell("plan"),
            configure=tell("configure"),
            command=tell("command"),
            self_test=tell("self-test"),
            accounts_changed=tell("accounts"),
        )

    def deeds(self) -> list[str]:
        with self.studio.database.session() as session:
            return [e.action for e in session.exec(select(AuditEntry).order_by(AuditEntry.id))]  # type: ignore[arg-type]


@pytest.fixture
def place(clock: ManualClock, database: Database) -> Place:
    return Place(Studio(clock, database))


def rules(services: Services, actor: Actor) -> None:
    set_rules(services, actor, COMMUNE, "", hours=[], night=None, minutes_a_day=60, minutes_a_week=None, refuses=False)


def change(services: Services, actor: Actor) -> None:
    change_receiver(services, actor, COMMUNE, "loa-1", ReceiverSettings(volume_percent=40), None)


CASES: dict[str, tuple[Callable[[Services, Actor], object], Deed, list[str]]] = {
    "change receiver": (change, Deed.RECEIVER_CHANGED, ["configure"]),
    "place receiver": (lambda s, a: place_receiver(s, a, COMMUNE, "loa-1", None), Deed.RECEIVER_CHANGED, []),
    "retire receiver": (lambda s, a: retire_receiver(s, a, COMMUNE, "loa-1"), Deed.RECEIVER_RETIRED, ["accounts"]),
    "command": (lambda s, a: command_receiver(s, a, COMMUNE, "loa-1", "reboot"), Deed.RECEIVER_COMMANDED, ["command"]),
    "tone": (lambda s, a: tone_everywhere(s, a, COMMUNE), Deed.RECEIVER_COMMANDED, ["command", "command"]),
    "self-test": (lambda s, a: self_test_receiver(s, a, COMMUNE, "loa-1"), Deed.RECEIVER_TESTED, ["self-test"]),
    "zone": (lambda s, a: add_zone(s, a, COMMUNE, "thon-9", "Thôn 9"), Deed.ZONE_ADDED, []),
    "station": (lambda s, a: add_station(s, a, COMMUNE, StationSettings(StationKind.FM, "FM")), Deed.STATION_ADDED, []),
    "outline": (lambda s, a: set_outline(s, a, COMMUNE, None), Deed.OUTLINE_SET, []),
    "clip": (
        lambda s, a: change_clip(s, a, COMMUNE, "storm", title="Bão", language="vi", field=1),
        Deed.CLIP_CHANGED,
        [],
    ),
    "retire clip": (lambda s, a: retire_clip(s, a, COMMUNE, "storm"), Deed.CLIP_RETIRED, []),
    "restore clip": (lambda s, a: restore_clip(s, a, COMMUNE, "storm"), Deed.CLIP_RESTORED, ["plan"]),
    "backup": (lambda s, a: choose_backup(s, a, COMMUNE, "storm", chosen=True), Deed.BACKUP_CHOSEN, ["configure"]),
    "programme": (lambda s, a: add_programme(s, a, COMMUNE, "Tin", []), Deed.PROGRAMME_ADDED, []),
    "rename": (lambda s, a: rename_programme(s, a, COMMUNE, 1, "Tin trưa"), Deed.PROGRAMME_CHANGED, []),
    "retire programme": (lambda s, a: retire_programme(s, a, COMMUNE, 1), Deed.PROGRAMME_RETIRED, []),
    "noise rules": (rules, Deed.ALLOWED_HOURS_SET, ["configure", "plan"]),
}


@pytest.mark.parametrize("case", CASES)
def test_each_step_happens_and_who_is_notified_finds_it_committed(place: Place, case: str) -> None:
    use_case, deed, notified = CASES[case]
    if deed is Deed.CLIP_RESTORED:
        with place.studio.database.writing() as session:
            retire(session, clips.clip(session, "storm"), place.studio.now())
    use_case(place.services, LAN)
    assert place.deeds() == [deed]
    assert place.notified == [(what, 1) for what in notified]


@pytest.mark.parametrize("case", CASES)
def test_without_the_right_nothing_is_written_and_nobody_notified(place: Place, case: str) -> None:
    with pytest.raises(NotAllowed):
        CASES[case][0](place.services, VISITOR)
    assert (place.deeds(), place.notified) == ([], [])


def test_a_visitor_acknowledges_no_fault(place: Place) -> None:
    with pytest.raises(NotAllowed):
        acknowledge_fault(place.services, VISITOR, COMMUNE, FaultKey("amplifier", "loa-1"))


def test_the_audit_shows_the_setting_before_and_after(place: Place) -> None:
    with place.studio.database.session() as session:
        before = receiver(session, "loa-1").volume_percent
    change(place.services, LAN)
    with place.studio.database.session() as session:
        (entry,) = session.exec(select(AuditEntry))
    assert f"volume_percent {before} → 40" in entry.detail
