"""Taken back within thirty days: what was moved is back, what was changed or made since stays sensible."""

from datetime import date, time, timedelta

import pytest

from broadcast.clips import clip
from broadcast.monthly_report import monthly_report
from broadcast.on_air import on_air_now
from broadcast.play_log import play_log
from broadcast.play_reports import heard_counts
from broadcast.programmes import Item, ItemKind, add_programme, items_of, rename
from devices.communes import commune, communes
from devices.predecessors import belongs
from devices.receivers import receiver
from devices.stations import StationKind
from devices.zones import Zone, retire_zone, zones
from mergers.mergers import UNDO_WITHIN
from mergers.plans import Merge, QuestionTopic
from mergers.undoing import undo_preview
from noise.noise_rules import rules_of, set_rules
from people.operators import operators_of
from people.rights import Role
from runtime.refusal import Refusal
from schedules.explanations import explain
from schedules.schedules import Schedule, schedules
from schedules.timetable import change_schedule, pause
from tests.mergers.county import ALL, BOTH, CHINH, HIEN, NAMES, TRUNG, County
from wire.allowed_hours import AllowedHours
from wire.broadcasts import Targets

INTO_CHINH = Merge(sources=(CHINH, HIEN), into=CHINH, name="Xã Thiệu Trung")


def test_after_thirty_days_it_stays(county: County) -> None:
    county.merge()
    county.clock.advance(UNDO_WITHIN)
    with pytest.raises(Refusal, match="30 days"):
        county.undo()


def test_only_once_and_not_below_a_later_merger(county: County) -> None:
    county.merge()
    with county.database.writing() as session:
        county.commune(session, "thieu-van", StationKind.IP)
    county.merge(Merge(sources=(TRUNG, "thieu-van"), into="thieu-hoa", name="Xã Thiệu Hóa"))
    with pytest.raises(Refusal, match="Undo that first"):
        county.undo(1)
    county.undo(2)
    county.undo(1)
    with pytest.raises(Refusal, match="undone already"):
        county.undo(1)
    with county.database.session() as session:
        assert sorted(c.id for c in communes(session)) == sorted([CHINH, HIEN, "thieu-van"])


def test_what_was_changed_since_stays_and_is_told(county: County) -> None:
    county.merge()
    with county.database.writing() as session:
        rename(session, county.programmes[HIEN], "Bản tin mới")
        pause(session, county.schedules[HIEN], True, county.clock.now())
    county.undo()
    with county.database.session() as session:
        (found,) = schedules(session, HIEN)
        assert found.paused
        assert found.audience == ALL
        assert items_of(session, county.programmes[HIEN])


@pytest.mark.parametrize("chosen", ["keep", "before"])
def test_what_becomes_of_each_later_change_is_decided_before_the_undo(county: County, chosen: str) -> None:
    with county.database.writing() as session:
        set_rules(session, CHINH, "", hours=[AllowedHours(weekdays=list(range(7)), from_minute=240, until_minute=1200)])
    county.merge()
    assert undo_questions(county) == []
    with county.database.writing() as session:
        set_rules(session, TRUNG, "", hours=[AllowedHours(weekdays=list(range(7)), from_minute=300, until_minute=1200)])
        change_schedule(
            session, county.schedules[HIEN], now=county.clock.now(), targets=Targets(zones=[f"{HIEN}-thon-1"])
        )
    keys = undo_questions(county)
    assert f"schedule {county.schedules[HIEN]}" in keys
    assert len(keys) == 2
    with pytest.raises(Refusal, match="Decide about each item"):
        county.undo(decisions={keys[0]: chosen})
    county.undo(decisions=dict.fromkeys(keys, chosen))
    with county.database.session() as session:
        (hours,) = rules_of(session, CHINH)[""].allowed_hours
        (schedule,) = schedules(session, HIEN)
        if chosen == "keep":
            assert (hours.from_minute, schedule.audience) == (300, Targets(zones=[f"{HIEN}-thon-1"]))
        else:
            assert (hours.from_minute, schedule.audience) == (240, ALL)
    assert undo_questions(county) == []


def test_a_zone_that_was_removed_since_stays_removed_and_this_is_said(county: County) -> None:
    zone_id = f"{CHINH}-thon-1"
    county.merge()
    with county.database.writing() as session:
        retire_zone(session, zone_id, county.clock.now())
    with county.database.session() as session:
        (note,) = undo_preview(session, 1, county.clock.now()).notes
    assert "“Thôn 1” was removed since the merger" in str(note)
    assert note in county.undo().notes
    with county.database.session() as session:
        assert session.get_one(Zone, zone_id).commune_id == CHINH
        assert receiver(session, f"{CHINH}-loa-1").commune_id == CHINH
        assert schedules(session, CHINH)[0].audience == ALL
    assert living_zones(county) == [f"{HIEN}-thon-1", f"{HIEN}-thon-2", f"{CHINH}-thon-2"]


@pytest.mark.parametrize("resumed", [False, True], ids=["untouched", "resumed since"])
def test_a_schedule_paused_until_a_day_is_so_again_unless_resumed_since(county: County, resumed: bool) -> None:
    until = county.clock.now() + timedelta(days=3)
    with county.database.writing() as session:
        pause(session, county.schedules[HIEN], True, county.clock.now(), until)
    (meeting,) = (q for q in county.rehearse().questions if q.about is QuestionTopic.SCHEDULES)
    county.merge(decisions={meeting.key: f"only:{CHINH}"})
    with county.database.writing() as session:
        paused = session.get_one(Schedule, county.schedules[HIEN])
        assert (paused.paused, paused.paused_until) == (True, None)
        if resumed:
            pause(session, county.schedules[HIEN], False, county.clock.now())
    county.undo()
    with county.database.session() as session:
        (found,) = schedules(session, HIEN)
    assert (found.paused, found.paused_until) == ((False, None) if resumed else (True, until))


