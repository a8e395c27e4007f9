"""Planning as a running controller does it: a filled SQLite folder, `loa serve`, and what an operator notices of it.

    python -m benchmarks.planning [--communes 100] [--receivers 100] [--schedules 10] [--rest-s 30] [--json]

receivers, schedules: of each commune. Each daily schedule has two instants a day.

`first_answer_s`: from the start of the process with nothing planned to the first answered request. `early_edit_ms`:
an edit during that planning. `plan_s`, `announce_s`: from the start until 48 h are planned, and until the broker has
acknowledged every manifest (the chimes of all communes are made meanwhile). `edit_ms`: median of a schedule added and
removed through the API, the larger of the two. `settle_s`: from the last edit to the last commit that it caused.
`rest_percent`: of one core after that, with nobody connected and no broadcast starting. `second_answer_s`:
a start where everything is planned. `…_cpu_s`, `…_cpu_ms`: processor time of the controller so far, of an edit with all
that runs beside it; less dependent on other load than wall time. Memory: resident sets at the end.
"""

import argparse
import json
import sqlite3
import statistics
import sys
import tempfile
import time
import urllib.request
from datetime import UTC, datetime
from datetime import time as time_of_day
from pathlib import Path
from typing import Any

import psutil
from sqlmodel import Session

from broadcast.clips import Clip, ClipRendition
from broadcast.programmes import Item, ItemKind, add_programme
from demo.browser import Browser
from demo.child_processes import ChildProcess
from demo.operator_tasks import sign_in
from devices.communes import add_commune
from devices.receivers import Receiver
from devices.stations import StationKind, add_station
from devices.zones import ZoneMember, add_zone
from loa.schema import open_database
from noise.noise_rules import set_rules
from people.operators import create_first_operator
from runtime.mosquitto import free_port, hash_password
from runtime.secret_files import Secrets
from runtime.settings import Settings
from schedules.recurrence import Repeat, Rule
from schedules.schedules import Schedule
from wire.allowed_hours import AllowedHours
from wire.broadcasts import BroadcastClass, Targets

import msgspec  # isort: skip

FIRST_ANSWER_LIMIT_S = 5.0
EDIT_LIMIT_MS = 150.0
REST_LIMIT_PERCENT = 3.0
PLAN_LIMIT_S = 20.0
ZONES = 5
EDITS = 15
#: The controller has no work left once it committed nothing for so long: every interval at which it plans is shorter.
SETTLED_S = 16.0


def fill(session: Session, commune_id: str, receivers: int, schedules: int, now: datetime, broker_hash: str) -> None:
    """A commune with zones, allowed hours, receivers, and a timetable of quarter hours."""
    add_commune(session, commune_id, commune_id)
    station = add_station(session, commune_id, StationKind.IP, "IP").number
    zones = [add_zone(session, commune_id, f"{commune_id}-thon-{k}", f"Thôn {k}").id for k in range(ZONES)]
    for k in range(receivers):
        session.add(
            Receiver(
                id=f"{commune_id}-{k}",
                commune_id=commune_id,
                station_id=station,
                name=f"Cụm {k}",
                public_key="",
                broker_hash=broker_hash,
                created_at=now,
            )
        )
    session.flush()
    session.add_all(ZoneMember(zone_id=zones[k % ZONES], receiver_id=f"{commune_id}-{k}") for k in range(receivers))
    set_rules(
        session, commune_id, "", hours=[AllowedHours(weekdays=list(range(7)), from_minute=290, until_minute=1290)]
    )
    add_clip(session, commune_id, now)
    items = [Item(ItemKind.CLIP, f"{commune_id}-clip")]
    programme_id = add_programme(session, commune_id, "Bản tin", items, now=now).number
    for k in range(schedules):
        times = [time_of_day(5 + k % 12, k // 12 % 60), time_of_day(13 + k % 6, 30)]
        session.add(
            Schedule(
                commune_id=commune_id,
                programme_id=programme_id,
                class_=BroadcastClass.NORMAL.value,
                rule=msgspec.json.encode(Rule(repeat=Repeat.DAILY, times=times, from_day=now.date())),
                targets=msgspec.json.encode(Targets(all=True) if k % 2 else Targets(zones=zones[:2])),
                created_at=now,
                changed_at=now,
            )
        )


def add_clip(session: Session, commune_id: str, now: datetime) -> None:
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
            uploaded_at=now,
            duration_us=900_000_000,
            peaks=b"",
        )
    )
    session.flush()
    for codec in ("opus", "mp3"):
        session.add(
            ClipRendition(clip_id=f"{commune_id}-clip", codec=codec, sha256=digest, bytes=5_400_000, extension=codec)
        )
    session.flush()


