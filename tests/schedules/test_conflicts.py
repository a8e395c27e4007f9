"""Clashes: who sounds when two want the same receivers, and what becomes of the other. As the receivers decide it."""

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.ladder import strength as receivers_strength
from runtime.clock import ManualClock, to_us
from runtime.database import Database
from schedules.conflicts import Clash, Fate, Wish, clashes
from tests.broadcast.studio import ALL, Studio
from tests.cast import COMMUNE, MORNING
from wire.broadcasts import BroadcastClass, Manifest, Targets
from wire.messages import for_commune

NORMAL, PRIORITY, EMERGENCY = BroadcastClass.NORMAL, BroadcastClass.PRIORITY, BroadcastClass.EMERGENCY
ONE, TWO = Targets(receivers=["loa-1"]), Targets(zones=["thon-2"])


@pytest.fixture
def studio(clock: ManualClock, database: Database) -> Studio:
    return Studio(clock, database)


def minute(count: float) -> datetime:
    return MORNING + timedelta(minutes=count)


def wish(title: str, start: float, end: float, class_: BroadcastClass = NORMAL, targets: Targets = ALL) -> Wish:
    return Wish(title, class_, 0, minute(start), minute(end), targets, title)


def found(studio: Studio, new: list[Wish], others: list[Wish]) -> list[Clash]:
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
        (wish("new", 5, 6, EMERGENCY), wish("old", 0, 10), "new", Fate.INTERRUPTED),
        (wish("new", 0, 10, EMERGENCY), wish("old", 0, 10), "new", Fate.SILENT),
        (wish("new", 5, 15, PRIORITY), wish("old", 0, 10), "new", Fate.CUT),
        (wish("new", 0, 10), wish("old", 5, 15, PRIORITY), "old", Fate.CUT),
        (wish("new", 2, 8), wish("old", 0, 10, PRIORITY), "old", Fate.SILENT),
        (wish("new", 5, 15), wish("old", 0, 10), "new", Fate.CUT),
        (wish("new", 0, 10, PRIORITY), wish("old", 0, 10, EMERGENCY), "old", Fate.SILENT),
        (wish("new", 0, 5, EMERGENCY), wish("old", 0, 10), "new", Fate.CUT),
    ],
)
def test_the_higher_class_sounds_then_the_later_start(
    studio: Studio, new: Wish, other: Wish, winner: str, fate: Fate
) -> None:
    clash = found(studio, [new], [other])[0]
    assert (clash.winner.title, clash.fate) == (winner, fate)


WISHES = st.builds(
    Wish,
    title=st.just("x"),
    class_=st.sampled_from(BroadcastClass),
    precedence=st.integers(0, 2),
    starts_at=st.integers(0, 3).map(minute),
    ends_at=st.just(minute(30)),
    targets=st.just(ALL),
    order=st.text("abc", max_size=2),
)


@given(WISHES, WISHES)
def test_what_the_page_says_wins_is_what_the_receiver_lets_sound(one: Wish, other: Wish) -> None:
    def as_sent(w: Wish) -> Manifest:
        return Manifest(
            to=for_commune(COMMUNE), revision=1, issued_at_us=0, expires_at_us=1, broadcast=w.order, class_=w.class_,
            precedence=w.precedence, targets=ALL, starts_at_us=to_us(w.starts_at), ends_at_us=to_us(w.ends_at),
            items=[],
        )  # fmt: skip

    here = (one.strength > other.strength, one.strength == other.strength)
    there = [receivers_strength(as_sent(w)) for w in (one, other)]
    assert here == (there[0] > there[1], there[0] == there[1])
