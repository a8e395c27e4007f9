"""Counted numbers grow over restarts, and above what earlier versions took from a clock."""

import time

from runtime.counters import BLOCK, Counting
from runtime.database import Database


def test_numbers_grow_over_blocks_and_restarts(database: Database) -> None:
    first = Counting(database, "command")
    numbers = [first() for _ in range(BLOCK + 2)]
    restarted = Counting(database, "command")
    numbers += [restarted(), restarted()]
    assert numbers == sorted(set(numbers))
    assert numbers[1] == numbers[0] + 1


def test_they_are_above_any_that_an_earlier_version_took_from_the_clock(database: Database) -> None:
    assert Counting(database, "command")() > time.time() * 1e6 + 50 * 365 * 86_400 * 1e6
    assert Counting(database, "command")() < 2**53, "JSON holds it exactly"
