"""The operators' pages: somebody new, their role, a new password, an end."""

import re
from pathlib import Path

import pytest
from click.testing import CliRunner
from fastapi.testclient import TestClient
from sqlmodel import select

from devices.communes import add_commune
from loa.operator_command import operator as operator_command
from people.audit import AuditEntry, Deed
from people.operators import Operator, appoint, operator_named, standing_of
from people.rights import Role
from runtime.clock import ManualClock
from runtime.database import Database
from tests.cast import COMMUNE, OPERATOR
from tests.web.office import Office


@pytest.fixture
def office(database: Database, clock: ManualClock, tmp_path: Path) -> Office:
    made = Office(database, clock, tmp_path)
    with database.writing() as session:
        add_commune(session, "hau-hien", "Xã Hậu Hiền", province="Thanh Hóa")
    return made


def added(office: Office, name: str, **fields: str) -> str:
    """Add somebody on the page. Gives the one-time password that it shows."""
    answer = office.browser.post("/operators", data={"name": name, **fields, "form_token": office.form_token})
    assert answer.status_code == 200, answer.text
    assert answer.headers["cache-control"] == "no-store"
    found = re.search(r'id="password"[^>]*>([a-z2-9-]{19})<', answer.text)
    assert found is not None
    return found[1]


def number_of(office: Office, name: str) -> int:
    with office.database.session() as session:
        return operator_named(session, name).number


def signed_in(office: Office, name: str, password: str) -> TestClient | None:
    browser = TestClient(office.app, follow_redirects=False)
    token = re.search(r'name="form_token" value="(\w+)"', browser.get("/sign-in").text)
    assert token is not None
    fields = {"name": name, "password": password, "form_token": token[1]}
    return browser if browser.post("/sign-in", data=fields).status_code == 303 else None


def test_somebody_new_signs_in_once_with_the_password_shown_and_must_choose_another(office: Office) -> None:
    password = added(office, " Tam ", commune=COMMUNE, role="technician")
    browser = signed_in(office, "tam", password)
    assert browser is not None
    assert browser.get("/receivers").headers["location"] == "/password"
    with office.database.session() as session:
        tam = operator_named(session, "tam")
        assert dict(standing_of(session, tam)[0].roles) == {COMMUNE: Role.TECHNICIAN}
        assert password not in tam.password_hash
        entry = session.exec(select(AuditEntry)).one()
        assert (entry.action, entry.by, entry.commune_id) == (Deed.OPERATOR_ADDED, OPERATOR, COMMUNE)
        assert password not in entry.detail


@pytest.mark.parametrize(
    "fields",
    [
        {"name": "tam"},
        {"name": "tam", "commune": COMMUNE, "role": ""},
        {"name": "tam", "commune": COMMUNE, "role": "king"},
        {"name": "tam", "commune": COMMUNE, "role": "province"},
        {"name": "tam", "commune": "nowhere", "role": "chair"},
        {"name": "tam", "above": "99"},
        {"name": " ", "commune": COMMUNE, "role": "chair"},
        {"name": OPERATOR, "commune": COMMUNE, "role": "chair"},
    ],
)
def test_what_cannot_be_added_leaves_nobody_behind(office: Office, fields: dict[str, str]) -> None:
    assert office.post("/operators", **fields) in (404, 422)
    with office.database.session() as session:
        assert [o.name for o in session.exec(select(Operator))] == [OPERATOR]
        assert session.exec(select(AuditEntry)).all() == []


def test_one_person_gets_a_second_commune_and_loses_the_first(office: Office) -> None:
    added(office, "tam", commune=COMMUNE, role="operator")
    path = f"/operators/{number_of(office, 'tam')}"
    assert office.post(path, **{f"role {COMMUNE}": "operator", "commune": "hau-hien", "role": "chair"}) == 303
    assert office.post(path, **{f"role {COMMUNE}": "", "role hau-hien": "chair"}) == 303
    with office.database.session() as session:
        assert dict(standing_of(session, operator_named(session, "tam"))[0].roles) == {"hau-hien": Role.CHAIR}
    assert office.post(path, **{"role hau-hien": ""}) == 422
    shown = office.browser.get("/audit", params={"commune": "hau-hien"}).text
    assert "tam: Chủ tịch" in shown


def test_a_new_password_and_an_end_close_what_is_open(office: Office) -> None:
    browser = signed_in(office, "tam", added(office, "tam", commune=COMMUNE, role="viewer"))
    assert browser is not None
    path = f"/operators/{number_of(office, 'tam')}"
    answer = office.browser.post(f"{path}/password", data={"form_token": office.form_token})
    found = re.search(r'id="password"[^>]*>([a-z2-9-]{19})<', answer.text)
    assert found is not None
    assert browser.get("/password").headers["location"] == "/sign-in"
    assert signed_in(office, "tam", found[1]) is not None
    assert office.post(f"{path}/retire") == 303
    assert signed_in(office, "tam", found[1]) is None
    assert office.post(f"{path}/restore") == 303
    assert signed_in(office, "tam", found[1]) is not None


def test_the_last_admin_is_not_locked_out(office: Office) -> None:
    mine = f"/operators/{number_of(office, OPERATOR)}"
    assert office.post(f"{mine}/retire") == 422
    assert office.post(mine, above="none") == 422
    assert office.post(mine, **{"above": "none", "commune": COMMUNE, "role": "chair"}) == 422
    assert office.browser.get("/operators").status_code == 200


def test_the_pages_are_for_who_leads_a_commune(office: Office) -> None:
    password = added(office, "tam", commune=COMMUNE, role="technician")
    browser = signed_in(office, "tam", password)
    assert browser is not None
    with office.database.writing() as session:
        tam = operator_named(session, "tam")
        tam.must_change_password = False
        session.add(tam)
    for path in ("/operators", "/operators/new", f"/operators/{number_of(office, OPERATOR)}"):
        assert browser.get(path).status_code == 403
    with office.database.writing() as session:
        appoint(session, number_of(office, "tam"), COMMUNE, Role.CHAIR)
    assert browser.get("/operators").status_code == 200
    # The admin has no role in the commune: a chair does not see them.
    assert browser.get(f"/operators/{number_of(office, OPERATOR)}").status_code == 404


def test_the_command_makes_an_operator_with_a_role_and_renews_a_password(tmp_path: Path) -> None:
    def run(*arguments: str) -> str:
        done = CliRunner().invoke(operator_command, [*arguments, "--data", str(tmp_path)])
        return done.output if done.exit_code == 0 else f"failed: {done.output}"

    assert run().startswith("admin: ")
    assert "Commune nowhere does not exist" in run("tam", "--commune", "nowhere")
    assert run("tam").startswith("tam: ")
    assert run("tam") != run("tam")
