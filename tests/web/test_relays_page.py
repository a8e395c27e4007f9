"""Relay stations: added, changed, removed and restored; relayed now and as an item of a programme; refused clearly."""

import time
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import Session, select

from broadcast.broadcasts import Broadcast
from broadcast.manifest_items import fetched_recordings
from broadcast.programmes import Item, ItemKind, add_programme, items_of
from broadcast.relay_outages import end_forgotten, end_outage, note_outage
from broadcast.relay_sources import relay_source, relay_sources
from devices.communes import add_commune
from devices.faults import RELAY, Fault, note_of_commune
from people.audit import AuditEntry, Deed
from runtime.clock import ManualClock
from runtime.database import Database
from runtime.refusal import N_, Refusal, as_text
from schedules.plan_context import ProgrammeContent, contents_of
from tests.broadcast.studio import add_clip
from tests.cast import COMMUNE, MORNING
from tests.relay.station_server import Behaviour, StationServer
from tests.web.office import Office
from tests.web.page_forms import form_of
from tests.web.test_noise_rules_pages import keep
from wire.broadcasts import ClipItem, LiveItem

URL = "https://station.example/vov1.mp3"
NOW = {"minutes": "25", "where": "all", "class": "normal"}


@pytest.fixture
def office(database: Database, clock: ManualClock, tmp_path: Path) -> Office:
    made = Office(database, clock, tmp_path)
    made.add_receivers(2)
    with database.writing() as session:
        add_clip(session, "nhac", 60, now=clock.now())
        add_clip(session, "ban-tin", 300, now=clock.now())
    assert made.post("/relays", name="VOV1", addresses=f"{URL}\nhttp://192.168.1.9/live") == 303
    return made


def sources(office: Office) -> dict[str, list[str]]:
    with office.database.session() as session:
        return {source.name: source.address_list for source in relay_sources(session, COMMUNE)}


def on_air(session: Session) -> Broadcast:
    return session.exec(select(Broadcast)).one()


def test_a_station_keeps_its_addresses_in_order_and_is_in_the_audit(office: Office) -> None:
    assert sources(office) == {"VOV1": [URL, "http://192.168.1.9/live"]}
    assert "VOV1" in office.browser.get("/relays").text
    with office.database.session() as session:
        entry = session.exec(select(AuditEntry).where(AuditEntry.action == Deed.RELAY_ADDED.value)).one()
        assert entry.detail == f"VOV1: {URL}, http://192.168.1.9/live"


@pytest.mark.parametrize(
    "fields",
    [
        {"name": ""},
        {"name": "vov1"},
        {"addresses": ""},
        {"addresses": "file:///etc/passwd"},
        {"addresses": "rtmp://station.example/live"},
        {"addresses": "http://[::1/x"},
        {"addresses": "\n".join(f"https://{n}.example/" for n in range(9))},
        {"silence_db": "-5"},
        {"silence_s": "1"},
    ],
)
def test_what_is_no_station_is_refused_and_nothing_is_kept(office: Office, fields: dict[str, str]) -> None:
    assert office.post("/relays", **{"name": "VOV2", "addresses": URL, **fields}) == 422
    assert list(sources(office)) == ["VOV1"]


def test_a_station_is_changed_removed_and_restored(office: Office) -> None:
    form = form_of(office, "/relays/1", "/relays/1", name="VOV 1", silence_s="0", addresses=URL)
    assert office.browser.post(form.action, data=form.fields).status_code == 303
    assert office.browser.post(form.action, data={**form.fields, "once": "again"}).status_code == 409
    assert office.post("/relays/1/retire") == 303
    assert sources(office) == {}
    assert "VOV 1" in office.browser.get("/removed?kind=relay").text
    assert office.post("/relays/1/on-air", **NOW) == 409
    assert office.post("/relays/1/restore") == 303
    assert list(sources(office)) == ["VOV 1"]
    with office.database.session() as session:
        assert relay_source(session, 1).silence_s == 0


def test_a_relay_now_is_a_live_item_of_its_length_with_its_backup(office: Office) -> None:
    assert office.post("/relays/1/on-air", **NOW, backup="nhac") == 303
    with office.database.session() as session:
        broadcast = on_air(session)
        (item,) = broadcast.playlist
        assert isinstance(item, LiveItem)
        assert (item.relay, item.title, item.duration_us) == ("1", "VOV1", 25 * 60_000_000)
        assert item.backup is not None
        assert item.backup.clip == "nhac"
        assert broadcast.ends_at - broadcast.starts_at == timedelta(minutes=25)


