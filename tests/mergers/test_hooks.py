"""What rooms beside keep by commune goes along: imports find what they know, the province goes on with one link."""

import msgspec
import pytest
from sqlmodel import SQLModel, select

from devices.communes import Commune
from mergers.plans import Merge, Split
from province.bulletins import BulletinState, NewBulletin, ProvinceBulletin, add_bulletin, inbox
from province.links import ProvinceLink, communes_served, is_ending, link_for
from province.outbox import waiting
from province.schedules_up import ReportedSchedule
from speech.pronunciations import corrections
from tests.mergers.county import ALL, BOTH, CHINH, HIEN, TRUNG, County
from tests.mergers.furniture import HEADINGS, TABLES, furnish, letter
from transfer.columns import ImportKind, remembered
from transfer.external_ids import keep_id, known_ids
from wire.broadcasts import BroadcastClass

INTO_HIEN = Merge(sources=(CHINH, HIEN), into=HIEN, name="Xã Thiệu Trung")
VILLAGE_1 = Split(source=CHINH, into=TRUNG, name="Xã Thiệu Trung", zones=(f"{CHINH}-thon-1",))


@pytest.fixture
def furnished(county: County) -> County:
    """Both communes have everything."""
    with county.database.writing() as session:
        for commune_id in (CHINH, HIEN):
            furnish(session, county, commune_id)
    return county


def rows(county: County, *kinds: type[SQLModel]) -> dict[str, list[str]]:
    """All rows, but for the counter that says that a link changed."""
    with county.database.session() as session:
        return {
            kind.__name__: sorted(repr(sorted(r.model_dump(exclude={"revision", "retired_at"}).items())) for r in found)
            for kind in kinds
            if (found := [r for r in session.exec(select(kind)) if getattr(r, "retired_at", None) is None]) is not None
        }


@pytest.mark.parametrize("plan", [BOTH, INTO_HIEN, VILLAGE_1], ids=["new", "into one of them", "split"])
def test_done_and_undone_it_is_as_it_was(furnished: County, plan: Merge | Split) -> None:
    before = rows(furnished, Commune, *TABLES)
    furnished.rehearse(plan)
    assert rows(furnished, Commune, *TABLES) == before
    furnished.merge(plan)
    assert rows(furnished, Commune, *TABLES) != before
    furnished.undo()
    assert rows(furnished, Commune, *TABLES) == before


@pytest.mark.parametrize(("plan", "goes_on", "ends"), [(BOTH, CHINH, HIEN), (INTO_HIEN, HIEN, CHINH)])
def test_one_link_goes_on_and_the_other_sends_what_is_left(
    furnished: County, plan: Merge, goes_on: str, ends: str
) -> None:
    said = " ".join(str(note) for note in furnished.rehearse(plan).notes)
    assert f"code-{goes_on}" in said
    furnished.merge(plan)
    with furnished.database.session() as session:
        found = session.get_one(ProvinceLink, plan.into)
        assert (found.own_code, found.enabled) == (f"code-{goes_on}", True)
        assert found.codes == {f"{c}-loa-1": f"CL-{c}" for c in (CHINH, HIEN)}
        assert is_ending(session, ends)
        assert not is_ending(session, plan.into)
        sends = [one.key for one in waiting(session, communes_served(session, plan.into), 9)]
        left = [one.key for one in waiting(session, communes_served(session, ends), 9)]
        assert (sends, left) == ([f"{goes_on}/waits"], [f"{ends}/waits"])
        # What was on air before is told under the link it was promised under.
        for name, meant in ((goes_on, plan.into), (ends, ends)):
            spoken = link_for(session, name)
            assert spoken is not None
            assert spoken.commune_id == meant
        told = session.exec(select(ReportedSchedule).where(ReportedSchedule.commune_id == plan.into)).all()
        # What the other told is cancelled by itself; what the province sent stands, for it to take back.
        assert sorted(row.code for row in told) == sorted([f"up-{goes_on}", f"down-{goes_on}", f"down-{ends}"])


