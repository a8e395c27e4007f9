"""A person's details and fault messages on the page: one's own, of a person one leads, and not of others."""

import logging
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlmodel import select

from devices.communes import add_commune
from notifications.rules import NotificationRule, rule_of
from people.audit import AuditEntry, Deed
from people.operators import appoint, operator_named
from people.rights import Role
from runtime.clock import ManualClock
from runtime.database import Database
from runtime.secret_files import keep_secret
from tests.cast import OPERATOR
from tests.loa.test_broker_access import certificate
from tests.notifications.servers import PASSWORD, USER, HttpServer, MailServer, http_server, mail_server, server_context
from tests.web.office import Office
from tests.web.page_forms import form_of
from tests.web.test_rights_of_pages import Guest


@pytest.fixture
def hooks() -> Iterator[HttpServer]:
    with http_server() as server:
        yield server


@pytest.fixture
def office(database: Database, clock: ManualClock, tmp_path: Path, hooks: HttpServer) -> Office:
    return Office(database, clock, tmp_path, webhook_hosts=hooks.place)


def path_of(office: Office, name: str = OPERATOR) -> str:
    with office.database.session() as session:
        return f"/operators/{operator_named(session, name).number}"


def rule(office: Office, name: str = OPERATOR) -> NotificationRule:
    with office.database.session() as session:
        return rule_of(session, operator_named(session, name).number)


def test_the_full_name_stands_where_a_person_is_named(office: Office) -> None:
    assert office.post(f"{path_of(office)}/contact", full_name=" Nguyễn Thị  Lan", phone="0912.345 678") == 303
    assert "Nguyễn Thị Lan" in office.browser.get("/receivers").text  # in the header
    listed = office.browser.get("/operators").text
    assert "Nguyễn Thị Lan" in listed
    assert 'href="tel:0912345678"' in listed
    audit = office.browser.get("/audit").text
    assert '<span title="lan">Nguyễn Thị Lan</span>' in audit
    assert "Sửa thông tin liên hệ" in audit


@pytest.mark.parametrize(
    ("field", "typed"),
    [
        ("phone", "0912 345"),
        ("phone", "ba số"),
        ("email", "lan"),
        ("email", "lan@"),
        ("email", "a@b.vn\r\nBcc: c@d.vn"),
    ],
)
def test_what_is_no_address_is_refused_and_what_was_typed_stays(office: Office, field: str, typed: str) -> None:
    fields = {"full_name": "Lan", field: typed, "form_token": office.form_token}
    headers = {"referer": f"http://testserver{path_of(office)}/profile"}
    answer = office.browser.post(f"{path_of(office)}/contact", data=fields, headers=headers)
    assert answer.status_code == 422
    assert 'value="Lan"' in answer.text
    with office.database.session() as session:
        assert operator_named(session, OPERATOR).full_name == ""


def test_a_channel_needs_its_address(office: Office) -> None:
    for channel in ("email", "sms", "webhook"):
        assert office.post(f"{path_of(office)}/notifications", channels=channel, groups="sound") == 422
    assert (
        office.post(f"{path_of(office)}/notifications", channels="webhook", groups="sound", webhook_url="https://")
        == 422
    )
    assert office.post(f"{path_of(office)}/contact", email=USER) == 303
    assert office.post(f"{path_of(office)}/notifications", channels="email") == 422  # no kind of faults
    assert office.post(f"{path_of(office)}/notifications", channels="email", groups="sound", quiet_from="21:00") == 422
    assert rule(office).channels == []
    assert office.post(f"{path_of(office)}/notifications", channels="email", groups="sound") == 303
    assert office.post(f"{path_of(office)}/contact", email="") == 422  # messages go there
    assert (rule(office).channels, rule(office).groups) == (["email"], "sound")


def test_a_person_changes_their_own_and_a_leader_those_they_lead(office: Office) -> None:
    with office.database.writing() as session:
        add_commune(session, "hau-hien", "Xã Hậu Hiền")
    viewer, chair = Guest(office, Role.VIEWER), Guest(office, Role.CHAIR)
    own, leader, admin = path_of(office, "viewer"), path_of(office, "chair"), path_of(office)
    assert viewer.post(f"{own}/contact", full_name="Trưởng thôn") == 303
    assert viewer.browser.get(f"{own}/profile").status_code == 200
    for path in (leader, admin):
        assert viewer.browser.get(f"{path}/profile").status_code == 403
        assert viewer.post(f"{path}/contact", full_name="x") == 403
        assert viewer.post(f"{path}/notifications", groups="sound") == 403
        assert viewer.post(f"{path}/notifications/test", channel="webhook") == 403
        assert viewer.post(f"{path}/webhook-key") == 403
    assert chair.post(f"{own}/contact", full_name="Ông Hùng") == 303
    assert chair.browser.get(f"{admin}/profile").status_code == 404
    with office.database.writing() as session:
        appoint(session, operator_named(session, "viewer").number, "hau-hien", Role.CHAIR)
    assert chair.post(f"{own}/contact", full_name="x") == 403  # has rights elsewhere
    with office.database.session() as session:
        assert operator_named(session, "viewer").full_name == "Ông Hùng"
        deeds = [entry.action for entry in session.exec(select(AuditEntry))]
    assert deeds == [Deed.CONTACT_CHANGED, Deed.CONTACT_CHANGED]


