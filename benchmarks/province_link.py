"""Ten thousand play log entries delivered to the province after an outage, with kill -9 of either side in the middle.

    benchmarks/province_link.py [--entries N] [--batch N] [--no-dedupe] [--no-kills]

Two processes: a province (`demo.province_simulator`, strict, that remembers what it took in a file), and a commune (the
link's worker over a SQLite as the controller opens it). The entries are kept while the province is away, as play
reports come; then it comes back, and at each tenth of the way one of them, or both, are killed with SIGKILL and started
again. In the end the province's file is held against what was kept. Prints one line of JSON, limits beside figures;
exit 1 beyond one.

--no-dedupe: a province that takes what comes, known key or not. Then `twice` may be as many as there were kills.
"""

import argparse
import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import time
from datetime import timedelta
from pathlib import Path
from typing import Any

import msgspec
from sqlmodel import SQLModel, select

from broadcast.manifest_items import clip_items
from broadcast.planning import new_broadcast, plan_broadcast
from demo.province_simulator import Simulator
from devices.communes import add_commune
from devices.presence import PresenceWatch
from devices.receivers import Receiver
from devices.stations import StationKind, add_station
from province.accounts import Account
from province.connection import ProvinceConnection
from province.link_worker import LinkWorker
from province.links import LinkForm, link_of, set_link
from province.outbox import OutboxMessage, counts
from province.profile import Profile, profile
from province.reports_up import take_report
from runtime.clock import ControllerClock, to_us
from runtime.database import Database
from tests.broadcast.studio import add_clip
from tests.cast import COMMUNE, COMMUNE_NAME, MORNING
from wire.broadcasts import BroadcastClass, Targets
from wire.reports import Outcome, PlayReport

RECEIVERS = 100
#: Who is killed at which share of the way.
KILLS = (
    (0.1, "commune"),
    (0.2, "province"),
    (0.3, "commune"),
    (0.4, "province"),
    (0.5, "both"),
    (0.6, "commune"),
    (0.7, "province"),
    (0.8, "both"),
    (0.9, "commune"),
)
PASSWORD = "only-for-measuring"  # noqa: S105 - of a province that lives as long as this script
LEAST_PER_S = 100


def speaks(args: argparse.Namespace) -> Profile:
    return msgspec.structs.replace(profile("chuan"), batch=args.batch, dedupes=not args.no_dedupe, down="webhook")


def fill(database: Database, url: str, spoken: Profile, entries: int) -> float:
    """A commune with receivers and so many reports, taken while the province is away. Gives the seconds it took."""
    with database.writing() as session:
        add_commune(session, COMMUNE, COMMUNE_NAME)
        station = add_station(session, COMMUNE, StationKind.IP, "IP").number
        for n in range(RECEIVERS):
            session.add(
                Receiver(
                    id=f"loa-{n}",
                    commune_id=COMMUNE,
                    station_id=station,
                    name=f"Thôn {n}",
                    public_key="",
                    broker_hash="",
                    created_at=MORNING,
                )
            )
        add_clip(session, "news", 60, now=MORNING)
        form = LinkForm("chuan", url, COMMUNE, COMMUNE_NAME, "tinh", "Thanh Hóa", "", "inbox", True)
        set_link(session, COMMUNE, form, spoken, set())
    began_s = time.perf_counter()
    for n in range(entries // RECEIVERS):
        start = MORNING + timedelta(minutes=2 * n)
        with database.writing() as session:
            made = plan_broadcast(
                session,
                new_broadcast(
                    commune_id=COMMUNE,
                    title=f"Bản tin {n}",
                    class_=BroadcastClass.NORMAL,
                    targets=Targets(all=True),
                    starts_at=start,
                    length_us=60_000_000,
                    items=clip_items(session, "news"),
                    now=start,
                ),
            )
        with database.writing() as session:
            for receiver in range(RECEIVERS):
                report = PlayReport(
                    to="controller",
                    revision=1,
                    issued_at_us=0,
                    expires_at_us=1,
                    report=f"{n}-{receiver}",
                    receiver=f"loa-{receiver}",
                    broadcast=made.id,
                    manifest_revision=1,
                    outcome=Outcome.PLAYED,
                    first_frame_at_us=to_us(start),
                    last_frame_at_us=to_us(start) + 60_000_000,
                    frames_played=2_880_000,
                    frames_due=2_880_000,
                    volume_percent=80,
                )
                take_report(session, f"loa-{receiver}", report, start)
    return time.perf_counter() - began_s


def run_province(args: argparse.Namespace) -> None:
    """The province, until it is killed."""
    Simulator(speaks(args), password=PASSWORD, port=args.port, messages_file=Path(args.folder) / "taken.jsonl").start()
    signal.pause()


def run_commune(args: argparse.Namespace) -> None:
    """The commune's link, until it is killed."""
    database, clock = Database(f"sqlite:///{args.folder}/loa.db"), ControllerClock()
    with database.session() as session:
        link = link_of(session, COMMUNE)
    spoken = speaks(args)
    connection = ProvinceConnection(spoken, link.base_url, lambda: Account("xa", PASSWORD))
    presence = PresenceWatch(database, now=clock.now())
    LinkWorker(link, spoken, connection, database, clock, presence, lambda *_: None, "bench").start()
    signal.pause()


class Sides:
    """The two processes."""

    def __init__(self, args: argparse.Namespace, folder: str, port: int) -> None:
        self._common = [sys.executable, __file__, "--folder", folder, "--port", str(port), "--batch", str(args.batch)]
        self._common += ["--no-dedupe"] if args.no_dedupe else []
        self._running: dict[str, subprocess.Popen[bytes]] = {}

    def start(self, which: str) -> None:
        environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parent.parent)}
        self._running[which] = subprocess.Popen([*self._common, "--role", which], env=environment)

    def kill(self, which: str) -> None:
        child = self._running.pop(which)
        child.send_signal(signal.SIGKILL)
        child.wait()

    def kill_all(self) -> None:
        for which in list(self._running):
            self.kill(which)


