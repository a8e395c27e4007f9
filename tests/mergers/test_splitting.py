"""A part of a commune becomes one of its own: what both need is there on both, and nothing is in two places."""

from datetime import time
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import col, select

from broadcast.clips import ClipRendition, clip
from broadcast.programmes import ItemKind, ProgrammeItem, items_of, programmes
from broadcast.relay_sources import RelaySource, add_relay_source, relay_sources
from devices.receivers import reached_by, receivers
from devices.zones import zones
from mergers.plans import RehearsedKind, Split
from runtime.clock import ManualClock
from runtime.refusal import Refusal
from schedules.schedules import Schedule, schedules
from tests.cast import MORNING
from tests.empty_database import empty_database
from tests.mergers.county import CHINH, HIEN, TRUNG, County, picture
from tests.mergers.test_merging import EVERYTHING, check_rehearsed_numbers, draw_communes
from wire.broadcasts import Targets

VILLAGE_1 = Split(source=CHINH, into=TRUNG, name="Xã Thiệu Trung", zones=(f"{CHINH}-thon-1",))


def test_zone_goes_with_its_receivers_and_both_have_the_programme(county: County) -> None:
    seen = county.rehearse(VILLAGE_1)
    county.merge(VILLAGE_1)
    with county.database.session() as session:
        assert [r.id for r in receivers(session, CHINH)] == [f"{CHINH}-loa-2"]
        assert [r.id for r in receivers(session, TRUNG)] == [f"{CHINH}-loa-1"]
        assert [z.id for z in zones(session, TRUNG)] == [f"{CHINH}-thon-1"]
        (mine,), (theirs,) = programmes(session, CHINH), programmes(session, TRUNG)
        assert mine.title == theirs.title
        for one in (mine, theirs):
            assert {item.clip.commune_id for item in items_of(session, one.number) if item.clip} == {one.commune_id}
        for commune_id in (CHINH, TRUNG):
            (schedule,) = schedules(session, commune_id)
            assert [r.commune_id for r in reached_by(session, commune_id, schedule.audience)] == [commune_id]
    assert seen.after[TRUNG].receivers == seen.after[CHINH].receivers == 1
    assert [line.after for line in seen.of(RehearsedKind.SCHEDULE) if line.before] == [(CHINH, TRUNG)]


def test_copied_recordings_have_the_same_files(county: County) -> None:
    county.merge(VILLAGE_1)
    with county.database.session() as session:
        (theirs,) = programmes(session, TRUNG)
        copied = [item.clip for item in items_of(session, theirs.number) if item.clip]
        originals = {c.title: c for c in (clip(session, f"{CHINH}-{n}") for n in ("in", "news", "out"))}
        for one in copied:
            hashes = [
                sorted(session.exec(select(ClipRendition.sha256).where(ClipRendition.clip_id == clip_id)))
                for clip_id in (one.id, originals[one.title].id)
            ]
            assert hashes[0] == hashes[1]


def test_copied_programmes_relay_the_stations_of_their_own_commune_and_undone_there_is_one(county: County) -> None:
    with county.database.writing() as session:
        source = add_relay_source(session, CHINH, name="VOV1", addresses=["http://vov.example/1"])
        (programme,) = programmes(session, CHINH)
        last = session.exec(select(ProgrammeItem.position).order_by(col(ProgrammeItem.position).desc())).first()
        relayed = {"kind": ItemKind.RELAY, "gap_ms": 60_000, "relay_source_id": source.number, "item_key": "vov"}
        session.add(ProgrammeItem(programme_id=programme.number, position=(last or 0) + 1, **relayed))
    before = picture(county.database, [*EVERYTHING, RelaySource])
    county.merge(VILLAGE_1)
    with county.database.session() as session:
        for commune_id in (CHINH, TRUNG):
            (programme,) = programmes(session, commune_id)
            (relay,) = [item.relay for item in items_of(session, programme.number) if item.relay is not None]
            assert (relay.commune_id, relay.address_list) == (commune_id, ["http://vov.example/1"])
            assert relay_sources(session, commune_id) == [relay]
    county.undo()
    assert picture(county.database, [*EVERYTHING, RelaySource]) == before
    county.merge(VILLAGE_1)
    with county.database.session() as session:
        assert len(relay_sources(session, TRUNG)) == 1


