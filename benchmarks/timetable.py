"""Speed of the timetable: one schedule checked against 1,000 for a year, a month of 500 drawn. One line of JSON.

The clash check is also held beside the plain way: every instant of every schedule expanded and swept, on a tenth of it.
"""

import gc
import json
import logging
import random
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import date, datetime, timedelta
from datetime import time as time_of_day
from pathlib import Path

from sqlmodel import Session, SQLModel

from broadcast.programmes import Item, ItemKind, add_programme
from runtime.clock import ManualClock
from runtime.database import Database
from schedules.conflicts import PlannedAiring, airings_of, clashes
from schedules.occurrences import occurrences
from schedules.outlook import outlook
from schedules.recurrence import Holidays, Repeat, Rule, instants
from schedules.schedules import schedules
from schedules.timetable import add_schedule
from tests.broadcast.studio import add_clip
from tests.cast import COMMUNE, MORNING, VIETNAM
from tests.web.office import Office
from wire.broadcasts import BroadcastClass, Targets

NORMAL, ALL = BroadcastClass.NORMAL, Targets(all=True)


def fill(session: Session, count: int, clock: ManualClock) -> int:
    """So many schedules as communes have them: most at the same few hours, some weekly, some with single days."""
    rnd, first = random.Random(7), MORNING.date()
    add_clip(session, "news", 900, now=clock.now())
    programme = add_programme(session, COMMUNE, "Bản tin", [Item(ItemKind.CLIP, "news")], now=clock.now()).number
    for number in range(count):
        repeat = rnd.choice([Repeat.DAILY, Repeat.WEEKLY, Repeat.WEEKLY, Repeat.MONTHLY_BY_DAY])
        rule = Rule(
            repeat=repeat,
            times=[time_of_day(rnd.choice([5, 5, 11, 16, 17, 17]), rnd.choice([0, 10, 15, 30, 45]))],
            from_day=first - timedelta(days=rnd.randrange(400)),
            weekdays=rnd.sample(range(7), 3),
            month_days=[1, 15],
            holidays=rnd.choice(list(Holidays)[:2]),
            except_days=[first + timedelta(days=rnd.randrange(300))] if number % 5 == 0 else [],
        )
        where = ALL if number % 3 else Targets(zones=["thon-1"])
        add_schedule(session, COMMUNE, programme_id=programme, rule=rule, targets=where, class_=NORMAL, now=clock.now())
    return programme


def timed_ms(work: Callable[[], object], repeats: int) -> dict[str, float]:
    times_ms = []
    for _ in range(repeats):
        began_s = time.perf_counter()
        work()
        times_ms.append((time.perf_counter() - began_s) * 1000)
    return {
        "p50_ms": round(statistics.median(times_ms), 1),
        "max_ms": round(max(times_ms), 1),
        "first_ms": round(times_ms[0], 1),
    }


def plainly(session: Session, rule: Rule, now: datetime, share: int) -> int:
    """Every instant of a share of the others expanded, and swept."""
    until = now + timedelta(days=365)
    new = [
        PlannedAiring("", NORMAL, 0, at, at + timedelta(minutes=15), ALL, "new")
        for at in instants(rule, VIETNAM, now, until)
    ]
    others = occurrences(session, schedules(session, COMMUNE)[::share], VIETNAM, now, until)
    return len(clashes(session, COMMUNE, new, airings_of(others)))


def office_with(folder: Path, count: int) -> tuple[Office, int]:
    """A test office with so many schedules, and its programme."""
    folder.mkdir()
    database = Database(f"sqlite:///{folder / 'b.db'}")
    SQLModel.metadata.create_all(database.engine)
    clock = ManualClock(MORNING)
    office = Office(database, clock, folder)
    office.add_receivers(50)
    with database.writing() as session:
        programme = fill(session, count, clock)
    return office, programme


def main() -> None:
    """Measures conflict search and month page."""
    logging.disable(logging.CRITICAL)
    with tempfile.TemporaryDirectory() as name:
        office, programme = office_with(Path(name) / "a", 1000)
        now = office.clock.now()
        rule = Rule(repeat=Repeat.DAILY, times=[time_of_day(5, 5), time_of_day(17, 5)], from_day=date(2026, 11, 24))
        states = office.presence.snapshot(now)
        with office.database.session() as session:

            def check() -> object:
                return outlook(
                    session,
                    COMMUNE,
                    rule=rule,
                    programme_id=programme,
                    targets=ALL,
                    class_=NORMAL,
                    precedence=0,
                    now=now,
                    states=states,
                )

            clash = timed_ms(check, 10)
            plain = timed_ms(lambda: plainly(session, rule, now, 10), 2)
        office, _ = office_with(Path(name) / "b", 500)
        gc.collect()
        gc.freeze()  # as `loa serve` does after its start
        month = timed_ms(lambda: office.browser.get("/timetable?month_of=2026-12-01"), 12)
    print(
        json.dumps(
            {
                "clash_check_of_1000": clash,
                "limit_ms": 300,
                "plainly_on_a_tenth": plain,
                "times_faster": round(10 * plain["p50_ms"] / clash["p50_ms"], 1),
                "month_of_500": month,
                "month_limit_ms": 200,
            }
        )
    )


if __name__ == "__main__":
    main()
