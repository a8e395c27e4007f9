"""A key switch at the receiver: closing it starts the emergency that is prepared for it, opening it may end that."""

import logging
import secrets
from collections.abc import Callable

from receiver.alerts.alert_book_store import AlertBookStore
from receiver.alerts.alert_inbox import AlertInbox
from wire.alerts import Alert

log = logging.getLogger(__name__)


class LocalTriggerSwitch:
    """For the main thread."""

    def __init__(self, inbox: AlertInbox, books: AlertBookStore, lead_us: Callable[[], int]) -> None:
        """lead_us: of the chain; speech waits for it."""
        self._inbox, self._books, self._lead_us = inbox, books, lead_us
        self._closed: bool | None = None
        self._alert: Alert | None = None
        self._ends_on_release = True

    def step(self, closed: bool | None, now_us: int) -> None:
        """closed: None when the switch says nothing. now_us: controller time.

        One that is closed at the start has not been closed by a person: it counts once it has been open.
        """
        if closed is None:
            return
        was, self._closed = self._closed, closed
        if was is False and closed:
            self._start(now_us)
        elif was and not closed and self._alert is not None and self._ends_on_release:
            issued_at_us = max(now_us // 1000 * 1000, self._alert.issued_at_us)
            self._inbox.issue(self._alert._replace(is_end=True, template=0, issued_at_us=issued_at_us))
            self._alert = None

    def _start(self, now_us: int) -> None:
        trigger = self._books.book.local_trigger if self._books.book is not None else None
        if trigger is None:
            log.error("the key switch was closed, and the alert book prepares nothing for it")
            return
        issued_at_us = now_us // 1000 * 1000
        self._ends_on_release = trigger.ends_on_release
        self._alert = Alert(
            alert=secrets.token_hex(8),
            issued_at_us=issued_at_us,
            expires_at_us=issued_at_us + trigger.validity_s * 1_000_000,
            speech_offset_us=max(trigger.speech_offset_ms * 1000, -(-self._lead_us() // 1000) * 1000 + 1000),
            template=trigger.template,
            level=trigger.level,
            repeats=trigger.repeats,
            slots=tuple(trigger.slots),
        )
        self._inbox.issue(self._alert)
