"""When a file is fetched: off-peak where there is time, and never all receivers at one instant.

A hundred SIM cards that fetch one recording at once slow each other down. Each receiver has a fixed place within the
available time, derived from its id.
"""

import hashlib
from collections.abc import Iterator
from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE_US = 60_000_000
#: What is needed sooner does not wait for the night: a link that fails then would leave no second chance.
NEAR_US = 6 * 60 * _MINUTE_US
#: The night's window has to end so long before the file is needed, for what fails to be tried again.
MARGIN_US = 60 * _MINUTE_US
#: Outside the night a tenth of the time there is, and no more than this, is used for spreading.
_SPREAD_SHARE, _MOST_SPREAD_US, _MOST_NEAR_SPREAD_US = 10, 30 * _MINUTE_US, _MINUTE_US
#: With less time than this there is none to give away.
_AT_ONCE_US = _MINUTE_US
#: A night that is almost over is no use to a hundred.
_SHORTEST_WINDOW_US = 30 * _MINUTE_US


def place_of(receiver: str, sha256: str) -> float:
    """A receiver's place among all for one file: 0 to 1, evenly spread, the same each time."""
    digest = hashlib.sha256(f"{receiver}/{sha256}".encode()).digest()
    return int.from_bytes(digest[:7], "big") / (1 << 56)


def fetch_at_us(
    place: float, announced_us: int, needed_us: int, from_minute: int, until_minute: int, zone: ZoneInfo
) -> int:
    """Controller time from which a file may be fetched: at or after `announced_us`, well before `needed_us`.

    from_minute, until_minute: the off-peak window of the local day, over midnight too; alike: there is none.
    """
    left_us = needed_us - announced_us
    if left_us <= _AT_ONCE_US:
        return announced_us
    if left_us > NEAR_US:
        for opens_us, closes_us in _windows(announced_us, needed_us, from_minute, until_minute, zone):
            since_us = max(opens_us, announced_us)
            if closes_us <= needed_us - MARGIN_US and closes_us - since_us >= _SHORTEST_WINDOW_US:
                return since_us + int(place * (closes_us - since_us))
    most_us = _MOST_NEAR_SPREAD_US if left_us <= NEAR_US else _MOST_SPREAD_US
    return announced_us + int(place * min(most_us, left_us // _SPREAD_SHARE))


def _windows(
    since_us: int, until_us: int, from_minute: int, until_minute: int, zone: ZoneInfo
) -> Iterator[tuple[int, int]]:
    """The off-peak windows that end after `since_us` and begin before `until_us`, in order."""
    if from_minute == until_minute:
        return
    day = (_EPOCH + timedelta(microseconds=since_us)).astimezone(zone).date() - timedelta(days=1)
    while True:
        opens_us = _instant_us(day, from_minute, zone)
        closes_us = _instant_us(day + timedelta(days=until_minute <= from_minute), until_minute, zone)
        if opens_us >= until_us:
            return
        if closes_us > since_us:
            yield opens_us, closes_us
        day += timedelta(days=1)


def _instant_us(day: date, minute: int, zone: ZoneInfo) -> int:
    local = datetime.combine(day, time(minute // 60, minute % 60), tzinfo=zone)
    return (local - _EPOCH) // timedelta(microseconds=1)
