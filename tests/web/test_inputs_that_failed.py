"""The kinds of input that were once answered with 500: each is refused with a sentence, and nothing is kept of it."""

from collections.abc import Iterator
from typing import Any

import pytest
from sqlmodel import select

from broadcast.programmes import Item, ItemKind, Programme, ProgrammeItem, add_programme
from devices.receivers import Receiver
from runtime.clock import ManualClock
from schedules.schedules import Schedule
from tests.broadcast.studio import add_clip
from tests.cast import COMMUNE, MORNING
from tests.empty_database import empty_database
from tests.web.office import Office
from tests.web.page_forms import form_of

HUGE = "9" * 30
DAILY = {
    "programme_id": "1",
    "repeat": "daily",
    "times": "05:00",
    "from_day": "2026-11-25",
    "where": "all",
    "class": "normal",
}
DAILY_JSON = {
    "programme": 1,
    "repeat": "daily",
    "times": ["05:00"],
    "from_day": "2026-11-25",
    "targets": {"all": True},
    "class": "normal",
}
EVENT = "BEGIN:VEVENT\r\nUID:{uid}\r\nSUMMARY:{title}\r\nDTSTART:{start}\r\n{rule}END:VEVENT\r\n"


@pytest.fixture(scope="module")
def office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    folder = tmp_path_factory.mktemp("office")
    database, clock = empty_database(folder / "test.db"), ManualClock(MORNING)
    made = Office(database, clock, folder)
    made.add_receivers(1)
    with database.writing() as session:
        add_clip(session, "ban-tin", 600, now=clock.now())
        add_programme(session, COMMUNE, "Bản tin", [Item(ItemKind.CLIP, "ban-tin")], now=clock.now())
    assert made.post("/timetable", **DAILY) == 303
    yield made
    database.close()


def kept(office: Office) -> list[Any]:
    with office.database.session() as session:
        tables = (Schedule, Programme, ProgrammeItem, Receiver)
        return [row.model_dump() for table in tables for row in session.exec(select(table))]


def is_refused(office: Office, answer: Any, before: list[Any]) -> bool:
    """With a sentence, and without an effect."""
    assert kept(office) == before
    if answer.headers["content-type"].startswith("application/json"):
        return answer.status_code in (404, 422) and bool(answer.json()["error"])
    return answer.status_code in (404, 422) and ('role="alert"' in answer.text or "<h1>" in answer.text)


@pytest.mark.parametrize("number", [HUGE, "²", "-1", "0", "abc", "1e3", "٣"])
@pytest.mark.parametrize(
    "path",
    [
        "/timetable/{}",
        "/timetable/{}/pause",
        "/programmes/{}",
        "/programmes/{}/retire",
        "/operators/{}",
        "/mergers/{}",
        "/stations/{}/remove",
        "/clock-steps/{}/dismiss",
        "/province/inbox/{}/up",
        "/api/v1/schedules/{}/pause",
    ],
)
def test_a_number_of_nothing_in_an_address(office: Office, path: str, number: str) -> None:
    before, address = kept(office), path.format(number)
    if path.count("/") == 2:
        answer = office.browser.get(address)
    elif path.startswith("/api/"):
        answer = office.browser.post(address, json={"paused": True}, headers={"X-Form-Token": office.form_token})
    else:
        fields = {"form_token": office.form_token, "paused": "1", "before": "1"}
        answer = office.browser.post(address, data=fields)
    assert is_refused(office, answer, before)


FIELDS = [
    *(("/timetable", {**DAILY, "programme_id": number}) for number in (HUGE, "²", "abc")),
    *(("/timetable", {**DAILY, "number": number}) for number in (HUGE, "²")),
    *(("/timetable", {**DAILY, "times": times}) for times in ("05:00+07:00", "05:00Z", "²", "24:30", "5.5.5")),
    *(("/timetable", {**DAILY, "from_day": day}) for day in ("0001-01-01", "9999-12-31", "31/2/2027", HUGE)),
    *(("/timetable", {**DAILY, "until_day": day}) for day in ("0001-01-01", "9999-12-31", "²")),
    *(("/timetable", {**DAILY, "except_days": day}) for day in ("0001-01-01", "31/2/2027")),
    *(("/timetable", {**DAILY, "every": number}) for number in ("0", "²", HUGE, "nan")),
    *(
        ("/timetable", {**DAILY, "mode": "staggered", "gap_s": seconds})
        for seconds in ("nan", "inf", "-inf", "1e400", "²", HUGE)
    ),
    *(
        ("/put-on-air", {"what": what, "where": "all", "class": "normal"})
        for what in (f"programme {HUGE}", "programme ²")
    ),
    *(("/programmes/1/items", {"what": "gap", "gap_s": seconds}) for seconds in ("nan", "inf", "1e400", "²", HUGE)),
    *(("/clips/ban-tin", {"title": "Khác", "language": "vi", "field": field}) for field in ("abc", "²", HUGE)),
]


