"""Two communes become one: nothing is lost, nothing is in two places, and what was decided holds."""

from datetime import time
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import SQLModel, select

from broadcast.backup_clip import BackupClip
from broadcast.clips import Clip, builtin_clip
from broadcast.programmes import Programme, ProgrammeItem, items_of
from devices.communes import Commune
from devices.receivers import Receiver, reached_by
from devices.stations import Station
from devices.zones import Zone, ZoneMember, add_zone, zones
from loa.merger_hooks import MERGER_HOOKS
from mergers.mergers import merge
from mergers.plans import Merge, Plan, QuestionTopic, RehearsedKind
from mergers.rehearsals import counts
from noise.noise_rules import NoiseRules, allowed_times, rules_of, set_rules
from people.operators import OperatorCommune
from people.rights import Role
from runtime.clock import ManualClock
from runtime.refusal import Refusal
from schedules.schedules import Schedule, schedules
from tests.cast import MORNING
from tests.empty_database import empty_database
from tests.mergers.county import ALL, BOTH, CHINH, HIEN, TRUNG, County, picture
from tests.mergers.furniture import PIECES, TABLES, furnish
from wire.allowed_hours import AllowedHours
from wire.broadcasts import Targets

EVERYTHING = (
    Commune,
    Station,
    Receiver,
    Zone,
    ZoneMember,
    Clip,
    Programme,
    ProgrammeItem,
    Schedule,
    NoiseRules,
    BackupClip,
    OperatorCommune,
)


def test_rehearsal_shows_both_and_changes_nothing(county: County) -> None:
    before = picture(county.database, EVERYTHING)
    seen = county.rehearse()
    assert picture(county.database, EVERYTHING) == before
    assert {c: n.receivers for c, n in seen.before.items()} == {CHINH: 2, HIEN: 2}
    assert seen.after[TRUNG].receivers == 4
    assert seen.after[TRUNG].schedules == 2
    assert [line.after for line in seen.of(RehearsedKind.RECEIVER)] == [(TRUNG,)] * 4
    assert {q.about.value for q in seen.questions} == {"zones", "schedules", "chimes"}


def test_merged_and_undone_all_is_as_it_was(county: County) -> None:
    county.plan_ahead()
    before, planned = picture(county.database, EVERYTHING), county.broadcasts()
    county.merge()
    county.undo()
    assert picture(county.database, EVERYTHING) == before
    after = county.broadcasts()
    assert [(b.id, b.commune_id, b.targets, b.items) for b in after] == [
        (b.id, b.commune_id, b.targets, b.items) for b in planned
    ]


def test_merged_everything_is_in_the_new_commune_once(county: County) -> None:
    county.plan_ahead()
    planned = county.broadcasts()
    county.merge(BOTH)
    with county.database.session() as session:
        for kind in (Station, Receiver, Clip, Programme, Schedule):
            assert {row.commune_id for row in session.exec(select(kind))} == {TRUNG}
    after = county.broadcasts()
    assert [b.id for b in after] == [b.id for b in planned]
    assert {b.commune_id for b in after} == {TRUNG}
    county.plan_ahead()
    assert [b.id for b in county.broadcasts()] == [b.id for b in planned], "nothing is planned anew"


@pytest.mark.parametrize("choice", ["rename", "join", "keep"])
def test_two_zones_of_one_name(county: County, choice: str) -> None:
    key = f"zones:{CHINH}-thon-1+{HIEN}-thon-1"
    county.merge(decisions={key: choice})
    with county.database.session() as session:
        alike = [z for z in zones(session, TRUNG) if z.name.startswith("Thôn 1")]
        assert len(alike) == (1 if choice == "join" else 2)
        assert sum("Xã" in z.name for z in alike) == (2 if choice == "rename" else 0)
        together = reached_by(session, TRUNG, Targets(zones=[f"{CHINH}-thon-1"]))
        assert len(together) == (2 if choice == "join" else 1)
    county.undo()
    with county.database.session() as session:
        assert [z.name for z in zones(session, HIEN)] == ["Thôn 1", "Thôn 2"]


