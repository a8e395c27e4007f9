"""A connected commune for each test."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from runtime.clock import ManualClock
from runtime.database import Database
from tests.province.linked_commune import LinkedCommune


@pytest.fixture
def linked_commune(database: Database, clock: ManualClock, tmp_path: Path) -> Iterator[LinkedCommune]:
    """See `LinkedCommune`."""
    made = LinkedCommune(database, clock, tmp_path)
    yield made
    made.close()
