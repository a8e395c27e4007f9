"""Who has the horn at any instant, and which sample of which file that is."""

from itertools import pairwise
from pathlib import Path

from hypothesis import given, settings
from hypothesis import strategies as st

from receiver.playout.ladder import Ladder, playing_intervals, rank_of, sounding_share
from receiver.store.plan import Plan
from tests.receiver.plans import KEY, KEYS, NOW_US, SECOND_US, config, manifest
from wire.allowed_hours import AllowedHours, NightLevel
from wire.broadcasts import BroadcastClass, LiveItem, Manifest, Rendition

plans = st.lists(
    st.tuples(
        st.integers(0, 50), st.integers(1, 40), st.sampled_from(["normal", "priority", "emergency"]), st.integers(0, 2)
    ),
    max_size=6,
).map(
    lambda rows: [
        manifest(f"b{k}", start, length, class_=class_, precedence=precedence)
        for k, (start, length, class_, precedence) in enumerate(rows)
    ]
)


def there(_: Rendition) -> Path:
    return Path("/shelf/a.opus")


def ladder(manifests: list[Manifest]) -> Ladder:
    return Ladder(manifests, config(), there, lambda _: None)


@settings(max_examples=150, deadline=None)
@given(plans, st.integers(0, 100))
def test_the_strongest_that_wants_to_sound_has_the_horn(manifests: list[Manifest], at_s: int) -> None:
    at_us = NOW_US + at_s * SECOND_US
    open_now = [m for m in manifests if m.starts_at_us <= at_us < m.ends_at_us]
    winner = ladder(manifests).now(at_us)
    assert winner is max(open_now, key=rank_of, default=None)
    if winner is not None:
        assert not any(m.class_ is BroadcastClass.EMERGENCY for m in open_now if winner.class_ != m.class_)


@settings(max_examples=150, deadline=None)
@given(plans)
def test_stretches_cover_the_time_without_gap_or_overlap(manifests: list[Manifest]) -> None:
    found = playing_intervals(manifests, None, NOW_US, NOW_US + 100 * SECOND_US)
    assert found[0].from_us == NOW_US
    assert found[-1].until_us == NOW_US + 100 * SECOND_US
    assert all(a.until_us == b.from_us for a, b in pairwise(found))


@settings(max_examples=150, deadline=None)
@given(plans, st.integers(0, 90))
def test_whatever_sounds_is_where_it_would_be_had_nothing_happened(manifests: list[Manifest], at_s: int) -> None:
    """Joining late and resuming are the same computation: sample 0 of a cue is where the manifest put it."""
    by_id = {m.broadcast: m for m in manifests}
    for cue in ladder(manifests).cues(NOW_US + at_s * SECOND_US, 4 * SECOND_US):
        assert cue.starts_at_us == by_id[cue.broadcast].starts_at_us
        assert by_id[cue.broadcast].starts_at_us <= cue.sounds_from_us < cue.until_us <= by_id[cue.broadcast].ends_at_us


