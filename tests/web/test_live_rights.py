"""A stream of live updates ends when the right to see it ends; a referrer never leads to another host."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from people.operators import Operator
from runtime.clock import ManualClock
from runtime.database import Database
from tests.cast import COMMUNE
from tests.web.office import Office
from web import access, live
from web.live import may_still_see


@pytest.fixture
def office(database: Database, clock: ManualClock, tmp_path: Path) -> Office:
    made = Office(database, clock, tmp_path)
    made.add_receivers(1)
    return made


def session_token(office: Office) -> str:
    return str(office.browser.cookies["loa_session"])


def retire(office: Office) -> None:
    with office.database.writing() as session:
        operator = session.get_one(Operator, 1)
        operator.retired_at = office.clock.now()
        session.add(operator)


def sign_out(office: Office) -> None:
    with office.database.writing() as session:
        access.close_session(session, session_token(office))


def demand_new_password(office: Office) -> None:
    with office.database.writing() as session:
        operator = session.get_one(Operator, 1)
        operator.must_change_password = True
        session.add(operator)


@pytest.mark.parametrize("end", [retire, sign_out, demand_new_password])
def test_an_open_stream_ends_when_its_right_ends(office: Office, monkeypatch: pytest.MonkeyPatch, end: object) -> None:
    monkeypatch.setattr(live, "EVERY_S", 0.01)
    token = session_token(office)

    async def watched() -> list[bytes]:
        feed = live.LiveFeed(office.deps, office.app.state.renderer)
        events: AsyncIterator[bytes] = feed.watch(
            "k", "on_air", lambda: "<p>x</p>", may_watch=lambda: may_still_see(office.deps, token, COMMUNE)
        )
        seen = [await anext(events)]
        assert callable(end)
        end(office)
        return seen + [event async for event in events]

    seen = asyncio.run(asyncio.wait_for(watched(), 10))
    assert seen[0].startswith(b"event: on_air")
    assert seen[-1].startswith(b"event: end")


def test_who_may_see_goes_on_seeing_but_only_the_communes_of_this_person(office: Office) -> None:
    assert may_still_see(office.deps, session_token(office), COMMUNE)
    assert not may_still_see(office.deps, session_token(office), "thieu-hoa")
    assert not may_still_see(office.deps, "none", COMMUNE)


@pytest.mark.parametrize("path", ["//evil.example/x", "///evil.example", "/\\evil.example", "\\\\evil.example", "//"])
def test_the_page_one_came_from_is_never_on_another_host(office: Office, path: str) -> None:
    answer = office.stranger.post("/language/en", headers={"Referer": f"http://testserver{path}"})
    assert answer.status_code == 303
    where = answer.headers["location"]
    assert where.startswith("/")
    assert not where.startswith(("//", "/\\"))
    assert (
        office.stranger.post("/language/en", headers={"Referer": "http://testserver/clips?q=1"}).headers["location"]
        == "/clips?q=1"
    )
