"""Every page and route that changes something names its action, asks for the right, and writes down what was done."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, iter_route_contexts
from fastapi.testclient import TestClient
from sqlmodel import select

from devices.communes import add_commune
from people.audit import AuditEntry, Deed
from people.operators import Operator, appoint
from people.rights import NOT_ALLOWED, Action, Role
from runtime.clock import ManualClock
from runtime.database import Database
from tests.cast import COMMUNE, COMMUNE_NAME
from tests.web.office import KEY, Office
from web.access import form_token, open_session
from web.labels.people import DEEDS, ROLES
from web.request_context import frame_of
from web.urgent import urgent_frame

#: Whoever comes may sign in, out, and choose for themselves alone.
ONES_OWN = {"/sign-in", "/sign-out", "/password", "/language/{language}", "/commune"}
#: One's own details, or those of a person one leads: `usecases.notifications` asks (tests/web/test_profile_page.py).
OWN_OR_LED = {
    "/operators/{operator_id}/contact",
    "/operators/{operator_id}/notifications",
    "/operators/{operator_id}/notifications/test",
    "/operators/{operator_id}/webhook-key",
}
#: The province comes with a token of its own, and is no operator (tests/web/test_province_pages.py).
PROVINCE_DOOR = {"/api/province/{commune_id}"}
#: Likewise the senders of alerts (tests/cap/test_doors.py).
ALERT_DOOR = {"/api/v1/cap"}
#: What is only worked out and shown, though it is sent as a form.
SHELL = {"/manifest.webmanifest", "/service-worker.js", "/without-network"}
#: Emergencies that were aired are for everybody.
OPEN_FEED = {"/cap/feed.atom", "/cap/{identifier}.xml"}
NO_FRAME = {"/static/{name:path}", "/health", "/media/{name}", "/trust", "/trust/loa-authority.crt", *SHELL, *OPEN_FEED}


class Guest:
    """A browser of somebody with one role in the office's commune."""

    def __init__(self, office: Office, role: Role | None) -> None:
        with office.database.writing() as session:
            made = Operator(name=f"{role}", password_hash="", must_change_password=False, created_at=office.clock.now())
            session.add(made)
            session.flush()
            if role is not None:
                appoint(session, made.number, COMMUNE, role)
            token = open_session(session, made.number, office.clock.now())
        self.browser = TestClient(office.app, follow_redirects=False)
        self.browser.cookies.set("loa_session", token)
        self.form_token = form_token(KEY, token)

    def post(self, path: str, **fields: str) -> int:
        return self.browser.post(path, data={**fields, "form_token": self.form_token}).status_code


@pytest.fixture
def office(database: Database, clock: ManualClock, tmp_path: Path) -> Office:
    made = Office(database, clock, tmp_path)
    made.add_receivers(2)
    return made


def called(dependant: Dependant) -> Iterator[object]:
    yield dependant.call
    for below in dependant.dependencies:
        yield from called(below)


def routes(office: Office) -> list[APIRoute]:
    found = [
        context.original_route
        for context in iter_route_contexts(office.app.routes)
        if isinstance(context.original_route, APIRoute)
    ]
    assert len(found) > 60
    return found


def test_every_route_that_changes_something_names_its_action(office: Office) -> None:
    nameless = [
        f"{sorted(route.methods)} {route.path}"
        for route in routes(office)
        if route.methods - {"GET", "HEAD", "OPTIONS"}
        and route.path not in ONES_OWN | OWN_OR_LED | PROVINCE_DOOR | ALERT_DOOR
        and not any(isinstance(getattr(one, "action", None), Action) for one in called(route.dependant))
    ]
    assert nameless == []


def test_every_page_asks_who_is_there(office: Office) -> None:
    open_to_all = {
        route.path
        for route in routes(office)
        if not any(one in (frame_of, urgent_frame) for one in called(route.dependant))
    }
    assert open_to_all <= ONES_OWN | NO_FRAME | PROVINCE_DOOR | ALERT_DOOR


DUTY = {Role.EMERGENCY_STARTER, Role.EMERGENCY_ENDER}
CHANGES = [
    ("/programmes", {"title": "Bản tin"}, {*DUTY, Role.OPERATOR, Role.CHAIR}),
    ("/zones", {"zone_id": "thon-9", "name": "Thôn 9"}, {Role.TECHNICIAN, Role.CHAIR}),
    ("/receivers/loa-1/do/identify", {}, {Role.TECHNICIAN, Role.CHAIR}),
    ("/receivers/loa-1/position", {"latitude": "19.87", "longitude": "105.68"}, {Role.TECHNICIAN, Role.CHAIR}),
    ("/stations", {"name": "Cụm IP", "kind": "ip"}, {Role.TECHNICIAN, Role.CHAIR}),
    ("/map/outline/remove", {}, {Role.TECHNICIAN, Role.CHAIR}),
    ("/communes", {"commune_id": "moi", "name": "Xã mới"}, set()),
]


