"""The lead of a live broadcast that follows from the receivers' links."""

import pytest

from broadcast.live_rules import LinkDelays


@pytest.mark.parametrize(
    ("taken_ahead_us", "round_trip_us", "lead_ms"),
    [
        (150_000, 2_000, 200),  # a local network
        (180_000, 2_000, 228),
        (150_000, 100_000, 750),  # 4G: a lost message is sent again in time
        (250_000, 100_000, 850),
        (150_000, 2_000_000, 3_150),  # no longer than that, however poor
        (150_000, 0, 900),  # a receiver that says nothing of its link
        (0, 0, 1_000),
    ],
)
def test_the_automatic_lead_leaves_time_for_what_the_link_has_shown(
    taken_ahead_us: int, round_trip_us: int, lead_ms: int
) -> None:
    assert LinkDelays(taken_ahead_us, round_trip_us).automatic_lead_us == lead_ms * 1000
