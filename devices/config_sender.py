"""Configs of all receivers, sent commune by commune: after each connection to the broker, and each day.

With 10,000 receivers this takes seconds, so nobody waits for it, and no transaction spans two communes.
"""

import threading

from sqlmodel import col, select

from devices.downlink import Downlink
from devices.receivers import Receiver, receivers, renew_configs
from runtime.clock import Clock
from runtime.database import Database

#: Between two communes: others get the write lock, and pages the processor.
_PAUSE_S = 0.02


class ConfigSender:
    """Call `send_all` in a background thread."""

    def __init__(self, database: Database, downlink: Downlink, clock: Clock) -> None:
        self._database, self._downlink, self._clock = database, downlink, clock
        self._stopping = threading.Event()

    def close(self) -> None:
        """End `send_all` after the commune that is being sent; the next connection sends all again."""
        self._stopping.set()

    def send_all(self) -> None:
        """Renew what is due and send every config; nothing while the time is plainly wrong."""
        if not self._clock.trusted:
            return
        with self._database.session() as session:
            in_service = select(Receiver.commune_id).where(col(Receiver.retired_at).is_(None))
            commune_ids = sorted(session.exec(in_service.distinct()))
        for commune_id in commune_ids:
            with self._database.writing() as session:
                renew_configs(session, self._clock.now(), commune_id)
            with self._database.session() as session:
                self._downlink.configure_all(session, receivers(session, commune_id))
            if self._stopping.wait(_PAUSE_S):
                return
