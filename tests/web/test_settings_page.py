"""Settings: communes are added, renamed and described; a backup is made and downloaded; first steps come first."""

from pathlib import Path

import pytest
from sqlmodel import col, select

from devices.communes import commune, communes
from people.audit import AuditEntry
from runtime.clock import ManualClock
from runtime.database import Database
from tests.cast import COMMUNE
from tests.web.office import Office
from tests.web.page_forms import form_of


@pytest.fixture
def office(database: Database, clock: ManualClock, tmp_path: Path) -> Office:
    made = Office(database, clock, tmp_path)
    made.add_receivers(1)
    return made


def test_a_commune_is_renamed_and_described(office: Office) -> None:
    form = form_of(
        office,
        "/settings",
        "/settings/commune",
        name="Xã Thiệu Hóa",
        description="Trụ sở: thôn 2",
        province="Thanh Hóa",
    )
    assert office.browser.post(form.action, data=form.fields).status_code == 303
    with office.database.session() as session:
        changed = commune(session, COMMUNE)
        assert (changed.name, changed.description) == ("Xã Thiệu Hóa", "Trụ sở: thôn 2")
    page = office.browser.get("/settings").text
    assert "Trụ sở: thôn 2" in page
    assert 'value="Thanh Hóa"' in page
    assert office.post("/settings/commune", name=" ") == 422
    form.fields["once"] = "again"
    assert office.browser.post(form.action, data=form.fields).status_code == 409


def test_a_commune_is_given_a_storage_of_its_own(office: Office) -> None:
    def save(storage_gb: str) -> int:
        form = form_of(office, "/settings", "/settings/commune", storage_gb=storage_gb)
        return office.browser.post(form.action, data=form.fields).status_code

    assert "Đã dùng 0 B. Để trống: 0 B" not in office.browser.get("/settings").text
    assert save("35") == 303
    assert "35 GB" in office.browser.get("/clips").text
    with office.database.session() as session:
        assert commune(session, COMMUNE).storage_gb == 35
        assert "(– → 35 GB)" in session.exec(select(AuditEntry.detail).order_by(col(AuditEntry.id).desc())).first()
    for wrong in ("0", "nhiều", "100001"):
        assert save(wrong) == 422
    with office.database.session() as session:
        assert commune(session, COMMUNE).storage_gb == 35
    assert save("") == 303
    with office.database.session() as session:
        assert commune(session, COMMUNE).storage_gb is None


def test_with_a_second_commune_merging_can_be_started_from_the_pages(office: Office) -> None:
    page = office.browser.get("/settings").text
    assert 'href="/mergers"' in page
    assert "hãy thêm xã thứ hai trước" in page
    assert office.post("/settings/communes", name="Xã Vĩnh Lộc") == 303
    assert office.browser.cookies.get("loa_commune") == "xa-vinh-loc"
    with office.database.session() as session:
        assert {c.id for c in communes(session)} == {COMMUNE, "xa-vinh-loc"}
    page = office.browser.get("/settings").text
    assert "Sáp nhập hoặc chia tách xã" in page
    assert "Nhạc hiệu mở đầu" in page
    assert office.browser.get("/mergers").status_code == 200


def test_a_backup_is_made_shown_and_downloaded(office: Office, tmp_path: Path) -> None:
    backups = office.app.state.backups
    assert office.browser.get("/settings/backup/file").status_code == 404
    for first, again in (("ngắn", "ngắn"), ("một câu thật dài", "một câu khác hẳn")):
        assert office.post("/settings/backup", passphrase=first, again=again) == 422
    (tmp_path / "secrets").mkdir(exist_ok=True)
    passphrase = "một câu thật dài"
    # Without the keys it is no data folder: the page says so, and nothing is kept.
    assert office.post("/settings/backup", passphrase=passphrase, again=passphrase) == 303
    backups.wait(30)
    assert "controller.key" in office.browser.get("/settings").text
    assert backups.newest() is None
    for name in ("controller.key", "broker.password", "session.key"):
        (tmp_path / "secrets" / name).write_bytes(b"k" * 32)
    for _ in range(2):
        office.clock.advance(seconds=60)
        assert office.post("/settings/backup", passphrase=passphrase, again=passphrase) == 303
        backups.wait(30)
    page = office.browser.get("/settings").text
    assert "Lần sao lưu gần nhất" in page
    assert backups.newest().made_at == office.clock.now()
    file = office.browser.get("/settings/backup/file")
    assert file.content.startswith(b"age-encryption.org/v1")
    assert file.headers["cache-control"] == "no-store"
    assert len(list((tmp_path / "backups").iterdir())) == 1


def test_without_a_commune_every_refusal_leads_to_the_first_steps(office: Office) -> None:
    with office.database.writing() as session:
        for one in communes(session):
            one.retired_at = office.clock.now()
    for path in ("/clips", "/programmes", "/timetable", "/receivers", "/zones", "/play-log", "/map", "/put-on-air"):
        assert office.browser.get(path).headers["location"] == "/first-steps?needed=1", path
    for path, fields in (
        ("/programmes", {"title": "Bản tin"}),
        ("/receivers", {"name": "Thôn 1", "station": "fm"}),
        ("/zones", {"name": "Thôn 1"}),
        ("/put-on-air", {}),
    ):
        sent = {**fields, "form_token": office.form_token}
        assert office.browser.post(path, data=sent).headers["location"] == "/first-steps?needed=1", path
    upload = office.browser.post(
        "/clips/upload?name=a.mp3",
        content=b"x",
        headers={"X-Form-Token": office.form_token, "accept": "application/json"},
    )
    assert upload.status_code == 422
    assert "Chưa có xã nào" in upload.json()["error"]
    assert "Chưa có xã nào" in office.browser.get("/first-steps?needed=1").text
    for path in ("/settings", "/operators", "/password", "/audit", "/removed", "/pulse"):
        assert office.browser.get(path).status_code == 200, path
