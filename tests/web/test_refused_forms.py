"""A refused form comes back with what was typed, the reason at its field, and the menu around it."""

import re
from collections.abc import Iterator

import pytest

from broadcast.programmes import Item, ItemKind, add_programme
from runtime.clock import ManualClock
from tests.broadcast.studio import add_clip
from tests.cast import COMMUNE, MORNING
from tests.empty_database import empty_database
from tests.web.office import Office
from tests.web.page_forms import form_of, forms_of

MENU = '<nav class="menu"'
SITE = "http://testserver"

#: page, action of the form, typed values, the field that the refusal is about ("": the whole form).
REFUSED = [
    ("/timetable/new?programme=1", "/timetable", {"times": "17h3x"}, "times"),
    ("/timetable/new?programme=1", "/timetable", {"from_day": "31/2/2027"}, "from_day"),
    ("/timetable/new?programme=1", "/timetable", {"except_days": "mai"}, "except_days"),
    ("/timetable/new?programme=1", "/timetable", {"every": "tám"}, "every"),
    ("/timetable/new?programme=1", "/timetable", {"where": "some"}, "where"),
    ("/timetable", "/timetable/copy", {"to_day": "hôm qua"}, "to_day"),
    ("/receivers/new", "/receivers", {"receiver_id": "Loa 9", "name": "Thôn <9>"}, "receiver_id"),
    ("/receivers/new", "/receivers", {"receiver_id": "loa-9", "name": ""}, "name"),
    ("/receivers/loa-1", "/receivers/loa-1", {"volume_percent": "300", "place": "Đình"}, "volume_percent"),
    ("/receivers/loa-1", "/receivers/loa-1", {"latitude": "bắc", "longitude": "105"}, "latitude"),
    ("/zones", "/zones", {"name": "Thôn 1"}, "name"),
    ("/stations", "/stations", {"name": " "}, "name"),
    ("/programmes", "/programmes", {"title": " "}, "title"),
    ("/programmes/1", "/programmes/1", {"title": "a\u200bb"}, "title"),
    ("/programmes/1", "/programmes/1/items", {"what": "gap", "gap_s": "lâu"}, "gap_s"),
    ("/clips/ban-tin", "/clips/ban-tin", {"title": ""}, "title"),
    ("/operators/new", "/operators", {"name": "an"}, "role"),
    ("/operators/1/profile", "/operators/1/contact", {"phone": "gọi sau", "full_name": "Lan"}, "phone"),
    ("/operators/1/profile", "/operators/1/contact", {"email": "lan@"}, "email"),
    ("/province", "/province", {"base_url": "ftp://tinh", "own_code": "12"}, "base_url"),
    ("/put-on-air", "/put-on-air", {"mode": "staggered", "gap_s": "lâu"}, "gap_s"),
    ("/allowed-hours/commune", "/allowed-hours/commune", {"minutes_a_day": "vài"}, "minutes_a_day"),
    ("/allowed-hours/commune", "/allowed-hours/commune", {"night_from": "22h", "night_until": "22h"}, "night_until"),
    ("/mergers/new", "/mergers/rehearsal", {"name": "Xã Mới"}, "sources"),
    ("/mergers/split", "/mergers/rehearsal", {"name": "Xã Mới", "into": "Xã"}, "into"),
    ("/mergers/split", "/mergers/rehearsal", {"name": "Xã Mới"}, "stations"),
]


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    folder = tmp_path_factory.mktemp("office")
    database = empty_database(folder / "test.db")
    office = Office(database, ManualClock(MORNING), folder)
    office.add_receivers(2)
    with database.writing() as session:
        add_clip(session, "ban-tin", 60, now=office.clock.now())
        add_programme(session, COMMUNE, "Bản tin", [Item(ItemKind.CLIP, "ban-tin")], now=office.clock.now())
    return office


def send(office: Office, page: str, action: str, typed: dict[str, str]) -> tuple[int, str]:
    form = form_of(office, page, action, **typed)
    answer = office.browser.post(action, data=form.fields, headers={"referer": SITE + page})
    return answer.status_code, answer.text


@pytest.mark.parametrize(("page", "action", "typed", "field"), REFUSED)
def test_the_reason_stands_at_its_field_and_nothing_typed_is_lost(
    office: Office, page: str, action: str, typed: dict[str, str], field: str
) -> None:
    status, html = send(office, page, action, typed)
    assert status == 422
    assert MENU in html
    shown = next(f for f in forms_of(html) if f.action == action and typed.items() <= f.fields.items())
    assert shown.fields["form_token"] == office.form_token
    invalid = re.findall(r"<(?:input|select|textarea) [^>]*aria-invalid=\"true\"[^>]*>", html)
    if field:
        assert len(invalid) == 1
        assert f'name="{field}"' in invalid[0]
        assert " autofocus" in invalid[0]
        assert re.search(r'aria-describedby="[^"]*field-error"', invalid[0])
        assert html.count('id="field-error"') == 1
    else:
        assert not invalid
        assert 'role="alert" tabindex="-1" autofocus' in html


