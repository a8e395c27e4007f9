"""Help stands beside each page of the menu, in the page's language, from one place."""

from pathlib import Path

from runtime.clock import ManualClock
from runtime.database import Database
from tests.web.office import Office
from web.labels.help import HELP, HELP_BY_END, help_of


def test_each_page_that_has_help_shows_it(database: Database, clock: ManualClock, tmp_path: Path) -> None:
    office = Office(database, clock, tmp_path)
    office.add_receivers(1)
    for start in HELP:
        path = f"{start}new" if start.endswith("/") and start != "/" else start
        page = office.browser.get(path)
        assert page.status_code == 200, path
        assert 'aria-label="Trợ giúp cho trang này"' in page.text, path
    assert "Thả tệp âm thanh vào đây" in office.browser.get("/clips").text
    assert "page-help" not in office.browser.get("/password").text


def test_a_page_below_has_the_help_of_its_list() -> None:
    assert help_of("/programmes/7") == HELP["/programmes"]
    assert help_of("/timetable/7/move") == help_of("/timetable/new") == HELP["/timetable/"]
    assert help_of("/timetable") == HELP["/timetable"]
    assert help_of("/operators/7/profile") == HELP_BY_END["/profile"] != help_of("/operators/7")
    assert help_of("/password") == help_of("/programmesque") == ""