class Rig:
    """A filled data folder and the controller that runs on it."""

    def __init__(self, folder: Path, communes: int, receivers: int, schedules: int) -> None:
        self.settings = Settings(data_dir=folder / "data", http_port=free_port(), broker_port=free_port())
        database = open_database(self.settings)
        Secrets.load_or_create(self.settings.data_dir / "secrets")
        now, broker_hash = datetime.now(UTC), hash_password("benchmark only")
        with database.writing() as session:
            created = create_first_operator(session, now)
        assert created is not None  # noqa: S101
        self.operator, self.password = created
        for number in range(communes):
            with database.writing() as session:
                fill(session, f"xa-{number:03}", receivers, schedules, now, broker_hash)
        database.close()
        # A daily schedule has two instants on each of two days, wherever the 48 h begin.
        self.expected = communes * schedules * 4
        self.controller = ChildProcess(
            "controller",
            [
                *("serve", "--data", str(self.settings.data_dir)),
                *("--http-port", str(self.settings.http_port), "--broker-port", str(self.settings.broker_port)),
            ],
            folder / "controller.log",
        )

    def start(self) -> float:
        """Start the controller. Returns the seconds until it answers a request."""
        began_s = time.perf_counter()
        self.controller.start()
        self.process = psutil.Process(self.controller.pid)
        while True:
            try:
                with urllib.request.urlopen(f"{self.settings.base_url}/sign-in", timeout=600) as answer:  # noqa: S310
                    answer.read()
                    return time.perf_counter() - began_s
            except OSError:
                if not self.process.is_running() or self.process.status() == psutil.STATUS_ZOMBIE:
                    sys.exit(self.controller.log.read_text()[-2000:])
                time.sleep(0.02)

    def cpu_s(self) -> float:
        """Processor seconds of the controller so far, without its children."""
        times = self.process.cpu_times()
        return float(times.user + times.system)

    def count(self, query: str) -> int:
        """One number from the tables, read beside the controller."""
        connection = sqlite3.connect(self.settings.data_dir / "loa.db", timeout=60)
        try:
            return int(connection.execute(query).fetchone()[0])
        finally:
            connection.close()

    def wait_for(self, query: str, wanted: int) -> None:
        """Until the tables give at least this number."""
        while self.count(query) < wanted:
            time.sleep(0.1)

    def settle(self, rest_s: float) -> float:
        """Wait until the controller has no work left, and starts nothing within `rest_s`. Returns the seconds."""
        connection = sqlite3.connect(self.settings.data_dir / "loa.db", timeout=60, isolation_level=None)
        began_s = committed_s = time.perf_counter()
        try:
            version = None
            while time.perf_counter() - committed_s < SETTLED_S or self._starts_within(connection, rest_s):
                time.sleep(0.1)
                seen = connection.execute("PRAGMA data_version").fetchone()[0]
                if seen != version:
                    version, committed_s = seen, time.perf_counter()
        finally:
            connection.close()
        return committed_s - began_s

    @staticmethod
    def _starts_within(connection: sqlite3.Connection, seconds: float) -> bool:
        query = "SELECT count(*) FROM broadcast WHERE starts_at BETWEEN datetime('now') AND datetime('now', ?)"
        return bool(connection.execute(query, (f"{seconds + 5} seconds",)).fetchone()[0])

    def edits(self, browser: Browser, count: int) -> tuple[list[float], list[float]]:
        """A schedule added and removed, so many times. Returns the ms of each addition, and of each removal."""
        added_ms, removed_ms = [], []
        programme = browser.api("/programmes")[0]["programme"]
        for k in range(count):
            body = {
                "programme": programme,
                "repeat": "daily",
                "times": [f"{6 + k % 12:02}:45"],
                "from_day": f"{datetime.now(UTC):%Y-%m-%d}",
                "targets": {"all": True},
                "class": "normal",
            }
            began_s = time.perf_counter()
            schedule = browser.api("/schedules", body)
            added_ms.append((time.perf_counter() - began_s) * 1000)
            began_s = time.perf_counter()
            self.remove(browser, schedule["schedule"])
            removed_ms.append((time.perf_counter() - began_s) * 1000)
            if not schedule["broadcasts"]:
                sys.exit("an edit planned nothing")
        return added_ms, removed_ms

    def remove(self, browser: Browser, schedule_id: int) -> None:
        """Take a schedule off the timetable through the API."""
        url = f"{self.settings.base_url}/api/v1/schedules/{schedule_id}"
        request = urllib.request.Request(url, method="DELETE")  # noqa: S310
        request.add_header("X-Form-Token", browser._token)
        with browser._opener.open(request, timeout=600):
            pass


