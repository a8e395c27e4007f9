"""No input makes a page or the API answer 500: each field of each route is sent what no person should type."""

import json
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from fastapi import params
from fastapi.routing import APIRoute
from pydantic import BaseModel

from broadcast.programmes import Item, ItemKind, add_programme
from runtime.clock import ManualClock
from runtime.database import Database
from tests.broadcast.studio import add_clip
from tests.cast import COMMUNE
from tests.web.office import Office
from tests.web.test_rights_of_pages import routes

#: Routes that do not end, or that end the session.
LEFT_OUT = {"/events", "/live", "/sign-out"}
ODD = [
    "",
    "0",
    "-1",
    "²",
    "abc",
    "nan",
    "inf",
    "1e400",
    "9" * 30,
    "9" * 5000,
    "05:00+07:00",
    "24:00",
    "0001-01-01",
    "9999-12-31",
    "31/2/2027",
    "\x00",
    "\u200b\u202e",
    "a\nb",
    "x" * 5000,
    "programme 9999999999999999999999",
]
ODD_JSON: list[Any] = [
    None,
    True,
    [],
    {},
    [0],
    [None],
    [[]],
    -1,
    10**30,
    1e308,
    float("nan"),
    float("inf"),
    "\ud800",
    *ODD,
]
#: What the other fields of a form hold meanwhile. Names are those of the routes.
SANE = {
    "title": "Bản tin",
    "name": "Thôn 1",
    "addresses": "https://station.example/a.mp3",
    "silence_db": "-50",
    "silence_s": "20",
    "minutes": "5",
    "length_s": 60,
    "repeat": "daily",
    "times": "05:00",
    "from_day": "2026-11-24",
    "to_day": "2026-11-25",
    "from_time": "05:00",
    "to_time": "06:00",
    "until_time": "21:00",
    "where": "all",
    "class": "normal",
    "programme_id": "1",
    "programme": "1",
    "number": "1",
    "what": "programme 1",
    "gap_s": "2",
    "receiver_id": "loa-0",
    "station": "1",
    "station_id": "1",
    "volume": "50",
    "volume_percent": "50",
    "volume_ceiling_percent": "90",
    "path_delay_ms": "0",
    "amplifier_lead_s": "0",
    "zone_id": "thon-9",
    "clip_id": "ban-tin",
    "clip": "ban-tin",
    "kind": "gap",
    "action": "up",
    "language": "vi",
    "field": "1",
    "month": "2026-11",
    "place": "commune",
    "mode": "staggered",
    "weekdays0": "1",
    "days_off": "alike",
}
#: Fields that routes read from the form themselves.
READ_BY_HAND = {
    "/allowed-hours/{place}": (
        "from_time",
        "until_time",
        "weekdays0",
        "season_first",
        "season_last",
        "days_off",
        "night_from",
        "night_until",
        "night_volume",
        "minutes_a_day",
        "minutes_a_week",
    ),
    "/clips": ("field", "title", "language", "replaces"),
    "/mergers/plan": ("kind", "sources", "into", "name", "source", "stations", "zones", "programmes", "operators"),
}


@pytest.fixture
def office(database: Database, clock: ManualClock, tmp_path: Path) -> Office:
    clock.set(datetime(2026, 11, 23, 3, 0, tzinfo=UTC))
    office = Office(database, clock, tmp_path)
    office.add_receivers(2)
    with database.writing() as session:
        add_clip(session, "ban-tin", 60, now=clock.now())
        add_programme(session, COMMUNE, "Bản tin", [Item(ItemKind.CLIP, "ban-tin")], now=clock.now())
    office.browser = type(office.browser)(office.app, follow_redirects=False, cookies=office.browser.cookies)
    office.post("/timetable", **SANE)
    return office


def parameters(dependant: Any, kind: str) -> list[str]:
    """Names in the request, of the route and of all that it depends on."""
    names = [field.alias for field in getattr(dependant, kind)]
    for further in dependant.dependencies:
        names += parameters(further, kind)
    return names


