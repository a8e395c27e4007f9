"""Server time of the pages with 200 receivers, and the size of their responses. Prints one line of JSON."""

import gc
import gzip
import json
import logging
import statistics
import tempfile
import time
from pathlib import Path

from sqlmodel import SQLModel

from runtime.clock import ManualClock
from runtime.database import Database
from tests.cast import MORNING
from tests.web.office import Office
from web.assets import Assets


def main() -> None:
    """Request each page thirty times."""
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        database = Database(f"sqlite:///{folder / 'b.db'}")
        SQLModel.metadata.create_all(database.engine)
        office = Office(database, ManualClock(MORNING), folder)
        office.add_receivers(200)
        shipped = sum(len(asset.packed) for asset in Assets()._by_name.values())
        gc.collect()
        gc.freeze()  # as `loa serve` does after its start
        figures = {}
        for path in ("/", "/receivers", "/timetable", "/play-log"):
            times_ms = []
            for _ in range(30):
                began_s = time.perf_counter()
                answer = office.browser.get(path)
                times_ms.append((time.perf_counter() - began_s) * 1000)
            weight = len(gzip.compress(answer.content)) + shipped
            figures[path] = {
                "p50_ms": round(statistics.median(times_ms), 1),
                "max_ms": round(max(times_ms), 1),
                "kb_with_everything": round(weight / 1000, 1),
            }
        print(json.dumps({"receivers": 200, "limit_ms": 100, "limit_kb": 150, "pages": figures}))


if __name__ == "__main__":
    main()
