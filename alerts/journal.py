"""The journal of alerts: writes rows as soon as the database takes them, and never holds up who calls.

An alert is published before it is written: a locked database or a full disk must not delay it. Until a row is written,
`overlay` gives it to those who read.
"""

import logging
import threading
from collections.abc import Callable
from dataclasses import dataclass, field

from sqlmodel import Session

from alerts.emergency_alerts import EmergencyAlert
from runtime.database import Database
from transport.worker import BackOff, Worker

log = logging.getLogger(__name__)

Write = Callable[[Session], None]
#: How long a caller waits so that the next page shows what is written.
_USUALLY_WITHIN_S = 0.3


@dataclass
class _Entry:
    """alert: None where only `write` is to be done."""

    alert: EmergencyAlert | None
    write: Write
    written: threading.Event = field(default_factory=threading.Event)


class AlertJournal:
    """`put` from any thread. One thread writes, in order."""

    def __init__(self, database: Database) -> None:
        self._database = database
        self._after_write: Callable[[], None] = lambda: None
        self._waiting: list[_Entry] = []
        self._lock = threading.Lock()
        self._worker = Worker(self._step, "alert journal", back_off=BackOff(0.2, 5.0))

    def after_write(self, notify: Callable[[], None]) -> None:
        """Call `notify` after each commit from now on."""
        self._after_write = notify

    def start(self) -> None:
        self._worker.start()

    def close(self) -> None:
        """Write what is waiting; what the database does not take now is lost, but the broker has the alerts."""
        self._worker.close(20)
        while self._waiting:
            self._step()

    def put(self, alert: EmergencyAlert, write: Write) -> None:
        """Keep a new version of an alert. write: what else changes with it, in the same transaction."""
        entry = _Entry(EmergencyAlert(**alert.model_dump()), write)
        with self._lock:
            self._waiting.append(entry)
        self._worker.wake()
        entry.written.wait(_USUALLY_WITHIN_S)

    def write_soon(self, write: Write) -> None:
        """Do something else to the tables, in its turn. Does not wait."""
        with self._lock:
            self._waiting.append(_Entry(None, write))
        self._worker.wake()

    def overlay(self, commune_id: str | None = None) -> dict[str, EmergencyAlert]:
        """The newest version of each alert that is not written yet, by id; without a commune, of all."""
        with self._lock:
            return {
                e.alert.id: EmergencyAlert(**e.alert.model_dump())
                for e in self._waiting
                if e.alert is not None and commune_id in (None, e.alert.commune_id)
            }

    def _step(self) -> float | None:
        with self._lock:
            entry = self._waiting[0] if self._waiting else None
        if entry is None:
            return None
        with self._database.writing() as session:
            if entry.alert is not None:
                session.merge(EmergencyAlert(**entry.alert.model_dump()))
            entry.write(session)
        with self._lock:
            self._waiting.remove(entry)
        entry.written.set()
        self._after_write()
        return 0.0
