"""Ten thousand slots claimed by four processes that compete for them on one PostgreSQL. Prints one line of JSON.

    benchmarks/slots.py [SCHEDULES]

Every process plans the same timetable at the same moment, as controllers do that wake together. `rate`: slots a second,
each with its broadcast and its first change of state. Beside it, in the same run, `bare_rate`: conditional updates that
do nothing but claim, by as many processes, one transaction for as many rows.
"""

import json
import logging
import multiprocessing as mp
import sys
import tempfile
import time
from collections import Counter
from datetime import date, timedelta
from datetime import time as time_of_day
from pathlib import Path
from typing import Any

from sqlalchemy import text
from sqlmodel import Session, SQLModel, func, select

from broadcast.broadcasts import Broadcast
from broadcast.programmes import Item, ItemKind, add_programme
from devices.communes import add_commune
from runtime.database import Database
from schedules.recurrence import Repeat, Rule
from schedules.slot_planning import plan
from schedules.slots import Slot
from schedules.timetable import add_schedule
from tests.broadcast.studio import add_clip
from tests.cast import COMMUNE, COMMUNE_NAME, MORNING
from tests.postgres import running_postgres
from wire.broadcasts import BroadcastClass, Targets

PROCESSES = 4
#: Each schedule is due each hour of so many hours.
HOURS = 100


def fill(session: Session, schedules: int) -> None:
    """Schedules that are due each hour, and as many bare rows to claim."""
    add_commune(session, COMMUNE, COMMUNE_NAME)
    add_clip(session, "news", 60, now=MORNING)
    programme = add_programme(session, COMMUNE, "Bản tin", [Item(ItemKind.CLIP, "news")], now=MORNING).number
    for minute in range(schedules):
        rule = Rule(
            repeat=Repeat.DAILY,
            from_day=date(2026, 11, 1),
            times=[time_of_day(hour, minute % 60, minute // 60) for hour in range(24)],
        )
        add_schedule(
            session,
            COMMUNE,
            programme_id=programme,
            rule=rule,
            targets=Targets(all=True),
            class_=BroadcastClass.NORMAL,
            now=MORNING,
        )
    session.connection().execute(text("CREATE TABLE bare (id int primary key, batch int, by_whom int)"))
    rows = [{"id": n, "batch": n // HOURS} for n in range(schedules * HOURS)]
    session.connection().execute(text("INSERT INTO bare (id, batch) VALUES (:id, :batch)"), rows)


def claim(url: str, number: int, start: Any, results: Any) -> None:
    """One controller's planning, started together with the others."""
    logging.disable(logging.CRITICAL)
    database = Database(url)
    with database.session() as session:
        session.exec(select(Slot).limit(1)).all()
    start.wait()
    began_s = time.perf_counter()
    slots = plan(database, MORNING, timedelta(hours=HOURS))
    results.put((number, len(slots.planned), began_s, time.perf_counter()))


def claim_bare(url: str, number: int, start: Any, results: Any) -> None:
    """The same number of rows with the bare statement: UPDATE … WHERE not claimed, and the row count."""
    database = Database(url)
    with database.session() as session:
        batches = int(session.connection().execute(text("SELECT max(batch) FROM bare")).scalar_one()) + 1
    start.wait()
    began_s, won = time.perf_counter(), 0
    statement = text("UPDATE bare SET by_whom = :me WHERE id = :id AND by_whom IS NULL")
    for batch in range(batches):
        with database.writing() as session:
            for row in range(batch * HOURS, (batch + 1) * HOURS):
                won += session.connection().execute(statement, {"me": number, "id": row}).rowcount  # type: ignore[attr-defined]
    results.put((number, won, began_s, time.perf_counter()))


def compete(work: Any, url: str) -> tuple[dict[int, int], float]:
    """Run all processes at once. Returns how many each claimed, and the seconds that all took."""
    context = mp.get_context("spawn")
    start, results = context.Event(), context.Queue()
    running = [context.Process(target=work, args=(url, number, start, results)) for number in range(PROCESSES)]
    for process in running:
        process.start()
    time.sleep(3)  # until all have connected
    start.set()
    counts = [results.get(timeout=600) for _ in running]
    for process in running:
        process.join()
    return {number: won for number, won, _, _ in counts}, max(e for *_, e in counts) - min(b for _, _, b, _ in counts)


def main() -> None:
    """Measure both, and search for slots that were claimed twice."""
    logging.disable(logging.CRITICAL)
    schedules = int(sys.argv[1]) if len(sys.argv) > 1 else 100
    with tempfile.TemporaryDirectory() as name, running_postgres(Path(name)) as url:
        database = Database(url)
        SQLModel.metadata.create_all(database.engine)
        with database.writing() as session:
            fill(session, schedules)
        won, seconds = compete(claim, url)
        bare, bare_seconds = compete(claim_bare, url)
        with database.session() as session:
            slots = session.exec(select(func.count()).select_from(Slot)).one()
            starts = Counter(session.exec(select(Broadcast.programme_id, Broadcast.starts_at)).all())
            broadcasts = sum(starts.values())
        database.close()
    wanted = schedules * HOURS
    twice = sum(count > 1 for count in starts.values())
    print(
        json.dumps(
            {
                "slots": slots,
                "broadcasts": broadcasts,
                "twice": twice,
                "won_by": won,
                "seconds": round(seconds, 2),
                "rate": round(slots / seconds),
                "bare_seconds": round(bare_seconds, 2),
                "bare_won_by": bare,
                "bare_rate": round(wanted / bare_seconds),
                "share_of_bare": round(bare_seconds / seconds, 2),
            }
        )
    )
    if (slots, broadcasts, twice) != (wanted, wanted, 0):
        sys.exit("a slot was claimed twice, or not at all")


if __name__ == "__main__":
    main()
