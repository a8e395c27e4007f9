"""A disk that fills up is said on the first page, long before nothing can be saved."""

import shutil
from pathlib import Path
from typing import NamedTuple

import pytest

from runtime.clock import ManualClock
from runtime.database import Database
from tests.web.office import Office


class Usage(NamedTuple):
    total: int
    used: int
    free: int


def test_low_space_is_on_the_first_page(
    database: Database, clock: ManualClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    office = Office(database, clock, tmp_path)
    office.add_receivers(1)
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**11, 0, 10**11))
    assert "sắp đầy" not in office.browser.get("/").text
    monkeypatch.setattr(shutil, "disk_usage", lambda _: Usage(10**11, 0, 1_900_000_000))
    page = office.browser.get("/").text
    assert "sắp đầy" in page
    assert "1.900 MB" in page
