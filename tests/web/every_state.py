"""An office with each kind of thing in each of its states, beside another commune, for tests that walk all forms."""

import json
import re
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any

from fastapi.routing import APIRoute, iter_route_contexts
from sqlalchemy import literal, literal_column, update
from sqlmodel import SQLModel, select

from acoustics.delay_measurements import begin, keep_offset
from alerts.alert_sms import AlertSms
from broadcast.broadcasts import Broadcast
from broadcast.clips import Clip
from broadcast.planning import put_on_air
from broadcast.programmes import Item, ItemKind, Programme, add_programme, programme
from broadcast.relay_sources import add_relay_source
from broadcast.retirement import retire
from cap.sources import SourceSettings, add_cap_source
from devices import faults
from devices.faults import Fault
from devices.outlines import set_outline
from devices.receivers import Receiver, change_receiver
from devices.stations import Station, StationKind, add_station
from devices.zones import Zone, add_zone
from mergers.plans import Merge
from notifications.rules import NotificationRule
from people.operators import add_operator, appoint
from people.rights import Role
from province.bulletins import NewBulletin, add_bulletin
from runtime.clock import ManualClock
from runtime.clock_steps import ClockStep, StepState
from runtime.database import Database
from schedules.schedules import Schedule
from speech.orders import SpeechOrder
from speech.pronunciations import remember
from tests.alerts.test_alert_sms import Gateway
from tests.alerts.watch_room import STORM, make_book_ready
from tests.broadcast.studio import ALL, add_clip
from tests.cap.alert_commune import keep_alert
from tests.cast import COMMUNE, LAN
from tests.mergers.county import CHINH, HIEN, County
from tests.web.office import PASSWORD, Office
from usecases.actors import Actor
from usecases.emergencies import request_emergency
from wire.broadcasts import BroadcastClass, Targets

DAILY = {"programme_id": "1", "repeat": "daily", "times": "05:00", "from_day": "2026-11-25", "where": "all"}
#: The other commune, itself made by a merger; its receivers, zones and clips begin with the name of the former one.
OTHER, FORMER = "thieu-hoa", CHINH
TABLES = {
    "receivers": "Tên cụm loa;IMEI;Thôn;Loại\nCụm chợ;8675;Thôn 2;có dây\n",
    "schedules": "Chương trình;Giờ;Lặp lại\nBản tin sáng;05:00;hằng ngày\n",
    "operators": "Tên đăng nhập;Vai trò\nhoa;operator\n",
}
SIMPLE_PAGES = (
    "/stop-everything",
    "/emergency",
    "/emergency/drill",
    "/emergency/messages",
    "/audit",
    "/clips",
    "/faults",
    "/first-steps",
    "/import",
    "/measure",
    "/mergers",
    "/mergers/new",
    "/mergers/split",
    "/allowed-hours",
    "/operators",
    "/operators/new",
    "/play-log",
    "/programmes",
    "/province",
    "/province/inbox",
    "/province/send",
    "/put-on-air",
    "/read-aloud",
    "/map",
    "/map/rows",
    "/map/echoes",
    "/receivers",
    "/receivers/new",
    "/timetable",
    "/timetable/new",
    "/stations",
    "/why",
    "/settings",
    "/volumes",
    "/zones",
    "/zones/thon-1",
    "/zones/thon-cu",
    "/cap",
    "/cap/sources",
    "/cap/sources/1",
    "/cap/sources/2",
    "/relays",
    "/relays/1",
    "/relays/1/on-air",
    "/relays/2",
    "/removed",
    "/receivers/loa-3",
    "/programmes/1/retire",
    "/password",
)
#: Columns with text that people or other systems give, and that some page shows.
TEXTS = {
    "audit_entry": ("by", "commune_name", "detail"),
    "broadcast": ("title", "planned_by", "stopped_by"),
    "cap_alert": ("sender", "event", "sender_name", "area", "decided_by"),
    "cap_source": ("name", "address"),
    "clip": ("title", "original_name", "uploaded_by"),
    "clock_step": ("answered_by",),
    "commune": ("name",),
    "delaymeasurement": ("asked_by", "taken_by"),
    "emergency_alert": ("text", "requested_by", "source", "break_glass_reason"),
    "fault": ("detail", "acknowledged_by"),
    "import_file": ("file_name", "uploaded_by"),
    "merger": ("name", "by"),
    "operator": ("name", "full_name", "phone", "email"),
    "programme": ("title", "created_by"),
    "pronunciation": ("typed", "spoken"),
    "province": ("name",),
    "provincebulletin": ("code", "title", "summary", "sender", "why"),
    "provincelink": ("base_url", "own_code", "own_name", "province_code", "province_name"),
    "receiver": ("name", "place"),
    "relay_source": ("name",),
    "schedule": ("title", "created_by"),
    "selftestpart": ("detail", "why"),
    "station": ("name", "maker", "former_commune"),
    "telemetrysample": ("operator",),
    "zone": ("name",),
}


