"""The merging wizard: rehearsed, decided, done as it was looked at, taken back; and for whom."""

import html
import re
from datetime import timedelta
from pathlib import Path

import pytest
from fastapi.testclient import TestClient
from sqlalchemy import event
from sqlmodel import select

from devices.communes import Commune, communes
from mergers.mergers import Merger
from noise.noise_rules import set_rules
from people.operators import add_operator, appoint
from people.rights import Role
from runtime.clock import ManualClock
from runtime.database import Database
from schedules.schedules import Schedule
from tests.mergers.county import CHINH, HIEN, NAMES, County
from tests.web.office import KEY, Office
from web.access import form_token, open_session
from web.merger_form import short_name

NEW = "thieu-hoa"
MERGE = {"kind": "merge", "sources": [CHINH, HIEN], "name": "Xã Thiệu Hóa"}


class Wizard:
    """The pages as a browser without script uses them: what stands in a form is what is sent."""

    def __init__(self, office: Office, browser: TestClient | None = None, token: str = "") -> None:
        self.browser, self.token = browser or office.browser, token or office.form_token
        self.text = ""
        self.status = 0

    def send(self, path: str, fields: dict[str, object]) -> "Wizard":
        answer = self.browser.post(path, data={**fields, "form_token": self.token})
        self.status, self.text, self.location = answer.status_code, answer.text, answer.headers.get("location", "")
        return self

    def fields(self) -> dict[str, object]:
        """The hidden fields and the chosen radio buttons of the form that is shown."""
        found: dict[str, object] = {}
        for tag in re.findall(r"<input [^>]*>", self.text):
            pairs = {k: html.unescape(v) for k, v in re.findall(r'([\w-]+)="([^"]*)"', tag)}
            if pairs.get("type") == "hidden" or (pairs.get("type") == "radio" and " checked" in tag):
                found[pairs["name"]] = pairs.get("value", "")
        return found

    def rehearse(self, **changed: object) -> "Wizard":
        return self.send("/mergers/rehearsal", {**(self.fields() if self.text else MERGE), **changed})

    def confirm(self, **changed: object) -> "Wizard":
        return self.send("/mergers", {**self.fields(), "sure": "yes", **changed})


@pytest.fixture
def office(database: Database, clock: ManualClock, tmp_path: Path) -> Office:
    made = Office(database, clock, tmp_path)
    County(clock, database)
    return made


def living(office: Office) -> set[str]:
    with office.database.session() as session:
        return {c.id for c in communes(session)}


def test_two_communes_become_one_and_are_two_again(office: Office) -> None:
    wizard = Wizard(office).rehearse()
    assert wizard.status == 200
    assert "đều có Thôn 1" in wizard.text
    assert CHINH in living(office)
    wizard.confirm()
    assert (wizard.status, living(office)) == (303, {NEW, "thieu-trung"})
    page = office.browser.get(wizard.location)
    assert "Xã Thiệu Hóa" in page.text
    assert "Xã Thiệu Hóa" in office.browser.get("/mergers").text
    assert office.browser.get("/receivers").text.count(f"{CHINH}-loa-") >= 2
    undone = office.browser.post(f"{wizard.location}/undo", data={"sure": "yes", "form_token": office.form_token})
    assert "các xã trở lại như trước" in undone.text
    assert all(f">{NAMES[c]}</th>" in undone.text for c in (CHINH, HIEN))
    assert living(office) == {CHINH, HIEN, "thieu-trung"}


def test_what_was_decided_is_done(office: Office) -> None:
    wizard = Wizard(office).rehearse()
    zones = [name for name in wizard.fields() if name.startswith("decide zones:")]
    assert len(zones) == 2
    wizard.rehearse(**{zones[0]: "join"})
    assert wizard.fields()[zones[0]] == "join"
    assert "Nhập vào thôn, vùng cùng tên" in wizard.text
    assert wizard.confirm().status == 303


