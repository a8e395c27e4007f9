"""Every form of every page: it can be sent only once, and says what it showed of a thing that it changes."""

import re
from collections.abc import Iterator
from typing import Any

import pytest

from devices.receivers import receiver
from devices.stations import StationKind, add_station
from runtime.clock import ManualClock
from tests.cast import COMMUNE, MORNING
from tests.empty_database import empty_database
from tests.web.every_state import EveryState
from tests.web.page_forms import PageForm, form_of, forms_of
from web.labels.fields import FIELDS

#: Without a once-only key: they concern the browser that sends them, and a second send is the same.
SENT_AGAIN = {"/language/{}", "/sign-in", "/sign-out", "/password", "/commune"}
#: What a form without a revision does instead.
ADDS = {
    "/broadcasts",
    "/clips",
    "/emergency",
    "/emergency/drill",
    "/communes",
    "/import/operators",
    "/import/receivers",
    "/import/recordings",
    "/import/schedules",
    "/measure",
    "/measure/{}/recording",
    "/operators",
    "/programmes",
    "/programmes/{}/items",
    "/province/send",
    "/put-on-air",
    "/read-aloud",
    "/read-aloud/file",
    "/receivers",
    "/settings/backup",
    "/settings/communes",
    "/stations",
    "/timetable",  # a new one; see below
    "/timetable/copy",
    "/timetable/read",
    "/cap/sources",
    "/relays",
    "/zones",
}
COMMANDS = {
    "/relays/{}/on-air",
    "/relays/{}/test",
    "/operators/{}/notifications/test",
    "/province/try",
    "/receivers/{}/do/identify",
    "/receivers/{}/do/reboot",
    "/receivers/{}/do/test-tone",
    "/receivers/{}/do/volume",
    "/receivers/{}/self-test",
    "/receivers/self-test/all",
    "/receivers/test-tone/all",
}
#: Refused, or without effect, unless the thing is still in the state that the button was shown in.
NEEDS_THE_STATE_SHOWN = {
    "/emergency/alerts/{}/alone",
    "/emergency/alerts/{}/confirm",
    "/emergency/alerts/{}/refuse",
    "/emergency/alerts/{}/sms",
    "/commune-faults/{}/acknowledge",
    "/commune-faults/{}/reset",
    "/faults/{}/{}/acknowledge",
    "/faults/{}/{}/reset",
    "/import/operators/{}",
    "/import/operators/{}/do",
    "/import/receivers/{}",
    "/import/receivers/{}/do",
    "/import/schedules/{}",
    "/import/schedules/{}/do",
    "/mergers/rehearsal",
    "/mergers/{}/undo",
    "/programmes/{}/items/{}/remove",
    "/province/inbox/{}/decline",
    "/province/inbox/{}/programme",
    "/province/inbox/{}/put-on-air",
    "/province/inbox/{}/up",
    "/province/inbox/order",
    "/read-aloud/corrections/{}/forget",
    "/read-aloud/{}/stop",
    "/stations/{}/move",
}
#: To stop is right whatever was changed. Of an account both name and password are typed anew, and a chosen file could
#: not be given back by the page that tells of a change.
#: A volume is set for chosen receivers, whatever it was.
NEVER_OLD = {
    "/broadcasts/{}/stop",
    "/emergency/alerts/{}/all-clear",
    "/emergency/alerts/{}/cancel",
    "/stop-everything",
    "/province/account",
    "/map/outline",
    "/volumes",
}
WITHOUT_REVISION = ADDS | COMMANDS | NEEDS_THE_STATE_SHOWN | NEVER_OLD | SENT_AGAIN


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[EveryState]:
    folder = tmp_path_factory.mktemp("office")
    database = empty_database(folder / "test.db")
    yield EveryState(database, ManualClock(MORNING), folder)
    database.close()


@pytest.fixture(scope="module")
def posts(office: EveryState) -> dict[str, list[PageForm]]:
    """The forms that change something, by the address of their route."""
    found: dict[str, list[PageForm]] = {}
    for page in office.pages():
        answer = office.browser.get(page)
        assert answer.status_code == 200, page
        for form in forms_of(answer.text):
            if form.method == "post":
                found.setdefault(route_of(office, form), []).append(form)
    return found


def route_of(office: EveryState, form: PageForm) -> str:
    """The address with {} for each number, id or name of a thing."""
    path = form.action.partition("?")[0]
    for pattern, shown in office.addresses():
        if re.fullmatch(pattern, path):
            return shown.replace("{action}", path.rpartition("/")[2])
    raise AssertionError(f"{path} is the address of no route")


def send(office: EveryState, form: PageForm, **typed: str) -> Any:
    return office.browser.post(form.action, data={**form.fields, **typed})


