"""Allowed hours and night level: when others than an emergency may sound, and how loud.

Pure computation that page, plan and receiver share: what the page shows is what the receiver enforces.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from datetime import UTC, date, datetime, time, timedelta
from enum import StrEnum
from typing import Annotated
from zoneinfo import ZoneInfo

from msgspec import Meta

from wire.messages import Message

_DAY_MINUTES = 1440
MonthDay = Annotated[str, Meta(pattern=r"^(|(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01]))$")]


class OnDaysOff(StrEnum):
    """What a public holiday changes."""

    ALIKE = "alike"
    NOT = "not"
    ONLY = "only"


class AllowedHours(Message, frozen=True, kw_only=True):
    """A stretch of the week in which others than an emergency may sound.

    zone: whose limit it is, "" for the commune's. Each that has any limit must allow: the commune, and each zone that a
    receiver is in.
    weekdays: 0 is Monday, as ISO 8601 less one. from_minute, until_minute: of the commune's local day, until excluded.
    season_first, season_last: "MM-DD", both included, over the new year too; "" for all the year.
    days_off: whether it holds on public holidays ("alike"), does not ("not"), or holds on them alone ("only").
    """

    weekdays: list[Annotated[int, Meta(ge=0, le=6)]]
    from_minute: Annotated[int, Meta(ge=0, le=1439)]
    until_minute: Annotated[int, Meta(ge=1, le=1440)]
    season_first: MonthDay = ""
    season_last: MonthDay = ""
    days_off: OnDaysOff = OnDaysOff.ALIKE
    zone: str = ""

    def holds_on(self, day: date, day_off: bool) -> bool:
        """Whether it says anything of a day."""
        if day.weekday() not in self.weekdays or self.days_off is (OnDaysOff.NOT if day_off else OnDaysOff.ONLY):
            return False
        at, first, last = f"{day:%m-%d}", self.season_first, self.season_last
        if not first or not last:
            return True
        return first <= at <= last if first <= last else at >= first or at <= last


class NightLevel(Message, frozen=True, kw_only=True):
    """From one minute of the local day to another (over midnight too) nothing but an emergency is louder than this."""

    from_minute: Annotated[int, Meta(ge=0, le=1439)]
    until_minute: Annotated[int, Meta(ge=0, le=1439)]
    volume_percent: Annotated[int, Meta(ge=0, le=100)]

    def holds(self, minute: int) -> bool:
        """Whether a minute of the day lies in it. From and until alike: never."""
        if self.from_minute <= self.until_minute:
            return self.from_minute <= minute < self.until_minute
        return minute >= self.from_minute or minute < self.until_minute


def open_minutes(hours: Iterable[AllowedHours], day: date, day_off: bool) -> list[tuple[int, int]]:
    """The stretches of a local day that all limits allow: minutes, until excluded, in order, apart from one another."""
    limits: dict[str, list[tuple[int, int]]] = {}
    for limit in hours:
        stretches = limits.setdefault(limit.zone, [])
        if limit.holds_on(day, day_off):
            stretches.append((limit.from_minute, limit.until_minute))
    minutes = [(0, _DAY_MINUTES)]
    for stretches in limits.values():
        joined = _joined(stretches)
        shared = [(max(a, c), min(b, d)) for a, b in minutes for c, d in joined]
        minutes = [(start, end) for start, end in shared if start < end]
    return minutes


def allowed(hours: Sequence[AllowedHours], days_off: Collection[date], zone: ZoneInfo, at: datetime) -> bool:
    """Whether others than an emergency may sound at an instant (aware). No hours at all: always."""
    if not hours:
        return True
    local = at.astimezone(zone)
    day, minute = local.date(), local.hour * 60 + local.minute
    return any(start <= minute < end for start, end in open_minutes(hours, day, day in days_off))


def shut(
    hours: Sequence[AllowedHours], days_off: Collection[date], zone: ZoneInfo, start: datetime, end: datetime
) -> list[tuple[datetime, datetime]]:
    """When nothing but an emergency may sound within [start, end): UTC, in order. start, end: aware."""
    if not hours or start >= end:
        return []
    intervals, since = [], start
    for opens, closes in _open(hours, days_off, zone, start, end):
        if opens > since:
            intervals.append((since.astimezone(UTC), opens.astimezone(UTC)))
        since = max(since, closes)
    if since < end:
        intervals.append((since.astimezone(UTC), end.astimezone(UTC)))
    return intervals


def night_volume_percent(levels: Iterable[NightLevel], zone: ZoneInfo, at: datetime) -> int:
    """The loudest that others than an emergency may be at an instant (aware): 100 when it is not night."""
    local = at.astimezone(zone)
    minute = local.hour * 60 + local.minute
    return min((level.volume_percent for level in levels if level.holds(minute)), default=100)


def _open(
    hours: Sequence[AllowedHours], days_off: Collection[date], zone: ZoneInfo, start: datetime, end: datetime
) -> Iterator[tuple[datetime, datetime]]:
    """What is open within [start, end), day by day, as UTC."""
    day, last = start.astimezone(zone).date(), end.astimezone(zone).date()
    while day <= last:
        for opens, closes in open_minutes(hours, day, day in days_off):
            since, until = max(_instant(day, opens, zone), start), min(_instant(day, closes, zone), end)
            if since < until:
                yield since, until
        day += timedelta(days=1)


def _joined(stretches: list[tuple[int, int]]) -> list[tuple[int, int]]:
    joined: list[tuple[int, int]] = []
    for start, end in sorted(stretches):
        if joined and start <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], end))
        else:
            joined.append((start, end))
    return joined


def _instant(day: date, minute: int, zone: ZoneInfo) -> datetime:
    if minute == _DAY_MINUTES:
        day, minute = day + timedelta(days=1), 0
    return datetime.combine(day, time(minute // 60, minute % 60), tzinfo=zone).astimezone(UTC)
