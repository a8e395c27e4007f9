"""Precedence: one order for page, plan and receiver."""

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.playout.ladder import rank_of
from tests.receiver.plans import manifest
from wire.broadcasts import BroadcastClass, ClipItem, Item, LiveItem, Rendition, SoundSource, source_of
from wire.precedence import precedence_of

NORMAL, PRIORITY, EMERGENCY = BroadcastClass.NORMAL, BroadcastClass.PRIORITY, BroadcastClass.EMERGENCY
RECORDED, LIVE, RELAY = SoundSource.RECORDED, SoundSource.LIVE, SoundSource.RELAY


def clip(s: int) -> ClipItem:
    rendition = Rendition(sha256="0" * 64, bytes=1, codec="opus", path="a")
    return ClipItem(offset_us=0, duration_us=s * 1_000_000, clip="c", renditions=[rendition])


def live(s: int, relay: str = "") -> LiveItem:
    return LiveItem(offset_us=0, duration_us=s * 1_000_000, buffer_us=0, relay=relay)


def test_emergency_live_priority_normal_relay() -> None:
    ladder = [(EMERGENCY, RECORDED), (NORMAL, LIVE), (PRIORITY, RECORDED), (NORMAL, RECORDED), (NORMAL, RELAY)]
    ranks = [precedence_of(class_, source, 0, 0, "b") for class_, source in ladder]
    assert all(above > below for above, below in pairwise(ranks))
    # Neither a number nor a later start lifts one above the next step.
    raised = [precedence_of(class_, source, 99, 10**15, "z") for class_, source in ladder]
    assert all(above > below for above, below in zip(ranks, raised[1:], strict=False))


def test_an_emergency_spoken_live_and_one_recorded_are_equals_and_a_relay_may_be_raised() -> None:
    assert precedence_of(EMERGENCY, LIVE, 0, 2, "b") > precedence_of(EMERGENCY, RECORDED, 0, 1, "b")
    assert precedence_of(EMERGENCY, LIVE, 0, 1, "b") < precedence_of(EMERGENCY, RECORDED, 0, 2, "b")
    assert precedence_of(PRIORITY, RELAY, 0, 1, "b") > precedence_of(NORMAL, RECORDED, 9, 2, "b")


@pytest.mark.parametrize(
    ("items", "source"),
    [
        ([], RECORDED),
        ([clip(10)], RECORDED),
        ([live(10)], LIVE),
        ([clip(10), live(1)], LIVE),
        ([clip(5), live(1500, "VOV1"), clip(5)], RELAY),
        ([live(10, "VOV1"), clip(10)], RECORDED),
    ],
)
def test_the_source_of_a_broadcast(items: list[Item], source: SoundSource) -> None:
    assert source_of(items) is source


@given(
    st.lists(
        st.tuples(
            st.sampled_from(list(BroadcastClass)),
            st.lists(st.sampled_from([clip(3), live(7), live(5, "VOV1"), live(2, "VOV2")]), max_size=4),
            st.integers(0, 2),
            st.integers(0, 3),
        ),
        min_size=2,
        max_size=5,
    )
)
def test_the_receiver_decides_as_page_and_plan(rows: list[tuple[BroadcastClass, list[Item], int, int]]) -> None:
    """They are given the source of a programme, the receiver finds it in the items."""
    manifests = [
        manifest(f"b{k}", start, 60, class_=class_.value, precedence=precedence, items=items)
        for k, (class_, items, precedence, start) in enumerate(rows)
    ]
    planned = [
        precedence_of(class_, source_of(items), precedence, made.starts_at_us, made.broadcast)
        for (class_, items, precedence, _), made in zip(rows, manifests, strict=True)
    ]
    assert [rank_of(made) for made in manifests] == planned
