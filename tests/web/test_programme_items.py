"""Items of a programme put at a place, by their key."""

from pathlib import Path

import pytest

from broadcast.programmes import Item, ItemKind, add_programme, items_of
from runtime.clock import ManualClock
from runtime.database import Database
from tests.broadcast.studio import add_clip
from tests.cast import COMMUNE
from tests.web.office import Office
from tests.web.page_forms import forms_of


@pytest.fixture
def office(database: Database, clock: ManualClock, tmp_path: Path) -> Office:
    made = Office(database, clock, tmp_path)
    with database.writing() as session:
        for clip_id in "abcd":
            add_clip(session, clip_id, 60, now=clock.now())
        items = [Item(ItemKind.CLIP, clip_id) for clip_id in "abcd"]
        add_programme(session, COMMUNE, "Bản tin", items, now=clock.now())
    return made


def order(office: Office) -> str:
    with office.database.session() as session:
        return "".join(item.clip.id for item in items_of(session, 1) if item.clip)


def key_of(office: Office, clip_id: str) -> str:
    with office.database.session() as session:
        return next(item.key for item in items_of(session, 1) if item.clip and item.clip.id == clip_id)


@pytest.mark.parametrize(
    ("clip_id", "position", "after"), [("a", "2", "bcad"), ("d", "0", "dabc"), ("b", "1", "abcd"), ("a", "99", "bcda")]
)
def test_an_item_is_put_at_a_position(office: Office, clip_id: str, position: str, after: str) -> None:
    assert office.post(f"/programmes/1/items/{key_of(office, clip_id)}/to", position=position) == 303
    assert order(office) == after


def test_an_item_that_is_gone_moves_nothing(office: Office) -> None:
    assert office.post("/programmes/1/items/none/to", position="0") == 303
    assert order(office) == "abcd"


def test_an_order_that_was_changed_meanwhile_is_not_changed_from_an_older_page(office: Office) -> None:
    down = next(f for f in forms_of(office.browser.get("/programmes/1").text) if f.action.endswith("/down"))
    fields = {**down.fields, "position": "3"}
    assert office.post(f"/programmes/1/items/{key_of(office, 'd')}/to", position="0") == 303
    path = f"/programmes/1/items/{key_of(office, 'a')}/to"
    answer = office.browser.post(path, data=fields, headers={"HX-Request": "true"})
    assert answer.headers["hx-retarget"] == "#notices"
    assert order(office) == "dabc"