@pytest.mark.parametrize(("path", "fields"), FIELDS)
def test_a_field_of_a_form(office: Office, path: str, fields: dict[str, str]) -> None:
    before = kept(office)
    answer = office.browser.post(path, data={**fields, "form_token": office.form_token})
    assert is_refused(office, answer, before)


@pytest.mark.parametrize("value", ["nan", "inf", "-inf", "1e400", "²", HUGE])
@pytest.mark.parametrize(
    "name", ["amplifier_lead_s", "path_delay_ms", "volume_percent", "station_id", "latitude", "longitude"]
)
def test_a_number_of_a_receiver(office: Office, name: str, value: str) -> None:
    form, before = form_of(office, "/receivers/loa-0", "/receivers/loa-0"), kept(office)
    fields = {**form.fields, "latitude": "19.8", "longitude": "105.7", name: value}
    assert is_refused(office, office.browser.post(form.action, data=fields), before)


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("times", [0]),
        ("times", [61200]),
        ("times", ["05:00Z"]),
        ("times", ["05:00+07:00"]),
        ("times", [None]),
        ("programme", int(HUGE)),
        ("programme", "²"),
        ("from_day", "0001-01-01"),
        ("from_day", "9999-12-31"),
        ("until_day", "9999-12-31"),
        ("every", int(HUGE)),
        ("weekdays", [int(HUGE)]),
        ("month_days", [int(HUGE)]),
    ],
)
def test_a_field_of_the_api(office: Office, name: str, value: object) -> None:
    before, headers = kept(office), {"X-Form-Token": office.form_token}
    answer = office.browser.post("/api/v1/schedules", json={**DAILY_JSON, name: value}, headers=headers)
    assert is_refused(office, answer, before)


@pytest.mark.parametrize(
    "address",
    [
        "/clips?field=abc",
        "/clips?field=²",
        f"/clips?page={HUGE}",
        f"/audit?page={HUGE}",
        "/play-log?month=0001-01",
        "/play-log?month=9999-12",
        "/play-log.csv?month=9999-12",
        "/timetable?day=0001-01-01",
        "/timetable?day=9999-12-31",
        "/why?day=0001-01-01&at=05:00",
        "/why?day=9999-12-31&at=05:00",
        "/api/v1/play-log?month=9999-12",
    ],
)
def test_what_is_asked_for_with_an_odd_value_is_answered(office: Office, address: str) -> None:
    assert office.browser.get(address).status_code in (200, 404, 422)


BROKEN_EVENTS = [
    ("20261201T060000", "RRULE:FREQ=DAILY;COUNT=0\r\n"),
    ("20261201T060000", "RRULE:FREQ=DAILY;COUNT=1000000000000\r\n"),
    ("20261201T060000", "RRULE:FREQ=WEEKLY;BYDAY=XX\r\n"),
    ("20261201T060000", "RRULE:COUNT=3\r\n"),
    ("20261201T060000", "RRULE:FREQ=YEARLY;BYMONTH=2;BYMONTHDAY=31\r\n"),
    ("20270231T060000", ""),
    ("00010101T060000", ""),
    ("99991231T235959", "RRULE:FREQ=DAILY\r\n"),
]


@pytest.mark.parametrize("case", range(len(BROKEN_EVENTS)))
def test_a_broken_event_of_a_calendar_is_named_and_the_others_are_read(office: Office, case: int) -> None:
    start, rule = BROKEN_EVENTS[case]
    before = kept(office)
    events = EVENT.format(uid=f"broken{case}", title="Hỏng", start=start, rule=rule)
    events += EVENT.format(uid=f"good{case}", title="Bản tin", start=f"20261202T0{case}3000", rule="")
    text = f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:-//x//y//\r\n{events}END:VCALENDAR\r\n"
    answer = office.browser.post(
        "/timetable/read",
        data={"form_token": office.form_token},
        files={"file": ("lich.ics", text.encode(), "text/calendar")},
    )
    assert answer.status_code == 200
    assert "Hỏng" in answer.text
    assert len(kept(office)) == len(before) + 1
