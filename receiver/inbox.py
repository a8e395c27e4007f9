"""Inbox: configs, manifests and commands as they arrive, handled in the main thread, since they are written to disk."""

import queue
from collections import deque
from collections.abc import Callable, Iterator
from typing import NamedTuple

from receiver.alerts.alert_book_store import AlertBookStore
from receiver.commands import CommandHandler
from receiver.store.plan import Plan
from receiver.timing.station_time import StationTime
from wire.sealing import Reason
from wire.topics import Kind, Topic

#: Commands are seldom, and hold two minutes.
_MOST_JUDGED_AGAIN = 20


class PlanChange(NamedTuple):
    """What a message changed. config, alert_book: a new one is in force.

    volume_percent: what a command set; None for none.
    """

    config: bool = False
    alert_book: bool = False
    volume_percent: int | None = None


class MessageInbox:
    """`put` is called by the connection's thread, `changes` by the main thread."""

    def __init__(self, plan: Plan, commands: CommandHandler, station: StationTime, books: AlertBookStore) -> None:
        self._plan, self._commands, self._station, self._books = plan, commands, station, books
        self._messages: queue.SimpleQueue[tuple[Kind, Topic, bytes]] = queue.SimpleQueue()
        self._commands_expired: deque[tuple[Topic, bytes]] = deque(maxlen=_MOST_JUDGED_AGAIN)

    def put(self, kind: Kind, topic: Topic, payload: bytes) -> None:
        self._messages.put((kind, topic, payload))

    def judge_again(self) -> None:
        """Time has jumped: commands that were refused as expired may not be. The broker keeps all the rest."""
        expired = list(self._commands_expired)
        self._commands_expired.clear()
        for topic, payload in expired:
            self.put(Kind.DO, topic, payload)

    def changes(self, now_us: Callable[[], int | None]) -> Iterator[PlanChange]:
        """Take what has come; one for each message that changed something. now_us: controller time, None unknown."""
        while True:
            try:
                kind, topic, payload = self._messages.get_nowait()
            except queue.Empty:
                return
            if kind is Kind.CONFIG:
                if self._plan.take_config(payload, now_us()):
                    yield PlanChange(config=True)
            elif kind is Kind.AIR and topic.commune == self._plan.commune:
                if self._plan.take_manifest(topic.broadcast, payload, now_us()):
                    yield PlanChange()
            elif kind is Kind.ALERT_BOOK and topic.commune == self._plan.commune:
                if self._books.take(payload, now_us()):
                    yield PlanChange(alert_book=True)
            elif kind is Kind.DO:
                expired = self._commands.refused[Reason.EXPIRED.value]
                yield PlanChange(volume_percent=self._commands.take(payload, now_us(), self._station))
                if self._commands.refused[Reason.EXPIRED.value] > expired:
                    self._commands_expired.append((topic, payload))
