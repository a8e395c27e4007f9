"""Receivers' accounts at the broker, kept equal to the tables."""

from devices.enrolment import CONTROLLER_USER, accounts
from runtime.database import Database
from runtime.mosquitto import Mosquitto, hash_password


class BrokerAccounts:
    """A broker that the settings name manages its own accounts; then only changes are noticed."""

    def __init__(self, database: Database, mosquitto: Mosquitto | None, controller_password: str) -> None:
        self._database, self._mosquitto, self._controller_password = database, mosquitto, controller_password
        self._published: dict[str, str] = {}

    def publish(self) -> None:
        """Write the accounts in the tables to the embedded broker. Called after each change to receivers."""
        self._published = self._stored()
        if self._mosquitto is not None:
            controller = {CONTROLLER_USER: hash_password(self._controller_password)}
            self._mosquitto.set_accounts({**self._published, **controller})

    def publish_if_changed(self) -> bool:
        """Find receivers that another process added (`loa receiver add`, a second controller).

        Returns whether there were any.
        """
        if self._stored() == self._published:
            return False
        self.publish()
        return True

    def _stored(self) -> dict[str, str]:
        with self._database.session() as session:
            return accounts(session)
