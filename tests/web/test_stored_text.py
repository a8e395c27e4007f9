"""Text with HTML in it, in every column that people or other systems write: no page shows it as HTML."""

from collections.abc import Iterator

import pytest
from sqlmodel import SQLModel

from runtime.clock import ManualClock
from tests.cast import MORNING
from tests.empty_database import empty_database
from tests.web.every_state import TEXTS, EveryState

SCRIPT, PICTURE = "<script>alert(1)</script>", '"><img src=x onerror=alert(1)>'
API = ("clips", "programmes", "schedules", "receivers", "stations", "broadcasts", "play-log")


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EveryState]:
    folder = tmp_path_factory.mktemp("office")
    database = empty_database(folder / "test.db")
    made = EveryState(database, ManualClock(MORNING), folder)
    made.mark(f"{SCRIPT}{PICTURE}")
    yield made
    database.close()


def test_no_page_shows_what_was_written_as_html(office: EveryState) -> None:
    shown = 0
    for page in office.pages():
        answer = office.browser.get(page)
        assert answer.status_code == 200, page
        for raw in (SCRIPT, PICTURE, "<img src=x"):
            assert raw not in answer.text, page
        shown += answer.text.count("&lt;script&gt;alert(1)")
    assert shown > 200


def test_the_api_gives_it_as_json_only(office: EveryState) -> None:
    for noun in API:
        answer = office.browser.get(f"/api/v1/{noun}")
        assert answer.status_code == 200
        assert answer.headers["content-type"] == "application/json"
        assert answer.headers["x-content-type-options"] == "nosniff"


def test_live_updates_do_not_show_it_as_html(office: EveryState) -> None:
    for part in ("/timetable", "/receivers", "/faults", "/province/inbox", "/clips"):
        answer = office.browser.get(part, headers={"HX-Request": "true", "HX-Target": part.rpartition("/")[2]})
        assert answer.status_code == 200
        assert SCRIPT not in answer.text
        assert "<img src=x" not in answer.text


def test_the_columns_are_those_of_the_tables() -> None:
    for name, columns in TEXTS.items():
        assert set(columns) <= set(SQLModel.metadata.tables[name].columns.keys()), name
