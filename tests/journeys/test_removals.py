"""Every removal undone in a real browser: one press where it was made, and the thing is in its list again."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, expect, sync_playwright
from sqlmodel import SQLModel

from broadcast.programmes import Item, ItemKind, add_programme
from people.operators import add_operator, appoint
from people.rights import Role
from runtime.clock import ManualClock
from runtime.database import Database
from tests.broadcast.studio import add_clip
from tests.cast import COMMUNE, MORNING
from tests.journeys.test_map import opened, served
from tests.web.office import Office

DAILY = {"repeat": "daily", "times": "05:00", "from_day": "2026-11-25", "where": "all", "class": "normal"}
#: kind → the page of the button, the button, its list, a link to the thing in it.
REMOVALS = {
    "schedule": ("/timetable", "/timetable/1/retire", "/timetable", "#schedule-1"),
    "programme": ("/programmes/2", "/programmes/2/retire", "/programmes", 'a[href="/programmes/2"]'),
    "clip": ("/clips/thoi-tiet", "/clips/thoi-tiet/retire", "/clips", 'a[href="/clips/thoi-tiet"]'),
    "receiver": ("/receivers/loa-1", "/receivers/loa-1/retire", "/receivers", '#receivers a[href="/receivers/loa-1"]'),
    "zone": ("/zones/thon-1", "/zones/thon-1/retire", "/zones", "#zone-thon-1"),
}


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    folder: Path = tmp_path_factory.mktemp("removals")
    database = Database(f"sqlite:///{folder / 'test.db'}")
    SQLModel.metadata.create_all(database.engine)
    made = Office(database, ManualClock(MORNING), folder)
    made.add_receivers(2)
    with database.writing() as session:
        for clip_id in ("ban-tin", "thoi-tiet"):
            add_clip(session, clip_id, 60, now=MORNING)
        for title in ("Bản tin sáng", "Ca nhạc"):
            items = [Item(ItemKind.CLIP, "ban-tin"), Item(ItemKind.GAP, gap_ms=3000)]
            add_programme(session, COMMUNE, title, items, now=MORNING)
        person, _ = add_operator(session, "tho", MORNING)
        appoint(session, person.number, COMMUNE, Role.VIEWER)
    made.post("/timetable", programme_id="1", **DAILY)
    yield made
    database.close()


@pytest.fixture(scope="module")
def page(office: Office) -> Iterator[Page]:
    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        with served(office.app) as url, opened(browser, office, url) as signed_in:
            signed_in.on("dialog", lambda dialog: dialog.accept())
            signed_in.goto(url)
            yield signed_in
        browser.close()


def test_each_removal_is_undone_with_one_press(page: Page) -> None:
    url = page.url.rstrip("/").removesuffix("/first-steps")
    for kind, (path, action, after, listed) in REMOVALS.items():
        page.goto(url + path)
        page.locator(f'form[action="{action}"] button').click()
        page.wait_for_url(f"{url}{after}")
        expect(page.locator(listed), kind).to_have_count(0)
        page.get_by_role("button", name="Hoàn tác").click()
        page.wait_for_load_state()
        page.goto(url + after)
        expect(page.locator(listed).first, kind).to_be_visible()
    # A person, who is listed as retired; and an item, which comes back to its place.
    page.goto(f"{url}/operators/2")
    page.locator('form[action="/operators/2/retire"] button').click()
    page.get_by_role("button", name="Hoàn tác").click()
    expect(page.locator('form[action="/operators/2/retire"]')).to_be_visible()
    page.goto(f"{url}/programmes/1")
    items = page.locator("#items ol > li")
    before = items.all_inner_texts()
    page.locator('form[action$="/remove"] button').first.click()
    expect(items).to_have_count(len(before) - 1)
    page.get_by_role("button", name="Hoàn tác").click()
    expect(items).to_have_count(len(before))
    assert items.all_inner_texts() == before
