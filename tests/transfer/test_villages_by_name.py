"""Villages whose names differ by a tone are never taken for one another in an import."""

from pathlib import Path

import pytest
from sqlmodel import Session

from broadcast.programmes import Item, ItemKind
from devices.zones import Zone, add_zone, zones, zones_of
from runtime.clock import ManualClock
from runtime.database import Database
from runtime.refusal import Refusal
from schedules.schedules import schedules
from tests.cast import COMMUNE
from tests.transfer.test_imports import Office, counts
from transfer.columns import ImportKind

RECEIVERS = "Tên cụm loa;Thôn;Loại thiết bị\n"
SCHEDULES = "Chương trình;Giờ phát;Nơi phát\n"


@pytest.fixture
def office(database: Database, clock: ManualClock, tmp_path: Path) -> Office:
    office = Office(database, clock, tmp_path)
    with database.writing() as session:
        for programme in ("Bản tin A", "Bản tin B"):
            office.studio.add_programme(session, programme, [Item(ItemKind.CLIP, "bulletin")])
        add_zone(session, COMMUNE, "ha-nang", "Thôn Hạ")
        add_zone(session, COMMUNE, "ha-huyen", "Thôn Hà")
    return office


def audiences(session: Session) -> dict[str, list[str]]:
    return {str(s.recurrence.times[0]): s.audience.zones for s in schedules(session, COMMUNE)}


def test_two_villages_each_get_their_own_programme(office: Office) -> None:
    table = SCHEDULES + "Bản tin A;06:00;Thôn Hạ\nBản tin B;06:10;Thôn Hà\n"
    assert counts(office.done(table, ImportKind.SCHEDULES)) == (2, 0, 0, 0)
    with office.database.session() as session:
        assert audiences(session) == {"06:00:00": ["ha-nang"], "06:10:00": ["ha-huyen"]}


def test_another_tone_is_a_receiver_and_a_zone_of_its_own_and_renames_nothing(office: Office) -> None:
    office.done(RECEIVERS + "Cụm loa thôn Hạ;Thôn Hạ;IP\n")
    known = office.named("Cụm loa thôn Hạ").id
    result = office.done(RECEIVERS + "Cụm loa thôn Hả;Thôn Hả;IP\nCụm loa thôn Hà;Thôn Hà;IP\n")
    assert counts(result) == (2, 0, 0, 0)
    assert office.named("Cụm loa thôn Hạ").id == known
    with office.database.session() as session:
        names = {z.id: z.name for z in zones(session, COMMUNE)}
        assert {"Thôn Hà", "Thôn Hạ", "Thôn Hả"} <= set(names.values())
        assert [names[z] for z in zones_of(session, office.named("Cụm loa thôn Hả").id)] == ["Thôn Hả"]


def test_a_name_without_diacritics_that_fits_two_villages_is_refused_with_both(office: Office) -> None:
    [row] = office.tried(office.receive(SCHEDULES + "Ban tin A;06:00;Thon Ha\n", ImportKind.SCHEDULES)).wrong
    assert row.column == "zones"
    assert "“Thôn Hà”, “Thôn Hạ”" in str(row.problem)


def test_a_name_without_diacritics_finds_a_receiver_and_does_not_rename_it(office: Office) -> None:
    office.done(RECEIVERS + "Cụm chợ;Thôn Hạ;IP\n")
    result = office.done(RECEIVERS + "cum cho;Thôn Hạ;IP\n")
    assert counts(result)[0] == 0
    assert office.named("Cụm chợ")


def test_the_place_of_the_tone_mark_and_capitals_make_no_other_village(office: Office) -> None:
    with office.database.writing() as session:
        add_zone(session, COMMUNE, "hoa-binh", "Thôn Hòa Bình")
    table = SCHEDULES + "BẢN TIN A;06:00;THÔN HOÀ BÌNH\n"
    result = office.done(table, ImportKind.SCHEDULES)
    assert [row.taken_for for row in result.outcomes] == [("Bản tin A", "Thôn Hòa Bình")]


def test_the_preview_says_which_programme_zone_and_receiver_a_row_was_taken_for(office: Office) -> None:
    office.done(RECEIVERS + "Cụm chợ;Thôn Hạ;IP\n")
    table = SCHEDULES + "ban tin a;06:00;thôn hạ, cum cho\n"
    tried = office.tried(office.receive(table, ImportKind.SCHEDULES))
    assert tried.outcomes[0].taken_for == ("Bản tin A", "Thôn Hạ", "Cụm chợ")


def test_two_zones_of_one_name_are_refused_by_an_import(office: Office) -> None:
    with office.database.writing() as session:
        session.add(Zone(id="ha-khac", commune_id=COMMUNE, name="Thôn Hạ"))
    [row] = office.tried(office.receive(SCHEDULES + "Bản tin A;06:00;Thôn Hạ\n", ImportKind.SCHEDULES)).wrong
    assert "2 entries are called" in str(row.problem)


def test_a_second_zone_of_the_same_name_is_refused_on_creation(office: Office) -> None:
    for name in ("Thôn Hạ", "THÔN HẠ", "Tho\u0302n Ha\u0323"):
        with office.database.writing() as session, pytest.raises(Refusal, match="already"):
            add_zone(session, COMMUNE, "khac", name)
