"""Live watch: ends a live broadcast of which no frame has reached the broker for half a minute.

A sender that died cannot say so. While the controller itself has no broker, nothing is concluded from silence.
"""

import logging
from datetime import datetime

from broadcast.broadcasts import Broadcast
from broadcast.on_air import live_on_air, next_start_without_recording
from runtime.broker import Broker
from usecases.actors import CONTROLLER
from usecases.broadcasts import stop
from usecases.services import Services
from wire import topics

log = logging.getLogger(__name__)

LOST_AFTER_S = 30.0
#: The cause of the stop.
SENDER_LOST = "sender_lost"


class LiveWatch:
    """`step` is called every few seconds; frames arrive in the broker's thread."""

    def __init__(self, services: Services, broker: Broker) -> None:
        self._services, self._broker = services, broker
        # By broadcast, monotonic µs. Of unknown ones too: a frame may come before the row is read.
        self._frame_us: dict[str, int] = {}
        self._waiting_since_us: dict[str, int] = {}
        broker.subscribe(topics.live_of_all_communes(), self._frame_came, qos=0)

    def step(self) -> datetime | None:
        """Returns when it has to be called again although nothing is committed."""
        now, now_us = self._services.clock.now(), self._services.clock.monotonic_us()
        if not self._broker.connected:
            self._waiting_since_us = {}
            return now
        with self._services.database.session() as session:
            on_air = live_on_air(session, now)
            next_at = now if on_air else next_start_without_recording(session, now)
        self._waiting_since_us = {b.id: self._waiting_since_us.get(b.id, now_us) for b in on_air}
        self._frame_us = {name: at_us for name, at_us in self._frame_us.items() if now_us - at_us < LOST_AFTER_S * 1e6}
        for b in on_air:
            if b.id not in self._frame_us and now_us - self._waiting_since_us[b.id] >= LOST_AFTER_S * 1e6:
                self._end(b)
        return next_at

    def _end(self, b: Broadcast) -> None:
        log.warning("live broadcast %s (%s): no frame for %.0f s, stopped", b.id, b.title, LOST_AFTER_S)
        stop(self._services, CONTROLLER, b.commune_id, b.id, cause=SENDER_LOST)

    def _frame_came(self, topic: str, _payload: bytes, _retained: bool) -> None:
        parsed = topics.parse(topic)
        if parsed is not None:
            self._frame_us[parsed.broadcast] = self._services.clock.monotonic_us()