def measure(folder: Path, communes: int, receivers: int, schedules: int, rest_s: float) -> dict[str, Any]:
    """Start, plan, edit, rest, and start again."""
    rig = Rig(folder, communes, receivers, schedules)
    began_s = time.perf_counter()
    first_answer_s = rig.start()
    first_answer_cpu_s = rig.cpu_s()
    try:
        browser = Browser(rig.settings.base_url)
        sign_in(browser, rig.operator, rig.password)
        early_cpu_ms = -rig.cpu_s() * 1000
        early_ms = max(max(times) for times in rig.edits(browser, 3))
        early_cpu_ms = (early_cpu_ms + rig.cpu_s() * 1000) / 6
        rig.wait_for("SELECT count(*) FROM slot", rig.expected)
        plan_s, plan_cpu_s = time.perf_counter() - began_s, rig.cpu_s()
        rig.wait_for("SELECT count(*) FROM broadcast WHERE announced_revision >= revision", rig.expected)
        announce_s, announce_cpu_s = time.perf_counter() - began_s, rig.cpu_s()
        rig.wait_for("SELECT count(*) FROM clip WHERE builtin != ''", 2 * communes)
        time.sleep(20)
        added_ms, removed_ms = rig.edits(browser, EDITS)
        edit_cpu_ms = -rig.cpu_s() * 1000
        rig.edits(browser, EDITS)
        edit_cpu_ms = (edit_cpu_ms + rig.cpu_s() * 1000) / (2 * EDITS)
        settle_s = rig.settle(rest_s)
        rest_cpu_s, rest_began_s = rig.cpu_s(), time.perf_counter()
        time.sleep(rest_s)
        rest_cpu_s = rig.cpu_s() - rest_cpu_s
        rest_percent = rest_cpu_s / (time.perf_counter() - rest_began_s) * 100
        memory_mb = rig.process.memory_info().rss / 1e6
        broker_mb = sum(child.memory_info().rss for child in rig.process.children()) / 1e6
        rig.controller.stop()
        second_answer_s = rig.start()
        second_answer_cpu_s = rig.cpu_s()
    finally:
        rig.controller.stop()
    return {
        "communes": communes,
        "receivers": communes * receivers,
        "schedules": communes * schedules,
        "broadcasts": rig.expected,
        "first_answer_s": round(first_answer_s, 2),
        "first_answer_cpu_s": round(first_answer_cpu_s, 2),
        "second_answer_s": round(second_answer_s, 2),
        "second_answer_cpu_s": round(second_answer_cpu_s, 2),
        "early_edit_ms": round(early_ms),
        "early_edit_cpu_ms": round(early_cpu_ms),
        "plan_s": round(plan_s, 1),
        "plan_cpu_s": round(plan_cpu_s, 1),
        "announce_s": round(announce_s, 1),
        "announce_cpu_s": round(announce_cpu_s, 1),
        "edit_ms": round(max(statistics.median(added_ms), statistics.median(removed_ms)), 1),
        "edit_most_ms": round(max(*added_ms, *removed_ms), 1),
        "edit_cpu_ms": round(edit_cpu_ms, 1),
        "settle_s": round(settle_s, 1),
        "rest_percent": round(rest_percent, 2),
        "controller_mb": round(memory_mb, 1),
        "broker_mb": round(broker_mb, 1),
    }


def main() -> None:
    """Measure, and fail beyond a limit."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--communes", type=int, default=100)
    parser.add_argument("--receivers", type=int, default=100, help="of each commune")
    parser.add_argument("--schedules", type=int, default=10, help="of each commune")
    parser.add_argument("--rest-s", type=float, default=30.0, help="how long the controller is watched at rest")
    parser.add_argument("--json", action="store_true", help="one line of JSON")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        figures = measure(Path(name), options.communes, options.receivers, options.schedules, options.rest_s)
    if options.json:
        print(json.dumps(figures))
    else:
        print("\n".join(f"{name:20} {value}" for name, value in figures.items()))
    limits = {
        "first_answer_s": FIRST_ANSWER_LIMIT_S,
        "edit_ms": EDIT_LIMIT_MS,
        "rest_percent": REST_LIMIT_PERCENT,
        "plan_s": PLAN_LIMIT_S,
    }
    over = [f"{name}: {figures[name]} > {limit:g}" for name, limit in limits.items() if figures[name] > limit]
    if over:
        sys.exit("beyond the limit: " + ", ".join(over))


if __name__ == "__main__":
    main()
