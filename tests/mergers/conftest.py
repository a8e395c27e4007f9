"""A county of two communes, on both databases."""

import pytest

from runtime.clock import ManualClock
from tests.mergers.county import County


@pytest.fixture(params=["sqlite", "postgresql"])
def county(request: pytest.FixtureRequest, clock: ManualClock) -> County:
    """Thiệu Chính and Hậu Hiền."""
    name = "database" if request.param == "sqlite" else "postgres"
    return County(clock, request.getfixturevalue(name))