def test_programmes_at_one_hour_both_stay_with_their_receivers_or_one_is_for_all(county: County) -> None:
    (question,) = [q for q in county.rehearse().questions if q.about is QuestionTopic.SCHEDULES]
    assert [c.value for c in question.choices] == ["both", f"only:{CHINH}", f"only:{HIEN}"]
    county.plan_ahead()
    planned = county.broadcasts()
    county.merge(decisions={question.key: f"only:{HIEN}"})
    county.plan_ahead()
    live = [b for b in county.broadcasts() if b.withdrawn_at is None]
    assert {b.programme_id for b in live} == {county.programmes[HIEN]}
    assert len(live) == len(planned) // 2
    with county.database.session() as session:
        assert all(len(reached_by(session, TRUNG, b.audience)) == 4 for b in live)


def test_where_zones_are_joined_somebody_may_go_before(county: County) -> None:
    zones_joined = {f"zones:{CHINH}-thon-{n}+{HIEN}-thon-{n}": "join" for n in (1, 2)}
    with county.database.writing() as session:
        for commune_id in (CHINH, HIEN):
            county.schedule(session, commune_id, time(17), Targets(zones=[f"{commune_id}-thon-1"]))
    seen = county.rehearse(decisions=zones_joined)
    (question,) = [q for q in seen.questions if f"first:{HIEN}" in {c.value for c in q.choices}]
    county.merge(decisions={**zones_joined, question.key: f"first:{HIEN}"})
    with county.database.session() as session:
        ranks = {s.programme_id: s.precedence for s in schedules(session, TRUNG) if s.recurrence.times == [time(17)]}
    assert ranks == {county.programmes[CHINH]: 0, county.programmes[HIEN]: 1}


def test_rules_of_the_communes_stay_with_their_receivers_or_one_commune_s_hold(county: County) -> None:
    morning = AllowedHours(weekdays=list(range(7)), from_minute=5 * 60, until_minute=20 * 60)
    with county.database.writing() as session:
        set_rules(session, CHINH, "", hours=[morning])
    county.merge()
    with county.database.session() as session:
        rules = rules_of(session, TRUNG)
        assert [r.zone_id for r in rules.values() if r.allowed_hours] == [CHINH]
        may = allowed_times(session, TRUNG, Targets(receivers=[f"{HIEN}-loa-1"]), MORNING.date())
        assert not any(may.hours)
    county.undo()
    county.clock.advance(seconds=1)
    county.merge(decisions={"noise": f"use:{CHINH}"})
    with county.database.session() as session:
        assert list(rules_of(session, TRUNG)) == [""]


def test_programmes_keep_their_chimes_or_all_get_one_s(county: County) -> None:
    county.merge()
    with county.database.session() as session:
        heard = [item.clip.id for item in items_of(session, county.programmes[HIEN]) if item.clip]
        assert heard == [f"{HIEN}-in", f"{HIEN}-news", f"{HIEN}-out"]
        assert builtin_clip(session, TRUNG, "opening_chime").id == f"{CHINH}-in"
    county.undo()
    county.clock.advance(seconds=1)
    county.merge(decisions={"chimes": f"use:{CHINH}"})
    with county.database.session() as session:
        heard = [item.clip.id for item in items_of(session, county.programmes[HIEN]) if item.clip]
        assert heard == [f"{CHINH}-in", f"{HIEN}-news", f"{CHINH}-out"]


def test_out_of_date_or_undecided_is_refused_and_changes_nothing(county: County) -> None:
    before = picture(county.database, EVERYTHING)
    seen = county.rehearse()
    now = county.clock.now()
    with pytest.raises(Refusal, match="not decided"), county.database.writing() as session:
        merge(session, BOTH, {}, now, "lan", fingerprint=seen.fingerprint, hooks=MERGER_HOOKS)
    assert picture(county.database, EVERYTHING) == before
    with county.database.writing() as session:
        add_zone(session, CHINH, "moi", "Thôn mới")
    before = picture(county.database, EVERYTHING)
    with pytest.raises(Refusal, match="changed in these communes"), county.database.writing() as session:
        merge(session, BOTH, seen.suggested(), now, "lan", fingerprint=seen.fingerprint, hooks=MERGER_HOOKS)
    assert picture(county.database, EVERYTHING) == before