def test_all_routes_with_a_form_are_on_the_pages(office: EveryState, posts: dict[str, list[PageForm]]) -> None:
    by_script = {"/programmes/{}/items/{}/to", "/put-on-air/preview", "/timetable/preview", "/clips/upload"}
    by_button = {"/read-aloud/correct", "/read-aloud/preview", "/read-aloud/reading"}
    after_a_post = {
        "/import/receivers/credentials",
        "/mergers",
        "/programmes/{}/put-back",
        "/receivers/{}/credentials-file",
    }
    elsewhere = {
        "/sign-in",
        "/communes",
        "/province/letters/{}",
        "/clips/{}/no-backup",
        "/clips/uploads/{}/dismiss",
        "/province/inbox/{}/timetable",
    }
    sent_to = [form.action.partition("?")[0] for forms in posts.values() for form in forms]
    without = {
        route
        for pattern, route in office.addresses()
        if not route.startswith("/api/") and not any(re.fullmatch(pattern, path) for path in sent_to)
    }
    assert without == by_script | by_button | after_a_post | elsewhere


def test_every_form_can_be_sent_only_once(posts: dict[str, list[PageForm]]) -> None:
    without = {route for route, forms in posts.items() for form in forms if not form.fields.get("once")}
    # An alert is its own key: `web.once_only` would write before what nothing may hold up is read.
    assert {route for route in without if not route.startswith("/emergency")} <= SENT_AGAIN


def test_no_address_of_a_form_carries_its_token_or_key(posts: dict[str, list[PageForm]]) -> None:
    assert {form.action for forms in posts.values() for form in forms if "?" in form.action} == set()


def test_every_form_that_changes_a_thing_says_what_it_showed_of_it(posts: dict[str, list[PageForm]]) -> None:
    without = {route for route, forms in posts.items() for form in forms if not form.fields.get("revision")}
    assert without == WITHOUT_REVISION & set(posts)
    schedules = {form.fields["number"]: form.fields.get("revision", "") for form in posts["/timetable"]}
    assert {number: revision[:10] for number, revision in schedules.items()} == {
        "0": "",
        "1": "schedule 1",
        "2": "schedule 2",
    }


#: Page, the form there, what the first of two people types into it, and the second.
TWICE = [
    ("/map/receivers/loa-0", "/receivers/loa-0/position", {"latitude": "19.8"}, {"latitude": "19.9"}),
    ("/receivers/loa-2", "/receivers/loa-2/credentials", {}, {}),
    ("/operators/2", "/operators/2/password", {}, {}),
    ("/operators/2", "/operators/2/retire", {}, {}),
    ("/operators/3", "/operators/3/restore", {}, {}),
    ("/operators/1/profile", "/operators/1/webhook-key", {}, {}),
    ("/operators/1/profile", "/operators/1/notifications", {"quiet_from": "21:00"}, {"quiet_from": "22:00"}),
    ("/map", "/map/outline/remove", {}, {}),
    ("/province", "/province/token", {}, {}),
]


@pytest.mark.parametrize(("page", "action", "first", "second"), TWICE)
def test_the_second_of_two_people_is_told_what_the_first_did(
    office: EveryState, page: str, action: str, first: dict[str, str], second: dict[str, str]
) -> None:
    rest = {"longitude": "105.7", "quiet_until": "05:00"}
    forms = [form_of(office, page, action, **rest) for _ in range(2)]
    done, refused = send(office, forms[0], **first), send(office, forms[1], **second)
    assert done.status_code in (200, 303), done.text
    assert refused.status_code == 409
    assert "<strong>lan</strong>" in refused.text


def test_a_delay_is_neither_set_nor_put_back_by_a_page_that_shows_another_receiver(office: EveryState) -> None:
    taken, waiting = office.measurements
    undo = form_of(office, f"/measure/{taken}", f"/measure/{taken}/undo")
    take = form_of(office, f"/measure/{waiting}", f"/measure/{waiting}/take")
    assert send(office, form_of(office, "/receivers/loa-1", "/receivers/loa-1", place="Chợ")).status_code == 303
    assert [send(office, form).status_code for form in (undo, take)] == [409, 409]


def test_a_clip_that_was_changed_does_not_become_the_backup_unseen(office: EveryState) -> None:
    choose = form_of(office, "/clips/du-phong", "/clips/du-phong/backup")
    assert send(office, form_of(office, "/clips/du-phong", "/clips/du-phong", title="Khác")).status_code == 303
    assert send(office, choose).status_code == 409


def test_a_receiver_that_another_person_moved_is_not_moved_from_where_it_no_longer_is(office: EveryState) -> None:
    with office.database.writing() as session:
        third = add_station(session, COMMUNE, StationKind.IP, "Cụm khác").number
    first, second = (form_of(office, "/stations", "/stations/1/move", receivers="loa-0") for _ in range(2))
    assert send(office, first, to="2").status_code == 303
    refused = send(office, second, to=str(third))
    assert refused.status_code == 422
    assert "nay thuộc" in refused.text
    with office.database.session() as session:
        assert receiver(session, "loa-0").station_id == 2


def test_every_field_that_is_typed_into_has_its_word_on_the_page_that_gives_it_back(
    posts: dict[str, list[PageForm]],
) -> None:
    typed = {name for forms in posts.values() for form in forms if form.fields.get("revision") for name in form.typed}
    assert len(typed) > 30
    assert typed - FIELDS.keys() == set()
