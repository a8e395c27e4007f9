"""Clashes: who sounds when two want the same receivers, and what becomes of the other. As the receivers decide it."""

from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.playout.ladder import rank_of
from runtime.clock import ManualClock, to_us
from runtime.database import Database
from schedules import conflicts
from schedules.conflicts import (
    Clash,
    ClashEffect,
    PlannedAiring,
    RecurringAiring,
    RecurringClash,
    clashes,
    clashing,
    recurring_clashes,
)
from schedules.recurrence import Holidays, Repeat, Rule, instants
from tests.broadcast.studio import ALL, Studio
from tests.cast import COMMUNE, MORNING
from wire.broadcasts import BroadcastClass, Manifest, Targets
from wire.messages import for_commune

HANOI = ZoneInfo("Asia/Ho_Chi_Minh")
#: The Tuesday of this week is a public holiday.
MONDAY, SUNDAY = date(2026, 11, 23), date(2026, 11, 29)
NORMAL, PRIORITY, EMERGENCY = BroadcastClass.NORMAL, BroadcastClass.PRIORITY, BroadcastClass.EMERGENCY
ONE, TWO = Targets(receivers=["loa-1"]), Targets(zones=["thon-2"])


@pytest.fixture
def studio(clock: ManualClock, database: Database) -> Studio:
    return Studio(clock, database)


def minute(count: float) -> datetime:
    return MORNING + timedelta(minutes=count)


def wish(
    title: str, start: float, end: float, class_: BroadcastClass = NORMAL, targets: Targets = ALL
) -> PlannedAiring:
    return PlannedAiring(title, class_, 0, minute(start), minute(end), targets, title)


def found(studio: Studio, new: list[PlannedAiring], others: list[PlannedAiring]) -> list[Clash]:
    with studio.database.session() as session:
        return clashes(session, COMMUNE, new, others)


def test_two_that_only_touch_do_not_meet(studio: Studio) -> None:
    assert found(studio, [wish("a", 10, 20)], [wish("b", 0, 10), wish("c", 20, 30)]) == []


def test_two_on_different_receivers_do_not_meet(studio: Studio) -> None:
    assert found(studio, [wish("a", 0, 10, targets=ONE)], [wish("b", 0, 10, targets=TWO)]) == []


def test_only_the_receivers_that_both_want_are_named(studio: Studio) -> None:
    assert found(studio, [wish("a", 0, 10, targets=ONE)], [wish("b", 5, 15)])[0].receivers == ("loa-1",)


def test_those_that_are_there_already_are_not_told_of_again(studio: Studio) -> None:
    assert found(studio, [wish("a", 50, 60)], [wish("b", 0, 10), wish("c", 5, 15)]) == []


def test_the_new_ones_are_held_against_one_another_too(studio: Studio) -> None:
    assert len(found(studio, [wish("a", 0, 10), wish("b", 5, 15)], [])) == 1


@pytest.mark.parametrize(
    ("new", "other", "winner", "fate"),
    [
        (wish("new", 5, 6, EMERGENCY), wish("old", 0, 10), "new", ClashEffect.INTERRUPTED),
        (wish("new", 0, 10, EMERGENCY), wish("old", 0, 10), "new", ClashEffect.SILENT),
        (wish("new", 5, 15, PRIORITY), wish("old", 0, 10), "new", ClashEffect.CUT),
        (wish("new", 0, 10), wish("old", 5, 15, PRIORITY), "old", ClashEffect.CUT),
        (wish("new", 2, 8), wish("old", 0, 10, PRIORITY), "old", ClashEffect.SILENT),
        (wish("new", 5, 15), wish("old", 0, 10), "new", ClashEffect.CUT),
        (wish("new", 0, 10, PRIORITY), wish("old", 0, 10, EMERGENCY), "old", ClashEffect.SILENT),
        (wish("new", 0, 5, EMERGENCY), wish("old", 0, 10), "new", ClashEffect.CUT),
    ],
)
def test_the_higher_class_sounds_then_the_later_start(
    studio: Studio, new: PlannedAiring, other: PlannedAiring, winner: str, fate: ClashEffect
) -> None:
    clash = found(studio, [new], [other])[0]
    assert (clash.winner.title, clash.effect) == (winner, fate)


WISHES = st.builds(
    PlannedAiring,
    title=st.just("x"),
    class_=st.sampled_from(BroadcastClass),
    precedence=st.integers(0, 2),
    starts_at=st.integers(0, 3).map(minute),
    ends_at=st.just(minute(30)),
    targets=st.just(ALL),
    order=st.text("abc", max_size=2),
)


@given(WISHES, WISHES)
def test_what_the_page_says_wins_is_what_the_receiver_lets_sound(one: PlannedAiring, other: PlannedAiring) -> None:
    def as_sent(w: PlannedAiring) -> Manifest:
        return Manifest(
            to=for_commune(COMMUNE),
            revision=1,
            issued_at_us=0,
            expires_at_us=1,
            broadcast=w.order,
            class_=w.class_,
            precedence=w.precedence,
            targets=ALL,
            starts_at_us=to_us(w.starts_at),
            ends_at_us=to_us(w.ends_at),
            items=[],
        )

    here = (one.rank > other.rank, one.rank == other.rank)
    there = [rank_of(as_sent(w)) for w in (one, other)]
    assert here == (there[0] > there[1], there[0] == there[1])