HOA = replace(LAN, name="hoa")


class EveryState(Office):
    """imports: addresses of previews of uploaded tables. foreign: by kind, the id of a thing of the other commune."""

    def __init__(self, database: Database, clock: ManualClock, folder: Path) -> None:
        super().__init__(database, clock, folder)
        self.deps.desk.sms = AlertSms(database, self.journal, clock, Gateway(), away=lambda _now: ["loa-1"])
        self.browser.cookies.set("loa_commune", COMMUNE)
        self.add_receivers(4)
        self._add_sound()
        with database.writing() as session:
            hoa, _ = add_operator(session, "hoa", clock.now())
            appoint(session, hoa.number, COMMUNE, Role.OPERATOR)
            retired, _ = add_operator(session, "cu", clock.now())
            appoint(session, retired.number, COMMUNE, Role.VIEWER)
            retired.retired_at = clock.now()
            session.add(NotificationRule(operator_id=1, webhook=True, webhook_url="https://loa.example/tin"))
            add_station(session, COMMUNE, StationKind.IP, "Cụm IP")
            add_zone(session, COMMUNE, "thon-cu", "Thôn cũ")
            set_outline(session, COMMUNE, json.dumps({"type": "MultiPolygon", "coordinates": []}))
            for fault, is_present in (("card", True), ("power", True), ("power", False)):
                faults.note(session, "loa-1", fault, present=is_present, at=clock.now(), detail="thẻ nhớ")
            for station in ("VOV1", "Đài tỉnh"):
                faults.note_of_commune(session, COMMUNE, "relay", station, present=True, at=clock.now())
            faults.note_of_commune(session, COMMUNE, "relay", "Đài tỉnh", present=False, at=clock.now())
            change_receiver(session, "loa-1", alert_phone="+84912345671")
            for state in (StepState.ASKED, StepState.TAKEN):
                session.add(ClockStep(before_at=clock.now(), after_at=clock.now() + timedelta(days=5), state=state))
        self.measurements = [self._measured() for _ in range(2)]
        assert self.post(f"/measure/{self.measurements[0]}/take") == 303
        assert self.post("/faults/loa-1/power/acknowledge") == 303
        with database.session() as session:
            mended = session.exec(select(Fault.id).where(Fault.subject == "Đài tỉnh")).one()
        assert self.post(f"/commune-faults/{mended}/acknowledge") == 303
        for changed in ({}, {"times": "06:00"}, {"times": "07:00"}):
            assert self.post("/timetable", **{**DAILY, "class": "normal", **changed}) == 303
        assert self.post("/timetable/2/pause", paused="1") == 303
        assert self.post("/timetable/3/retire") == 303
        assert self.post("/zones/thon-cu/retire") == 303
        assert self.post("/receivers/loa-3/retire") == 303
        words = {"piece": "TT", "spoken": "thị trấn"}
        answer = self.browser.post("/read-aloud/correct", data={**words, "form_token": self.form_token})
        assert answer.status_code == 200
        speech = {"title": "Mời họp", "text": "Mời bà con họp.", "voice": "espeak:vi"}
        assert self.post("/read-aloud", **speech) == 303
        for name in ("VOV1", "Đài tỉnh"):
            assert self.post("/relays", name=name, addresses="https://station.example/live.mp3") == 303
        assert self.post("/relays/2/retire") == 303
        for name in ("Đài KTTV", "Nguồn cũ"):
            assert self.post("/cap/sources", name=name, kind="post") == 303
        assert self.post("/cap/sources/2/retire") == 303
        with database.writing() as session:
            keep_alert(session, COMMUNE, 1, clock.now())
            keep_alert(session, COMMUNE, 1, clock.now(), identifier="VN-2", state="started")
            keep_alert(session, COMMUNE, 1, clock.now(), identifier="VN-3", state="cancelled")
        now = {"what": "programme 1", "where": "all", "class": "normal"}
        assert self.post("/put-on-air", **now) == 303
        clock.advance(seconds=60)
        link = {"profile": "chuan", "base_url": "https://tinh.example", "own_code": "xa-01", "own_name": "Xã"}
        assert self.post("/province", **link) == 303
        self.alerts = [self._prepared(actor, f"{k}") for k, actor in enumerate((LAN, HOA))]
        assert self.post(f"{self.alerts[0]}/alone", password=PASSWORD, reason="Không gọi được ai cả") == 303
        self.alerts.append(self._prepared(LAN, "2"))
        self.imports = [self._uploaded(kind, table) for kind, table in TABLES.items()]
        County(clock, database).merge(Merge(sources=(CHINH, HIEN), into=OTHER, name="Xã Thiệu Hóa"))
        self.foreign = self._foreign_things()
        with database.session() as session:
            self.broadcasts = list(session.exec(select(Broadcast.id).where(Broadcast.commune_id == COMMUNE)))

    def pages(self) -> list[str]:
        """Every page and part of a page, with each kind of thing that it shows."""
        seen = [f"/measure/{number}" for number in self.measurements]
        shown = [f"/play-log/{number}" for number in self.broadcasts]
        things = ["/clips/{}", "/programmes/{}", "/timetable/{}", "/operators/{}", "/operators/{}/profile"]
        ids: dict[str, list[Any]] = {
            "/clips/{}": ["ban-tin", "cu", "du-phong"],
            "/timetable/{}": [1, 2, 3],
            "/operators/{}": [1, 2, 3],
        }
        paths = [path.format(number) for path in things for number in ids.get(path, [1, 2])]
        return [
            "/",
            *SIMPLE_PAGES,
            *paths,
            *seen,
            *shown,
            *self.imports,
            *self.alerts,
            "/timetable/1/move?from_day=2026-11-26&from_time=05:00&to_day=2026-11-26&to_time=06:30",
            "/receivers/loa-1",
            "/receivers/loa-0",
            "/map?receiver=loa-1",
            "/map/receivers/loa-1",
            "/map/receivers/loa-1/now",
            "/allowed-hours/commune",
            "/allowed-hours/thon-1",
            "/mergers/1",
        ]

    def addresses(self) -> list[tuple[str, str]]:
        """Of the routes that change something: a pattern for its path, and the path with {} for each thing."""
        found = []
        for context in iter_route_contexts(self.app.routes):
            route = context.original_route
            if isinstance(route, APIRoute) and "POST" in route.methods:
                pattern = re.sub(r"{[^}]*}", "[^/]+", route.path)
                found.append((pattern, re.sub(r"{(?!action})[^}]*}", "{}", route.path)))
        return sorted(found, key=lambda pair: pair[0].count("[^/]+"))

    def mark(self, text: str) -> None:
        """Write a text into each column that holds words of people or other systems, the row number behind it."""
        with self.database.writing() as session:
            for name, columns in TEXTS.items():
                table = SQLModel.metadata.tables[name]
                for column in columns:
                    marked = literal(text).concat(literal_column("rowid"))
                    session.connection().execute(update(table).values({column: marked}))

    def _add_sound(self) -> None:
        with self.database.writing() as session:
            now = self.clock.now()
            for clip_id in ("ban-tin", "cu", "du-phong"):
                add_clip(session, clip_id, 600, now=now)
            add_clip(session, "nhac", 12, now=now)
            for chime in ("opening_chime", "closing_chime"):
                add_clip(session, chime, 4, now=now, builtin=chime)
            session.get_one(Clip, "closing_chime").uploaded_by = "lan"
            items = [Item(ItemKind.CLIP, "ban-tin"), Item(ItemKind.CLIP, "du-phong")]
            for title in ("Bản tin sáng", "Bản tin cũ"):
                add_programme(session, COMMUNE, title, items, now=now)
            retire(session, programme(session, 2), now)
            retire(session, session.get_one(Clip, "cu"), now)
            for number, class_ in enumerate((BroadcastClass.PRIORITY, BroadcastClass.PRIORITY, BroadcastClass.NORMAL)):
                targets = Targets(all=True)
                new = NewBulletin(f"{number}", f"Tin {number}", class_=class_, targets=targets, clip_id="ban-tin")
                add_bulletin(session, COMMUNE, new, now)

    def _prepared(self, actor: Actor, key: str, commune_id: str = COMMUNE) -> str:
        make_book_ready(self.database, commune_id)
        order = replace(STORM, request_key=key)
        return f"/emergency/alerts/{request_emergency(self.deps.desk, actor, commune_id, order).id}"

    def _foreign_things(self) -> dict[str, Any]:
        with self.database.writing() as session:
            now, found = self.clock.now(), {}
            for table in (Receiver, Clip, Programme, Schedule, Station, Zone):
                kind = str(table.__tablename__)
                query = select(table).where(table.commune_id == OTHER, getattr(table, "retired_at", None) == None)  # noqa: E711
                found[kind] = [row.id for row in session.exec(query)]
            addresses = ["https://station.example/other.mp3"]
            source = add_cap_source(session, OTHER, SourceSettings("Nguồn xã khác", "post"), [])
            relay = add_relay_source(session, OTHER, name="Đài xã khác", addresses=addresses)
            person, _ = add_operator(session, "la", now)
            appoint(session, person.number, OTHER, Role.OPERATOR)
            new = NewBulletin("x", "Tin", class_=BroadcastClass.NORMAL, targets=ALL, clip_id="ban-tin")
            aired = put_on_air(
                session,
                OTHER,
                targets=ALL,
                class_=BroadcastClass.NORMAL,
                now=now,
                by="la",
                programme_id=found["programme"][0],
            )
            one, other = found["receiver"][:2]
            things = {kind: ids[0] for kind, ids in found.items()} | {
                "operator": person.number,
                "bulletin": add_bulletin(session, OTHER, new, now).number,
                "broadcast": aired.id,
                "relay": relay.number,
                "cap_source": source.number,
                "cap_alert": keep_alert(session, OTHER, source.number, now).number,
                "measurement": begin(session, OTHER, one, other, now=now, by="la").id,
                "pronunciation": remember(session, OTHER, "TT", "thị trấn", now, "la").id,
            }
            faults.note(session, one, "card", present=True, at=now, detail="")
        order = SpeechOrder("Tin.", "espeak:vi")
        things["alert"] = self._prepared(LAN, "x", OTHER).rpartition("/")[2]
        things["text"] = self.deps.speech.begin(OTHER, "Tin", order, by="la", field=1, replaces=None)
        self.browser.cookies.set("loa_commune", OTHER)
        things["import"] = self._uploaded("receivers", TABLES["receivers"]).rpartition("/")[2]
        self.browser.cookies.set("loa_commune", COMMUNE)
        return things

    def _measured(self) -> str:
        with self.database.writing() as session:
            now = self.clock.now()
            measurement = begin(session, COMMUNE, "loa-0", "loa-1", now=now, by="lan")
            keep_offset(
                session, measurement.id, heard_offset_us=120_000, error_us=100, agreeing=6, clipped=False, now=now
            )
            return measurement.id

    def _uploaded(self, kind: str, table: str) -> str:
        files = {"file": (f"{kind}.csv", table.encode())}
        answer = self.browser.post(f"/import/{kind}", data={"form_token": self.form_token}, files=files)
        assert answer.status_code == 303, answer.text
        return answer.headers["location"]
