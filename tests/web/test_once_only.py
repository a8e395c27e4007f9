"""A second send of one form, or of one call with its key, has no second effect and gets the first one's answer."""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from sqlmodel import Session, func, select

from broadcast.broadcasts import Broadcast
from broadcast.programmes import Item, ItemKind, Programme, add_programme
from devices.receivers import Receiver
from runtime.clock import ManualClock
from runtime.database import Database
from schedules.schedules import Schedule
from tests.broadcast.studio import add_clip
from tests.cast import COMMUNE
from tests.web.office import Office
from tests.web.page_forms import PageForm, form_of
from transfer.imports import ImportFile
from web.app import create_app
from web.once_only import UsedKey

DAILY = {"programme_id": "1", "repeat": "daily", "times": "05:00", "from_day": "2026-11-25", "where": "all"}
FORMS: dict[str, tuple[str, str, dict[str, str], type]] = {
    "schedule": ("/timetable/new", "/timetable", {**DAILY, "class": "normal"}, Schedule),
    "programme": ("/programmes", "/programmes", {"title": "Bản tin trưa", "chimes": ""}, Programme),
    "broadcast": ("/put-on-air", "/put-on-air", {"what": "programme 1", "where": "all", "class": "normal"}, Broadcast),
    "receiver": ("/receivers/new", "/receivers", {"name": "Thôn 9", "receiver_id": "thon-9"}, Receiver),
}


@pytest.fixture
def office(database: Database, clock: ManualClock, tmp_path: Path) -> Office:
    made = Office(database, clock, tmp_path)
    made.add_receivers(1)
    with database.writing() as session:
        add_clip(session, "ban-tin", 600, now=clock.now())
        add_programme(session, COMMUNE, "Bản tin sáng", [Item(ItemKind.CLIP, "ban-tin")], now=clock.now())
    return made


def count(office: Office, table: type) -> int:
    with office.database.session() as session:
        return session.exec(select(func.count()).select_from(table)).one()


def send(office: Office, form: PageForm) -> Any:
    return office.browser.post(form.action, data=form.fields)


def new_programme(office: Office) -> PageForm:
    return form_of(office, "/programmes", "/programmes", title="Bản tin trưa", chimes="")


@pytest.mark.parametrize("what", FORMS)
def test_a_form_sent_twice_has_one_effect_and_one_answer(office: Office, what: str) -> None:
    page, action, typed, table = FORMS[what]
    form, before = form_of(office, page, action, **typed), count(office, table)
    first, second = send(office, form), send(office, form)
    assert first.status_code in (200, 303), first.text
    assert (second.status_code, second.text) == (first.status_code, first.text)
    assert second.headers.get("location") == first.headers.get("location")
    assert second.headers["Idempotent-Replayed"] == "true"
    assert count(office, table) == before + 1


def test_a_form_with_a_file_sent_twice_has_one_effect(office: Office) -> None:
    form = form_of(office, "/import", "/import/receivers")
    files = {"file": ("loa.csv", b"ten;ma\nThon 9;thon-9\n")}
    first, second = (office.browser.post(form.action, data=form.fields, files=files) for _ in range(2))
    assert (first.status_code, first.headers["location"]) == (second.status_code, second.headers["location"])
    assert second.headers["Idempotent-Replayed"] == "true"
    assert count(office, ImportFile) == 1


def test_a_token_in_an_address_counts_for_nothing(office: Office) -> None:
    files = {"file": ("loa.csv", b"ten;ma\nThon 9;thon-9\n")}
    assert office.browser.post(f"/import/receivers?form_token={office.form_token}", files=files).status_code == 422
    assert count(office, ImportFile) == 0


def test_a_form_opened_again_has_another_key(office: Office) -> None:
    for _ in range(2):
        assert send(office, new_programme(office)).status_code == 303
    assert count(office, Programme) == 3


def test_a_form_that_was_refused_is_corrected_and_sent_again(office: Office) -> None:
    form = form_of(office, "/programmes", "/programmes", title=" ", chimes="")
    assert send(office, form).status_code == 422
    assert send(office, form).status_code == 422
    form.fields["title"] = "Bản tin trưa"
    assert send(office, form).status_code == 303
    assert count(office, Programme) == 2


def test_the_second_of_two_sends_at_once_waits_for_the_first(office: Office, monkeypatch: pytest.MonkeyPatch) -> None:
    form = new_programme(office)
    with ThreadPoolExecutor(4) as threads:
        answers = [answer.result() for answer in [threads.submit(send, office, form) for _ in range(4)]]
    assert {(a.status_code, a.headers["location"]) for a in answers} == {(303, "/programmes/2")}
    assert count(office, Programme) == 2


def call(office: Office, key: str, title: str = "Bản tin trưa") -> Any:
    headers = {"X-Form-Token": office.form_token, "Idempotency-Key": key}
    return office.browser.post("/api/v1/programmes", json={"title": title, "items": []}, headers=headers)


def test_a_call_with_an_idempotency_key_has_one_effect_also_after_a_restart(office: Office) -> None:
    first = call(office, "k1")
    office.browser.app = create_app(office.deps)
    second = call(office, "k1")
    assert (first.status_code, second.status_code, second.json()) == (201, 201, first.json())
    assert call(office, "k2").json() != first.json()
    assert count(office, Programme) == 3


def test_a_key_of_a_call_is_refused_for_another_call(office: Office) -> None:
    assert call(office, "k1").status_code == 201
    assert call(office, "k1", "Bản tin tối").status_code == 422
    assert count(office, Programme) == 2


def test_another_person_s_key_is_another_key(office: Office) -> None:
    assert call(office, "k1").status_code == 201
    office.stranger.cookies.set("loa_session", "anything")
    refused = office.stranger.post(
        "/api/v1/programmes", json={"title": "Bản tin trưa", "items": []}, headers={"Idempotency-Key": "k1"}
    )
    assert refused.status_code in (401, 422)


def test_what_was_interrupted_is_not_done_twice(office: Office) -> None:
    form = new_programme(office)
    assert send(office, form).status_code == 303
    change(office, lambda session, row: setattr(row, "status", 0))
    office.browser.app = create_app(office.deps)
    assert send(office, form).status_code == 409
    assert count(office, Programme) == 2


def test_keys_are_forgotten_after_a_day_and_secrets_are_not_in_the_table(office: Office) -> None:
    page, action, typed, _ = FORMS["receiver"]
    answer = send(office, form_of(office, page, action, **typed))
    assert "mqtt://" in answer.text
    with office.database.session() as session:
        assert [row.body for row in session.exec(select(UsedKey))] == [b""]
    office.clock.advance(timedelta(days=1, hours=1))
    assert send(office, new_programme(office)).status_code == 303
    assert count(office, UsedKey) == 1


def change(office: Office, edit: Callable[[Session, UsedKey], None]) -> None:
    with office.database.writing() as session:
        for row in session.exec(select(UsedKey)):
            edit(session, row)
            session.add(row)