def recurring(title: str, length_min: int, targets: Targets = ALL, **rule: object) -> RecurringAiring:
    made = Rule(**{"repeat": Repeat.DAILY, "times": [time(5)], "from_day": MONDAY} | rule).check()  # type: ignore[arg-type]
    return RecurringAiring(made, wish(title, 0, length_min, targets=targets))


def met(
    studio: Studio, new: RecurringAiring, *others: RecurringAiring, last: date = MONDAY + timedelta(days=364)
) -> list[RecurringClash]:
    with studio.database.session() as session:
        return recurring_clashes(session, COMMUNE, HANOI, new, others, MONDAY, last)


@pytest.mark.parametrize(
    ("at", "days_met"),
    [(time(4, 49), 0), (time(4, 50), 0), (time(4, 51), 365), (time(5, 19), 365), (time(5, 20), 0)],
)
def test_two_that_recur_meet_when_they_overlap_and_not_when_they_touch(studio: Studio, at: time, days_met: int) -> None:
    found = met(studio, recurring("new", 20), recurring("old", 10, times=[at]))
    assert sum(m.days for m in found) == days_met


def test_they_meet_on_the_days_that_both_have(studio: Studio) -> None:
    [one] = met(studio, recurring("new", 20, repeat=Repeat.WEEKLY, weekdays=[0, 2]), recurring("old", 10), last=SUNDAY)
    assert one.days == 2
    assert one.first.winner.starts_at == datetime.combine(MONDAY, time(5), tzinfo=HANOI)
    assert met(studio, recurring("new", 20, holidays=Holidays.ONLY), recurring("old", 9), last=SUNDAY)[0].days == 1


def test_what_sounds_over_midnight_meets_the_day_after(studio: Studio) -> None:
    late = recurring("late", 30, times=[time(23, 50)])
    early = recurring("early", 10, times=[time(0, 10)], repeat=Repeat.ONCE, from_day=MONDAY + timedelta(days=3))
    for new, other in ((late, early), (early, late)):
        [one] = met(studio, new, other)
        assert one.days == 1
        assert {w.title: w.starts_at.day for w in (one.first.winner, one.first.loser)} == {
            "late": MONDAY.day + 2,
            "early": MONDAY.day + 3,
        }


def test_those_on_other_receivers_do_not_meet(studio: Studio) -> None:
    assert met(studio, recurring("new", 20, ONE), recurring("old", 20, TWO)) == []


WISHES = st.lists(
    st.builds(
        lambda n, start, length, targets: wish(f"w{n}", start, start + length, targets=targets),
        st.integers(0, 99),
        st.integers(0, 60),
        st.integers(1, 30),
        st.sampled_from([ALL, ONE, TWO]),
    ),
    max_size=8,
    unique_by=lambda w: w.order,
)


@given(WISHES)
def test_what_a_page_marks_is_what_clashes(wishes: list[PlannedAiring]) -> None:
    """ONE and TWO have nobody in common."""
    reached = {repr(ALL): frozenset("ab"), repr(ONE): frozenset("a"), repr(TWO): frozenset("b")}
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(conflicts, "Reach", lambda *_: lambda targets: reached[repr(targets)])
        marked = clashing(None, COMMUNE, wishes)  # type: ignore[arg-type]
        pairs = clashes(None, COMMUNE, wishes, [])  # type: ignore[arg-type]
    assert marked == {(w.order, w.starts_at) for c in pairs for w in (c.winner, c.loser)}


SPAN = 21
RECURRING = st.builds(
    lambda title, length, **rule: recurring(title, length, **rule),
    st.just("x"),
    st.integers(1, 200),
    repeat=st.sampled_from([Repeat.ONCE, Repeat.DAILY, Repeat.WEEKLY]),
    every=st.integers(1, 3),
    weekdays=st.lists(st.integers(0, 6), min_size=1, max_size=3),
    times=st.lists(st.times().map(lambda t: t.replace(second=0, microsecond=0)), min_size=1, max_size=3),
    from_day=st.dates(MONDAY, MONDAY + timedelta(days=SPAN - 1)),
)


@given(RECURRING, RECURRING)
def test_the_quick_look_sees_what_the_look_at_every_instant_sees(new: RecurringAiring, other: RecurringAiring) -> None:
    """Held against the clashes of all instants, one by one."""
    last = MONDAY + timedelta(days=SPAN)
    reached = lambda *_: lambda _targets: frozenset(["loa-1"])  # noqa: E731
    start, end = datetime.combine(MONDAY, time(), tzinfo=HANOI), datetime.combine(last, time(23, 59), tzinfo=HANOI)

    def each(of: RecurringAiring) -> list[tuple[datetime, datetime]]:
        return [(at, at + of.length) for at in instants(of.rule, HANOI, start - timedelta(days=1), end)]

    both = [a for a, b in each(new) if any(a < d and c < b for c, d in each(other))]
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(conflicts, "Reach", reached)
        found = recurring_clashes(None, COMMUNE, HANOI, new, [other], MONDAY, last)  # type: ignore[arg-type]
    days_met = {at.astimezone(HANOI).date() for at in both}
    assert (found[0].days if found else 0) == len(days_met)