def test_a_relay_beyond_the_allowed_hours_is_refused_whole(office: Office) -> None:
    assert keep(office)[0] == 303  # from 05:00 to 21:00
    office.clock.set(MORNING)
    answer = office.browser.post("/relays/1/on-air", data={**NOW, "minutes": "700", "form_token": office.form_token})
    assert answer.status_code == 303
    office.clock.set(MORNING + timedelta(hours=14))
    answer = office.browser.post("/relays/1/on-air", data={**NOW, "minutes": "121", "form_token": office.form_token})
    assert answer.status_code == 422
    assert "21:00" in answer.text
    with office.database.session() as session:
        assert len(session.exec(select(Broadcast)).all()) == 1


@pytest.mark.parametrize("minutes", ["0", "-3", "1500", "0,1", "mười", "nan"])
def test_a_length_that_is_none_is_refused(office: Office, minutes: str) -> None:
    assert office.post("/relays/1/on-air", **{**NOW, "minutes": minutes}) == 422


def test_a_programme_relays_a_station_then_plays_the_bulletin(office: Office) -> None:
    with office.database.writing() as session:
        items = [Item(ItemKind.CLIP, "ban-tin")]
        number = add_programme(session, COMMUNE, "Buổi sáng", items, now=office.clock.now()).number
    path = f"/programmes/{number}/items"
    assert office.post(path, what="relay 1", minutes="25", backup="nhac") == 303
    assert office.post(path, what="relay 99", minutes="25") == 404
    assert office.post(path, what="relay 1", minutes="2000") == 422
    assert "VOV1" in office.browser.get(f"/programmes/{number}").text
    with office.database.session() as session:
        bulletin, relay = items_of(session, number)
        content = contents_of(session, [number])[number]
        assert isinstance(content, ProgrammeContent)
        assert [type(item) for item in content.items] == [ClipItem, LiveItem]
        assert content.items[1].offset_us == 300_000_000
        assert content.length_us == 300_000_000 + 25 * 60_000_000
        assert [recording.clip for recording in fetched_recordings(content.items)] == ["ban-tin", "nhac"]
        key = relay.key
    # It cannot be removed from the list while a programme relays it; taken out of that and put back it is the same.
    assert office.post("/relays/1/retire") == 422
    answer = office.browser.post(f"{path}/{key}/remove", data={"form_token": office.form_token})
    removed = answer.headers["location"].partition("removed_item=")[2]
    assert office.post(f"/programmes/{number}/put-back", removed_item=removed) == 303
    with office.database.session() as session:
        again = items_of(session, number)[1]
        assert (again.relay, again.duration_us) == (relay.relay, relay.duration_us)
        assert again.backup is not None
    del bulletin


def test_a_relay_is_not_planned_zone_by_zone_and_not_put_into_a_programme_that_is(office: Office) -> None:
    with office.database.writing() as session:
        now = office.clock.now()
        relayed = add_programme(session, COMMUNE, "Buổi sáng", [Item(ItemKind.CLIP, "ban-tin")], now=now).number
        plain = add_programme(session, COMMUNE, "Buổi chiều", [Item(ItemKind.CLIP, "ban-tin")], now=now).number
    assert office.post(f"/programmes/{relayed}/items", what="relay 1", minutes="25") == 303
    planned = {"repeat": "daily", "times": "17:00", "from_day": "2026-11-25", "where": "all", "class": "normal"}
    by_zone = {**planned, "mode": "staggered", "gap_s": "5"}
    for path, fields in (
        ("/timetable", {**by_zone, "programme_id": str(relayed)}),
        ("/put-on-air", {**by_zone, "what": f"programme {relayed}"}),
    ):
        refused = office.browser.post(path, data={**fields, "form_token": office.form_token})
        assert refused.status_code == 422
        assert "mọi nơi cùng nghe một lúc" in refused.text
    assert office.post("/timetable", **planned, mode="in_step", programme_id=str(relayed)) == 303
    assert office.post("/timetable", **by_zone, programme_id=str(plain)) == 303
    item = {"what": "relay 1", "minutes": "25", "form_token": office.form_token}
    refused = office.browser.post(f"/programmes/{plain}/items", data=item)
    assert refused.status_code == 422
    assert "Hãy đổi cách phát của lịch đó" in refused.text


def test_a_failing_relay_is_shown_as_a_fault_and_in_the_play_log(office: Office) -> None:
    assert office.post("/relays/1/on-air", **NOW) == 303
    office.clock.advance(seconds=60)
    with office.database.writing() as session:
        broadcast_id = on_air(session).id
        reason = as_text(Refusal(N_("The station is silent.")))
        note_outage(session, broadcast_id, "VOV1", reason, office.clock.now())
        note_outage(session, broadcast_id, "VOV1", reason, office.clock.now())
    for path in ("/", "/faults", f"/play-log/{broadcast_id}"):
        assert office.browser.get(path).text.count("Đài đang im lặng") == 1, path
    with office.database.writing() as session:
        end_outage(session, broadcast_id, office.clock.now() + timedelta(seconds=5))
    assert "Đài đang im lặng." not in office.browser.get("/").text


