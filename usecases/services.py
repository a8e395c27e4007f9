"""What a use case needs of the running controller besides the database: whom to notify after the commit."""

from collections.abc import Callable
from dataclasses import dataclass

from runtime.clock import Clock
from runtime.database import Database


def _nothing() -> None:
    """For a process in which nothing waits to be notified."""


@dataclass(frozen=True)
class Services:
    """announce: broadcasts changed, the transmitter sends their manifests. plan: the timetable or its rules changed."""

    database: Database
    clock: Clock
    announce: Callable[[], None] = _nothing
    plan: Callable[[], None] = _nothing
