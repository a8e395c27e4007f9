"""A file made to cost much is refused, and an emergency never waits for the file of another."""

import io
import threading
import time
import zipfile
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import openpyxl
import pytest

from broadcast.programmes import Item, ItemKind, add_programme
from runtime.clock import ManualClock
from runtime.database import Database
from schedules.schedules import schedules
from tests.broadcast.studio import add_clip
from tests.cast import COMMUNE, LAN
from tests.web.office import Office
from usecases.broadcasts import put_on_air
from wire.broadcasts import BroadcastClass, Targets

STUCK_S = 60.0


@pytest.fixture
def office(database: Database, clock: ManualClock, tmp_path: Path) -> Office:
    clock.set(datetime(2026, 11, 23, 3, 0, tzinfo=UTC))
    made = Office(database, clock, tmp_path)
    made.add_receivers(3)
    return made


@pytest.fixture
def programme(office: Office, clock: ManualClock, database: Database) -> int:
    with database.writing() as session:
        add_clip(session, "ban-tin", 600, now=clock.now())
        return add_programme(session, COMMUNE, "Bản tin sáng", [Item(ItemKind.CLIP, "ban-tin")], now=clock.now()).number


def calendar(events: int, *rule: str, title: str = "Bản tin sáng") -> bytes:
    lines = ["BEGIN:VCALENDAR", "VERSION:2.0", "PRODID:-//X//X//VI"]
    for k in range(events):
        day = date(2026, 12, 1) + timedelta(days=k)
        lines += ["BEGIN:VEVENT", f"UID:{k}", f"SUMMARY:{title}", f"DTSTART:{day:%Y%m%d}T050000", *rule, "END:VEVENT"]
    return "\r\n".join([*lines, "END:VCALENDAR", ""]).encode()


def read_while_on_air(office: Office, programme: int, content: bytes) -> tuple[str, list[float]]:
    """Import a calendar while emergencies are put on air. Gives the page, and how long each emergency took, s."""
    pages: list[str] = []

    def read() -> None:
        answer = office.browser.post(
            "/timetable/read", data={"form_token": office.form_token}, files={"file": ("lich.ics", content)}
        )
        pages.append(answer.text)

    reading = threading.Thread(target=read)
    reading.start()
    took_s: list[float] = []
    while reading.is_alive() and len(took_s) < 40:
        began_s = time.monotonic()
        put_on_air(
            office.deps.services,
            LAN,
            COMMUNE,
            targets=Targets(all=True),
            class_=BroadcastClass.EMERGENCY,
            programme_id=programme,
        )
        took_s.append(time.monotonic() - began_s)
        reading.join(0.3)
    reading.join(STUCK_S)
    return pages[0], took_s


def test_a_calendar_made_to_cost_minutes_is_refused_and_no_emergency_waits_for_it(
    office: Office, programme: int
) -> None:
    # 312 kB, as the file that stopped the emergency of another commune for 15 s.
    content = calendar(1900, "RRULE:FREQ=DAILY;INTERVAL=1;COUNT=3999", "DESCRIPTION:" + "x" * 20)
    assert 280_000 < len(content) < 400_000
    page, took_s = read_while_on_air(office, programme, content)
    assert "quá nhiều thời gian hoặc bộ nhớ" in page
    assert len(took_s) >= 5
    assert max(took_s) < 2


def test_while_a_long_calendar_is_written_an_emergency_goes_between(office: Office, programme: int) -> None:
    page, took_s = read_while_on_air(office, programme, calendar(200))
    with office.database.session() as session:
        assert len(schedules(session, COMMUNE)) == 200
    assert "Đã đưa 200 lịch lên lịch phát" in page
    assert max(took_s) < 2


def test_a_calendar_with_more_schedules_than_a_timetable_holds_changes_nothing(office: Office, programme: int) -> None:
    answer = office.browser.post(
        "/timetable/read", data={"form_token": office.form_token}, files={"file": ("lich.ics", calendar(501))}
    )
    assert answer.status_code == 422
    with office.database.session() as session:
        assert schedules(session, COMMUNE) == []


def test_a_table_with_hundreds_of_merged_ranges_is_read_at_once(office: Office) -> None:
    book = openpyxl.Workbook()
    book.active.append(["Tên cụm loa", "IMEI", "Thôn", "Loại"])
    for k in range(900):
        book.active.append([f"Cụm {k}", f"{k}", None, "FM"])
    packed = io.BytesIO()
    book.save(packed)
    merges = "".join(f'<mergeCell ref="{c}2:{c}1000"/>' for c in "ABCD" for _ in range(100))
    content = rewritten(
        packed.getvalue(),
        "xl/worksheets/sheet1.xml",
        lambda xml: xml.replace("</sheetData>", f"</sheetData><mergeCells>{merges}</mergeCells>"),
    )
    began_s = time.monotonic()
    answer = office.browser.post(
        "/import/receivers", data={"form_token": office.form_token}, files={"file": ("bang.xlsx", content)}
    )
    assert answer.status_code == 303, answer.text
    assert time.monotonic() - began_s < 15


@pytest.mark.parametrize("part", ["styles", "texts", "empty cells", "names"])
def test_a_table_made_to_cost_gigabytes_is_refused(office: Office, part: str) -> None:
    book = openpyxl.Workbook()
    book.active.append(["Tên cụm loa", "IMEI"])
    packed = io.BytesIO()
    book.save(packed)
    name, change = {
        "styles": ("xl/styles.xml", lambda xml: xml.replace("</fonts>", "<font><b/></font>" * 2_000_000 + "</fonts>")),
        "texts": (
            "xl/sharedStrings.xml",
            lambda xml: xml.replace("</sst>", "<si><t>a</t></si>" * 1_700_000 + "</sst>"),
        ),
        "empty cells": ("xl/worksheets/sheet1.xml", lambda xml: xml.replace("</row>", "<c/>" * 7_000_000 + "</row>")),
        "names": (
            "xl/workbook.xml",
            lambda xml: xml.replace("<definedNames />", "").replace(
                "</sheets>",
                "</sheets><definedNames>"
                + "".join(f'<definedName name="n{k}">Sheet!$A$1</definedName>' for k in range(400_000))
                + "</definedNames>",
            ),
        ),
    }[part]
    content = rewritten(packed.getvalue(), name, change)
    assert len(content) < 3_000_000
    began_s = time.monotonic()
    answer = office.browser.post(
        "/import/receivers", data={"form_token": office.form_token}, files={"file": ("bang.xlsx", content)}
    )
    assert answer.status_code == 422, answer.text
    assert time.monotonic() - began_s < STUCK_S


def rewritten(content: bytes, name: str, change) -> bytes:  # type: ignore[no-untyped-def]
    """A zip with one part changed."""
    made = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(content)) as source, zipfile.ZipFile(made, "w", zipfile.ZIP_DEFLATED) as target:
        for info in source.infolist():
            part = source.read(info)
            target.writestr(info.filename, change(part.decode()).encode() if info.filename == name else part)
    return made.getvalue()
