"""Nobody is offered what they may not do: every page of every role is walked, every form and link on it is allowed."""

from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import urldefrag, urlsplit

import pytest
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.routing import Match

from broadcast.programmes import Item, ItemKind, add_programme
from devices.faults import Fault
from people.operators import standing_of
from people.rights import Action, Role, may
from runtime.clock import ManualClock
from runtime.database import Database
from tests.broadcast.studio import add_clip
from tests.cast import COMMUNE
from tests.web.office import Office
from tests.web.test_rights_of_pages import Guest, called
from web.access import who

#: Answers that are no pages: streams, files.
NOT_WALKED = ("/live/", "/static/", "/media/", "/clips/ban-tin/original")
ROLES = [Role.VIEWER, Role.OPERATOR, Role.TECHNICIAN, Role.CHAIR]


class _Offered(HTMLParser):
    """Links, and what buttons that are not disabled would send."""

    def __init__(self) -> None:
        super().__init__()
        self.links: set[str] = set()
        self.sends: set[str] = set()
        self._post = ""
        self._locked = 0

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = {name: value or "" for name, value in attrs}
        if tag == "a" and given.get("href", "").startswith("/"):
            self.links.add(urldefrag(given["href"]).url)
        if tag == "form":
            is_post = given.get("method", "").lower() == "post"
            self._post = (given.get("hx-post") or given.get("action", "")) if is_post else ""
        if tag == "fieldset":
            self._locked += 1 if self._locked or "disabled" in given else 0
        if tag == "button" and not self._locked and "disabled" not in given and given.get("type", "submit") == "submit":
            for target in (given.get("hx-post", ""), given.get("formaction", ""), self._post):
                if target:
                    self.sends.add(urlsplit(target).path)
                    break

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._post = ""
        if tag == "fieldset" and self._locked:
            self._locked -= 1


@pytest.fixture
def office(database: Database, clock: ManualClock, tmp_path: Path) -> Office:
    """With something of everything: receivers, a fault, a recording, a programme, a schedule, a broadcast on air."""
    office = Office(database, clock, tmp_path)
    office.add_receivers(2)
    with database.writing() as session:
        add_clip(session, "ban-tin", 600, now=clock.now())
        add_programme(session, COMMUNE, "Bản tin", [Item(ItemKind.CLIP, "ban-tin")], now=clock.now())
        session.add(Fault(receiver_id="loa-1", fault="mains", began_at=clock.now()))
    assert office.post("/timetable", programme_id="1", repeat="daily", times="06:00", from_day="25/11/2026") == 303
    assert office.post("/put-on-air", what="programme 1") == 303
    return office


def route_of(office: Office, path: str, method: str) -> APIRoute:
    scope = {"type": "http", "path": path, "method": method, "headers": []}
    for context in iter_route_contexts(office.app.routes):
        route = context.original_route
        if isinstance(route, APIRoute) and route.matches(scope)[0] is Match.FULL:
            return route
    raise AssertionError(f"{method} {path} leads nowhere")


def actions_of(route: APIRoute) -> Iterator[Action]:
    for one in called(route.dependant):
        if isinstance(action := getattr(one, "action", None), Action):
            yield action


@pytest.mark.parametrize("role", ROLES)
def test_every_button_and_link_that_is_shown_may_be_used(office: Office, role: Role) -> None:
    guest = Guest(office, role)
    with office.database.session() as session:
        signed_in = who(session, guest.browser.cookies["loa_session"], office.clock.now())
        assert signed_in is not None
        standing, _ = standing_of(session, signed_in[0])
    waiting, seen, wrong = ["/"], set[str](), set[str]()
    while waiting:
        address = waiting.pop()
        route = route_of(office, urlsplit(address).path, "GET")
        # One page of each kind is enough, but each receiver, clip and so on has its own forms.
        if route.path in seen or address.startswith(NOT_WALKED):
            continue
        seen.add(route.path)
        answer = guest.browser.get(address, follow_redirects=True)
        if answer.status_code != 200:
            wrong.add(f"{address}: {answer.status_code}")
            continue
        if not answer.headers["content-type"].startswith("text/html"):
            continue
        offered = _Offered()
        offered.feed(answer.text)
        for path in offered.sends:
            refused = [a for a in actions_of(route_of(office, path, "POST")) if not may(standing, a, COMMUNE)]
            wrong |= {f"{address}: {path} needs {action}" for action in refused}
        waiting += sorted(offered.links)
    assert len(seen) > 15
    assert "\n".join(sorted(wrong)) == ""
