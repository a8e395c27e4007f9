"""The audit is searched by words of what was done, to what, and by whom, without diacritics."""

from pathlib import Path

import pytest

from people.audit import Deed, note
from people.contacts import Contact, set_contact
from people.operators import operator_named
from runtime.clock import ManualClock
from runtime.database import Database
from tests.cast import COMMUNE, OPERATOR
from tests.web.office import Office


@pytest.fixture
def office(database: Database, clock: ManualClock, tmp_path: Path) -> Office:
    made = Office(database, clock, tmp_path)
    with database.writing() as session:
        set_contact(session, operator_named(session, OPERATOR), Contact(full_name="Nguyễn Thị Lan"))
        for by, deed, detail in (
            (OPERATOR, Deed.CLIP_RETIRED, "Thời sự sáng"),
            ("tho", Deed.CLIP_RETIRED, "Dân ca 100 %"),
            ("tho", Deed.STATION_ADDED, "FM Hậu Hiền"),
        ):
            note(session, at=clock.now(), by=by, commune_id=COMMUNE, action=deed, detail=detail)
    return made


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("thoi su", {"Thời sự sáng"}),
        ("gỡ bản", {"Thời sự sáng", "Dân ca 100 %"}),
        ("nguyen sang", {"Thời sự sáng"}),
        ("100 %", {"Dân ca 100 %"}),
        ("tho fm", {"FM Hậu Hiền"}),
        ("không có", set()),
    ],
)
def test_every_word_is_searched_in_what_the_page_shows(office: Office, text: str, found: set[str]) -> None:
    page = office.browser.get("/audit", params={"q": text}).text
    assert {name for name in ("Thời sự sáng", "Dân ca 100 %", "FM Hậu Hiền") if name in page} == found
    assert f'value="{text}"' in page


def test_full_names_are_shown_and_the_own_password_is_audited(office: Office) -> None:
    with office.database.writing() as session:
        note(session, at=office.clock.now(), by=OPERATOR, commune_id="", action=Deed.PASSWORD_CHANGED, detail=OPERATOR)
    page = office.browser.get("/audit").text
    assert '<span title="lan">Nguyễn Thị Lan</span>' in page
    assert "Tự đổi mật khẩu" in page
