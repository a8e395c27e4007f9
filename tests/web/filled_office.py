"""An office in which every page has something to show: for tests and pictures that look at all pages."""

import json
import re
from dataclasses import replace
from datetime import date, time, timedelta
from pathlib import Path

from alerts.templates import EndKind
from broadcast.planning import put_on_air
from broadcast.programmes import Item, ItemKind, add_programme
from demo.sites import OUTLINE
from devices import faults
from devices.outlines import read_outline, set_outline
from devices.positions import Position, place_receiver
from devices.telemetry import TelemetryHistory
from noise.noise_rules import set_rules
from people.operators import add_operator, appoint
from people.passwords import OneTimePassword
from people.rights import Role
from province.bulletins import NewBulletin, add_bulletin
from runtime.clock import ManualClock
from runtime.database import Database
from schedules.recurrence import Repeat, Rule
from schedules.timetable import add_schedule
from tests.alerts.watch_room import STORM, make_book_ready
from tests.broadcast.studio import ALL, add_clip
from tests.cap.alert_commune import keep_alert
from tests.cast import COMMUNE, LAN
from tests.mergers.county import County
from tests.web.office import Office
from tests.web.test_merger_pages import Wizard
from tests.web.test_proof_pages import hear, proved
from usecases.emergencies import end_emergency, request_emergency
from web.request_context import COMMUNE_COOKIE
from wire.allowed_hours import AllowedHours
from wire.broadcasts import BroadcastClass
from wire.reports import Link, Supply

PLACES = [Position(19.8720, 105.6800), Position(19.8720, 105.6830), Position(19.8650, 105.6700)]


class FilledOffice(Office):
    """Five receivers, a week of schedules, broadcasts that were played and are playing, a merger and a bulletin."""

    def __init__(self, database: Database, clock: ManualClock, folder: Path) -> None:
        super().__init__(database, clock, folder)
        self.add_receivers(5)
        self.post("/relays", name="VOV1", addresses="https://radio.example.vn/vov1.mp3")
        self.post("/cap/sources", name="Đài Khí tượng Thủy văn tỉnh", kind="post")
        with database.writing() as session:
            keep_alert(session, COMMUNE, 1, clock.now())
        self.broadcast = proved(self)
        self._meter()
        self._plan()
        County(clock, database)
        make_book_ready(database)
        self.merger = self._merge()
        self.browser.cookies.set(COMMUNE_COOKIE, COMMUNE)
        self.post("/measure", one="loa-0", other="loa-1")
        with database.writing() as session:
            add_clip(session, "storm", 600, now=clock.now())
            put_on_air(
                session,
                COMMUNE,
                targets=ALL,
                class_=BroadcastClass.PRIORITY,
                now=clock.now(),
                by="lan",
                clip_id="storm",
            )
        clock.advance(seconds=60)
        order = replace(STORM, is_drill=True)
        drill = request_emergency(self.deps.desk, LAN, COMMUNE, order)
        end_emergency(self.deps.desk, LAN, COMMUNE, drill.id, EndKind.CANCEL)
        self.alert = f"/emergency/alerts/{drill.id}"

    def _meter(self) -> None:
        history = TelemetryHistory()
        for _ in range(12):
            supply = Supply(mains_v=228.0, battery_v=12.6, on_battery=False)
            link = Link(signal_dbm=-73, operator="Viettel", sim="ready")
            hear(self, history, supply=supply, link=link, temperature_c=51.0)
            self.clock.advance(timedelta(minutes=5))

    def _plan(self) -> None:
        now = self.clock.now()
        with self.database.writing() as session:
            border = {"type": "Polygon", "coordinates": [[*OUTLINE, OUTLINE[0]]]}
            set_outline(session, COMMUNE, read_outline(json.dumps(border).encode()))
            for k, place in enumerate(PLACES):
                place_receiver(session, f"loa-{k}", place)
            for builtin in ("opening_chime", "closing_chime"):
                add_clip(session, builtin, 4, now=now, builtin=builtin)
            items = [Item(ItemKind.OPENING_CHIME), Item(ItemKind.CLIP, "bulletin"), Item(ItemKind.CLOSING_CHIME)]
            programme = add_programme(session, COMMUNE, "Bản tin sáng", items, now=now).number
            for hour in (5, 17):
                add_schedule(
                    session,
                    COMMUNE,
                    programme_id=programme,
                    rule=Rule(repeat=Repeat.DAILY, times=[time(hour)], from_day=date(2026, 1, 1)),
                    targets=ALL,
                    class_=BroadcastClass.NORMAL,
                    now=now,
                    by="lan",
                )
            hours = [AllowedHours(weekdays=list(range(7)), from_minute=300, until_minute=1260)]
            set_rules(session, COMMUNE, "", hours=hours, minutes_a_day=95)
            faults.note(session, "loa-1", "card", present=True, at=now, detail="")
            faults.note(session, "loa-2", faults.LINK, present=True, at=now, detail="")
            head, _ = add_operator(session, "hoa", now, OneTimePassword("mot-lan-1234", "x"))
            appoint(session, head.id or 0, COMMUNE, Role.VIEWER)
            bulletin = NewBulletin(
                code="T-1", title="Tin bão số 9", class_=BroadcastClass.PRIORITY, targets=ALL, clip_id="bulletin"
            )
            add_bulletin(session, COMMUNE, bulletin, now)

    def _merge(self) -> str:
        """Merges two other communes through the pages. Gives the merger's address."""
        return Wizard(self).rehearse().confirm().location

    def addresses(self) -> list[str]:
        """Every page of a signed-in operator, each with something on it."""
        measurement = re.search(r'href="(/measure/[^"/]+)"', self.browser.get("/measure").text)
        return [
            "/",
            "/emergency",
            "/emergency/drill",
            "/emergency/messages",
            self.alert,
            "/put-on-air",
            "/speak",
            "/stop-everything",
            "/read-aloud",
            "/cap",
            "/cap/sources",
            "/cap/sources/1",
            "/relays",
            "/relays/1",
            "/trust",
            "/clips",
            "/clips/bulletin",
            "/programmes",
            "/programmes/1",
            "/timetable",
            "/timetable?month_of=2026-01-01",
            "/timetable/new",
            "/timetable/1",
            "/receivers",
            "/receivers/new",
            "/receivers/loa-1",
            "/map",
            "/stations",
            "/faults",
            "/measure",
            *([measurement[1]] if measurement else []),
            "/play-log",
            f"/play-log/{self.broadcast}",
            "/why",
            "/why?receiver=loa-3",
            "/zones",
            "/zones/thon-1",
            "/settings",
            "/removed",
            "/volumes",
            "/allowed-hours",
            "/allowed-hours/commune",
            "/import",
            "/province",
            "/province/inbox",
            "/province/send",
            "/mergers",
            "/mergers/new",
            "/mergers/split",
            self.merger,
            "/operators",
            "/operators/new",
            "/operators/2",
            "/operators/1/profile",
            "/audit",
            "/first-steps",
            "/settings",
            "/zones",
            "/zones/thon-1",
            "/removed",
            "/password",
            "/nowhere",
        ]