def test_the_inbox_has_each_bulletin_once_for_the_places_it_was_for(furnished: County) -> None:
    furnished.merge()
    with furnished.database.session() as session:
        found = {b.code: b for b in inbox(session, TRUNG)}
        assert {code: sorted(b.audience.zones) for code, b in found.items()} == {
            "same": sorted([CHINH, HIEN]),
            f"of-{CHINH}": [CHINH],
            f"of-{HIEN}": [HIEN],
        }
        assert len({b.turn for b in found.values()}) == 3
        assert inbox(session, HIEN) == []


def test_an_import_into_the_new_commune_knows_the_old_codes_and_columns(furnished: County) -> None:
    assert any("1 codes" in str(note) for note in furnished.rehearse().notes)
    furnished.merge()
    with furnished.database.session() as session:
        assert known_ids(session, TRUNG, "receivers") == {
            f"code:{CHINH}": f"{CHINH}-loa-1",
            f"code:{HIEN}": f"{HIEN}-loa-1",
            "name:thon 2": f"{CHINH}-loa-2",
        }
        # Of the two choices for such a file that of the file that was taken last.
        assert remembered(session, TRUNG, ImportKind.RECEIVERS, HEADINGS) == ["external_id", "name"]


def test_in_a_split_only_the_codes_of_what_goes_follow(furnished: County) -> None:
    furnished.merge(VILLAGE_1)
    with furnished.database.session() as session:
        assert known_ids(session, TRUNG, "receivers") == {f"code:{CHINH}": f"{CHINH}-loa-1"}
        assert known_ids(session, CHINH, "receivers") == {"name:thon 2": f"{CHINH}-loa-2"}
        assert session.get(ProvinceLink, TRUNG) is None
        assert session.get_one(ProvinceLink, CHINH).enabled


def test_what_came_since_follows_its_receiver_or_the_link_when_it_is_undone(furnished: County) -> None:
    with furnished.database.writing() as session:
        session.delete(session.get_one(ProvinceLink, CHINH))
    furnished.merge()
    with furnished.database.writing() as session:
        keep_id(session, TRUNG, "receivers", "code:moi", f"{HIEN}-loa-2")
        letter(session, TRUNG, "since", furnished)
        now = furnished.clock.now()
        number = add_bulletin(session, TRUNG, NewBulletin("since", "since", BroadcastClass.NORMAL, ALL), now).number
        old = session.exec(select(ProvinceBulletin).filter_by(code=f"of-{CHINH}", commune_id=TRUNG)).one()
        old.state, decided = BulletinState.DECLINED.value, old.number
    furnished.undo()
    with furnished.database.session() as session:
        assert known_ids(session, HIEN, "receivers")["code:moi"] == f"{HIEN}-loa-2"
        assert session.get_one(ProvinceLink, HIEN).own_code == f"code-{HIEN}"
        assert session.get(ProvinceLink, TRUNG) is None
        assert [one.key for one in waiting(session, communes_served(session, HIEN), 9)] == [
            f"{HIEN}/waits",
            f"{TRUNG}/since",
        ]
        assert session.get_one(ProvinceBulletin, number).commune_id == HIEN
        kept = session.get_one(ProvinceBulletin, decided)
        assert (kept.commune_id, kept.state) == (CHINH, "declined")


def test_the_border_is_around_all_of_them_or_there_is_none(furnished: County) -> None:
    furnished.merge()
    with furnished.database.session() as session:
        border = session.get_one(Commune, TRUNG).outline
        assert border is not None
        assert len(msgspec.json.decode(border)["coordinates"]) == 2
    furnished.undo()
    with furnished.database.writing() as session:
        session.get_one(Commune, HIEN).outline = None
    assert any("no border" in str(note) for note in furnished.rehearse(INTO_HIEN).notes)
    furnished.merge(INTO_HIEN)
    with furnished.database.session() as session:
        assert session.get_one(Commune, HIEN).outline is None


@pytest.mark.parametrize(("plan", "heir"), [(BOTH, "trung tâm"), (INTO_HIEN, "thị trấn")])
def test_corrected_readings_come_along_and_those_of_the_heir_hold(furnished: County, plan: Merge, heir: str) -> None:
    furnished.merge(plan)
    with furnished.database.session() as session:
        known = corrections(session, plan.into)
    assert known == {"TT": heir, f"TT-{CHINH}": "trung tâm", f"TT-{HIEN}": "thị trấn"}