def deliver(database: Database, sides: Sides, entries: int) -> tuple[float, int]:
    """Until all are delivered, killing on the way. Gives seconds and kills."""
    left, killed, began_s = list(KILLS), 0, time.perf_counter()
    sides.start("province")
    sides.start("commune")
    while True:
        with database.session() as session:
            delivered = entries - counts(session, COMMUNE).waiting
        if delivered >= entries:
            return time.perf_counter() - began_s, killed
        if left and delivered >= left[0][0] * entries:
            _, which = left.pop(0)
            for side in ("commune", "province") if which == "both" else (which,):
                sides.kill(side)
                killed += 1
            for side in ("province", "commune") if which == "both" else (which,):
                sides.start(side)
        if time.perf_counter() - began_s > 1800:
            raise TimeoutError(f"{delivered} of {entries} after half an hour")
        time.sleep(0.02)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--entries", type=int, default=10_000)
    parser.add_argument("--batch", type=int, default=1)
    parser.add_argument("--no-dedupe", action="store_true")
    parser.add_argument("--no-kills", action="store_true")
    parser.add_argument("--role", choices=["province", "commune"])
    parser.add_argument("--folder", default="")
    parser.add_argument("--port", type=int, default=0)
    args = parser.parse_args()
    if args.role:
        (run_province if args.role == "province" else run_commune)(args)
    if args.no_kills:
        globals()["KILLS"] = ()
    with tempfile.TemporaryDirectory() as folder:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        database = Database(f"sqlite:///{folder}/loa.db")
        SQLModel.metadata.create_all(database.engine)
        filling_s = fill(database, f"http://127.0.0.1:{port}", speaks(args), args.entries)
        sides = Sides(args, folder, port)
        try:
            seconds, killed = deliver(database, sides, args.entries)
        finally:
            sides.kill_all()
        with database.session() as session:
            keys = [message.key for message in session.exec(select(OutboxMessage).order_by(OutboxMessage.id))]
        database.close()
        return judge(args, keys, Path(folder) / "taken.jsonl", filling_s, seconds, killed)


def judge(args: argparse.Namespace, keys: list[str], taken: Path, filling_s: float, seconds: float, killed: int) -> int:
    lines: list[Any] = [json.loads(line) for line in taken.read_text().splitlines()]
    arrived = [key for name, key, _ in lines if name == "play_log"]
    firsts = list(dict.fromkeys(arrived))
    most_twice = killed if args.no_dedupe else 0
    figures = {
        "entries": len(keys),
        "kills": killed,
        "batch": args.batch,
        "province_dedupes": not args.no_dedupe,
        "lost": {"is": len(set(keys) - set(arrived)), "limit": 0},
        "twice": {"is": len(arrived) - len(firsts), "limit": most_twice},
        "in_order": firsts == keys,
        "sent_again_and_dropped": sum(name == "double" for name, _, _ in lines),
        "delivered_per_s": {"is": round(len(keys) / seconds, 1), "least": 0 if args.no_dedupe else LEAST_PER_S},
        "seconds": round(seconds, 1),
        "kept_per_s": round(len(keys) / filling_s, 1),
    }
    print(json.dumps(figures))
    good = figures["lost"]["is"] == 0 and figures["twice"]["is"] <= most_twice and figures["in_order"]  # type: ignore[index]
    return 0 if good and figures["delivered_per_s"]["is"] >= figures["delivered_per_s"]["least"] else 1  # type: ignore[index]


if __name__ == "__main__":
    sys.exit(main())
