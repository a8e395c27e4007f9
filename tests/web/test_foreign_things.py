"""A chair of one commune reaches nothing of another through any route, whatever id the request names."""

import re
from collections.abc import Iterator
from typing import Any

import pytest
from fastapi.routing import APIRoute
from sqlmodel import SQLModel

from people.rights import Role
from runtime.clock import ManualClock
from tests.cast import MORNING
from tests.empty_database import empty_database
from tests.web.every_state import EveryState
from tests.web.test_any_input import READ_BY_HAND, SANE, json_of, model_of, parameters
from tests.web.test_rights_of_pages import Guest, routes

#: What a parameter of an address names, by its name or by the first word of the address.
KINDS = {
    "alert_id": "alert",
    "broadcast_id": "broadcast",
    "clip_id": "clip",
    "import_id": "import",
    "job_id": "text",
    "measurement_id": "measurement",
    "operator_id": "operator",
    "cap_alert_id": "cap_alert",
    "source_id": "cap_source",
    "receiver_id": "receiver",
    "zone_id": "zone",
    "allowed-hours": "zone",
    "listen": "programme",
    "programmes": "programme",
    "province": "bulletin",
    "relays": "relay",
    "read-aloud": "pronunciation",
    "schedules": "schedule",
    "stations": "station",
    "timetable": "schedule",
}
REST = {"action": "remove", "fault": "card", "what": "again"}
#: Of all communes, or of none: mergers are for administrators, sound is signed, a step is of the server's clock; an
#: upload that is not there stays away; a chime is named by its kind.
OF_NONE = (
    "/api/province/",
    "/clock-steps/",
    "/language/",
    "/emergency/messages/",
    "/media/",
    "/mergers/",
    "/province/letters/",
    "/api/v1/jobs/",
    "/clips/uploads/",
    "/settings/chimes/",
)
#: Beside `SANE`: fields of single forms.
FURTHER = {
    "asked": "1",
    "before": "1",
    "channel": "webhook",
    "paused": "1",
    "position": "0",
    "reason": "Không phát",
    "receivers": "loa-0",
    "removed_item": "1",
    "shown": "1",
    "to": "2",
    "kind": "ip",
    "scope": "one",
    "text": "x",
    "webhook_url": "https://loa.example/x",
}
#: 422: a script reads it, or the sentence is about what was chosen.
REFUSED_IN_A_SENTENCE = {
    "/allowed-hours/{key}",
    "/measure/{measurement_id}/recording",
    "/programmes/{number}/put-back",
    "/stations/{number}/move",
}
NOT_COMPARED = {"used_key", "websession"}
#: The province shows a token of its own; a language is chosen for this browser alone; who signs in has no session yet.
WITHOUT_TOKEN = ("/api/province/", "/api/v1/cap", "/language/", "/sign-in")
#: Forms of one's own commune that name a thing of the other one.
NAMING = [
    ("/timetable", "programme_id", "programme"),
    ("/timetable", "number", "schedule"),
    ("/put-on-air", "what", "programme {programme}"),
    ("/put-on-air", "what", "clip {clip}"),
    ("/put-on-air", "receivers", "receiver"),
    ("/put-on-air", "zones", "zone"),
    ("/receivers/loa-0", "station_id", "station"),
    ("/receivers/loa-0", "zones", "zone"),
    ("/receivers", "station", "station"),
    ("/stations/1/move", "receivers", "receiver"),
    ("/stations/1/move", "to", "station"),
    ("/programmes/1/items", "what", "clip {clip}"),
    ("/programmes/1/items", "what", "relay {relay}"),
    ("/relays/1/on-air", "backup", "clip"),
    ("/measure", "one", "receiver"),
    ("/settings/chimes/opening_chime", "clip", "clip"),
    ("/province/inbox/1/programme", "programme", "programme"),
]


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EveryState]:
    folder = tmp_path_factory.mktemp("office")
    database = empty_database(folder / "test.db")
    yield EveryState(database, ManualClock(MORNING), folder)
    database.close()


@pytest.fixture(scope="module")
def chair(office: EveryState) -> Guest:
    return Guest(office, Role.CHAIR)


