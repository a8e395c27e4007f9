"""The home page: counts that add up, the next broadcast however far, and one that gives way."""

from datetime import date, time, timedelta
from pathlib import Path
from re import DOTALL, findall

import pytest

from broadcast.broadcasts import Broadcast
from broadcast.planning import put_on_air
from broadcast.programmes import Item, ItemKind, add_programme
from runtime.clock import ManualClock
from runtime.database import Database
from schedules.recurrence import Repeat, Rule
from schedules.timetable import add_schedule, pause
from tests.broadcast.studio import ALL, add_clip
from tests.cast import COMMUNE
from tests.web.office import Office
from wire.broadcasts import BroadcastClass, Targets
from wire.reports import ClockState, Heartbeat, PlayoutState


@pytest.fixture
def office(database: Database, clock: ManualClock, tmp_path: Path) -> Office:
    made = Office(database, clock, tmp_path)
    made.add_receivers(3)
    with database.writing() as session:
        add_clip(session, "ban-tin", 90, now=clock.now())
    return made


def air(office: Office, targets: Targets = ALL, class_: BroadcastClass = BroadcastClass.NORMAL) -> Broadcast:
    with office.database.writing() as session:
        return put_on_air(session, COMMUNE, targets=targets, class_=class_, now=office.clock.now(), clip_id="ban-tin")


def sounds(office: Office, b: Broadcast, count: int) -> None:
    for k in range(count):
        beat = Heartbeat(session=1, sequence=2, broadcast=b.id, clock=ClockState(locked=True), playout=PlayoutState())
        office.presence.heard(f"loa-{k}", beat, office.clock.now())


def counts(page: str) -> dict[str, int]:
    found = findall(r'<b class="num">(\d+)</b>\s*<span class="state (\w+)">', page, DOTALL)
    return {state: int(number) for number, state in found}


@pytest.mark.parametrize("sounding", [0, 2, 3])
def test_the_counts_add_up_to_all_receivers_and_none_is_shown_at_zero(office: Office, sounding: int) -> None:
    b = air(office)
    office.clock.set(b.starts_at + timedelta(seconds=1))
    sounds(office, b, sounding)
    page = office.browser.get("/").text
    assert sum(counts(page).values()) == 3
    assert 0 not in counts(page).values()
    assert counts(page).get("on_air", 0) == sounding
    assert "Tổng cộng 3 cụm loa" in page


def plan(office: Office, rule: Rule) -> int:
    with office.database.writing() as session:
        programme = add_programme(
            session, COMMUNE, "Bản tin thứ hai", [Item(ItemKind.CLIP, "ban-tin")], now=office.clock.now()
        )
        return add_schedule(
            session,
            COMMUNE,
            programme_id=programme.number,
            rule=rule,
            targets=ALL,
            class_=BroadcastClass.NORMAL,
            now=office.clock.now(),
        ).number


@pytest.mark.parametrize("day", [date(2026, 11, 30), date(2027, 2, 6)])
def test_the_next_broadcast_is_shown_however_far_it_is(office: Office, day: date) -> None:
    number = plan(office, Rule(repeat=Repeat.ONCE, times=[time(5)], from_day=day))
    page = office.browser.get("/").text
    assert "Bản tin thứ hai" in page
    assert f"{day}T05:00" in page or f"{day - timedelta(days=1)}T22:00" in page
    assert "không có lịch" not in page
    with office.database.writing() as session:
        pause(session, number, True, office.clock.now())
    assert "Bản tin thứ hai" not in office.browser.get("/").text


@pytest.mark.parametrize(
    ("above", "targets", "cards_on_air"),
    [
        (BroadcastClass.EMERGENCY, ALL, 1),
        (BroadcastClass.NORMAL, ALL, 1),
        (BroadcastClass.EMERGENCY, Targets(receivers=["loa-0"]), 2),
    ],
    ids=["a higher class", "of equal class the later one", "in one place only"],
)
def test_one_that_is_interrupted_everywhere_says_that_it_gives_way(
    office: Office, above: BroadcastClass, targets: Targets, cards_on_air: int
) -> None:
    first = air(office)
    office.clock.set(first.starts_at + timedelta(seconds=1))
    second = air(office, targets, above)
    office.clock.set(second.starts_at + timedelta(seconds=1))
    page = office.browser.get("/").text
    assert page.count('class="live"') == cards_on_air
    assert ("Tạm nhường cho" in page) == (cards_on_air == 1)
