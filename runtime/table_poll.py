"""A poll of the tables that is made only when it can find something that the last one did not.

Something is found after a commit of any process, once an instant comes that the last poll named, or after `reset`. What
else a poll depends on, such as a connection, it follows by naming the present instant: then it is due again.
"""

import logging
from collections.abc import Callable
from datetime import datetime

from sqlalchemy.exc import SQLAlchemyError

from runtime.clock import Clock
from runtime.database import Database

log = logging.getLogger(__name__)

#: A poll is made at least so often, in case something changed that no commit shows.
AT_LEAST_EVERY_S = 60.0


class TablePoll:
    """`run` in one thread at a time; `is_due` and `reset` from any."""

    def __init__(self, database: Database, clock: Clock, poll: Callable[[], datetime | None]) -> None:
        """poll: returns the instant from which it may find something although nothing was committed, None for never."""
        self._database, self._clock, self._poll = database, clock, poll
        self._is_reset = True
        self._version: object = None
        self._polled_at: datetime | None = None
        self._polled_us = 0
        self._next_at: datetime | None = None

    def reset(self) -> None:
        """Make the next poll whatever the tables say."""
        self._is_reset = True

    def is_due(self) -> bool:
        if self._is_reset or self._polled_at is None:
            return True
        if self._clock.monotonic_us() - self._polled_us >= AT_LEAST_EVERY_S * 1e6:
            return True
        now = self._clock.now()
        if now < self._polled_at or (self._next_at is not None and now >= self._next_at):
            return True  # also after the clock was set
        try:
            return self._database.data_version() != self._version
        except SQLAlchemyError as error:  # the poll fails too, and is reported by whatever calls it
            log.debug("version of the database not read: %s", error)
            return True

    def run(self) -> None:
        """Poll if it is due. Raises what the poll raises; then it stays due."""
        if not self.is_due():
            return
        self._is_reset, self._polled_at = False, None
        version, polled_at, polled_us = self._database.data_version(), self._clock.now(), self._clock.monotonic_us()
        self._next_at = self._poll()  # its own commits make the next poll due
        self._version, self._polled_at, self._polled_us = version, polled_at, polled_us