def addresses(route: APIRoute) -> Iterator[str]:
    """Its path with each parameter odd, and the sane one first."""
    names = parameters(route.dependant, "path_params")
    path = re.sub(r":\w+}", "}", route.path)  # "{name:path}"
    sane = {name: SANE.get(name, "1") for name in names}
    yield path.format(**sane) if names else path
    for name in names:
        for odd in ("0", "-1", "²", "9" * 30, "%00", "abc", "%ED%A0%80"):
            yield path.format(**(sane | {name: odd}))


def model_of(route: APIRoute) -> type[BaseModel] | None:
    """Of a JSON body. FastAPI makes a model of the fields of a form too."""
    if route.body_field is None or isinstance(route.body_field.field_info, params.Form):
        return None
    kind = route.body_field.field_info.annotation
    return kind if isinstance(kind, type) and issubclass(kind, BaseModel) else None


def bodies(route: APIRoute) -> Iterator[tuple[dict[str, Any], Any]]:
    """Query and form fields, and a JSON body: each field odd in turn."""
    fields = parameters(route.dependant, "query_params") + parameters(route.dependant, "body_params")
    fields += READ_BY_HAND.get(route.path, ())
    sane = {name: SANE[name] for name in fields if name in SANE}
    model = model_of(route)
    yield sane, json_of(model) if model else None
    if model:
        for place, (name, field) in enumerate(model.model_fields.items()):
            for odd in odd_ones(ODD_JSON, place):
                yield {}, json_of(model) | {field.alias or name: odd}
                yield {}, json_of(model) | {field.alias or name: [odd]}
        return
    for place, name in enumerate(fields):
        for odd in odd_ones(ODD, place):
            yield sane | {name: odd}, None


def odd_ones(values: list[Any], place: int) -> list[Any]:
    """A fifth of them, another fifth for the next field: all of them for each field take minutes."""
    return values[place % 5 :: 5]


def json_of(model: type[BaseModel]) -> dict[str, Any]:
    lists = {
        "times": ["05:00"],
        "targets": {"all": True},
        "addresses": ["https://station.example/a.mp3"],
        "items": [{"kind": "gap", "gap_ms": 1000}],
    }
    known = {**SANE, "programme": 1, "station": 1, "latitude_deg": 19.8, "longitude_deg": 105.6, **lists}
    return {f.alias or n: known[f.alias or n] for n, f in model.model_fields.items() if (f.alias or n) in known}


def ask(office: Office, route: APIRoute, address: str, fields: dict[str, Any], body: Any) -> tuple[int, str]:
    headers = {"X-Form-Token": office.form_token}
    method = min(route.methods)
    if body is not None:
        content = json.dumps(body).encode()
        headers["Content-Type"] = "application/json"
        answer = office.browser.request(method, address, content=content, headers=headers)
    elif method == "GET":
        answer = office.browser.get(address, params=fields, headers=headers)
    else:
        answer = office.browser.request(
            method, address, params=fields, data=fields | {"form_token": office.form_token}, headers=headers
        )
    return answer.status_code, answer.text[:200]


def test_no_odd_input_is_answered_with_500(office: Office) -> None:
    failed, asked = set(), 0
    for route in routes(office):
        if any(part in route.path for part in LEFT_OUT):
            continue
        requests = [(address, {}, None) for address in addresses(route)]
        first = requests[0][0]
        requests += [(first, fields, body) for fields, body in bodies(route)]
        for address, fields, body in requests:
            asked += 1
            try:
                status, text = ask(office, route, address, fields, body)
            except Exception as error:
                status, text = 500, repr(error)[:200]
            if status >= 500:
                failed.add(f"{sorted(route.methods)} {address[:60]} {str(fields)[:200]} {str(body)[:200]}: {text}")
    assert asked > 1000
    assert not failed, "\n".join(sorted(failed))
