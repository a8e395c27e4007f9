"""Every route × every role × one's own commune, another one and none: made from the router, so that a new route without
a rule fails here.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import pytest
from fastapi.routing import APIRoute
from fastapi.testclient import TestClient

from people.rights import MAY, Action, Role
from runtime.clock import ManualClock
from tests.cast import MORNING
from tests.empty_database import empty_database
from tests.web.every_state import EveryState
from tests.web.test_any_input import LEFT_OUT
from tests.web.test_foreign_things import REFUSED_IN_A_SENTENCE, everything, foreign_address, send
from tests.web.test_rights_of_pages import (
    ALERT_DOOR,
    NO_FRAME,
    ONES_OWN,
    OWN_OR_LED,
    PROVINCE_DOOR,
    Guest,
    routes,
)

#: Doors with a token of their own, or that anyone may open: their rules have tests of their own.
WITHOUT_ROLES = ONES_OWN | OWN_OR_LED | PROVINCE_DOOR | ALERT_DOOR | NO_FRAME | LEFT_OUT
ROLES: list[Role | None] = [None, *(role for role in Role if role is not Role.PROVINCE)]
#: Those who belong to no commune are led to the first steps, or told to choose one.
WITHOUT_COMMUNE = (303, 422)
#: By parameter: of the office's own commune. Others are 1.
OWN = {
    "receiver_id": "loa-0",
    "zone_id": "thon-1",
    "clip_id": "bulletin",
    "place": "commune",
    "key": "commune",
    "action": "identify",
    "fault": "card",
}


#: By method and path. All that is not in the table is for everybody in the commune.
RIGHTS = {
    (method, path): Action(action)
    for action, method, path in (
        line.split("\t")
        for line in Path(__file__).with_name("route_rights.tsv").read_text().splitlines()
        if not line.startswith("#")
    )
}


class Cell(NamedTuple):
    method: str
    address: str
    route: APIRoute
    action: Action | None


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EveryState]:
    folder = tmp_path_factory.mktemp("office")
    database = empty_database(folder / "test.db")
    yield EveryState(database, ManualClock(MORNING), folder)
    database.close()


@pytest.fixture(scope="module")
def guests(office: EveryState) -> dict[Role | None, Guest]:
    return {role: Guest(office, role) for role in ROLES}


def own_address(route: APIRoute) -> str:
    path = re.sub(r":\w+}", "}", route.path)
    return path.format(**{name: OWN.get(name, "1") for name in re.findall(r"{(\w+)}", path)})


def cells(office: EveryState, *, is_foreign: bool = False) -> list[Cell]:
    made = [
        Cell(
            method,
            foreign_address(office, route) if is_foreign else own_address(route),
            route,
            RIGHTS.get((method, route.path)),
        )
        for route in routes(office)
        if route.path not in WITHOUT_ROLES
        for method in sorted(route.methods - {"HEAD", "OPTIONS"})
    ]
    found = [cell for cell in made if cell.address]
    assert len(found) > 60
    return found


def test_every_route_that_changes_something_has_its_row_in_the_table(office: EveryState) -> None:
    changing = {(cell.method, cell.route.path) for cell in cells(office) if cell.method != "GET"}
    assert changing == {(method, path) for method, path in RIGHTS if method != "GET"}
    assert {path for _, path in RIGHTS} <= {route.path for route in routes(office)}


@pytest.mark.parametrize("role", ROLES)
def test_nobody_does_in_their_commune_what_their_role_may_not(
    office: EveryState, guests: dict[Role | None, Guest], role: Role | None
) -> None:
    guest, before, done, asked = guests[role], everything(office), [], 0
    for cell in cells(office):
        if cell.action is None or (role is not None and cell.action in MAY[role]):
            continue
        asked += 1
        status = send(guest, cell.route, cell.method, cell.address).status_code
        if status != 403 and not (role is None and status in WITHOUT_COMMUNE):
            done.append(f"{role} {cell.method} {cell.address}: {status}")
    assert asked > (0 if role is Role.CHAIR else 20)
    assert done == []
    assert everything(office) == before


@pytest.mark.parametrize("role", ROLES)
def test_nobody_reaches_another_commune_whatever_their_role(
    office: EveryState, guests: dict[Role | None, Guest], role: Role | None
) -> None:
    guest, before, reached = guests[role], everything(office), []
    for cell in cells(office, is_foreign=True):
        status = send(guest, cell.route, cell.method, cell.address).status_code
        in_a_sentence = status == 422 and cell.route.path in REFUSED_IN_A_SENTENCE
        is_without = role is None and status in WITHOUT_COMMUNE
        if status not in (403, 404) and not in_a_sentence and not is_without:
            reached.append(f"{role} {cell.method} {cell.address}: {status}")
    assert reached == []
    assert everything(office) == before


def test_who_is_not_signed_in_gets_to_the_door_only(office: EveryState) -> None:
    stranger, before, reached = TestClient(office.app, follow_redirects=False), everything(office), []
    for cell in cells(office):
        answer = stranger.request(cell.method, cell.address)
        is_at_door = answer.status_code == 303 and answer.headers["location"].startswith("/sign-in")
        is_without_token = answer.status_code == 422 and cell.method != "GET"
        if answer.status_code not in (401, 403) and not is_at_door and not is_without_token:
            reached.append(f"{cell.method} {cell.address}: {answer.status_code}")
    assert reached == []
    assert everything(office) == before


@pytest.mark.parametrize("role", ROLES[1:])
def test_everybody_does_what_their_role_may(office: EveryState, guests: dict[Role | None, Guest], role: Role) -> None:
    """An empty form is refused for what it lacks, not for a right; last, since what needs no field is done."""
    guest, refused, asked = guests[role], [], 0
    headers = {"X-Form-Token": guest.form_token}
    for cell in cells(office):
        is_endless = cell.route.path.startswith("/live/")
        if is_endless or (cell.action is not None and cell.action not in MAY[role]):
            continue
        asked += 1
        status = guest.browser.request(cell.method, cell.address, headers=headers).status_code
        if status in (401, 403) or status >= 500:
            refused.append(f"{role} {cell.method} {cell.address}: {status}")
    assert asked > 40
    assert refused == []
