"""Page, plan and receiver choose the same broadcast at every instant."""

from datetime import timedelta

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from broadcast.broadcasts import Broadcast
from receiver.playout.ladder import Ladder
from runtime.clock import from_us
from schedules.conflicts import PlannedAiring
from tests.receiver.plans import NOW_US, SECOND_US, config, manifest
from wire.broadcasts import BroadcastClass, ClipItem, Item, LiveItem, Manifest, Rendition, Targets, source_of

ALL = Targets(all=True)
_RENDITION = Rendition(sha256="0" * 64, bytes=1, codec="opus", path="a")
#: What a broadcast is made of, over all of its 20 s.
CONTENTS: dict[str, Item] = {
    "recorded": ClipItem(offset_us=0, duration_us=20 * SECOND_US, clip="c", renditions=[_RENDITION]),
    "live": LiveItem(offset_us=0, duration_us=20 * SECOND_US, buffer_us=0),
    "relay": LiveItem(offset_us=0, duration_us=20 * SECOND_US, buffer_us=0, relay="VOV1"),
}


def row_of(made: Manifest) -> Broadcast:
    """As the table of the controller keeps it: the page and its explanation ask this."""
    return Broadcast(
        id=made.broadcast,
        commune_id="tt",
        title="",
        class_=made.class_.value,
        precedence=made.precedence,
        starts_at=from_us(made.starts_at_us),
        ends_at=from_us(made.ends_at_us),
        targets=msgspec.json.encode(ALL),
        items=msgspec.json.encode(made.items),
        planned_at=from_us(NOW_US),
        planned_by="lan",
    )


def airing_of(made: Manifest) -> PlannedAiring:
    """As the timetable asks about what it has not planned yet."""
    return PlannedAiring(
        "",
        made.class_,
        made.precedence,
        from_us(made.starts_at_us),
        from_us(made.ends_at_us),
        ALL,
        made.broadcast,
        source_of(made.items),
    )


@settings(max_examples=60, deadline=None)
@given(
    st.lists(
        st.tuples(
            st.sampled_from(list(BroadcastClass)),
            st.sampled_from(list(CONTENTS)),
            st.integers(0, 2),
            st.integers(0, 12),
        ),
        min_size=2,
        max_size=5,
    )
)
def test_who_plays_at_each_second(rows: list[tuple[BroadcastClass, str, int, int]]) -> None:
    manifests = [
        manifest(f"b{k}", start_s, class_=class_.value, precedence=precedence, items=[CONTENTS[content]])
        for k, (class_, content, precedence, start_s) in enumerate(rows)
    ]
    broadcasts, airings = [row_of(made) for made in manifests], [airing_of(made) for made in manifests]
    assert [b.rank for b in broadcasts] == [a.rank for a in airings]
    ladder = Ladder(manifests, config(allowed_hours=[]), lambda _: None, lambda _: None)
    for second in range(35):
        at_us = NOW_US + second * SECOND_US + SECOND_US // 2
        at = from_us(at_us)
        due = [b for b in broadcasts if b.starts_at <= at < b.ends_at]
        plays = ladder.now(at_us)
        assert (plays.broadcast if plays else None) == (max(due, key=lambda b: b.rank).id if due else None)


def test_an_emergency_is_above_each_of_the_others_at_once() -> None:
    below = [manifest(f"a{k}", 0, class_="priority", items=[item]) for k, item in enumerate(CONTENTS.values())]
    alert = manifest("alert-1", 5, 5, class_="emergency")
    ladder = Ladder([*below, alert], config(allowed_hours=[]), lambda _: None, lambda _: None)
    at = [ladder.now(NOW_US + round(s * 1_000_000)) for s in (4.9, 5.0, 9.9, 10.0)]
    assert [made.broadcast == "alert-1" if made else None for made in at] == [False, True, True, False]
    assert row_of(alert).starts_at - from_us(NOW_US) == timedelta(seconds=5)