def everything(office: EveryState) -> dict[str, list[Any]]:
    with office.database.session() as session:
        return {
            table.name: sorted(map(str, session.connection().execute(table.select()).all()))
            for table in SQLModel.metadata.sorted_tables
            if table.name not in NOT_COMPARED
        }


def foreign_address(office: EveryState, route: APIRoute) -> str:
    """The route's address with ids of the other commune; "" where it names none of its things."""
    path = re.sub(r":\w+}", "}", route.path)
    words = path.removeprefix("/api/v1").split("/")
    values: dict[str, str] = {}
    for name in re.findall(r"{(\w+)}", path):
        kind = KINDS.get(name) or (KINDS.get(words[1]) if name in ("number", "key") else None)
        values[name] = REST[name] if name in REST else str(office.foreign[kind]) if kind else "1"
    return path.format(**values) if values and not path.startswith(OF_NONE) else ""


def send(chair: Guest, route: APIRoute, method: str, address: str) -> Any:
    headers = {"X-Form-Token": chair.form_token}
    fields = parameters(route.dependant, "query_params") + parameters(route.dependant, "body_params")
    sane = {name: SANE[name] for name in [*fields, *READ_BY_HAND.get(route.path, ())] if name in SANE}
    sane |= FURTHER
    model = model_of(route)
    if model is not None:
        return chair.browser.request(method, address, json=json_of(model) | {"paused": True}, headers=headers)
    if method in ("GET", "DELETE"):
        return chair.browser.request(method, address, params=sane, headers=headers)
    if address.endswith("/recording"):
        return chair.browser.post(address, content=b"RIFF", headers=headers)
    return chair.browser.request(method, address, data={**sane, "form_token": chair.form_token})


def test_no_route_reaches_a_thing_of_another_commune(office: EveryState, chair: Guest) -> None:
    before, reached, asked = everything(office), [], 0
    for route in routes(office):
        address = foreign_address(office, route)
        for method in sorted(route.methods - {"HEAD"}) if address else []:
            asked += 1
            answer = send(chair, route, method, address)
            if answer.status_code not in (403, 404) and not (
                answer.status_code == 422 and route.path in REFUSED_IN_A_SENTENCE
            ):
                reached.append(f"{method} {address}: {answer.status_code}")
    assert asked > 60
    assert reached == []
    assert everything(office) == before


@pytest.mark.parametrize(("path", "field", "thing"), NAMING)
def test_no_form_takes_a_thing_of_another_commune(
    office: EveryState, chair: Guest, path: str, field: str, thing: str
) -> None:
    named = thing.format(**office.foreign) if "{" in thing else str(office.foreign[thing])
    rest = {"what": "programme 1", "to": "2", "other": "loa-1", "one": "loa-0", "receiver_id": "moi", "number": "0"}
    where = {"receivers": "receivers", "zones": "zones"}.get(field, "all") if path == "/put-on-air" else "all"
    before = everything(office)
    fields = {**SANE, **rest, "where": where, field: named, "form_token": chair.form_token}
    if path == "/receivers/loa-0":
        fields |= {"station_id": fields["station_id"] if field == "station_id" else "1"}
    assert chair.browser.post(path, data=fields).status_code in (403, 404, 422)
    assert everything(office) == before


@pytest.mark.parametrize("token", ["", "0" * 64])
def test_nothing_is_done_without_the_token_of_a_form_of_ours(office: EveryState, token: str) -> None:
    before, done, asked = everything(office), [], 0
    sent = {**SANE, "paused": "1", **({"form_token": token} if token else {})}
    for route in routes(office):
        if route.path.startswith(WITHOUT_TOKEN):
            continue
        for method in route.methods - {"GET", "HEAD", "OPTIONS"}:
            asked += 1
            address = re.sub(r"{[^}]*}", "1", route.path.replace("{receiver_id}", "loa-0"))
            answer = office.browser.request(
                method, address, data=sent, headers={"X-Form-Token": token} if token else {}
            )
            if answer.status_code != 422 or "Trang này đã cũ" not in answer.text:
                done.append(f"{method} {address}: {answer.status_code}")
    assert asked > 80
    assert done == []
    assert everything(office) == before
