"""Everything of a receiver that concerns alerts, as its main loop sees it."""

import threading
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

from receiver.alerts.alert_book_store import AlertBookStore
from receiver.alerts.alert_drop import AlertDrop
from receiver.alerts.alert_inbox import AlertInbox
from receiver.alerts.alert_reporter import AlertReporter
from receiver.alerts.held_alerts import HeldAlerts
from receiver.alerts.local_trigger_switch import LocalTriggerSwitch
from receiver.link.outbox import Outbox
from receiver.playout.playout import Playout
from receiver.store.plan import Plan
from receiver.store.shelf import Shelf
from wire.sealing import PublicKey
from wire.topics import Topic


class ReceiverAlerts:
    """`put` may be called by any thread, all else by the main thread."""

    def __init__(
        self,
        folder: Path,
        receiver: str,
        keys: Mapping[str, PublicKey],
        plan: Plan,
        shelf: Shelf,
        playout: Playout,
        outbox: Outbox,
        *,
        now_us: Callable[[], int | None],
        lead_us: Callable[[], int],
        on_change: Callable[[], None],
    ) -> None:
        """now_us, lead_us, on_change: as for `AlertInbox`."""
        self._plan = plan
        self.books = AlertBookStore(folder / "book.jws", plan.commune, keys, shelf)
        held = HeldAlerts(folder / "held", keys, plan.commune)
        self.inbox = AlertInbox(receiver, plan, keys, held, self.books, now_us, lead_us, on_change)
        self._drop = AlertDrop(folder / "incoming")
        self._trigger = LocalTriggerSwitch(self.inbox, self.books, lead_us)
        self._reporter = AlertReporter(receiver, self.inbox, playout, outbox)

    @property
    def refused(self) -> Counter[str]:
        """What was refused since the start, by reason."""
        return self.inbox.refused + self.books.refused

    def start(self) -> None:
        self.inbox.start()

    def close(self) -> None:
        self.inbox.close()

    def put(self, payload: bytes, bearer: str, topic: Topic | None = None) -> None:
        """An alert or an end that came by a bearer. Empty: it was cleared at the broker after it expired."""
        if payload:
            self.inbox.put(payload, bearer, topic)

    def take_dropped(self) -> None:
        """Take what other programs of this machine have handed over."""
        for payload in self._drop.messages():
            self.put(payload, "sms")

    def config_changed(self) -> None:
        """The receiver may be in another commune."""
        self.books.move_to(self._plan.commune)
        self.inbox.book_changed()

    def verify_sounds_soon(self) -> None:
        """Hash the sounds in a thread: nothing waits for it."""
        threading.Thread(target=self.books.verify_sounds, name="alert-sounds", daemon=True).start()

    def step(self, now_us: int, trigger_closed: bool | None) -> None:
        """Report and write down. now_us: controller time. trigger_closed: the key switch; None when it says nothing."""
        self._trigger.step(trigger_closed, now_us)
        self.inbox.go_on(now_us)
        self._reporter.step(now_us)
        self.inbox.keep()

    def faults(self, now_us: int) -> dict[str, str]:
        """Present faults, each with its detail. now_us: controller time."""
        missing = self.books.missing(now_us)
        return {"alert_sounds": missing} if missing else {}
