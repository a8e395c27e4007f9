"""When audio is fetched: at night where there is time, at once where there is none, never all at one instant."""

from collections import Counter
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from receiver.playout.playback_failures import PlaybackFailures
from receiver.store.fetch_times import MARGIN_US, NEAR_US, fetch_at_us, place_of
from receiver.store.wanted_files import wanted_files
from tests.receiver.plans import NOW_US, SECOND_US, config, manifest, rendition
from wire.broadcasts import BroadcastClass, ClipItem

VIETNAM = ZoneInfo("Asia/Ho_Chi_Minh")
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
HOUR_US = 3_600 * SECOND_US
#: From nine in the evening to three in the morning.
NIGHT = (21 * 60, 3 * 60)


def us(text: str) -> int:
    return (datetime.fromisoformat(text).replace(tzinfo=VIETNAM) - EPOCH) // timedelta(microseconds=1)


def at(place: float, announced: str, needed: str, window: tuple[int, int] = NIGHT) -> str:
    found = fetch_at_us(place, us(announced), us(needed), *window, VIETNAM)
    return (EPOCH + timedelta(microseconds=found)).astimezone(VIETNAM).strftime("%d %H:%M:%S")


@pytest.mark.parametrize(
    ("place", "announced", "needed", "when"),
    [
        (0.0, "2026-11-22 09:00", "2026-11-24 05:00", "22 21:00:00"),  # the first night of two
        (0.5, "2026-11-22 09:00", "2026-11-24 05:00", "23 00:00:00"),
        (0.5, "2026-11-23 23:00", "2026-11-24 09:00", "24 01:00:00"),  # what is left of the night
        (0.5, "2026-11-23 02:45", "2026-11-23 17:00", "23 03:00:00"),  # too little is left: half an hour, spread
        (1.0, "2026-11-23 20:00", "2026-11-24 03:30", "23 20:30:00"),  # the night would end too late
        (0.0, "2026-11-23 20:00", "2026-11-24 04:00", "23 21:00:00"),  # just early enough
        (1.0, "2026-11-23 08:00", "2026-11-23 14:00", "23 08:01:00"),  # six hours: within a minute
        (1.0, "2026-11-23 08:00:00", "2026-11-23 08:02:00", "23 08:00:12"),  # a tenth of what there is
        (1.0, "2026-11-23 08:00:00", "2026-11-23 08:01:00", "23 08:00:00"),  # none to give away
        (1.0, "2026-11-23 08:00:00", "2026-11-23 07:00:00", "23 08:00:00"),  # late already
    ],
)
def test_each_case_by_the_clock(place: float, announced: str, needed: str, when: str) -> None:
    assert at(place, announced, needed) == when


def test_without_a_window_it_is_spread_over_half_an_hour() -> None:
    assert at(0.5, "2026-11-22 09:00", "2026-11-24 05:00", (60, 60)) == "22 09:15:00"


def test_a_hundred_receivers_never_pull_at_one_minute_and_each_keeps_its_place() -> None:
    places = [place_of(f"loa-{k}", "a" * 64) for k in range(100)]
    minutes = Counter(at(place, "2026-11-22 09:00", "2026-11-24 05:00")[:8] for place in places)
    assert max(minutes.values()) <= 4
    assert min(places) < 0.05
    assert max(places) > 0.95
    assert place_of("loa-7", "a" * 64) == places[7]
    assert place_of("loa-7", "b" * 64) != places[7]


@given(
    st.floats(0, 1, exclude_max=True),
    st.integers(0, 400 * 24 * 60),
    st.integers(0, 14 * 24 * 60),
    st.integers(0, 1439),
    st.integers(0, 1439),
)
def test_it_is_never_before_the_announcement_nor_too_late_to_try_again(
    place: float, announced_minute: int, ahead_minutes: int, from_minute: int, until_minute: int
) -> None:
    announced_us = us("2026-01-01 00:00") + announced_minute * 60 * SECOND_US
    needed_us = announced_us + ahead_minutes * 60 * SECOND_US
    found_us = fetch_at_us(place, announced_us, needed_us, from_minute, until_minute, VIETNAM)
    assert announced_us <= found_us
    left_us = needed_us - announced_us
    if left_us > NEAR_US:
        assert found_us <= needed_us - MARGIN_US
    else:
        assert found_us <= announced_us + left_us // 10


def test_an_emergency_and_the_backup_wait_for_nothing_and_a_start_without_the_time_changes_no_moment() -> None:
    far = manifest("n", 40 * 3600, 60)
    storm = manifest("e", 40 * 3600, 60, class_=BroadcastClass.EMERGENCY.value)
    backup = ClipItem(offset_us=0, duration_us=SECOND_US, clip="b", renditions=[rendition("b")])
    known = wanted_files([far], config(backup=backup), PlaybackFailures(), NOW_US, "loa-1")
    assert known[0].not_before_us > NOW_US
    assert [w.not_before_us for w in known[1:]] == [0]
    assert [w.not_before_us for w in wanted_files([storm], config(), PlaybackFailures(), NOW_US, "loa-1")] == [0]
    assert wanted_files([far], config(), PlaybackFailures(), None, "loa-1") == known[:1]
