"""Every page with a full commune: server time, and its weight with style and scripts.

    python -m benchmarks.pages [--receivers 200] [--clips 5000] [--times 10] [--json]

Prints a table. `cpu_ms`: processor time of one request, median; less dependent on other load than `wall_ms` (median)
and `max_ms`. `html_kb`: the page compressed. `kb`: with the style, scripts and signs that it names, compressed.
"""

import argparse
import gc
import gzip
import json
import logging
import re
import statistics
import tempfile
import time
from collections.abc import Iterator
from datetime import timedelta
from hashlib import sha256
from pathlib import Path

from sqlmodel import Session, SQLModel

from broadcast.broadcasts import Broadcast
from broadcast.clips import Clip, ClipRendition
from broadcast.programmes import Item, ItemKind, add_programme
from parsing.names import folded
from people.audit import AuditEntry, Deed
from runtime.clock import ManualClock
from runtime.database import Database
from tests.cast import COMMUNE, COMMUNE_NAME, MORNING, OPERATOR
from tests.web.office import Office
from web.assets import Assets
from web.pages.routes import PAGE_ROUTERS

LIMIT_MS, LIMIT_KB = 100, 150
#: No page: files, sound, a stream without an end.
NO_PAGES = re.compile(r"\.xlsx|/live/|/media/|/listen/|/play-log\.|\.ics|\.json|/original")
#: What parts of an address name here. Pages whose rows this commune lacks (a merger, a measurement) are left out.
NAMES = {"clip_id": f"{7:016x}", "receiver_id": "loa-7", "operator_id": "1", "broadcast_id": "b7", "key": "commune"}
EXTRA = ("/clips?q=thoi+tiet", "/clips?page=150", "/play-log?q=ban+tin", "/play-log?page=90", "/programmes?q=sang")


def main() -> None:
    arguments = _arguments()
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as name:
        database = Database(f"sqlite:///{Path(name) / 'b.db'}")
        SQLModel.metadata.create_all(database.engine)
        office = Office(database, ManualClock(MORNING), Path(name))
        office.add_receivers(arguments.receivers)
        with database.writing() as session:
            _fill(session, arguments.clips)
        gc.collect()
        gc.freeze()  # as `loa serve` does after its start
        rows = [_measure(office, path, arguments.times) for path in _paths()]
    rows = [row for row in rows if row is not None]
    if arguments.json:
        print(json.dumps({"limit_ms": LIMIT_MS, "limit_kb": LIMIT_KB, "pages": rows}))
        return
    print(f"{arguments.receivers} receivers, {arguments.clips} clips; limits: {LIMIT_MS} ms, {LIMIT_KB} kB\n")
    print("| page | cpu_ms | wall_ms | max_ms | html_kb | kb |\n|---|---|---|---|---|---|")
    for row in sorted(rows, key=lambda row: -float(row["cpu_ms"])):
        print("| " + " | ".join(str(value) for value in row.values()) + " |")


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--receivers", type=int, default=200)
    parser.add_argument("--clips", type=int, default=5000)
    parser.add_argument("--times", type=int, default=10)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


def _paths() -> Iterator[str]:
    """Every address that a GET route has, and some with a search or a later page."""
    for router in PAGE_ROUTERS:
        for route in router.routes:
            path = getattr(route, "path", "")
            if "GET" in getattr(route, "methods", ()) and not NO_PAGES.search(path):
                yield re.sub(r"{(\w+)(:\w+)?}", lambda part: NAMES.get(part[1], "1"), path)
    yield from EXTRA


def _measure(office: Office, path: str, times: int) -> dict[str, str | float] | None:
    first = office.browser.get(path)
    if first.status_code != 200:
        return None
    cpu_ms, wall_ms = [], []
    for _ in range(times):
        began_s, cpu_began_s = time.perf_counter(), time.process_time()
        office.browser.get(path)
        wall_ms.append((time.perf_counter() - began_s) * 1000)
        cpu_ms.append((time.process_time() - cpu_began_s) * 1000)
    html_bytes = len(gzip.compress(first.content))
    assets = Assets()._by_name.values()
    named = set(re.findall(r'(/static/[^"#]+)', first.text))
    return {
        "page": path,
        "cpu_ms": round(statistics.median(cpu_ms), 1),
        "wall_ms": round(statistics.median(wall_ms), 1),
        "max_ms": round(max(wall_ms), 1),
        "html_kb": round(html_bytes / 1000, 1),
        "kb": round((html_bytes + sum(len(asset.packed) for asset in assets if asset.url in named)) / 1000, 1),
    }


def _fill(session: Session, clips: int) -> None:
    """Clips, a programme for every 20, a broadcast and an entry of the audit for each clip."""
    digest = sha256(b"benchmark").hexdigest()
    for k in range(clips):
        at, title = MORNING - timedelta(hours=k), f"Bản tin thời tiết số {k}, ngày {k % 28 + 1} tháng {k % 12 + 1}"
        clip_id = f"{k:016x}"
        session.add(
            Clip(
                id=clip_id,
                commune_id=COMMUNE,
                title=title,
                original_name=f"{k}.mp3",
                original_sha256=sha256(clip_id.encode()).hexdigest(),
                original_bytes=3_000_000,
                uploaded_at=at,
                duration_us=180_000_000,
                loudness_before_lufs=-20.0,
                loudness_after_lufs=-16.0,
                peaks=sha256(clip_id.encode()).digest() * 25,
                folded=folded(title),
            )
        )
    session.flush()
    for k in range(clips):
        at, title = MORNING - timedelta(hours=k), f"Bản tin thời tiết số {k}"
        session.add(ClipRendition(clip_id=f"{k:016x}", codec="mp3", sha256=digest, bytes=500, extension="mp3"))
        session.add(
            Broadcast(
                id=f"b{k}",
                commune_id=COMMUNE,
                title=title,
                class_="normal",
                starts_at=at,
                ends_at=at + timedelta(minutes=3),
                targets=b'{"all":true}',
                items=b"[]",
                planned_at=at - timedelta(days=1),
                clip_fields="{}",
            )
        )
        deed = Deed.CLIP_UPLOADED.value
        session.add(
            AuditEntry(at=at, by=OPERATOR, commune_id=COMMUNE, commune_name=COMMUNE_NAME, action=deed, detail=title)
        )
    session.flush()
    for k in range(clips // 20):
        items = [Item(ItemKind.CLIP, f"{(20 * k + n):016x}") for n in range(5)]
        add_programme(session, COMMUNE, f"Chương trình sáng số {k}", items, now=MORNING - timedelta(days=k))


if __name__ == "__main__":
    main()
