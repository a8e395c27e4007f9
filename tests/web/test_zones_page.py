"""Zones: listed, made from a name alone, renamed, given receivers; none is removed while a schedule needs it."""

from pathlib import Path

import pytest

from broadcast.programmes import Item, ItemKind, add_programme
from devices.receivers import receiver, receivers_at
from devices.zones import zones, zones_of
from runtime.clock import ManualClock
from runtime.database import Database
from tests.broadcast.studio import add_clip
from tests.cast import COMMUNE
from tests.web.office import Office
from tests.web.page_forms import form_of, forms_of


@pytest.fixture
def office(database: Database, clock: ManualClock, tmp_path: Path) -> Office:
    made = Office(database, clock, tmp_path)
    made.add_receivers(3)
    return made


def names(office: Office) -> dict[str, str]:
    with office.database.session() as session:
        return {zone.id: zone.name for zone in zones(session, COMMUNE)}


def test_a_new_zone_needs_a_name_only_and_is_listed(office: Office) -> None:
    assert office.post("/zones", name="Thôn Đồng Tâm") == 303
    assert office.post("/zones", name="Thôn Đồng Tâm") == 422
    assert office.post("/zones", name="  ") == 422
    assert names(office) == {"thon-1": "Thôn 1", "thon-dong-tam": "Thôn Đồng Tâm"}
    assert "Thôn Đồng Tâm" in office.browser.get("/zones").text


def test_a_zone_is_renamed_and_given_its_receivers(office: Office) -> None:
    form = form_of(office, "/zones/thon-1", "/zones/thon-1", name="Thôn Một")
    with office.database.session() as session:
        before = receiver(session, "loa-1").config_revision
    sent = {**form.fields, "receivers": ["loa-0", "loa-2"]}
    assert office.browser.post(form.action, data=sent).status_code == 303
    with office.database.session() as session:
        assert [zones_of(session, f"loa-{k}") for k in range(3)] == [["thon-1"], [], ["thon-1"]]
        assert receiver(session, "loa-1").config_revision > before
    assert names(office)["thon-1"] == "Thôn Một"
    # The same form once more: it shows an old state.
    assert office.browser.post(form.action, data={**sent, "once": "again"}).status_code == 409


def test_a_zone_that_a_schedule_needs_stays_and_the_schedule_is_named(office: Office) -> None:
    with office.database.writing() as session:
        add_clip(session, "ban-tin", 600, now=office.clock.now())
        add_programme(session, COMMUNE, "Bản tin sáng", [Item(ItemKind.CLIP, "ban-tin")], now=office.clock.now())
    daily = {"repeat": "daily", "times": "05:00", "from_day": "2026-11-25", "where": "some", "class": "normal"}
    assert office.post("/timetable", programme_id="1", zones="thon-1", **daily) == 303
    page = office.browser.get("/zones/thon-1").text
    assert "Bản tin sáng" in page
    assert "/zones/thon-1/retire" not in page
    refused = office.browser.post("/zones/thon-1/retire", data={"form_token": office.form_token})
    assert refused.status_code == 422
    assert "Bản tin sáng" in refused.text
    assert "thon-1" in names(office)


def test_a_removed_zone_has_no_receivers_and_has_them_again_when_restored(office: Office) -> None:
    assert office.post("/zones/thon-1/retire") == 303
    with office.database.session() as session:
        assert [placed.zones for placed in receivers_at(session, COMMUNE)] == [[], [], []]
    assert office.post("/zones/thon-1/restore") == 303
    with office.database.session() as session:
        assert [placed.zones for placed in receivers_at(session, COMMUNE)] == [["thon-1"]] * 3
    # Its name may be taken meanwhile.
    assert office.post("/zones/thon-1/retire") == 303
    assert office.post("/zones", name="Thôn 1") == 303
    assert office.post("/zones/thon-1/restore") == 422


def test_a_receiver_needs_no_short_name(office: Office) -> None:
    page = office.browser.post(
        "/receivers", data={"name": "Thôn 9", "station": str(office.station), "form_token": office.form_token}
    )
    assert page.status_code == 200
    form = next(form for form in forms_of(page.text) if form.action.endswith("-file"))
    assert form.action == "/receivers/thon-9/credentials-file"
    file = office.browser.post(form.action, data=form.fields)
    assert file.headers["content-disposition"] == 'attachment; filename="thon-9.json"'
    assert file.json()["receiver"] == "thon-9"
    assert "loa receiver run --credentials thon-9.json" in page.text
    assert office.post(form.action, text="[]") == 422