def test_all_questions_of_a_kind_are_decided_at_once(office: Office) -> None:
    wizard = Wizard(office).rehearse()
    wizard.rehearse(all_alike="zones join")
    assert {v for k, v in wizard.fields().items() if k.startswith("decide zones:")} == {"join"}
    wizard.rehearse(all_alike="zones nonsense")
    assert {v for k, v in wizard.fields().items() if k.startswith("decide zones:")} == {"join"}


def test_what_was_not_looked_at_is_not_done(office: Office) -> None:
    wizard = Wizard(office).rehearse()
    zone = next(name for name in wizard.fields() if name.startswith("decide zones:"))
    # Another choice than was shown: shown first.
    assert wizard.confirm(**{zone: "join"}).status == 422
    assert "xem lại một lần nữa" in wizard.text
    assert wizard.fields()[zone] == "join"
    # No tick: no.
    assert wizard.send("/mergers", wizard.fields()).status == 422
    # Somebody adds a programme meanwhile: shown again, with it.
    sent = wizard.fields()
    office.browser.cookies.set("loa_commune", CHINH)
    assert office.post("/programmes", title="Tin khẩn") == 303
    assert wizard.send("/mergers", {**sent, "sure": "yes"}).status == 422
    assert "Tin khẩn" in wizard.text
    assert living(office) == {CHINH, HIEN, "thieu-trung"}
    assert wizard.confirm().status == 303


@pytest.mark.parametrize(
    "fields",
    [
        {"kind": "merge", "name": "Xã mới"},
        {"kind": "merge", "sources": [CHINH], "name": "Xã mới"},
        {"kind": "merge", "sources": [CHINH, "nowhere"], "name": "Xã mới"},
        {"kind": "merge", "sources": [CHINH, HIEN], "name": " "},
        {"kind": "merge", "sources": [CHINH, HIEN], "name": "Xã mới", "into": "thieu-trung"},
        {"kind": "merge", "sources": [CHINH, HIEN], "name": "Xã mới", "into": "Không Được!"},
        {"kind": "split", "source": CHINH, "name": "Xã mới"},
        {"kind": "split", "source": CHINH, "name": "Xã mới", "stations": ["x"]},
        {"kind": "split", "source": CHINH, "name": "Xã mới", "stations": ["99999999999999999999"]},
        {"kind": "split", "source": CHINH, "name": "Xã mới", "receivers": [f"{HIEN}-loa-1"]},
        {"plan": "{"},
        {"plan": '{"kind":"merge","sources":7}'},
        {},
    ],
)
def test_a_plan_that_cannot_be_is_refused_in_a_sentence(office: Office, fields: dict[str, object]) -> None:
    wizard = Wizard(office).send("/mergers/rehearsal", fields)
    assert wizard.status in (404, 422)
    assert 'role="alert"' in wizard.text
    assert living(office) == {CHINH, HIEN, "thieu-trung"}


def test_a_part_of_a_commune_becomes_one_of_its_own(office: Office) -> None:
    form = office.browser.get("/mergers/split", params={"commune": HIEN})
    assert f'value="{HIEN}-loa-1"' in form.text
    fields = {"kind": "split", "source": HIEN, "name": "Xã Thôn Một", "zones": [f"{HIEN}-thon-1"]}
    wizard = Wizard(office).send("/mergers/rehearsal", fields)
    assert wizard.status == 200
    assert wizard.confirm().status == 303
    assert living(office) == {CHINH, HIEN, "thieu-trung", "thon-mot"}


def test_the_name_of_an_old_commune_may_go_on(office: Office) -> None:
    wizard = Wizard(office).rehearse(into=HIEN, name="Xã Hậu Hiền mới")
    assert wizard.status == 200
    assert wizard.confirm().status == 303
    with office.database.session() as session:
        assert session.get_one(Commune, HIEN).name == "Xã Hậu Hiền mới"
        assert session.exec(select(Merger)).one().what.sources[0] == HIEN


