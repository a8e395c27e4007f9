"""Steps of the controller's clock on the first page: shown, answered, dismissed."""

from datetime import timedelta
from pathlib import Path

import pytest
from sqlmodel import select

from devices.communes import Commune
from people.audit import AuditEntry
from people.rights import Action
from runtime.clock import ManualClock
from runtime.clock_steps import ClockStep, StepState
from runtime.database import Database
from tests.cast import COMMUNE, MORNING
from tests.web.office import Office
from tests.web.page_forms import form_of, forms_of
from web.language import translators
from web.pages.on_air import _fragment


@pytest.fixture
def office(database: Database, clock: ManualClock, tmp_path: Path) -> Office:
    office = Office(database, clock, tmp_path)
    office.add_receivers(1)
    return office


def add_step(office: Office, state: StepState, by: timedelta) -> int:
    with office.database.writing() as session:
        step = ClockStep(before_at=MORNING, after_at=MORNING + by, state=state)
        session.add(step)
        session.flush()
        return step.number


def step_of(office: Office, number: int) -> ClockStep:
    with office.database.session() as session:
        return session.get_one(ClockStep, number)


def test_a_step_of_some_minutes_is_shown_with_time_and_size_until_it_is_dismissed(office: Office) -> None:
    number = add_step(office, StepState.TAKEN, timedelta(hours=7))
    page = office.browser.get("/").text
    assert "Giờ máy chủ đã đổi 7 giờ, từ thứ Ba 24/11/2026, 05:00:00 (+07:00)" in page
    assert office.post(f"/clock-steps/{number}/dismiss") == 303
    assert "Giờ máy chủ đã đổi" not in office.browser.get("/").text


def test_a_large_step_is_asked_about_and_the_answer_is_audited(office: Office) -> None:
    number = add_step(office, StepState.ASKED, timedelta(days=5))
    page = office.browser.get("/").text
    assert "Máy chủ đổi giờ từ thứ Ba 24/11/2026, 05:00:00 (+07:00) sang Chủ nhật 29/11/2026" in page
    assert "Giờ cũ đúng" in page
    assert office.post(f"/clock-steps/{number}/answer", answer="keep") == 303
    assert step_of(office, number).answer == "keep"
    with office.database.session() as session:
        [entry] = session.exec(select(AuditEntry).where(AuditEntry.action == "clock_kept"))
    assert entry.by == "lan"
    assert "giờ nào đúng" not in office.browser.get("/").text


def test_a_question_that_is_answered_cannot_be_answered_otherwise_by_a_second_person(office: Office) -> None:
    number = add_step(office, StepState.ASKED, timedelta(days=5))
    office.post(f"/clock-steps/{number}/answer", answer="follow")
    assert office.post(f"/clock-steps/{number}/answer", answer="keep") == 422
    assert step_of(office, number).answer == "follow"


def test_the_second_of_two_who_saw_the_question_is_told_the_answer(office: Office) -> None:
    number = add_step(office, StepState.ASKED, timedelta(days=5))
    form = form_of(office, "/", f"/clock-steps/{number}/answer", answer="follow")
    office.post(f"/clock-steps/{number}/answer", answer="keep")
    late = office.browser.post(form.action, data=form.fields)
    assert late.status_code == 409
    assert "lan" in late.text
    assert step_of(office, number).answer == "keep"


def test_forms_of_the_live_part_carry_a_key_that_is_the_same_for_all_and_no_token(office: Office) -> None:
    add_step(office, StepState.ASKED, timedelta(days=5))
    add_step(office, StepState.TAKEN, timedelta(hours=7))
    with office.database.session() as session:
        commune = session.get_one(Commune, COMMUNE)
    rights = frozenset({Action.ON_AIR.value, Action.RECEIVERS.value})
    first, second = (
        _fragment(office.deps, office.app.state.renderer, commune, translators()["vi"], rights) for _ in range(2)
    )
    assert first == second
    for form in forms_of(first):
        assert form.fields["once"]
        assert form.fields["revision"].startswith("clock_step ")
        assert "form_token" not in form.fields


def test_while_the_clock_is_doubted_nothing_is_put_on_air_and_the_page_says_why(office: Office) -> None:
    number = add_step(office, StepState.DOUBTED, timedelta(days=-2000))
    page = office.browser.get("/").text
    assert "Máy chủ khởi động với giờ sai" in page
    assert "Giờ cũ đúng" not in page
    assert office.post("/receivers/loa-0/do/identify") == 422
    assert office.post(f"/clock-steps/{number}/answer", answer="keep") == 422
    assert step_of(office, number).answer == ""