def test_a_form_that_is_refused_twice_still_knows_its_page(office: Office) -> None:
    page, action = "/timetable/new?programme=1", "/timetable"
    _, html = send(office, page, action, {"times": "17h3x"})
    again = next(f for f in forms_of(html) if f.action == action)
    again.fields["times"] = "25:00"
    answer = office.browser.post(action, data=again.fields, headers={"referer": SITE + action})
    assert answer.status_code == 422
    assert 'value="25:00"' in answer.text
    again.fields["times"] = "06:00"
    answer = office.browser.post(action, data=again.fields, headers={"referer": SITE + action})
    assert answer.status_code == 303


def test_choices_lists_and_long_texts_come_back_as_they_were_chosen(office: Office) -> None:
    typed = {"times": "17h3x", "repeat": "weekly", "class": "priority", "until_day": "1/2/2027"}
    _, html = send(office, "/timetable/new?programme=1", "/timetable", typed)
    form = next(f for f in forms_of(html) if f.action == "/timetable")
    assert typed.items() <= form.fields.items()
    codes = "loa-0 = A\nloa-77 = B <b>"
    _, html = send(office, "/province", "/province", {"own_code": "12", "receiver_codes": codes})
    assert "loa-0 = A\nloa-77 = B &lt;b&gt;</textarea>" in html


def test_what_was_seen_before_a_refusal_still_guards_against_others_changes(office: Office) -> None:
    form = form_of(office, "/programmes/1", "/programmes/1", title="")
    seen = form.fields["revision"]
    assert office.post("/programmes/1", title="Bản tin sáng") == 303
    answer = office.browser.post("/programmes/1", data=form.fields, headers={"referer": f"{SITE}/programmes/1"})
    again = next(f for f in forms_of(answer.text) if f.action == "/programmes/1")
    assert again.fields["revision"] == seen
    again.fields["title"] = "Bản tin trưa"
    assert office.browser.post("/programmes/1", data=again.fields).status_code == 409


@pytest.mark.parametrize(
    "referer", ["", "http://elsewhere.example/timetable/new", SITE + "/nowhere", SITE + "/media/x"]
)
def test_without_its_page_a_refusal_has_the_menu(office: Office, referer: str) -> None:
    fields = {"title": "", "form_token": office.form_token}
    answer = office.browser.post("/programmes", data=fields, headers={"referer": referer})
    assert answer.status_code == 422
    assert MENU in answer.text


def test_a_page_that_is_not_there_has_the_menu(office: Office) -> None:
    for path in ("/nowhere", "/timetable/999", "/clips/gone"):
        answer = office.browser.get(path)
        assert (answer.status_code, MENU in answer.text) == (404, True)
    assert MENU not in office.stranger.get("/nowhere").text


def test_htmx_is_told_the_field(office: Office) -> None:
    form = form_of(office, "/timetable/new?programme=1", "/timetable", times="17h3x")
    answer = office.browser.post("/timetable/preview", data=form.fields, headers={"hx-request": "true"})
    assert 'data-field="times"' in answer.text


def test_a_script_gets_the_reason_as_json(office: Office) -> None:
    answer = office.browser.post("/clips/upload?name=a.mp3", headers={"accept": "application/json"})
    assert answer.status_code == 422
    assert answer.json()["error"]


def test_a_refused_row_of_allowed_hours_is_named_and_the_other_rows_stay(office: Office) -> None:
    page = "/allowed-hours/commune"
    form = form_of(office, page, page)
    fields = {name: [value] for name, value in form.fields.items()} | {"weekdays0": ["0"], "weekdays1": ["1", "2"]}
    fields |= {"from_time": ["5h", "17h"], "until_time": ["6h", "16h"], "days_off": ["not", "only"]}
    fields |= {"season_first": ["", ""], "season_last": ["", ""]}
    html = office.browser.post(page, data=fields, headers={"referer": SITE + page}).text
    inputs = re.findall(r"<input [^>]*name=\"(from_time|until_time)\"[^>]*>", html)
    assert inputs == ["from_time", "until_time"] * 2
    values = re.findall(r"<input [^>]*name=\"(?:from|until)_time\"[^>]* value=\"([^\"]*)\"", html)
    assert values == ["5h", "6h", "17h", "16h"]
    (invalid,) = re.findall(r"<input [^>]*aria-invalid=\"true\"[^>]*>", html)
    assert 'id="until1"' in invalid
    assert re.findall(r'<option value="(\w+)" selected>', html) == ["not", "only"]


def test_a_file_that_is_no_table_is_refused_at_its_field(office: Office) -> None:
    form = form_of(office, "/import", "/import/receivers")
    files = {"file": ("a.pdf", b"%PDF-1.7")}
    answer = office.browser.post(form.action, data=form.fields, files=files, headers={"referer": SITE + "/import"})
    assert answer.status_code == 422
    (invalid,) = re.findall(r"<input [^>]*aria-invalid=\"true\"[^>]*>", answer.text)
    assert 'id="file-receivers"' in invalid
