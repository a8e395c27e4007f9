"""Two communes side by side, as a merger finds them: their own stations, zones, sound, timetable and people."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import date, time, timedelta
from typing import Any

from sqlmodel import Session, SQLModel, col, select

from broadcast.broadcasts import Broadcast
from broadcast.clips import Clip, ClipRendition
from broadcast.config_parts import config_parts
from broadcast.planning import put_on_air
from broadcast.programmes import Item, ItemKind, Programme, ProgrammeItem, add_programme
from broadcast.transmitter import Transmitter
from devices.communes import add_commune
from devices.downlink import Downlink
from devices.receivers import Receiver
from devices.stations import StationKind, add_station
from devices.zones import add_zone, set_zones
from loa.merger_hooks import MERGER_HOOKS
from mergers.handover import Handover
from mergers.mergers import merge
from mergers.plans import Merge, MergerResult, Plan, Rehearsal
from mergers.rehearsals import rehearse
from mergers.undoing import undo
from people.operators import Operator, OperatorCommune
from people.rights import Role
from runtime.clock import ManualClock
from runtime.database import Database
from schedules.recurrence import Repeat, Rule
from schedules.slot_planning import plan as plan_slots
from schedules.timetable import add_schedule
from tests.broadcast.studio import KEY
from tests.cast import MORNING
from tests.fakes.broker import FakeBroker
from wire.broadcasts import BroadcastClass, Targets

CHINH, HIEN, TRUNG = "thieu-chinh", "hau-hien", "thieu-trung"
NAMES = {CHINH: "Xã Thiệu Chính", HIEN: "Xã Hậu Hiền", TRUNG: "Xã Thiệu Trung"}
#: Both of these communes become a new one.
BOTH = Merge(sources=(CHINH, HIEN), into=TRUNG, name="Xã Thiệu Trung")
ALL = Targets(all=True)
AHEAD = timedelta(hours=48)


@dataclass
class County:
    """Thiệu Chính (wired) and Hậu Hiền (FM), each with two receivers in two zones, and a morning bulletin at 05:30."""

    clock: ManualClock
    database: Database
    broker: Any = field(default_factory=FakeBroker)
    programmes: dict[str, int] = field(default_factory=dict)
    schedules: dict[str, int] = field(default_factory=dict)
    stations: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.downlink = Downlink(self.broker, KEY, self.clock, media_base="http://media/", config_parts=config_parts)
        self.transmitter = Transmitter(self.database, self.downlink, self.clock)
        self.handover = Handover(self.database, self.downlink, self.transmitter, self.clock)
        with self.database.writing() as session:
            for commune_id, kind in ((CHINH, StationKind.WIRED), (HIEN, StationKind.FM)):
                self.commune(session, commune_id, kind)

    def commune(self, session: Session, commune_id: str, kind: StationKind) -> None:
        add_commune(session, commune_id, NAMES.get(commune_id, commune_id), province="Thanh Hóa")
        self.stations[commune_id] = add_station(
            session, commune_id, kind, f"Đài {NAMES.get(commune_id, commune_id)}"
        ).number
        for number in (1, 2):
            zone = f"{commune_id}-thon-{number}"
            add_zone(session, commune_id, zone, f"Thôn {number}")
            self.receiver(session, commune_id, f"{commune_id}-loa-{number}", [zone])
        for clip_id, seconds, builtin in (
            ("in", 4, "opening_chime"),
            ("out", 3, "closing_chime"),
            ("news", 60, ""),
            ("music", 30, ""),
        ):
            self.clip(session, commune_id, f"{commune_id}-{clip_id}", seconds, builtin)
        chimes = [Item(ItemKind.OPENING_CHIME), Item(ItemKind.CLIP, f"{commune_id}-news"), Item(ItemKind.CLOSING_CHIME)]
        now = self.clock.now()
        made = add_programme(session, commune_id, f"Bản tin {NAMES.get(commune_id, commune_id)}", chimes, now=now)
        self.programmes[commune_id] = made.number
        self.schedules[commune_id] = self.schedule(session, commune_id, time(5, 30))

    def receiver(self, session: Session, commune_id: str, receiver_id: str, zones: list[str]) -> None:
        session.add(
            Receiver(
                id=receiver_id,
                commune_id=commune_id,
                station_id=self.stations[commune_id],
                name=receiver_id,
                public_key="",
                broker_hash="",
                created_at=self.clock.now(),
            )
        )
        session.flush()
        set_zones(session, receiver_id, commune_id, zones)

    def clip(self, session: Session, commune_id: str, clip_id: str, seconds: float, builtin: str = "") -> None:
        digest = clip_id.encode().hex().rjust(64, "0")[-64:]
        session.add(
            Clip(
                id=clip_id,
                commune_id=commune_id,
                title=clip_id,
                original_name=f"{clip_id}.mp3",
                original_sha256=digest,
                original_bytes=1,
                uploaded_at=self.clock.now(),
                duration_us=round(seconds * 1e6),
                peaks=b"",
                builtin=builtin,
            )
        )
        session.flush()
        for codec in ("opus", "mp3"):
            session.add(ClipRendition(clip_id=clip_id, codec=codec, sha256=digest, bytes=5, extension=codec))
        session.flush()

    def schedule(self, session: Session, commune_id: str, at: time, targets: Targets = ALL) -> int:
        rule = Rule(repeat=Repeat.DAILY, times=[at], from_day=date(2026, 11, 1))
        return add_schedule(
            session,
            commune_id,
            programme_id=self.programmes[commune_id],
            rule=rule,
            targets=targets,
            class_=BroadcastClass.NORMAL,
            now=self.clock.now(),
        ).number

    def operator(self, session: Session, name: str, roles: dict[str, Role]) -> int:
        found = Operator(name=name, password_hash="", created_at=MORNING)
        session.add(found)
        session.flush()
        for commune_id, role in roles.items():
            session.add(OperatorCommune(operator_id=found.number, commune_id=commune_id, role=role))
        session.flush()
        return found.number

    def put_on_air(self, commune_id: str, targets: Targets = ALL) -> Broadcast:
        with self.database.writing() as session:
            return put_on_air(
                session,
                commune_id,
                targets=targets,
                class_=BroadcastClass.NORMAL,
                now=self.clock.now(),
                programme_id=self.programmes[commune_id],
            )

    def plan_ahead(self) -> None:
        plan_slots(self.database, self.clock.now(), AHEAD)

    def announce(self) -> None:
        while self.transmitter.announce_due():
            continue

    def rehearse(self, plan: Plan = BOTH, decisions: dict[str, str] | None = None) -> Rehearsal:
        with self.database.session() as session:
            return rehearse(session, plan, self.clock.now(), decisions, hooks=MERGER_HOOKS)

    def merge(self, plan: Plan = BOTH, decisions: dict[str, str] | None = None) -> MergerResult:
        seen = self.rehearse(plan, decisions)
        with self.database.writing() as session:
            return merge(
                session,
                plan,
                seen.suggested(decisions),
                self.clock.now(),
                "lan",
                fingerprint=seen.fingerprint,
                hooks=MERGER_HOOKS,
            )

    def undo(self, merger_id: int = 1, decisions: dict[str, str] | None = None) -> MergerResult:
        with self.database.writing() as session:
            return undo(session, merger_id, self.clock.now(), "lan", hooks=MERGER_HOOKS, decisions=decisions)

    def broadcasts(self, **wanted: Any) -> list[Broadcast]:
        with self.database.session() as session:
            return list(session.exec(select(Broadcast).filter_by(**wanted).order_by(Broadcast.starts_at, Broadcast.id)))


#: What people see of a commune, and what is the same when a merger was undone. Counters say nothing by themselves.
_PASSED_OVER = {"config_revision", "revision", "changed_at", "retired_at", "id"}


def picture(database: Database, kinds: Iterable[type[SQLModel]]) -> dict[str, list[str]]:
    """All live rows of tables, as text."""
    found = {}
    with database.session() as session:
        for kind in kinds:
            rows = [row.model_dump() for row in session.exec(select(kind))]
            if kind is ProgrammeItem:
                live = set(session.exec(select(Programme.id).where(col(Programme.retired_at).is_(None))))
                rows = [row for row in rows if row["programme_id"] in live]
            found[kind.__name__] = sorted(
                repr(
                    sorted(
                        (k, v) for k, v in row.items() if k not in _PASSED_OVER or (k == "id" and isinstance(v, str))
                    )
                )
                for row in rows
                if row.get("retired_at") is None
            )
    return found
