"""A key switch at a station: from the setting of the commune to the sound there, and back into its emergencies."""

from pathlib import Path

import pytest
from sqlmodel import Session, select

from alerts.alert_books import AlertBooks
from alerts.alert_settings import set_trigger
from alerts.emergency_alerts import EmergencyAlert
from alerts.hazards import Hazard
from alerts.sound_making import MadeSound, SoundMaker
from alerts.templates import AlertMessage, EndKind
from broadcast.broadcasts import Broadcast
from broadcast.media import Media
from devices.communes import add_commune
from devices.receivers import Receiver
from devices.stations import StationKind, add_station
from people.audit import AuditEntry, Deed
from runtime.clock import ManualClock, from_us
from runtime.database import Database
from runtime.refusal import Refusal
from speech.engines import Engines
from tests.fakes.broker import FakeBroker
from tests.receiver.alerts import station as stations
from tests.receiver.alerts.station import Station, rendition
from tests.receiver.alerts.test_local_trigger_switch import Key
from tests.receiver.plans import KEY, NOW_US, SECOND_US
from usecases.key_switch_alerts import keep_key_switch_alert
from wire import topics
from wire.reports import AlertReport

COMMUNE = "tt"
SIREN, ATTENTION, FIRE, ADVICE = 1, 10, 104, 204
LEVELS = {SIREN: (0.5, 1.5), ATTENTION: (0.1, 2), FIRE: (0.2, 2), ADVICE: (0.3, 2)}


class Tones(SoundMaker):
    """Each sound is a tone that the station tells apart by its level."""

    def _make(self, number: int, language: str, text: str, voice: str, corrections: dict[str, str]) -> MadeSound:
        length_s = LEVELS.get(number, (0, 2))[1]
        return MadeSound(round(length_s * SECOND_US), [rendition(number)])


class Village:
    """A controller that makes the book of a commune, and the receiver there."""

    def __init__(self, database: Database, folder: Path, clock: ManualClock) -> None:
        self.database, self.broker = database, FakeBroker()
        media = Media(folder / "media")
        self.books = AlertBooks(database, self.broker, KEY, clock, media, Tones(media, Engines()))
        clock.set(from_us(NOW_US))
        self.station = Station(folder, with_book=False)
        self.key = Key(self.station)
        with database.writing() as session:
            add_commune(session, COMMUNE, "Thiệu Trung")
            place = add_station(session, COMMUNE, StationKind.IP, "IP").number
            session.add(
                Receiver(
                    id="loa-1",
                    commune_id=COMMUNE,
                    station_id=place,
                    name="Thôn Đông",
                    public_key="",
                    broker_hash="",
                    created_at=clock.now(),
                )
            )

    def choose(self, message: AlertMessage | None, *, ends_on_release: bool = True) -> None:
        number = message.template(is_drill=False) if message is not None else 0
        with self.database.writing() as session:
            set_trigger(session, COMMUNE, template=number, ends_on_release=ends_on_release)
        self.books.step()
        self.station.books.take(self.broker.retained[topics.alert_book(COMMUNE)], NOW_US)

    def report(self) -> None:
        """As the receiver reports what it holds."""
        with self.database.writing() as session:
            for held in self.station.inbox.held():
                at_us = held.alert.issued_at_us
                report = AlertReport(
                    to="controller",
                    revision=1,
                    issued_at_us=at_us,
                    expires_at_us=at_us + SECOND_US,
                    report="r",
                    receiver="loa-1",
                    alert=held.alert.alert,
                    is_end=held.alert.is_end,
                    bearer=held.bearer,
                    arrived_at_us=at_us,
                    took_effect_at_us=at_us,
                )
                keep_key_switch_alert(session, "loa-1", report)


@pytest.fixture
def village(database: Database, tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch) -> Village:
    monkeypatch.setattr(stations, "SOUNDS", LEVELS)
    return Village(database, tmp_path, clock)


def test_the_message_that_the_commune_chose_sounds_and_is_kept_with_its_end(village: Village) -> None:
    village.choose(None)
    village.key.turn(False, True, False)
    assert village.station.inbox.held() == []

    village.choose(AlertMessage(Hazard.FIRE))
    village.key.turn(False, True)
    assert village.station.heard(0, 6, 1) == [SIREN] * 6
    assert village.station.heard(6, 12, 1) == [ATTENTION] * 2 + [FIRE] * 2 + [ADVICE] * 2
    assert SIREN not in village.station.heard(30, 40, 1)
    assert ADVICE in village.station.heard(30, 40, 1)  # it is repeated as long as the switch is closed
    village.key.turn(False, at_s=40)
    assert village.station.heard(40, 44, 1) == [0] * 4

    for _ in range(2):  # a report can come twice
        village.report()
    with village.database.session() as session:
        (row,) = session.exec(select(EmergencyAlert))
        assert (row.title, row.source, row.requested_by, row.end_kind) == (
            "Fire, forest fire",
            "key_switch",
            "Thôn Đông",
            EndKind.OVER,
        )
        assert row.ended_at == from_us(NOW_US + 40 * SECOND_US)
        assert row.audience.receivers == ["loa-1"]
        broadcast = session.exec(select(Broadcast)).one()
        assert (broadcast.alert_id, broadcast.class_, broadcast.stopped_at) == (row.id, "emergency", row.ended_at)
        assert _deeds(session) == [Deed.EMERGENCY_BY_KEY_SWITCH]


def _deeds(session: Session) -> list[str]:
    return [entry.action for entry in session.exec(select(AuditEntry))]


def test_one_that_does_not_end_with_the_switch_is_said_three_times(village: Village) -> None:
    village.choose(AlertMessage(Hazard.FIRE), ends_on_release=False)
    village.key.turn(False, True, False)
    assert len(village.station.inbox.held()) == 1
    assert village.station.heard(6, 8, 1) == [ATTENTION] * 2
    assert village.station.heard(27, 30, 1) == [0] * 3


def test_only_a_prepared_message_can_be_chosen(village: Village) -> None:
    for number in (901, 905, 7):
        with pytest.raises(Refusal, match="prepared messages"), village.database.writing() as session:
            set_trigger(session, COMMUNE, template=number, ends_on_release=True)