def test_an_emergency_cuts_at_once_and_the_programme_goes_on_where_it_would_have_been() -> None:
    programme, storm = manifest("p", 0, 60), manifest("s", 20, 10, class_="emergency")
    cues = ladder([programme, storm]).cues(NOW_US, 60 * SECOND_US)
    assert [(c.broadcast, (c.sounds_from_us - NOW_US) // SECOND_US) for c in cues] == [("p", 0), ("s", 20), ("p", 30)]
    assert cues[2].starts_at_us == NOW_US
    assert sounding_share(programme, [storm], None) == (60 * SECOND_US, 50 * SECOND_US)


def test_what_is_withdrawn_or_stopped_is_silent() -> None:
    assert ladder([manifest(withdrawn=True)]).cues(NOW_US, 60 * SECOND_US) == []
    stopped = manifest("b", 0, 60, stopped_at_us=NOW_US + 5 * SECOND_US)
    assert [c.until_us for c in ladder([stopped]).cues(NOW_US, 60 * SECOND_US)] == [NOW_US + 5 * SECOND_US]


def test_a_file_that_is_not_there_is_never_another_programme() -> None:
    nothing = Ladder([manifest("b", 0, 20)], config(), lambda _: None, lambda _: None)
    assert [cue.fallback for cue in nothing.cues(NOW_US, 60 * SECOND_US)] == ["chime"]
    assert nothing.now(NOW_US) is not None


def test_outside_the_allowed_hours_only_an_emergency_sounds_even_if_the_controller_asks() -> None:
    # NOW_US is 2026-11-18 18:06:40 in Vietnam, weekday 2.
    hours = [AllowedHours(weekdays=[2], from_minute=18 * 60, until_minute=18 * 60 + 7)]
    held = config(allowed_hours=hours)
    edge_us = NOW_US + 20 * SECOND_US
    normal = manifest("n", 0, 60)
    assert [s.until_us for s in playing_intervals([normal], held, NOW_US, NOW_US + 60 * SECOND_US)] == [
        edge_us,
        NOW_US + 60 * SECOND_US,
    ]
    storm = manifest("e", 0, 60, class_=BroadcastClass.EMERGENCY.value)
    assert [s.manifest for s in playing_intervals([storm], held, NOW_US, NOW_US + 60 * SECOND_US)] == [storm]


def test_at_night_nothing_but_an_emergency_is_louder_than_the_night_level() -> None:
    # NOW_US is 2026-11-18 18:06:40 in Vietnam.
    night = [NightLevel(from_minute=18 * 60, until_minute=18 * 60 + 7, volume_percent=25)]
    held, edge_us = config(night_levels=night), NOW_US + 20 * SECOND_US

    def loudest(plan: list[Manifest], at_us: int) -> int:
        return Ladder(plan, held, lambda _: None, lambda _: None).loudest_percent(at_us)

    assert loudest([manifest("n", 0, 60)], edge_us - 1) == 25
    assert loudest([manifest("n", 0, 60)], edge_us) == 100
    assert loudest([manifest("e", 0, 60, class_=BroadcastClass.EMERGENCY.value)], edge_us - 1) == 100
    assert loudest([], edge_us - 1) == 25


def test_a_receiver_that_is_shifted_sounds_all_of_it_later_and_stops_with_the_others(tmp_path: Path) -> None:
    told = manifest("b", 10, 20, shifts_us={"loa-1": 30 * SECOND_US})
    plan = Plan(tmp_path, "loa-1", "tt", KEYS)
    assert plan.take_manifest("b", KEY.seal(told), NOW_US)
    [cue] = ladder(plan.for_us()).cues(NOW_US, 90 * SECOND_US)
    assert (cue.starts_at_us, cue.until_us) == (NOW_US + 40 * SECOND_US, NOW_US + 60 * SECOND_US)
    assert ladder(plan.for_us()).next_manifest(NOW_US, 40 * SECOND_US) is None, "its amplifier waits for its turn"
    late = ladder(plan.for_us()).cues(NOW_US + 45 * SECOND_US, SECOND_US)
    assert late[0].starts_at_us == NOW_US + 40 * SECOND_US, "who joins late joins at the shifted place"
    stopped = manifest(
        "b", 10, 20, shifts_us={"loa-1": 30 * SECOND_US}, stopped_at_us=NOW_US + 45 * SECOND_US, revision=2
    )
    plan.take_manifest("b", KEY.seal(stopped), NOW_US)
    assert [c.until_us for c in ladder(plan.for_us()).cues(NOW_US, 90 * SECOND_US)] == [NOW_US + 45 * SECOND_US]
    assert Plan(tmp_path, "loa-2", "tt", KEYS).for_us()[0].starts_at_us == told.starts_at_us


def test_who_has_the_horn_does_not_depend_on_whose_turn_it_is(tmp_path: Path) -> None:
    plan = Plan(tmp_path, "loa-1", "tt", KEYS)
    plan.take_manifest("a", KEY.seal(manifest("a", 0, 20, shifts_us={"loa-1": 30 * SECOND_US})), NOW_US)
    plan.take_manifest("b", KEY.seal(manifest("b", 5, 60)), NOW_US)
    assert ladder(plan.for_us()).now(NOW_US + 35 * SECOND_US).broadcast == "b"  # type: ignore[union-attr]


def test_live_sound_is_not_shifted() -> None:
    item = LiveItem(offset_us=0, duration_us=20 * SECOND_US, buffer_us=1)
    told = manifest("b", 10, 20, shifts_us={"loa-1": 30 * SECOND_US}, items=[item])
    assert told.for_receiver("loa-1").starts_at_us == told.starts_at_us
