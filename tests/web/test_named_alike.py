"""Two zones, or two receivers, of one name, as a merger leaves them: every form tells them apart."""

from collections.abc import Iterator

import pytest

from broadcast.programmes import Item, ItemKind, add_programme
from devices.zones import Zone, set_zones
from runtime.clock import ManualClock
from schedules.schedules import schedule
from tests.broadcast.studio import add_clip
from tests.cast import COMMUNE, MORNING
from tests.empty_database import empty_database
from tests.web.office import Office

ZONES = ("chinh-thon-5", "hien-thon-5")
PAGES = (
    "/timetable/new",
    "/put-on-air",
    "/receivers/new",
    "/receivers/loa-0",
    "/allowed-hours",
    "/zones",
    "/volumes",
)


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    folder = tmp_path_factory.mktemp("office")
    database, clock = empty_database(folder / "test.db"), ManualClock(MORNING)
    made = Office(database, clock, folder)
    made.add_receivers(2)
    with database.writing() as session:
        for zone_id, receiver_id in zip(ZONES, ("loa-0", "loa-1"), strict=True):
            session.add(Zone(id=zone_id, commune_id=COMMUNE, name="Thôn 5"))
            session.flush()
            set_zones(session, receiver_id, COMMUNE, [zone_id])
        add_clip(session, "ban-tin", 600, now=clock.now())
        add_programme(session, COMMUNE, "Bản tin", [Item(ItemKind.CLIP, "ban-tin")], now=clock.now())
    yield made
    database.close()


@pytest.mark.parametrize("page", PAGES)
def test_every_form_tells_zones_of_one_name_apart(office: Office, page: str) -> None:
    text = office.browser.get(page).text
    for zone_id in ZONES:
        assert f"Thôn 5 ({zone_id})" in text


def test_where_a_schedule_is_heard_names_the_one_that_was_chosen(office: Office) -> None:
    fields = {"programme_id": "1", "repeat": "daily", "times": "05:00", "from_day": "2026-11-25", "class": "normal"}
    assert office.post("/timetable", **fields, where="zones", zones=ZONES[1]) == 303
    with office.database.session() as session:
        assert schedule(session, 1).audience.zones == [ZONES[1]]
    listed = office.browser.get("/timetable").text
    assert f"Thôn 5 ({ZONES[1]})" in listed
    assert f"Thôn 5 ({ZONES[0]})" not in listed
