"""Every fault of a receiver stands on its page, in both languages, and goes when it is gone."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from devices import faults, self_tests
from runtime.clock import ManualClock
from runtime.database import Database
from tests.web.office import Office
from web.labels.faults import FAULTS
from web.request_context import LANGUAGE_COOKIE

PROTOCOL = (Path(__file__).parents[3] / "docs" / "protocol.md").read_text()


@pytest.fixture
def office(database: Database, clock: ManualClock, tmp_path: Path) -> Office:
    clock.advance(seconds=7 * 3600)
    made = Office(database, clock, tmp_path)
    made.add_receivers(1)
    return made


def note(office: Office, fault: str, *, present: bool) -> None:
    with office.database.writing() as session:
        faults.note(session, "loa-0", fault, present=present, at=office.clock.now(), detail="")


@pytest.mark.parametrize(
    ("fault", "vietnamese", "english"),
    [
        ("store_full", "Bộ nhớ cụm loa đã đầy", "Receiver storage full"),
        ("media", "Thiếu hoặc hỏng tệp âm thanh", "Audio is missing or damaged"),
        ("clock_unknown", "Cụm loa chưa biết đúng giờ", "The receiver did not know the time"),
    ],
)
def test_it_is_said_in_words_and_is_history_when_it_is_gone(
    office: Office, fault: str, vietnamese: str, english: str
) -> None:
    note(office, fault, present=True)
    assert vietnamese in office.browser.get("/receivers").text
    assert '<div class="notice bad">' in office.browser.get("/receivers/loa-0").text
    office.clock.advance(timedelta(minutes=5))
    note(office, fault, present=False)
    assert vietnamese not in office.browser.get("/receivers").text
    page = office.browser.get("/receivers/loa-0").text
    assert '<div class="notice bad">' not in page
    assert vietnamese in page
    office.browser.cookies.set(LANGUAGE_COOKIE, "en")
    assert english in office.browser.get("/receivers/loa-0").text


def test_every_fault_of_the_protocol_has_its_words() -> None:
    table = PROTOCOL.partition("**Faults**")[2].partition("\n**")[0]
    named = re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE)
    # Noticed by the controller, never sent by a receiver.
    by_controller = {faults.SHARED_CREDENTIALS, faults.RELAY, faults.SENT_ALONE}
    assert sorted(named) == sorted({*FAULTS, self_tests.FAULT} - by_controller)
