"""The exchange as the controller joins it: threads, real clock, a province over HTTP."""

import io
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path

import numpy as np
import pytest
import soundfile
from sqlmodel import select

from broadcast.broadcasts import Broadcast
from broadcast.ingest import Ingest
from broadcast.media import Media
from broadcast.transmitter import Transmitter
from demo.province_messages import example_bulletin, example_command
from demo.province_simulator import Simulator
from devices.communes import add_commune
from devices.downlink import Downlink
from devices.presence import PresenceWatch
from devices.receivers import Receiver
from devices.stations import StationKind, add_station
from province.exchange import ProvinceExchange
from province.links import LinkForm, ProvinceLink, set_link
from province.profile import profile
from runtime.clock import ControllerClock
from runtime.database import Database
from schedules.planner import Planner
from tests.cast import COMMUNE, COMMUNE_NAME
from tests.fakes.broker import FakeBroker
from wire.sealing import SealingKey


@pytest.fixture
def province() -> Iterator[Simulator]:
    made = Simulator(profile("chuan"), password="mat-khau-tinh").start()
    yield made
    made.stop()


@pytest.fixture
def exchange(database: Database, tmp_path: Path, province: Simulator) -> Iterator[ProvinceExchange]:
    clock, broker = ControllerClock(), FakeBroker()
    downlink = Downlink(broker, SealingKey(bytes(32)), clock, media_base="http://media/")
    presence = PresenceWatch(database, now=clock.now())
    transmitter = Transmitter(database, downlink, clock)
    planner = Planner(database, clock, transmitter, plan_ahead=timedelta(hours=1))
    ingest = Ingest(database, Media(tmp_path / "m"), Media(tmp_path / "o"), clock, most_bytes=10**8, most_hours=1)
    made = ProvinceExchange(
        database,
        clock,
        tmp_path,
        downlink=downlink,
        presence=presence,
        ingest=ingest,
        transmitter=transmitter,
        planner=planner,
    )
    made.accounts.keep(COMMUNE, "xa", "mat-khau-tinh")
    with database.writing() as session:
        add_commune(session, COMMUNE, COMMUNE_NAME)
        station = add_station(session, COMMUNE, StationKind.IP, "IP").number
        session.add(
            Receiver(
                id="loa-1",
                commune_id=COMMUNE,
                station_id=station,
                name="Thôn 1",
                public_key="",
                broker_hash="",
                created_at=clock.now(),
            )
        )
        form = LinkForm("chuan", province.url, "xa-01", "Xã", "tinh", "Tỉnh", "", "inbox", True)
        set_link(session, COMMUNE, form, profile("chuan"), {"loa-1"})
    made.start()
    yield made
    made.close()


def until(true: Callable[[], bool], within_s: float = 30.0) -> None:
    """Wait for what other threads do."""
    end_s = time.monotonic() + within_s
    while not true():
        assert time.monotonic() < end_s
        time.sleep(0.02)


def broadcasts(database: Database) -> list[Broadcast]:
    with database.session() as session:
        return list(session.exec(select(Broadcast)))


def test_an_emergency_of_the_province_goes_on_air_and_the_province_sees_the_receivers(
    exchange: ProvinceExchange, province: Simulator, database: Database
) -> None:
    made = io.BytesIO()
    soundfile.write(made, 0.1 * np.sin(np.arange(8000)), 8000, format="WAV", subtype="PCM_16")
    province.audio["bao.wav"] = made.getvalue()
    province.send_down("BanTin", example_bulletin(f"{province.url}/am-thanh/bao.wav", 1, "Bão số 5"))
    until(lambda: bool(broadcasts(database)))
    assert [(b.title, b.class_) for b in broadcasts(database)] == [("Bão số 5", "emergency")]
    until(lambda: bool(province.received.of("answer")) and bool(province.received.of("heartbeat")))
    assert province.waiting == []


def test_a_link_that_is_changed_or_switched_off_is_worked_so_within_seconds(
    exchange: ProvinceExchange, province: Simulator, database: Database
) -> None:
    until(lambda: bool(province.received.of("heartbeat")))
    with database.writing() as session:
        link = session.get_one(ProvinceLink, COMMUNE)
        link.enabled, link.revision = False, link.revision + 1
        session.add(link)
    exchange.wake()
    until(lambda: not exchange.working)
    province.send_down("LenhDieuKhien", example_command(0, 10))
    exchange.look()
    assert len(province.waiting) == 1
