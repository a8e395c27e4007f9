"""Where a receiver stands: typed as people type it, refused when it is not on earth."""

from datetime import datetime

import pytest

from devices.communes import add_commune
from devices.enrolment import Issuer, enrol
from devices.positions import Position, check_position, parse_position, place_receiver, position_of
from devices.receivers import receiver
from devices.stations import StationKind, add_station
from runtime.clock import ManualClock
from runtime.database import Database
from runtime.refusal import Refusal
from tests.cast import COMMUNE, COMMUNE_NAME
from wire.sealing import PublicKey, SealingKey

ISSUER = Issuer(broker_url="mqtt://b:1883", controller=PublicKey(SealingKey(bytes(range(32))).public))


def add_one(database: Database, now: datetime) -> None:
    with database.writing() as session:
        add_commune(session, COMMUNE, COMMUNE_NAME)
        station = add_station(session, COMMUNE, StationKind.IP, "Cụm IP").number
        enrol(session, ISSUER, receiver_id="thon-1", commune_id=COMMUNE, station_id=station, name="Thôn 1", now=now)


def test_a_new_receiver_stands_nowhere_until_it_is_placed(database: Database, clock: ManualClock) -> None:
    add_one(database, clock.now())
    with database.writing() as session:
        assert position_of(receiver(session, "thon-1")) is None
        place_receiver(session, "thon-1", Position(19.8712, 105.6834))
    with database.session() as session:
        assert position_of(receiver(session, "thon-1")) == Position(19.8712, 105.6834)


def test_placing_a_receiver_sends_it_no_new_config(database: Database, clock: ManualClock) -> None:
    add_one(database, clock.now())
    with database.writing() as session:
        before = receiver(session, "thon-1").config_revision
        assert place_receiver(session, "thon-1", Position(19.8712, 105.6834)).config_revision == before


def test_it_can_be_taken_off_the_map_again(database: Database, clock: ManualClock) -> None:
    add_one(database, clock.now())
    with database.writing() as session:
        place_receiver(session, "thon-1", Position(0.0, 0.0))
        assert position_of(receiver(session, "thon-1")) == Position(0.0, 0.0)
        place_receiver(session, "thon-1", None)
        assert position_of(receiver(session, "thon-1")) is None


@pytest.mark.parametrize(
    ("latitude", "longitude"),
    [
        ("19.8712", "105.6834"),
        ("19,8712", "105,6834"),
        (" 19.8712° ", "105.6834"),
        ("19.8712, 105.6834", ""),
        ("19.8712,105.6834", ""),
        ("19.8712 105.6834", ""),
        ("19,8712; 105,6834", ""),
        ("19,8712 105,6834", ""),
    ],
)
def test_a_position_is_read_as_people_type_and_paste_it(latitude: str, longitude: str) -> None:
    assert parse_position(latitude, longitude) == Position(19.8712, 105.6834)


def test_two_empty_fields_are_no_position() -> None:
    assert parse_position(" ", "") is None


@pytest.mark.parametrize(
    ("latitude", "longitude", "said"),
    [
        ("19.87", "", "both"),
        ("", "105.68", "both"),
        ("19,8712", "", "both"),
        ("one", "105.68", "one"),
        ("105.68", "19.87", "change places"),
        ("nan", "105.68", "change places"),
        ("19.87", "inf", "longitude"),
        ("19.87", "181", "longitude"),
        ("19° 52' 13\"", "105.68", "no number"),
    ],
)
def test_what_is_no_position_is_refused_in_a_sentence(latitude: str, longitude: str, said: str) -> None:
    with pytest.raises(Refusal) as refused:
        parse_position(latitude, longitude)
    assert said in str(refused.value)


def test_the_poles_and_the_date_line_are_on_earth() -> None:
    assert check_position(Position(-90.0, 180.0)) == (-90.0, 180.0)
