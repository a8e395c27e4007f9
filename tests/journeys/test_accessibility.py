"""Every page in a real browser, on a phone and at a desk, light and dark: axe finds nothing, and nothing is cut off."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page, sync_playwright

from runtime.clock import ManualClock
from tests.cast import COMMUNE, MORNING
from tests.empty_database import empty_database
from tests.journeys.test_map import served
from tests.web.filled_office import FilledOffice
from web.request_context import COMMUNE_COOKIE

AXE = Path(__file__).parents[1] / "vendor" / "axe" / "axe.min.js"
SIZES = {"desk": {"width": 1280, "height": 900}, "phone": {"width": 360, "height": 740}}
#: What the colour scheme can change. All other rules give the same answer in light and dark.
COLOUR_RULES = ["color-contrast", "link-in-text-block"]
MOST_HEADER_PX = 56


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[FilledOffice]:
    folder = tmp_path_factory.mktemp("filled")
    database = empty_database(folder / "test.db")
    yield FilledOffice(database, ManualClock(MORNING), folder)
    database.close()


@pytest.fixture(scope="module")
def page(office: FilledOffice) -> Iterator[Page]:
    with served(office.app) as url, sync_playwright() as player:
        browser = player.chromium.launch(executable_path="/usr/bin/chromium", args=["--no-sandbox"])
        # Without the page's own policy: axe is put into the page by the test.
        context = browser.new_context(base_url=url, bypass_csp=True)
        cookies = {"loa_session": office.browser.cookies["loa_session"], COMMUNE_COOKIE: COMMUNE}
        context.add_cookies([{"name": name, "value": value, "url": url} for name, value in cookies.items()])
        yield context.new_page()
        browser.close()


def faults_of(page: Page, rules: list[str] | None) -> list[str]:
    asked = {"resultTypes": ["violations"], **({"runOnly": rules} if rules else {})}
    violations = page.evaluate("asked => axe.run(asked).then(result => result.violations)", asked)
    return [f"{v['id']}: {node['html'][:160]}" for v in violations for node in v["nodes"]]


def test_axe_finds_nothing_on_any_page_and_nothing_is_wider_than_the_screen(office: FilledOffice, page: Page) -> None:
    wrong: dict[str, list[str]] = {}
    axe = AXE.read_text(encoding="utf-8")
    addresses = office.addresses()
    assert len(addresses) >= 38
    for address in addresses:
        answer = page.goto(address)
        assert answer is not None
        assert answer.status == (404 if address == "/nowhere" else 200), address
        page.evaluate(axe)
        for size, viewport in SIZES.items():
            page.set_viewport_size(viewport)  # type: ignore[arg-type]
            for scheme, rules in (("light", None), ("dark", COLOUR_RULES)):
                page.emulate_media(color_scheme=scheme)  # type: ignore[arg-type]
                wrong[f"{address} {size} {scheme}"] = faults_of(page, rules)
            if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
                wrong[f"{address} {size}"] = ["wider than the screen"]
    assert {where: faults for where, faults in wrong.items() if faults} == {}


def test_the_header_of_a_phone_is_one_line_and_its_menu_works_by_keyboard(page: Page) -> None:
    page.set_viewport_size(SIZES["phone"])  # type: ignore[arg-type]
    page.goto("/clips")
    assert page.locator(".top").evaluate("header => header.offsetHeight") <= MOST_HEADER_PX
    menu, button = page.locator("nav.menu"), page.locator(".menu-button summary")
    assert not menu.is_visible()
    button.press("Enter")
    assert menu.is_visible()
    page.keyboard.press("Tab")
    assert menu.locator("a").first.evaluate("link => link === document.activeElement")
    page.keyboard.press("Escape")
    assert not menu.is_visible()
    assert button.evaluate("summary => summary === document.activeElement")
