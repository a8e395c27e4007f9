"""Week grid: where each airing of a day is drawn, and what is drawn behind it.

Pure: minutes of the commune's local day, and lanes for airings that would cover each other.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from schedules.occurrences import Occurrence

_DAY_MINUTES = 1440
#: A shorter airing is drawn as long as this, so that its title can be read and it can be clicked.
SHORTEST_DRAWN_MINUTES = 26
#: Lanes in a column of a week, and of a single day.
LANES_IN_WEEK, LANES_IN_DAY = 3, 12
#: Hours that are drawn even when nothing is due and there are no allowed hours.
_FIRST_HOUR, _LAST_HOUR = 5, 21


@dataclass(frozen=True)
class Block:
    """The part of an airing within one day. minute: of the day. minutes: its true length in this day, at least 1.

    lane, lanes: its column among those beside it. hidden: it has no lane; `More` counts it.
    from_day_before, to_next_day: it crosses midnight.
    """

    occurrence: Occurrence
    minute: int
    minutes: int
    lane: int = 0
    lanes: int = 1
    hidden: bool = False
    from_day_before: bool = False
    to_next_day: bool = False


@dataclass(frozen=True)
class More:
    """Stands for `count` airings that have no lane. minutes: of the whole group."""

    minute: int
    minutes: int
    count: int
    lane: int
    lanes: int


@dataclass(frozen=True)
class Layout:
    """One day's blocks, in order of time, and what stands for the hidden ones."""

    blocks: list[Block]
    more: list[More]


@dataclass(frozen=True)
class Hours:
    """The hours that are drawn: from `first` on, `count` of them."""

    first: int
    count: int

    @property
    def range(self) -> range:
        return range(self.first, self.first + self.count)


def layouts(due: Iterable[Occurrence], days: Sequence[date], zone: ZoneInfo, most_lanes: int) -> dict[date, Layout]:
    """By day. due: also what began on the day before the first one."""
    blocks: dict[date, list[Block]] = {day: [] for day in days}
    for occurrence in due:
        for day, block in _blocks(occurrence, zone):
            if day in blocks:
                blocks[day].append(block)
    return {day: _layout(of_day, most_lanes) for day, of_day in blocks.items()}


def shown_hours(of_days: Iterable[Layout], allowed: Iterable[tuple[int, int]]) -> Hours:
    """allowed: stretches in which the commune may broadcast, in minutes."""
    first, last = _FIRST_HOUR * 60, _LAST_HOUR * 60
    for start, end in allowed:
        if (start, end) != (0, _DAY_MINUTES):
            first, last = min(first, start - 60), max(last, end + 60)
    for layout in of_days:
        for block in layout.blocks:
            first, last = min(first, block.minute - 30), max(last, block.minute + _drawn(block))
    first_hour, last_hour = max(0, first // 60), min(24, -(-last // 60))
    return Hours(first_hour, last_hour - first_hour)


def closed_minutes(allowed: Sequence[tuple[int, int]] | None) -> list[tuple[int, int]]:
    """The rest of the day, as start and length. allowed: in order; None when there is no limit."""
    if allowed is None:
        return []
    closed, since = [], 0
    for start, end in [*allowed, (_DAY_MINUTES, _DAY_MINUTES)]:
        if start > since:
            closed.append((since, start - since))
        since = max(since, end)
    return closed


def _blocks(occurrence: Occurrence, zone: ZoneInfo) -> Iterable[tuple[date, Block]]:
    starts, ends = occurrence.starts_at.astimezone(zone), occurrence.ends_at.astimezone(zone)
    day, last = starts.date(), max(starts, ends - timedelta(microseconds=1)).date()
    while day <= last:
        begins = starts if day == starts.date() else datetime.combine(day, time(), tzinfo=zone)
        stops = min(ends, datetime.combine(day + timedelta(days=1), time(), tzinfo=zone))
        minute = begins.hour * 60 + begins.minute
        length = min(_DAY_MINUTES - minute, max(1, round((stops - begins).total_seconds() / 60)))
        yield (
            day,
            Block(occurrence, minute, length, from_day_before=day != starts.date(), to_next_day=day != last),
        )
        day += timedelta(days=1)


def _layout(blocks: list[Block], most_lanes: int) -> Layout:
    laid, more, group, until = list[Block](), list[More](), list[Block](), 0
    for block in sorted(blocks, key=lambda b: (b.minute, -b.minutes)):
        if group and block.minute >= until:
            _lay(group, most_lanes, laid, more)
            group = []
        group.append(block)
        until = max(until if len(group) > 1 else 0, block.minute + _drawn(block))
    if group:
        _lay(group, most_lanes, laid, more)
    return Layout(laid, more)


def _lay(group: list[Block], most_lanes: int, laid: list[Block], more: list[More]) -> None:
    """Give each block of a group that overlaps the first free lane."""
    ends, lanes = list[int](), list[int]()
    for block in group:
        lane = next((n for n, end in enumerate(ends) if end <= block.minute), len(ends))
        ends[lane : lane + 1] = [block.minute + _drawn(block)]
        lanes.append(lane)
    count = min(len(ends), most_lanes)
    shown = count if len(ends) <= most_lanes else most_lanes - 1
    laid += [
        replace(block, lane=min(lane, count - 1), lanes=count, hidden=lane >= shown)
        for block, lane in zip(group, lanes, strict=True)
    ]
    hidden = [block for block, lane in zip(group, lanes, strict=True) if lane >= shown]
    if hidden:
        end = max(block.minute + _drawn(block) for block in hidden)
        more.append(More(hidden[0].minute, end - hidden[0].minute, len(hidden), count - 1, count))


def _drawn(block: Block) -> int:
    """How many minutes high it is drawn."""
    return max(block.minutes, SHORTEST_DRAWN_MINUTES)