@pytest.mark.parametrize(("path", "fields", "allowed"), CHANGES)
@pytest.mark.parametrize("role", [r for r in Role if r is not Role.PROVINCE])
def test_a_page_does_it_for_whom_it_is_meant_and_refuses_the_others(
    office: Office, path: str, fields: dict[str, str], allowed: set[Role], role: Role
) -> None:
    answered = Guest(office, role).post(path, **fields)
    assert answered == (303 if role in allowed else 403)
    with office.database.session() as session:
        assert len(session.exec(select(AuditEntry)).all()) == (1 if role in allowed else 0)


def test_a_village_head_sees_the_map_and_the_stations_without_what_is_not_for_them(office: Office) -> None:
    guest = Guest(office, Role.VIEWER).browser
    for path in ("/map?receiver=loa-1", "/stations"):
        assert "Thôn 1" in guest.get(path).text
        assert 'method="post" action="/receivers' not in guest.get(path).text
        assert 'method="post" action="/stations' not in guest.get(path).text
        assert "/map/outline" not in guest.get(path).text


def test_an_emergency_is_for_the_chair_alone(office: Office) -> None:
    emergency = {"what": "clip c", "class": "emergency", "all": "on"}
    assert Guest(office, Role.OPERATOR).post("/put-on-air", **emergency) == 403
    assert Guest(office, Role.CHAIR).post("/put-on-air", **emergency) in (404, 422)  # there is no such clip


def test_a_refusal_of_the_api_is_403_with_a_sentence(office: Office) -> None:
    guest = Guest(office, Role.VIEWER)
    answer = guest.browser.post(
        "/api/v1/programmes", json={"title": "x", "items": []}, headers={"X-Form-Token": guest.form_token}
    )
    assert answer.status_code == 403
    assert "Ask" in answer.json()["error"] or "Hãy" in answer.json()["error"]


def test_who_has_no_commune_sees_none(office: Office) -> None:
    guest = Guest(office, None)
    for path in ("/receivers", "/clips", "/timetable", "/play-log", "/audit"):
        assert COMMUNE_NAME not in guest.browser.get(path).text
    assert guest.browser.get("/receivers/loa-1").headers["location"] == "/first-steps?needed=1"
    assert guest.browser.get("/api/v1/receivers").json() == []


def test_what_was_done_is_shown_under_the_names_of_its_time(office: Office) -> None:
    assert office.post("/zones", zone_id="thon-9", name="Thôn 9") == 303
    with office.database.writing() as session:
        add_commune(session, "khac", "Xã khác")
        entry = session.exec(select(AuditEntry)).one()
        assert (entry.action, entry.detail, entry.commune_name) == (Deed.ZONE_ADDED, "Thôn 9", COMMUNE_NAME)
    shown = office.browser.get("/audit").text
    assert "Thêm vùng" in shown
    assert "Thôn 9" in shown
    assert "Thôn 9" in office.browser.get("/audit", params={"commune": COMMUNE}).text
    assert "Thôn 9" not in office.browser.get("/audit", params={"commune": "khac"}).text
    assert "Thôn 9" not in office.browser.get("/audit", params={"by": "tam"}).text


def test_a_receivers_old_settings_can_be_read_in_the_log(office: Office) -> None:
    changed = {
        "name": "Thôn 1",
        "station_id": str(office.station),
        "volume_percent": "35",
        "volume_ceiling_percent": "90",
        "path_delay_ms": "12",
        "amplifier_lead_s": "5",
        "alert_phone": "0912 345 678",
    }
    assert office.post("/receivers/loa-1", **changed) == 303
    assert office.post("/receivers/loa-1", **changed | {"alert_phone": "chị Lan"}) == 422
    with office.database.session() as session:
        detail = session.exec(select(AuditEntry)).one().detail
    assert "path_delay_ms 0.0 → 12.0" in detail
    assert "alert_phone  → 0912345678" in detail


def test_what_is_refused_is_not_written_down(office: Office) -> None:
    assert office.post("/zones", zone_id="Thôn 9!", name="Thôn 9") == 422
    with office.database.session() as session:
        assert session.exec(select(AuditEntry)).all() == []


def test_every_role_right_and_deed_has_its_words() -> None:
    assert set(ROLES) == set(Role)
    assert set(NOT_ALLOWED) == set(Action)
    assert set(DEEDS) == set(Deed)


def test_only_who_may_broadcast_an_emergency_uploads_before_others(office: Office) -> None:
    statuses = {}
    for role in (Role.OPERATOR, Role.CHAIR):
        guest = Guest(office, role)
        headers = {"X-Form-Token": guest.form_token}
        for path in ("/api/v1/clips?name=a.mp3&urgent=true", "/clips/upload?name=a.mp3&urgent=true"):
            statuses[role, path[:5]] = guest.browser.post(path, content=b"x", headers=headers).status_code
        assert ('name="urgent"' in guest.browser.get("/clips").text) == (role is Role.CHAIR)
    assert statuses == {
        (Role.OPERATOR, "/api/"): 403,
        (Role.OPERATOR, "/clip"): 403,
        (Role.CHAIR, "/api/"): 202,
        (Role.CHAIR, "/clip"): 200,
    }