def test_what_is_planned_ahead_goes_on_on_both_sides_and_is_not_planned_again(county: County) -> None:
    county.plan_ahead()
    before = county.broadcasts(commune_id=CHINH)
    county.merge(VILLAGE_1)
    county.plan_ahead()
    assert [b.id for b in county.broadcasts(commune_id=CHINH)] == [b.id for b in before]
    parts = county.broadcasts(commune_id=TRUNG)
    assert [(b.replaces, b.starts_at) for b in parts] == [(b.id, b.starts_at) for b in before]
    assert all(b.withdrawn_at is None for b in county.broadcasts())


def test_a_schedule_for_the_part_alone_goes_whole(county: County) -> None:
    with county.database.writing() as session:
        number = county.schedule(session, CHINH, time(17), Targets(zones=[f"{CHINH}-thon-1"]))
    county.plan_ahead()
    count = len(county.broadcasts())
    county.merge(VILLAGE_1)
    county.plan_ahead()
    with county.database.session() as session:
        assert session.get_one(Schedule, number).commune_id == TRUNG
    parts = [b for b in county.broadcasts() if b.replaces]
    assert len(county.broadcasts()) == count + len(parts)


def test_undone_it_is_one_commune_again(county: County) -> None:
    before = picture(county.database, EVERYTHING)
    county.plan_ahead()
    planned = county.broadcasts()
    county.merge(VILLAGE_1)
    county.clock.advance(seconds=60)
    county.undo()
    after = picture(county.database, EVERYTHING)
    assert after == before
    county.plan_ahead()
    live = [b for b in county.broadcasts() if b.withdrawn_at is None]
    assert [(b.id, b.commune_id, b.targets) for b in live] == [(b.id, b.commune_id, b.targets) for b in planned]


@pytest.mark.parametrize(
    ("plan", "says"),
    [
        (Split(source=CHINH, into=TRUNG, name="X"), "Choose what becomes"),
        (Split(source=CHINH, into=HIEN, name="X", zones=(f"{CHINH}-thon-1",)), "There is a commune"),
        (Split(source=CHINH, into=TRUNG, name=" ", zones=(f"{CHINH}-thon-1",)), "needs a name"),
        (Split(source=CHINH, into=TRUNG, name="X", zones=(f"{HIEN}-thon-1",)), "does not belong"),
        (Split(source=CHINH, into=TRUNG, name="X", zones=(f"{CHINH}-thon-1", f"{CHINH}-thon-2")), "Every receiver"),
        (Split(source="nowhere", into=TRUNG, name="X"), "There is no commune"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(county: County, plan: Split, says: str) -> None:
    with pytest.raises(Refusal, match=says):
        county.rehearse(plan)


def test_single_receivers_leave_a_zone_that_stays_and_its_schedules_follow_them(county: County) -> None:
    with county.database.writing() as session:
        county.receiver(session, CHINH, "extra", [f"{CHINH}-thon-2"])
        county.schedule(session, CHINH, time(17), Targets(zones=[f"{CHINH}-thon-2"]))
    county.merge(Split(source=CHINH, into=TRUNG, name="Xã Thiệu Trung", receivers=("extra",)))
    with county.database.session() as session:
        found = session.exec(select(Schedule).where(col(Schedule.commune_id) == TRUNG).order_by(col(Schedule.id))).all()
        assert [s.audience for s in found] == [Targets(all=True), Targets(receivers=["extra"])]
        assert [r.id for r in reached_by(session, CHINH, Targets(zones=[f"{CHINH}-thon-2"]))] == [f"{CHINH}-loa-2"]


def test_the_numbers_of_a_rehearsed_split_with_a_past_are_those_that_come(county: County) -> None:
    county.put_on_air(CHINH)
    county.put_on_air(CHINH, Targets(zones=[f"{CHINH}-thon-1"]))
    county.clock.advance(seconds=86_400)
    check_rehearsed_numbers(county, VILLAGE_1, {})


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_the_numbers_of_a_rehearsed_split_are_those_that_come(data: st.DataObject) -> None:
    with TemporaryDirectory() as folder:
        database = empty_database(Path(folder) / "t.db")
        try:
            county = County(ManualClock(MORNING), database)
            draw_communes(county, data)
            if data.draw(st.booleans()):
                county.put_on_air(CHINH)
                county.clock.advance(seconds=86_400)
            decisions = {
                question.key: data.draw(st.sampled_from([choice.value for choice in question.choices]))
                for question in county.rehearse(VILLAGE_1).questions
            }
            check_rehearsed_numbers(county, VILLAGE_1, decisions)
        finally:
            database.close()
