"""Two communes that are connected to a province are merged: threads, real clock, a province over HTTP."""

from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import Session, select

from broadcast.ingest import Ingest
from broadcast.media import Media
from demo.province_messages import example_bulletin
from demo.province_simulator import Simulator
from devices.presence import PresenceWatch
from province.codes import SendStatus
from province.exchange import ProvinceExchange
from province.links import LinkForm, ProvinceLink, set_link
from province.messages import ProvinceAnswer
from province.outbox import ANSWER, OutboxMessage, put
from province.profile import profile
from runtime.database import Database
from schedules.planner import Planner
from tests.mergers.county import CHINH, HIEN, TRUNG, County
from tests.province.test_exchange import until


@pytest.fixture
def provinces() -> Iterator[dict[str, Simulator]]:
    """Each commune has its own province: before the mergers of 2025 that was so."""
    made = {c: Simulator(profile("chuan"), password=f"mat-khau-{c}").start() for c in (CHINH, HIEN)}
    yield made
    for one in made.values():
        one.stop()


@pytest.fixture
def exchange(county: County, tmp_path: Path, provinces: dict[str, Simulator]) -> Iterator[ProvinceExchange]:
    database, clock = county.database, county.clock
    presence = PresenceWatch(database, now=clock.now())
    planner = Planner(database, clock, county.transmitter, plan_ahead=timedelta(hours=1))
    ingest = Ingest(database, Media(tmp_path / "m"), Media(tmp_path / "o"), clock, most_bytes=10**8, most_hours=1)
    made = ProvinceExchange(
        database,
        clock,
        tmp_path,
        downlink=county.downlink,
        presence=presence,
        ingest=ingest,
        transmitter=county.transmitter,
        planner=planner,
    )
    for commune_id, province in provinces.items():
        made.accounts.keep(commune_id, "xa", f"mat-khau-{commune_id}")
        with database.writing() as session:
            form = LinkForm("chuan", province.url, f"ma-{commune_id}", commune_id, "tinh", "Tỉnh", "", "inbox", True)
            set_link(session, commune_id, form, profile("chuan"), set())
    yield made
    made.close()


def letter(session: Session, county: County, commune_id: str, number: int = 1) -> None:
    said = ProvinceAnswer(TraLoiCho=f"{commune_id}-{number}", TrangThaiGui=SendStatus.TAKEN.value, MaLoi=0, MoTa="")
    put(session, commune_id, ANSWER, f"{commune_id}/{number}", said, county.clock.now())


def unsent(database: Database) -> list[str]:
    with database.session() as session:
        return [one.key for one in session.exec(select(OutboxMessage)) if one.settled_at is None]


def answers(province: Simulator) -> list[str]:
    return [one["TraLoiCho"] for one in province.received.of("answer")]


def test_letters_go_under_the_link_they_were_written_for_and_one_link_goes_on(
    county: County, exchange: ProvinceExchange, provinces: dict[str, Simulator]
) -> None:
    with county.database.writing() as session:
        for commune_id in provinces:
            letter(session, county, commune_id)
    exchange.look()
    for province in provinces.values():
        until(lambda: bool(province.received.of("schedule_created")))  # noqa: B023 - called at once
    with county.database.writing() as session:
        for commune_id in provinces:
            letter(session, county, commune_id, 2)
    county.merge()
    exchange.look()
    assert exchange.working == sorted([TRUNG, HIEN])
    until(lambda: not [key for key in unsent(county.database) if key.endswith(("/1", "/2"))])
    assert {c: answers(province) for c, province in provinces.items()} == {
        c: [f"{c}-1", f"{c}-2"] for c in (CHINH, HIEN)
    }
    # The link that goes on signs in with its own account, and tells of all receivers; the other of none.
    until(lambda: len(provinces[CHINH].received.of("heartbeat")) >= 6)
    assert {beat["NguonID"] for beat in provinces[CHINH].received.of("heartbeat")} == {f"ma-{CHINH}"}
    # Its schedule is told by the link that goes on, and cancelled where it was told before.
    until(lambda: len(provinces[CHINH].received.of("schedule_created")) == 2)
    until(lambda: len(provinces[HIEN].received.of("schedule_cancelled")) == 1)
    assert provinces[CHINH].received.of("schedule_cancelled") == []
    heard = {beat["CumLoaID"] for beat in provinces[HIEN].received.of("heartbeat")}
    assert heard <= {f"{HIEN}-loa-1", f"{HIEN}-loa-2"}


def test_the_former_address_leads_to_the_new_commune_and_that_of_the_ended_link_nowhere(
    county: County, exchange: ProvinceExchange
) -> None:
    with county.database.session() as session:
        before = {c: session.get_one(ProvinceLink, c) for c in (CHINH, HIEN)}
    bulletin = example_bulletin("https://tinh.example/a.wav", 3, "Tin")
    assert exchange.take(before[CHINH], "BanTin", bulletin, "m-1").said is None
    county.merge()
    again = exchange.take(before[CHINH], "BanTin", bulletin, "m-1")
    assert (again.said, again.again) == (None, True)
    new = {**bulletin, "BanTinID": "moi"}
    assert exchange.take(before[CHINH], "BanTin", new, "m-2").said is None
    assert "merged" in str(exchange.take(before[HIEN], "BanTin", {**bulletin, "BanTinID": "khac"}, "m-3").said)