def test_an_old_form_overwrites_nothing(office: Office) -> None:
    path = path_of(office)
    contact = form_of(office, f"{path}/profile", f"{path}/contact", email=USER).fields
    notifications = form_of(office, f"{path}/profile", f"{path}/notifications", channels="email", groups="sound").fields
    assert office.post(f"{path}/contact", email="tam@xa.example.vn", full_name="Lan") == 303
    assert office.browser.post(f"{path}/contact", data=contact).status_code == 409
    assert office.post(f"{path}/notifications", channels="email", groups="power") == 303
    assert office.browser.post(f"{path}/notifications", data=notifications).status_code == 409
    assert rule(office).groups == "power"
    fresh = form_of(office, f"{path}/profile", f"{path}/notifications", groups="sound").fields
    assert office.browser.post(f"{path}/notifications", data=fresh).status_code == 303
    assert rule(office).groups == "sound"


def test_the_test_button_says_delivered_or_the_reason_of_the_server(office: Office, hooks: HttpServer) -> None:
    url = f"http://{hooks.place}/loa"
    assert office.post(f"{path_of(office)}/notifications", channels="webhook", groups="sound", webhook_url=url) == 303
    fields = {"channel": "webhook", "form_token": office.form_token}
    answer = office.browser.post(f"{path_of(office)}/notifications/test", data=fields)
    assert "Đã gửi thử" in answer.text
    assert b'"type":"test"' in hooks.requests[0].body
    hooks.answers.append((403, b"", {}))
    answer = office.browser.post(f"{path_of(office)}/notifications/test", data=fields)
    assert (answer.status_code, "HTTP 403" in answer.text) == (422, True)
    for _ in range(3):
        assert office.post(f"{path_of(office)}/notifications/test", channel="webhook") == 200
    assert office.post(f"{path_of(office)}/notifications/test", channel="webhook") == 422  # five in ten minutes
    assert len(hooks.requests) == 5
    answer = office.browser.post(f"{path_of(office)}/notifications/test", data={**fields, "channel": "king"})
    assert answer.status_code == 422


def test_the_webhook_key_is_shown_once_and_a_new_one_ends_it(office: Office, hooks: HttpServer) -> None:
    form = {"form_token": office.form_token}
    first = office.browser.post(f"{path_of(office)}/webhook-key", data=form)
    assert first.headers["cache-control"] == "no-store"
    keys = [re.search(r'id="key"[^>]*>([0-9a-f]{64})<', first.text)]
    second = office.browser.post(f"{path_of(office)}/webhook-key", data=form)
    keys.append(re.search(r'id="key"[^>]*>([0-9a-f]{64})<', second.text))
    assert keys[0] is not None
    assert keys[1] is not None
    assert keys[0][1] != keys[1][1]
    assert keys[1][1] not in office.browser.get(f"{path_of(office)}/profile").text
    assert keys[1][1] not in office.browser.get("/audit").text


def test_the_password_of_the_mail_server_stands_in_no_page_and_no_log(
    database: Database, clock: ManualClock, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    tls = certificate(tmp_path / "tls", "127.0.0.1")
    with mail_server(starttls=server_context(tls), auth=True) as mail:
        office = _office_with(mail, database, clock, tmp_path, tls[0])
        keep_secret(tmp_path / "secrets" / "smtp.password", PASSWORD + "\n")
        assert office.post(f"{path_of(office)}/contact", email="lan@xa.example.vn") == 303
        assert office.post(f"{path_of(office)}/notifications/test", channel="email") == 200
        assert len(mail.mails) == 1
        keep_secret(tmp_path / "secrets" / "smtp.password", "sai-mat-khau")
        fields = {"channel": "email", "form_token": office.form_token}
        refused = office.browser.post(f"{path_of(office)}/notifications/test", data=fields)
    assert "từ chối tên hoặc mật khẩu" in refused.text
    shown = refused.text + office.browser.get("/audit").text + caplog.text
    assert PASSWORD not in shown
    assert "sai-mat-khau" not in shown


def _office_with(mail: MailServer, database: Database, clock: ManualClock, folder: Path, ca: Path) -> Office:
    return Office(database, clock, folder, smtp_host="127.0.0.1", smtp_port=mail.port, smtp_user=USER, smtp_ca=ca)
