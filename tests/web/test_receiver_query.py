"""Receivers are found by words and filters, in pages; the volume of several is set at once, with a result for each."""

from pathlib import Path

import pytest

from devices.receivers import change_receiver, receiver
from runtime.clock import ManualClock
from runtime.database import Database
from tests.web.office import Office
from web.pages import receivers as receivers_page


@pytest.fixture
def office(database: Database, clock: ManualClock, tmp_path: Path) -> Office:
    made = Office(database, clock, tmp_path)
    made.add_receivers(4)
    with database.writing() as session:
        change_receiver(session, "loa-1", name="Trạm y tế", place="Đồng Tâm", zones=[])
        change_receiver(session, "loa-2", volume_percent=30, volume_ceiling_percent=50)
    return made


def shown(office: Office, query: str) -> set[str]:
    page = office.browser.get(f"/receivers?{query}").text
    return {f"loa-{k}" for k in range(4) if f'href="/receivers/loa-{k}"' in page}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("", "0123"),
        ("q=tram+y+te", "1"),
        ("q=dong+tam", "1"),
        ("zone=thon-1", "023"),
        ("state=online", "0123"),
        ("state=fault", ""),
        ("kind=fm", "0123"),
        ("kind=ip", ""),
        ("station=x", ""),
        ("zone=thon-1&q=loa-3", "3"),
    ],
)
def test_receivers_are_filtered(office: Office, query: str, found: str) -> None:
    assert shown(office, query) == {f"loa-{k}" for k in found}


def test_what_does_not_fit_on_a_page_is_on_the_next(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(receivers_page, "PER_PAGE", 3)
    first, second = shown(office, ""), shown(office, "page=1")
    assert len(first) == 3
    assert first | second == {f"loa-{k}" for k in range(4)}
    assert not first & second
    # What reads itself again asks for the same receivers.
    assert "page=1&amp;q=loa" in office.browser.get("/receivers?page=1&q=loa").text or shown(office, "q=loa")


def test_the_volume_of_several_is_set_with_a_result_for_each(office: Office) -> None:
    page = office.browser.get("/volumes?zone=thon-1").text
    assert 'value="loa-2" checked' in page
    assert 'value="loa-1"' not in page
    sent = {"form_token": office.form_token, "volume_percent": "70", "receivers": ["loa-0", "loa-2"]}
    answer = office.browser.post("/volumes", data=sent)
    assert answer.status_code == 200
    assert "Mức cao nhất của cụm loa này là 50 %." in answer.text
    with office.database.session() as session:
        assert [receiver(session, f"loa-{k}").volume_percent for k in range(4)] == [70, 80, 50, 80]
    for wrong in ({"receivers": []}, {"volume_percent": "101"}, {"volume_percent": "x"}):
        assert office.browser.post("/volumes", data={**sent, **wrong}).status_code == 422
    assert office.browser.post("/volumes", data={**sent, "receivers": ["loa-0", "loa-9"]}).status_code == 404
    with office.database.session() as session:
        assert receiver(session, "loa-0").volume_percent == 70
