"""Sends heartbeats: every so many seconds, and at once when the time is known or what sounds has changed."""

from collections import Counter

from receiver.link.connection import Connection
from receiver.link.heartbeats import Heartbeats
from receiver.link.identity import SessionNumber
from wire.messages import encode
from wire.topics import Kind

#: A change of what sounds is reported at once when it lasted this long: a gap between items is not a change.
TELL_AFTER_US = 600_000


class HeartbeatSender:
    """`connected` is called by the connection's thread, the rest by the main thread."""

    def __init__(self, heartbeats: Heartbeats, connection: Connection, sessions: SessionNumber) -> None:
        self._heartbeats = heartbeats
        self._connection = connection
        self._sessions = sessions
        self._sequence = 0
        self._next_local_us = 0
        self._told_broadcast = ""  # in the last heartbeat
        self._other_since_us = 0
        self._told_time = True  # whether the last heartbeat knew the time

    def connected(self) -> None:
        """A new session: it counts from 0, and its first heartbeat is due."""
        self._sequence = 0
        self.hurry()

    def hurry(self) -> None:
        """The next heartbeat is due at once."""
        self._next_local_us = 0

    def is_due(self, now_us: int | None, now_local_us: int, broadcast: str) -> bool:
        """now_us: controller time, None when not known. broadcast: what sounds now, "" for nothing."""
        if now_us is not None and not self._told_time:
            return True  # or the pages would say for a whole period that its clock is not synchronised
        if broadcast == self._told_broadcast:
            self._other_since_us = now_local_us
        return now_local_us >= self._next_local_us or now_local_us - self._other_since_us >= TELL_AFTER_US

    def send(
        self,
        now_us: int | None,
        now_local_us: int,
        *,
        every_s: int,
        broadcast: str,
        volume_percent: int,
        refused: Counter[str],
    ) -> None:
        """now_us: controller time, None when not known. refused: counts by reason since the start."""
        self._next_local_us = now_local_us + every_s * 1_000_000
        self._told_broadcast, self._told_time = broadcast, now_us is not None
        heartbeat = self._heartbeats.make(
            self._sessions.current, self._sequence, now_us, now_local_us, volume_percent, refused
        )
        self._sequence += 1
        self._connection.publish(Kind.HEARTBEAT, encode(heartbeat), qos=0)
