"""Receivers' accounts at the broker, kept equal to the tables. A changed account ends the sessions of the old one."""

import logging
import threading
from collections.abc import Callable, Collection

from devices.enrolment import CONTROLLER_USER, accounts
from runtime.database import Database
from runtime.mosquitto import Mosquitto, hash_password

log = logging.getLogger(__name__)


class BrokerAccounts:
    """A broker that the settings name manages its own accounts; then only changes are noticed."""

    def __init__(self, database: Database, mosquitto: Mosquitto | None, controller_password: str) -> None:
        self._database, self._mosquitto, self._controller_password = database, mosquitto, controller_password
        # What an earlier start wrote: a receiver may have new credentials since.
        self._published = mosquitto.stored_accounts() if mosquitto is not None else {}
        self._to_end: set[str] = set()
        self._on_ended: Callable[[Collection[str]], None] | None = None
        self._untold: set[str] = set()
        self._lock = threading.Lock()

    def on_ended(self, handler: Callable[[Collection[str]], None]) -> None:
        """Call `told` with the receivers whose earlier credentials are no longer valid, also those from before."""
        self._on_ended = handler
        self._tell()

    def publish(self) -> None:
        """Write the accounts in the tables to the embedded broker. Called after each change to receivers."""
        with self._lock:
            before, self._published = self._published, self._stored()
            ended = {user for user, hashed in before.items() if self._published.get(user) != hashed}
            self._to_end |= ended
            self._untold |= ended
            if self._mosquitto is not None:
                controller = {CONTROLLER_USER: hash_password(self._controller_password)}
                self._mosquitto.set_accounts({**self._published, **controller})
            self._end_sessions()
        self._tell()

    def publish_if_changed(self) -> bool:
        """Find receivers that another process added (`loa receiver add`, a second controller).

        Returns whether there were any.
        """
        if self._stored() == self._published:
            self.end_sessions()
            return False
        self.publish()
        return True

    @property
    def is_ending_sessions(self) -> bool:
        """Whether sessions of ended accounts are left, because the broker did not answer."""
        return self._mosquitto is not None and bool(self._to_end)

    def end_sessions(self) -> None:
        """End what ended accounts still have at the embedded broker: connections, sessions, queued messages."""
        with self._lock:
            self._end_sessions()

    def _end_sessions(self) -> None:
        if self._mosquitto is None or self._mosquitto.pid is None:
            return
        for user in sorted(self._to_end):
            try:
                self._mosquitto.end_sessions([user])
            except TimeoutError as error:
                log.error("%s; trying again", error)
                return
            self._to_end.discard(user)

    def _tell(self) -> None:
        if self._on_ended is not None and self._untold:
            untold, self._untold = self._untold, set()
            self._on_ended(untold)

    def _stored(self) -> dict[str, str]:
        with self._database.session() as session:
            return accounts(session)
