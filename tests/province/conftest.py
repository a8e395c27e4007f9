"""A connected commune for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.clock import ManualClock
from runtime.database import Database
from tests.province.house import House


@pytest.fixture
def house(database: Database, clock: ManualClock, tmp_path: Path) -> Iterator[House]:
    """See `House`."""
    made = House(database, clock, tmp_path)
    yield made
    made.close()
