"""The next day planned and announced for 5,000 receivers in 100 communes. Prints one line of JSON.

    benchmarks/planning.py [COMMUNES] [RECEIVERS A COMMUNE] [SCHEDULES A COMMUNE]

SQLite and a real Mosquitto, as on one machine. `plan_s`: due instants to broadcasts in the table; `announce_s`: until
the broker has acknowledged every manifest; `configs_s`: every receiver's config sealed and sent. Memory: the resident
set of this process and of the broker afterwards.
"""

import json
import logging
import sys
import tempfile
import threading
import time
from datetime import time as time_of_day
from datetime import timedelta
from pathlib import Path

from sqlmodel import Session, SQLModel

from broadcast.clips import Clip, ClipRendition
from broadcast.programmes import Item, ItemKind, add_programme
from broadcast.transmitter import Transmitter
from devices.communes import add_commune
from devices.downlink import Downlink
from devices.enrolment import CONTROLLER_USER, acl_rows
from devices.receivers import Receiver, receivers
from devices.stations import StationKind, add_station
from devices.zones import ZoneMember, add_zone
from noise.noise_rules import set_rules
from runtime.broker import MqttBroker
from runtime.clock import ManualClock
from runtime.database import Database
from runtime.mosquitto import Mosquitto, hash_password
from schedules.recurrence import Repeat, Rule
from schedules.slots import plan
from schedules.timetable import add_schedule
from tests.cast import MORNING
from wire.allowed_hours import AllowedHours
from wire.broadcasts import BroadcastClass, Targets
from wire.sealing import SealingKey

LIMIT_S = 10.0
ZONES = 5


def fill(session: Session, commune_id: str, receivers_each: int, schedules_each: int) -> None:
    """A commune with zones, allowed hours, receivers, and a timetable of quarter hours."""
    add_commune(session, commune_id, commune_id)
    station = add_station(session, commune_id, StationKind.IP, "IP").number
    zones = [add_zone(session, commune_id, f"{commune_id}-thon-{k}", f"Thôn {k}").id for k in range(ZONES)]
    for k in range(receivers_each):
        session.add(
            Receiver(
                id=f"{commune_id}-{k}",
                commune_id=commune_id,
                station_id=station,
                name=f"Cụm {k}",
                public_key="",
                broker_hash="",
                created_at=MORNING,
            )
        )
    session.flush()
    session.add_all(
        ZoneMember(zone_id=zones[k % ZONES], receiver_id=f"{commune_id}-{k}") for k in range(receivers_each)
    )
    set_rules(
        session, commune_id, "", hours=[AllowedHours(weekdays=list(range(7)), from_minute=290, until_minute=1290)]
    )
    digest_clip(session, commune_id)
    items = [Item(ItemKind.CLIP, f"{commune_id}-clip")]
    programme = add_programme(session, commune_id, "Bản tin", items, now=MORNING).number
    for k in range(schedules_each):
        rule = Rule(
            repeat=Repeat.DAILY, times=[time_of_day(5 + k, 0), time_of_day(13 + k % 6, 30)], from_day=MORNING.date()
        )
        where = Targets(all=True) if k % 2 else Targets(zones=zones[:2])
        add_schedule(
            session,
            commune_id,
            programme_id=programme,
            rule=rule,
            targets=where,
            class_=BroadcastClass.NORMAL,
            now=MORNING - timedelta(days=1),
        )


def digest_clip(session: Session, commune_id: str) -> None:
    """A clip as the ingest leaves it, without its audio."""
    digest = commune_id.encode().hex().ljust(64, "0")[:64]
    session.add(
        Clip(
            id=f"{commune_id}-clip",
            commune_id=commune_id,
            title="Bản tin",
            original_name="a.mp3",
            original_sha256=digest,
            original_bytes=1,
            uploaded_at=MORNING,
            duration_us=900_000_000,
            peaks=b"",
        )
    )
    session.flush()
    for codec in ("opus", "mp3"):
        row = ClipRendition(clip_id=f"{commune_id}-clip", codec=codec, sha256=digest, bytes=5_400_000, extension=codec)
        session.add(row)
    session.flush()


def resident_mb(pid: int | str) -> float:
    """Resident set of a process, MB."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS"):
            return int(line.split()[1]) / 1024
    return 0.0


def main() -> None:
    """Exits with status 1 when a figure exceeds its limit."""
    logging.disable(logging.CRITICAL)
    asked = [int(word) for word in sys.argv[1:]]
    communes, receivers_each, schedules_each = [*asked, *[100, 50, 4][len(asked) :]]
    with tempfile.TemporaryDirectory() as name:
        folder, clock = Path(name), ManualClock(MORNING - timedelta(hours=1))
        database = Database(f"sqlite:///{folder / 'b.db'}")
        SQLModel.metadata.create_all(database.engine)
        for number in range(communes):
            with database.writing() as session:
                fill(session, f"xa-{number:03}", receivers_each, schedules_each)
        child = Mosquitto(folder / "broker", host="127.0.0.1", port=0, controller_user=CONTROLLER_USER, acl=acl_rows())
        child.set_accounts({CONTROLLER_USER: hash_password("benchmark only")})
        child.start()
        connected = threading.Event()
        broker = MqttBroker(child.controller_url, user=CONTROLLER_USER, password="benchmark only")  # noqa: S106
        broker.on_connected(connected.set)
        connected.wait(10)
        downlink = Downlink(broker, SealingKey(bytes(32)), clock, media_base="http://media/")
        transmitter = Transmitter(database, downlink, clock)
        began_s = time.perf_counter()
        planned = plan(database, clock.now(), timedelta(hours=24)).planned
        planned_s = time.perf_counter()
        announced = 0
        while announced < len(planned):
            announced += transmitter.announce_due()
        announced_s = time.perf_counter()
        idle_s = time.perf_counter()
        plan(database, clock.now(), timedelta(hours=24))
        idle_s = time.perf_counter() - idle_s
        configs_s = time.perf_counter()
        with database.session() as session:
            downlink.configure_all(session, receivers(session))
        configs_s = time.perf_counter() - configs_s
        figures = {
            "communes": communes,
            "receivers": communes * receivers_each,
            "broadcasts": len(planned),
            "plan_s": round(planned_s - began_s, 2),
            "announce_s": round(announced_s - planned_s, 2),
            "limit_s": LIMIT_S,
            "plan_again_s": round(idle_s, 2),
            "configs_s": round(configs_s, 2),
            "controller_mb": round(resident_mb("self"), 1),
            "broker_mb": round(resident_mb(child.pid or 0), 1),
        }
        broker.close()
        child.stop()
        database.close()
    print(json.dumps(figures))
    if figures["plan_s"] + figures["announce_s"] > LIMIT_S:
        sys.exit(f"more than {LIMIT_S:.0f} s")


if __name__ == "__main__":
    main()