def test_a_failing_station_is_a_fault_of_the_commune_until_it_is_acknowledged_and_reset(office: Office) -> None:
    assert office.post("/relays/1/on-air", **NOW) == 303
    with office.database.writing() as session:
        broadcast_id = on_air(session).id
        reason = as_text(Refusal(N_("The station is silent.")))
        note_outage(session, broadcast_id, "VOV1", reason, office.clock.now())
    assert "Sự cố (1)" in office.browser.get("/receivers").text
    page = office.browser.get("/faults").text
    assert "Không nghe được đài tiếp âm (Đài đang im lặng)" in page
    assert "VOV1" in page
    assert office.post("/commune-faults/1/acknowledge") == 303
    assert office.post("/commune-faults/1/reset") == 422
    with office.database.writing() as session:
        end_outage(session, broadcast_id, office.clock.now() + timedelta(seconds=5))
    assert office.post("/commune-faults/1/reset") == 303
    assert office.post("/commune-faults/1/acknowledge") == 404
    assert "Không có sự cố nào" in office.browser.get("/faults").text
    with office.database.session() as session:
        entry = session.exec(select(AuditEntry).where(AuditEntry.action == Deed.FAULT_RESET.value)).one()
        assert entry.detail == "VOV1: relay"


def test_a_fault_of_another_commune_is_not_found(office: Office) -> None:
    with office.database.writing() as session:
        add_commune(session, "vinh-loc", "Xã Vĩnh Lộc")
        session.flush()
        note_of_commune(session, "vinh-loc", RELAY, "VOV1", present=True, at=office.clock.now())
    assert office.post("/commune-faults/1/acknowledge") == 404
    assert "Không có sự cố nào" in office.browser.get("/faults").text


def test_an_outage_whose_controller_failed_ends_with_its_broadcast(office: Office) -> None:
    assert office.post("/relays/1/on-air", **NOW) == 303
    with office.database.writing() as session:
        ends_at = on_air(session).ends_at
        note_outage(session, on_air(session).id, "VOV1", "", office.clock.now())
        end_forgotten(session, ends_at)
        assert [fault.ended_at for fault in session.exec(select(Fault))] == [None]
        end_forgotten(session, ends_at + timedelta(seconds=1))
        assert [fault.ended_at for fault in session.exec(select(Fault))] == [ends_at]


@pytest.fixture
def station() -> Iterator[StationServer]:
    with StationServer() as server:
        yield server


def test_the_test_shows_a_level_and_what_is_wrong(
    station: StationServer, database: Database, clock: ManualClock, tmp_path: Path
) -> None:
    station.behaviour = Behaviour.PAGE
    office = Office(database, clock, tmp_path, relay_hosts=station.place)
    assert office.post("/relays", name="Gần", addresses=station.url("live.mp3")) == 303
    data = {"form_token": office.form_token}
    part = office.browser.post("/relays/1/test", data=data, headers={"hx-request": "true"}).text
    deadline_s = time.monotonic() + 8
    while "hx-get" in part:
        assert time.monotonic() < deadline_s
        part = office.browser.get(part.partition('hx-get="')[2].partition('"')[0]).text
    assert "là một trang web" in part
    assert office.browser.post("/relays/1/test", data={**data, "once": "x"}).status_code == 303


def test_the_api_adds_lists_changes_and_relays(office: Office) -> None:
    headers = {"x-form-token": office.form_token}
    body = {"name": "Đài tỉnh", "addresses": ["https://tinh.example/live.m3u8"]}
    number = office.browser.post("/api/v1/relays", json=body, headers=headers).json()["relay"]
    body["addresses"].append(URL)
    assert office.browser.put(f"/api/v1/relays/{number}", json=body, headers=headers).status_code == 204
    listed = {row["name"]: row["addresses"] for row in office.browser.get("/api/v1/relays").json()}
    assert listed["Đài tỉnh"] == body["addresses"]
    asked = {"length_s": 60, "targets": {"all": True}, "class": "normal"}
    answer = office.browser.post(f"/api/v1/relays/{number}/on-air", json=asked, headers=headers)
    assert answer.status_code == 201
    assert office.browser.post(f"/api/v1/relays/{number}/retire", headers=headers).status_code == 204
    assert list(sources(office)) == ["VOV1"]
    file = {**body, "addresses": ["file:///etc/passwd"]}
    assert office.browser.post("/api/v1/relays", json=file, headers=headers).status_code == 422