def test_it_is_for_the_province_of_all_the_communes_alone(office: Office) -> None:
    with office.database.writing() as session:
        chair, _ = add_operator(session, "chair", office.clock.now())
        tam, _ = add_operator(session, "tam", office.clock.now())
        chair.must_change_password = tam.must_change_password = False
        for commune_id in (CHINH, HIEN):
            appoint(session, chair.number, commune_id, Role.CHAIR)
        tam.province_id = session.get_one(Commune, CHINH).province_id
        tokens = [open_session(session, o.number, office.clock.now()) for o in (chair, tam)]
    wizards = []
    for token in tokens:
        browser = TestClient(office.app, follow_redirects=False)
        browser.cookies.set("loa_session", token)
        wizards.append(Wizard(office, browser, form_token(KEY, token)))
    theirs, ours = wizards
    for path in ("/mergers", "/mergers/new", "/mergers/split"):
        assert theirs.browser.get(path).status_code == 403
    assert theirs.rehearse().status == 403
    assert "/mergers" not in theirs.browser.get("/receivers").text
    # Thiệu Trung of the office has no province: not for this one.
    assert NAMES[CHINH] in ours.browser.get("/mergers/new").text
    assert ours.send("/mergers/rehearsal", {**MERGE, "sources": [CHINH, "thieu-trung"]}).status == 404
    ours.text = ""
    done = ours.rehearse().confirm()
    assert done.status == 303
    assert ours.browser.get(done.location).status_code == 200
    assert ours.send(f"{done.location}/undo", {"sure": "yes"}).status == 200
    assert living(office) == {CHINH, HIEN, "thieu-trung"}


def test_after_thirty_days_it_stays(office: Office, clock: ManualClock) -> None:
    location = Wizard(office).rehearse().confirm().location
    clock.advance(timedelta(days=6))
    assert office.browser.get(location).status_code == 200
    with office.database.writing() as session:
        found = session.exec(select(Merger)).one()
        found.at -= timedelta(days=24)
        session.add(found)
    assert "/undo" not in office.browser.get(location).text
    sent = {"sure": "yes", "form_token": office.form_token}
    assert office.browser.post(f"{location}/undo", data=sent).status_code == 422
    assert NEW in living(office)


def test_undoing_needs_the_tick_and_says_what_was_made_since(office: Office) -> None:
    location = Wizard(office).rehearse().confirm().location
    assert office.post(f"{location}/undo") == 422
    office.browser.cookies.set("loa_commune", NEW)
    assert office.post("/zones", zone_id="thon-moi", name="Thôn mới") == 303
    with office.database.writing() as session:
        rules = set_rules(session, NEW, "", minutes_a_day=90)
        session.flush()
        number = rules.id
    sent = {"sure": "yes", "form_token": office.form_token}
    assert f'name="decide noiserules {number}"' in office.browser.get(location).text
    assert office.browser.post(f"{location}/undo", data=sent).status_code == 422
    undone = office.browser.post(f"{location}/undo", data={**sent, f"decide noiserules {number}": "before"})
    assert undone.status_code == 200
    assert "Khung giờ phát đặt sau khi sáp nhập không còn" in undone.text


def queries_of_a_rehearsal(office: Office) -> int:
    seen: list[str] = []

    def count(*arguments: object) -> None:
        seen.append(str(arguments[2]))

    event.listen(office.database.engine, "before_cursor_execute", count)
    try:
        assert Wizard(office).rehearse().status == 200
    finally:
        event.remove(office.database.engine, "before_cursor_execute", count)
    return len(seen)


def test_a_rehearsal_asks_no_more_of_the_database_for_more_schedules(office: Office) -> None:
    before = queries_of_a_rehearsal(office)
    with office.database.writing() as session:
        like = session.exec(select(Schedule).where(Schedule.commune_id == CHINH)).one()
        session.add_all([Schedule(**{**like.model_dump(), "id": None}) for _ in range(20)])
    assert queries_of_a_rehearsal(office) == before


@pytest.mark.parametrize(
    ("name", "short"),
    [
        ("Xã Thiệu Trung", "thieu-trung"),
        ("Phường Hàm Rồng", "ham-rong"),
        ("Đặc khu Phú Quốc", "phu-quoc"),
        ("  Đông-Sơn 2  ", "dong-son-2"),
        ("???", ""),
    ],
)
def test_a_short_name_is_made_of_the_name(name: str, short: str) -> None:
    assert short_name(name) == short
