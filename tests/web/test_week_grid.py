"""Where airings stand in the grid of hours: lanes, midnight, the shortest ones, and many at one time."""

from datetime import date, datetime, timedelta
from typing import cast

from broadcast.programmes import Programme
from schedules.occurrences import Occurrence
from schedules.schedules import Schedule
from tests.cast import VIETNAM
from web.week_grid import Block, Layout, closed_minutes, layouts, shown_hours

TUESDAY, WEDNESDAY = date(2026, 11, 24), date(2026, 11, 25)


def due(hour: int, minute: int = 0, minutes: float = 15, day: date = TUESDAY) -> Occurrence:
    starts_at = datetime(day.year, day.month, day.day, hour, minute, tzinfo=VIETNAM)
    return Occurrence(
        cast("Schedule", None), cast("Programme", None), starts_at, starts_at + timedelta(minutes=minutes)
    )


def laid(*of: Occurrence, most: int = 3) -> Layout:
    return layouts(of, [TUESDAY, WEDNESDAY], VIETNAM, most)[TUESDAY]


def lanes(blocks: list[Block]) -> list[tuple[int, int]]:
    return [(block.lane, block.lanes) for block in blocks]


def test_one_after_the_other_needs_one_lane_and_overlapping_ones_stand_side_by_side() -> None:
    assert lanes(laid(due(5, 0, 30), due(5, 30, 30)).blocks) == [(0, 1), (0, 1)]
    assert lanes(laid(due(5, 0, 60), due(5, 30, 30), due(6, 0, 30)).blocks) == [(0, 2), (1, 2), (0, 1)]


def test_a_short_airing_takes_the_space_in_which_it_can_be_read() -> None:
    [jingle, news] = laid(due(5, 0, 2), due(5, 2, 30)).blocks
    assert (jingle.minutes, jingle.lane, news.lane) == (2, 0, 1)
    assert lanes(laid(due(5, 0, 0.2)).blocks) == [(0, 1)]


def test_one_over_midnight_stands_on_both_days() -> None:
    of_days = layouts([due(23, 30, 60)], [TUESDAY, WEDNESDAY], VIETNAM, 3)
    [first], [second] = of_days[TUESDAY].blocks, of_days[WEDNESDAY].blocks
    assert (first.minute, first.minutes, first.to_next_day) == (1410, 30, True)
    assert (second.minute, second.minutes, second.from_day_before) == (0, 30, True)
    [last] = layouts([due(23, 30, 30)], [TUESDAY, WEDNESDAY], VIETNAM, 3)[TUESDAY].blocks
    assert not last.to_next_day, "it ends at midnight"


def test_many_at_one_time_are_collapsed_and_the_day_shows_them_all() -> None:
    five = [due(5, 0, 28) for _ in range(5)]
    layout = laid(*five, due(9))
    assert [block.hidden for block in layout.blocks] == [False, False, True, True, True, False]
    [more] = layout.more
    assert (more.minute, more.count, more.lane, more.lanes) == (300, 3, 2, 3)
    assert laid(*five, most=12).more == []
    assert lanes(laid(*five[:3]).blocks) == [(0, 3), (1, 3), (2, 3)]


def test_the_hours_shown_hold_what_is_due_and_when_it_is_allowed() -> None:
    assert list(shown_hours([], []).range) == list(range(5, 21))
    hours = shown_hours([laid(due(3, 15)), laid(due(22, 50))], [(300, 1260)])
    assert (hours.first, hours.first + hours.count) == (2, 24)


def test_closed_is_the_rest_of_the_day() -> None:
    assert closed_minutes(None) == []
    assert closed_minutes([]) == [(0, 1440)]
    assert closed_minutes([(300, 720), (780, 1260)]) == [(0, 300), (720, 60), (1260, 180)]
