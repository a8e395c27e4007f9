"""The list of faults: acknowledged, then reset, each by somebody."""

from pathlib import Path

import pytest

from devices import faults
from devices.communes import add_commune
from people.rights import Role
from runtime.clock import ManualClock
from runtime.database import Database
from tests.cast import COMMUNE
from tests.web.office import Office
from tests.web.test_rights_of_pages import Guest


@pytest.fixture
def office(database: Database, clock: ManualClock, tmp_path: Path) -> Office:
    made = Office(database, clock, tmp_path)
    made.add_receivers(2)
    return made


def say(office: Office, present: bool, fault: str = "card") -> None:
    with office.database.writing() as session:
        faults.note(session, "loa-1", fault, present=present, at=office.clock.now(), detail="")


def page(office: Office) -> str:
    return office.browser.get("/faults").text


def test_without_faults_the_page_says_so(office: Office) -> None:
    assert "Không có sự cố nào" in page(office)


def test_a_fault_is_acknowledged_by_somebody_and_reset_once_it_is_mended(office: Office) -> None:
    say(office, True)
    assert "chưa xác nhận" in page(office)
    assert "Sự cố (1)" in office.browser.get("/receivers").text
    assert office.post("/faults/loa-1/card/reset") == 422
    assert office.post("/faults/loa-1/card/acknowledge") == 303
    assert "đang xử lý" in page(office)
    assert "/faults/loa-1/card/reset" not in page(office)
    office.clock.advance(seconds=60)
    say(office, False)
    assert "đã hết, chưa xóa" in page(office)
    assert office.post("/faults/loa-1/card/reset") == 303
    assert "Không có sự cố nào" in page(office)


def test_a_lost_link_is_said_in_words(office: Office) -> None:
    say(office, True, faults.LINK)
    assert "Mất kết nối" in page(office)


@pytest.mark.parametrize("path", ["/faults/loa-1/card/acknowledge", "/faults/loa-9/card/acknowledge"])
def test_what_is_not_there_cannot_be_acknowledged(office: Office, path: str) -> None:
    assert office.post(path) == 404


def test_the_link_of_a_message_opens_the_commune_that_it_is_about(office: Office) -> None:
    with office.database.writing() as session:
        add_commune(session, "vinh-loc", "Xã Vĩnh Lộc")
    answer = office.browser.get("/faults?commune=vinh-loc")
    assert (answer.status_code, answer.headers["location"]) == (303, "/faults")
    assert "Đang xem Xã Vĩnh Lộc" in office.browser.get("/faults").text
    guest = Guest(office, Role.VIEWER)
    assert guest.browser.get("/faults?commune=vinh-loc").status_code == 404
    assert guest.browser.get(f"/faults?commune={COMMUNE}").status_code == 200