@pytest.mark.parametrize(
    ("plan", "says"),
    [
        (Merge(sources=(CHINH,), into=TRUNG, name="X"), "at least two"),
        (Merge(sources=(CHINH, "nowhere"), into=TRUNG, name="X"), "no commune nowhere"),
        (Merge(sources=(CHINH, HIEN), into=TRUNG, name=" "), "needs a name"),
        (Merge(sources=(CHINH, HIEN), into="Có dấu", name="X"), "cannot be a short name"),
    ],
)
def test_a_plan_that_cannot_be_is_refused(county: County, plan: Merge, says: str) -> None:
    with pytest.raises(Refusal, match=says):
        county.rehearse(plan)


@settings(max_examples=10, deadline=None, suppress_health_check=list(HealthCheck))
@given(data=st.data())
def test_whatever_is_decided_nothing_is_lost_and_undone_it_is_as_it_was(data: st.DataObject) -> None:
    with TemporaryDirectory() as folder:
        database = empty_database(Path(folder) / "t.db")
        try:
            _whatever(County(ManualClock(MORNING), database), data)
        finally:
            database.close()


def draw_communes(county: County, data: st.DataObject) -> None:
    with county.database.writing() as session:
        for commune_id in (CHINH, HIEN):
            for number in range(3, 3 + data.draw(st.integers(0, 3))):
                in_zones = data.draw(st.lists(st.sampled_from([f"{commune_id}-thon-{n}" for n in (1, 2)]), unique=True))
                county.receiver(session, commune_id, f"{commune_id}-loa-{number}", in_zones)
            for hour in data.draw(st.lists(st.integers(6, 20), max_size=3)):
                targets = data.draw(
                    st.sampled_from(
                        [ALL, Targets(zones=[f"{commune_id}-thon-1"]), Targets(receivers=[f"{commune_id}-loa-2"])]
                    )
                )
                county.schedule(session, commune_id, time(hour), targets)
            furnish(session, county, commune_id, data.draw(st.sets(st.sampled_from(PIECES))))
            if data.draw(st.booleans()):
                hours = [AllowedHours(weekdays=[0, 1], from_minute=300, until_minute=1200)]
                set_rules(session, commune_id, data.draw(st.sampled_from(["", f"{commune_id}-thon-1"])), hours=hours)
        if data.draw(st.booleans()):
            county.operator(session, "lan", {CHINH: Role.CHAIR, HIEN: data.draw(st.sampled_from(list(Role)[1:]))})
    if data.draw(st.booleans()):
        county.plan_ahead()


def check_rehearsed_numbers(county: County, plan: Plan, decisions: dict[str, str]) -> None:
    """Carry out a plan: what the rehearsal counted in each commune is what is there afterwards."""
    seen = county.rehearse(plan, decisions)
    county.merge(plan, decisions)
    with county.database.session() as session:
        assert seen.after == counts(session, sorted(seen.after), county.clock.now())


def _whatever(county: County, data: st.DataObject) -> None:
    draw_communes(county, data)
    plan = data.draw(st.sampled_from([BOTH, Merge(sources=(HIEN, CHINH), into=HIEN, name="Xã Mới")]))
    before, ids = picture(county.database, (*EVERYTHING, *TABLES)), _live_ids(county)
    decisions: dict[str, str] = {}
    for question in county.rehearse(plan).questions:
        decisions[question.key] = data.draw(st.sampled_from([c.value for c in question.choices]))
    seen = county.rehearse(plan, decisions)
    check_rehearsed_numbers(county, plan, decisions)
    after = _live_ids(county)
    for kind in (Receiver, Programme, Schedule, Clip):
        assert after[kind] == dict.fromkeys(ids[kind], plan.into), "each in exactly one commune"
    assert seen.after[plan.into].receivers == len(ids[Receiver])
    assert seen.after[plan.into].zones == sum(c == plan.into for c in after[Zone].values())
    county.clock.advance(seconds=1)
    county.undo()
    assert picture(county.database, (*EVERYTHING, *TABLES)) == before


def _live_ids(county: County) -> dict[type[SQLModel], dict[object, str]]:
    found: dict[type[SQLModel], dict[object, str]] = {}
    with county.database.session() as session:
        for kind in (Receiver, Programme, Schedule, Clip, Zone):
            rows = session.exec(select(kind)).all()
            found[kind] = {r.id: r.commune_id for r in rows if getattr(r, "retired_at", None) is None}
    return found
