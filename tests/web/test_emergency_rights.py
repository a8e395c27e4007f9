"""Whatever touches an emergency needs the right to emergencies: each role at each door, for each action."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import msgspec
import pytest
from sqlmodel import SQLModel, col, select

from broadcast.broadcasts import Broadcast
from broadcast.clips import Clip, clip
from broadcast.ingest_jobs import IngestJob
from broadcast.programmes import Item, ItemKind, Programme, ProgrammeItem, add_programme, items_of
from people.rights import Role
from province.bulletins import NewBulletin, ProvinceBulletin, add_bulletin
from province.schedules_down import Airing
from runtime.clock import ManualClock, to_us
from runtime.database import Database
from schedules.schedules import Schedule
from tests.broadcast.studio import add_clip
from tests.cast import COMMUNE
from tests.web.office import Office
from tests.web.test_rights_of_pages import Guest
from wire.broadcasts import BroadcastClass, Targets

DAILY = {"repeat": "daily", "times": "05:00", "from_day": "2026-11-25", "where": "all"}
#: What an emergency consists of.
TABLES: tuple[type[SQLModel], ...] = (
    Schedule,
    Programme,
    ProgrammeItem,
    Clip,
    IngestJob,
    Broadcast,
    ProvinceBulletin,
)


@dataclass
class Visitor:
    office: Office
    guest: Guest | Office

    def page(self, path: str, **fields: str) -> int:
        return self.guest.post(path, **fields)

    def api(self, method: str, path: str, body: Any = None) -> int:
        headers = {"X-Form-Token": self.guest.form_token}
        return self.guest.browser.request(method, f"/api/v1{path}", json=body, headers=headers).status_code

    def file(self, path: str, file_name: str, content: str) -> Any:
        token = {"form_token": self.guest.form_token}
        return self.guest.browser.post(path, data=token, files={"file": (file_name, content.encode())})

    def replacement(self, path: str, **query: str) -> int:
        """A recording in place of that of the emergency; with a name the body is the file."""
        query |= {"replaces": "bao-bao"}
        if "name" in query:
            headers = {"X-Form-Token": self.guest.form_token}
            return self.guest.browser.post(path, params=query, content=b"RIFF", headers=headers).status_code
        file = {"file": ("moi.wav", b"RIFF")}
        fields = {**query, "form_token": self.guest.form_token}
        return self.guest.browser.post(path, params=query, data=fields, files=file).status_code

    def table(self, row: str) -> int:
        """The last answer of an import with one row: 200 when it was taken; 403 when a right is missing for the row."""
        table = f"Mã;Chương trình;Giờ phát;Ngày bắt đầu;Loại\na;Bản tin;{row}\n"
        sent = self.file("/import/schedules", "lich.csv", table)
        if sent.status_code != 303:
            return sent.status_code
        shown = self.guest.browser.get(sent.headers["location"]).text
        answered = self.page(f"{sent.headers['location']}/do")
        return 403 if answered == 422 and "Chỉ lãnh đạo xã và người được" in shown else answered

    def calendar(self, hour: str, status: str = "CONFIRMED") -> int:
        """The emergency schedule as Loa wrote it into a calendar, at another hour. 403 when it was not taken."""
        event = f"UID:loa-{COMMUNE}-1-050000\r\nSUMMARY:Báo bão 2\r\nDTSTART;TZID=Asia/Ho_Chi_Minh:20261125T{hour}0000"
        body = f"BEGIN:VEVENT\r\n{event}\r\nSTATUS:{status}\r\nRRULE:FREQ=DAILY\r\nEND:VEVENT\r\n"
        sent = self.file(
            "/timetable/read", "lich.ics", f"BEGIN:VCALENDAR\r\nVERSION:2.0\r\nPRODID:x\r\n{body}END:VCALENDAR\r\n"
        )
        return 403 if "Chỉ lãnh đạo xã và người được" in sent.text else sent.status_code


@pytest.fixture
def office(database: Database, clock: ManualClock, tmp_path: Path) -> Office:
    """Programme 1 is played by the emergency schedule 1, programme 2 by the normal schedule 2; five bulletins wait."""
    office = Office(database, clock, tmp_path)
    office.add_receivers(1)
    now = clock.now()
    with database.writing() as session:
        for title in ("bao-bao", "ban-tin", "tin-tinh"):
            add_clip(session, title, 30, now=now)
        items = [Item(ItemKind.CLIP, "bao-bao"), Item(ItemKind.GAP, gap_ms=1000)]
        add_programme(session, COMMUNE, "Báo bão", items, now=now)
        add_programme(session, COMMUNE, "Bản tin", [Item(ItemKind.CLIP, "ban-tin")], now=now)
        times = msgspec.json.encode([Airing(to_us(now) // 1_000_000 + 3600, to_us(now) // 1_000_000 + 3660)])
        for code in "12345":
            bulletin = NewBulletin(
                code=code,
                title="Tỉnh",
                class_=BroadcastClass.EMERGENCY,
                targets=Targets(all=True),
                clip_id="tin-tinh",
                times=times if code == "4" else b"",
            )
            add_bulletin(session, COMMUNE, bulletin, now)
    for number, class_ in ("1", "emergency"), ("2", "normal"):
        assert office.post("/timetable", programme_id=number, **DAILY, **{"class": class_}) == 303
    return office


def rows(office: Office) -> dict[str, list[dict[str, Any]]]:
    with office.database.session() as session:
        return {
            table.__name__: [dict(row._mapping) for row in session.connection().execute(table.__table__.select())]  # type: ignore[attr-defined]
            for table in TABLES
        }


def first_item(office: Office) -> str:
    with office.database.session() as session:
        return items_of(session, 1)[0].key


def sounding(office: Office) -> str:
    with office.database.session() as session:
        query = select(Broadcast).where(col(Broadcast.withdrawn_at).is_(None)).order_by(col(Broadcast.starts_at))
        return session.exec(query).all()[0].id


def let_another_take_its_place(office: Office) -> None:
    """As the ingest leaves a recording that was replaced."""
    with office.database.writing() as session:
        add_clip(session, "moi", 30, now=office.clock.now())
        old = clip(session, "bao-bao")
        old.replaced_by, old.retired_at, old.replaced_in = "moi", office.clock.now(), "[]"
        session.add(old)
        for item in session.exec(select(ProgrammeItem).where(ProgrammeItem.clip_id == "bao-bao")):
            item.clip_id = "moi"
            session.add(item)


def schedule_form(number: int, programme: int, class_: str) -> dict[str, str]:
    return {**DAILY, "number": str(number), "programme_id": str(programme), "class": class_, "times": "06:00"}


MOVE = {"from_day": "2026-11-25", "from_time": "06:00", "to_day": "2026-11-25", "to_time": "09:00"}
ON_AIR = {"what": "clip bao-bao", "where": "all", "class": "emergency"}
NOW = {"clip": "bao-bao", "targets": {"all": True}, "class": "emergency"}
RULE = {"programme": 2, "repeat": "daily", "times": ["05:00"], "from_day": "2026-11-25", "targets": {"all": True}}
NAMED = {"title": "Khác", "language": "vi", "field": "1"}

#: door and action → the request, and what the chair is answered. Each leaves what the next ones need.
ACTIONS: dict[str, tuple[Callable[[Visitor], int], int]] = {
    "page: add": (lambda v: v.page("/timetable", **schedule_form(0, 2, "emergency")), 303),
    "page: change": (lambda v: v.page("/timetable", **schedule_form(1, 1, "emergency")), 303),
    "page: change to a normal one": (lambda v: v.page("/timetable", **schedule_form(1, 1, "normal")), 303),
    "page: change a normal one": (lambda v: v.page("/timetable", **schedule_form(1, 1, "emergency")), 303),
    "page: move": (lambda v: v.page("/timetable/1/move", **MOVE), 303),
    "page: copy": (lambda v: v.page("/timetable/copy", from_day="2026-11-25", to_day="2026-11-26"), 303),
    "page: pause": (lambda v: v.page("/timetable/1/pause", paused="1"), 303),
    "page: resume": (lambda v: v.page("/timetable/1/pause", paused="0"), 303),
    "page: remove": (lambda v: v.page("/timetable/1/retire"), 303),
    "page: restore": (lambda v: v.page("/timetable/1/restore"), 303),
    "page: put on air": (lambda v: v.page("/put-on-air", **ON_AIR), 303),
    "page: stop": (lambda v: v.page(f"/broadcasts/{sounding(v.office)}/stop"), 303),
    "page: rename its programme": (lambda v: v.page("/programmes/1", title="Báo bão 2"), 303),
    "page: add to its programme": (lambda v: v.page("/programmes/1/items", what="clip ban-tin"), 303),
    "page: order in its programme": (lambda v: v.page(f"/programmes/1/items/{first_item(v.office)}/down"), 303),
    "page: remove from its programme": (lambda v: v.page(f"/programmes/1/items/{first_item(v.office)}/remove"), 303),
    "page: bulletin into its programme": (lambda v: v.page("/province/inbox/1/programme", programme="1"), 303),
    "page: remove its programme": (lambda v: v.page("/programmes/1/retire", asked="1"), 303),
    "page: restore its programme": (lambda v: v.page("/programmes/1/restore"), 303),
    "page: rename its recording": (lambda v: v.page("/clips/bao-bao", **NAMED), 303),
    "page: remove its recording": (lambda v: v.page("/clips/bao-bao/retire"), 303),
    "page: restore its recording": (lambda v: v.page("/clips/bao-bao/restore"), 303),
    "page: replace its recording": (lambda v: v.replacement("/clips/upload", name="moi.wav"), 200),
    "page: replace it without script": (lambda v: v.replacement("/clips", **NAMED), 303),
    "page: put a bulletin on air": (lambda v: v.page("/province/inbox/2/put-on-air"), 303),
    "page: make a programme of a bulletin": (lambda v: v.page("/province/inbox/3/programme"), 303),
    "page: put a bulletin on the timetable": (lambda v: v.page("/province/inbox/4/timetable"), 303),
    "page: decline a bulletin": (lambda v: v.page("/province/inbox/5/decline", reason="Đã phát"), 303),
    "api: replace its recording": (lambda v: v.replacement("/api/v1/clips", name="moi.wav"), 202),
    "api: add": (lambda v: v.api("POST", "/schedules", RULE | {"class": "emergency"}), 201),
    "api: put on air": (lambda v: v.api("POST", "/broadcasts", NOW), 201),
    "api: stop": (lambda v: v.api("POST", f"/broadcasts/{sounding(v.office)}/stop"), 200),
    "import: add": (lambda v: v.table("17:00;1/12/2026;khẩn cấp"), 200),
    "import: change": (lambda v: v.table("18:00;1/12/2026;khẩn cấp"), 200),
    "import: change to a normal one": (lambda v: v.table("18:00;1/12/2026;thường"), 200),
    "import: change a normal one": (lambda v: v.table("18:00;1/12/2026;khẩn cấp"), 200),
    "calendar: change": (lambda v: v.calendar("10"), 200),
    "calendar: cancel": (lambda v: v.calendar("10", "CANCELLED"), 200),
    "page: restore what a calendar cancelled": (lambda v: v.page("/timetable/1/restore"), 303),
    "api: remove": (lambda v: v.api("DELETE", "/schedules/1"), 204),
}


def test_whatever_touches_an_emergency_needs_the_right_to_emergencies(office: Office) -> None:
    others = [Visitor(office, Guest(office, role)) for role in (Role.VIEWER, Role.TECHNICIAN, Role.OPERATOR)]
    chair = Visitor(office, Guest(office, Role.CHAIR))
    for action, (ask, done) in ACTIONS.items():
        before = rows(office)
        for visitor in others:
            assert ask(visitor) == 403, action
            assert rows(office) == before, action
        assert ask(chair) == done, action
        assert rows(office) != before, action


def test_a_replaced_recording_that_an_emergency_played_is_restored_by_the_chair_alone(office: Office) -> None:
    let_another_take_its_place(office)
    assert Guest(office, Role.OPERATOR).post("/clips/bao-bao/restore") == 403
    assert Guest(office, Role.CHAIR).post("/clips/bao-bao/restore") == 303


def test_what_no_emergency_plays_is_the_operators_to_change(office: Office) -> None:
    operator = Guest(office, Role.OPERATOR)
    assert operator.post("/programmes/2", title="Bản tin 2") == 303
    assert operator.post("/clips/ban-tin", **NAMED) == 303
    assert office.post("/timetable/1/retire") == 303
    assert operator.post("/programmes/1", title="Cũ") == 303