def undo_questions(county: County) -> list[str]:
    with county.database.session() as session:
        return [q.key for q in undo_preview(session, 1, county.clock.now()).questions]


def living_zones(county: County) -> list[str]:
    with county.database.session() as session:
        return sorted(z.id for c in (CHINH, HIEN) for z in zones(session, c))


def test_what_was_made_since_goes_to_the_first_commune_with_copies_of_what_it_names(county: County) -> None:
    county.merge()
    with county.database.writing() as session:
        items = [Item(ItemKind.CLIP, f"{HIEN}-music"), Item(ItemKind.CLIP, f"{CHINH}-music")]
        made = add_programme(session, TRUNG, "Mới", items, now=county.clock.now()).number
        county.programmes[TRUNG] = made
        targets = Targets(zones=[f"{CHINH}-thon-1", f"{HIEN}-thon-1"])
        scheduled = county.schedule(session, TRUNG, time(18), targets)
        whole = county.schedule(session, TRUNG, time(19))
    done = county.undo()
    with county.database.session() as session:
        found = items_of(session, made)
        assert [item.clip.commune_id for item in found if item.clip] == [CHINH, CHINH]
        assert clip(session, f"{HIEN}-music").commune_id == HIEN
        schedule = session.get_one(Schedule, scheduled)
        assert (schedule.commune_id, schedule.audience) == (CHINH, Targets(zones=[f"{CHINH}-thon-1"]))
        assert session.get_one(Schedule, whole).audience == ALL
    assert any("its own commune alone" in str(said) for said in done.notes)


def test_old_broadcasts_are_found_under_both_and_still_heard_where_they_were(county: County) -> None:
    aired = {c: county.put_on_air(c).id for c in (CHINH, HIEN)}
    county.clock.advance(minutes(10))
    county.merge()
    county.clock.advance(minutes(1))
    county.programmes[TRUNG] = county.programmes[CHINH]
    new = county.put_on_air(TRUNG)
    county.clock.advance(minutes(10))
    with county.database.session() as session:
        log = play_log(session, TRUNG, county.clock.now())
        assert {b.id for b in log} == {new.id, *aired.values()}
        assert [b.id for b in play_log(session, CHINH, county.clock.now())] == [aired[CHINH]]
        meant = {b.commune_id: heard_counts(session, [b])[b.id].meant for b in log}
        assert meant == {TRUNG: 4, CHINH: 2, HIEN: 2}
    county.undo()
    with county.database.session() as session:
        for commune_id in (CHINH, HIEN):
            log = play_log(session, commune_id, county.clock.now())
            assert {b.id for b in log} == {new.id, aired[commune_id]}
        assert not belongs(session, CHINH, HIEN, county.clock.now())


def minutes(count: float) -> timedelta:
    return timedelta(minutes=count)


def test_on_air_during_the_merger_is_on_air_in_the_new_commune(county: County) -> None:
    running = county.put_on_air(CHINH)
    county.clock.advance(seconds=20)
    county.merge()
    with county.database.session() as session:
        assert [b.id for b in on_air_now(session, TRUNG, county.clock.now())] == [running.id]


def test_rights_lowered_since_stay_lowered_and_a_role_chosen_holds_till_then(county: County) -> None:
    with county.database.writing() as session:
        lan = county.operator(session, "lan", {CHINH: Role.CHAIR, HIEN: Role.VIEWER})
        county.operator(session, "minh", {HIEN: Role.OPERATOR})
    county.merge(decisions={f"operator:{lan}": "chair"})
    with county.database.session() as session:
        assert {o.name: Role(r) for o, r in operators_of(session, TRUNG)} == {"lan": Role.CHAIR, "minh": Role.OPERATOR}
        assert operators_of(session, CHINH) == []
    county.undo()
    with county.database.session() as session:
        assert {o.name: Role(r) for o, r in operators_of(session, CHINH)} == {"lan": Role.CHAIR}
        assert {o.name: Role(r) for o, r in operators_of(session, HIEN)} == {"lan": Role.VIEWER, "minh": Role.OPERATOR}


@pytest.mark.parametrize("plan", [BOTH, INTO_CHINH], ids=["new", "into one of them"])
def test_receivers_are_back_with_their_zones(county: County, plan: Merge) -> None:
    county.merge(plan)
    county.undo()
    with county.database.session() as session:
        for commune_id in (CHINH, HIEN):
            assert receiver(session, f"{commune_id}-loa-1").commune_id == commune_id


def test_the_months_report_and_the_why_page_know_who_was_meant_then(county: County) -> None:
    aired = county.put_on_air(CHINH)
    county.clock.advance(minutes(10))
    county.merge()
    county.clock.advance(minutes(10))
    now = county.clock.now()
    with county.database.session() as session:
        report = monthly_report(session, commune(session, TRUNG), date(2026, 11, 1), now)
        assert {line.name: line.meant for line in report.by_zone if line.meant} == {
            f"Thôn 1 ({NAMES[CHINH]})": 1,
            f"Thôn 2 ({NAMES[CHINH]})": 1,
        }
        outcomes = {
            c: [
                o.broadcast.id for o in explain(session, receiver(session, f"{c}-loa-1"), aired.starts_at, now).outcomes
            ]
            for c in (CHINH, HIEN)
        }
    assert outcomes == {CHINH: [aired.id], HIEN: []}
