"""Alert inbox: takes alerts from every bearer in a thread of its own, since nothing else may hold them up.

Neither the disk nor the main loop comes before the sound: what arrived is first given to the playout, and written down
afterwards by the main thread (`keep`).
"""

import logging
import queue
import threading
import time
from collections import Counter, deque
from collections.abc import Callable, Mapping
from typing import NamedTuple

import msgspec

from receiver.alerts.alert_book_store import AlertBookStore
from receiver.alerts.held_alerts import HeldAlert, HeldAlerts
from receiver.store.plan import Plan
from transport.worker import Worker
from wire.alert_broadcasts import ITEMS_AHEAD_US, alert_manifest
from wire.alerts import Alert, open_alert
from wire.broadcasts import Manifest
from wire.sealing import PublicKey, Reason, Refused
from wire.topics import Kind, Topic

log = logging.getLogger(__name__)

#: Beyond it the rest is dropped: a flood must not fill the memory.
MOST_WAITING = 1_000
#: Alerts that came before controller time was known.
_MOST_UNTIMED = 50


class _Arrived(NamedTuple):
    """at_s: of time.monotonic(). topic: None when it came by another bearer than MQTT."""

    payload: bytes
    bearer: str
    topic: Topic | None
    at_s: float


class AlertInbox:
    """`put` may be called by any thread, `keep`, `book_changed`, `go_on` and `drop_expired` by the main thread."""

    def __init__(
        self,
        receiver: str,
        plan: Plan,
        keys: Mapping[str, PublicKey],
        held: HeldAlerts,
        books: AlertBookStore,
        now_us: Callable[[], int | None],
        lead_us: Callable[[], int],
        on_change: Callable[[], None],
    ) -> None:
        """now_us: controller time, None when not known. lead_us: from a sample at the card's buffer to the horn.

        on_change: called in the inbox's thread when what sounds may have changed.
        """
        self._receiver, self._plan, self._keys, self._held, self._books = receiver, plan, keys, held, books
        self._now_us, self._lead_us, self._on_change = now_us, lead_us, on_change
        self._waiting: queue.Queue[_Arrived] = queue.Queue(MOST_WAITING)
        self._untimed: deque[_Arrived] = deque(maxlen=_MOST_UNTIMED)
        self._lock = threading.Lock()
        self._manifests: dict[str, Manifest] = {}
        self._worker = Worker(self._step, "alerts")
        self._items_due_us = 0
        #: Broadcasts of alerts whose template is not known yet.
        self._sirens_only: set[str] = set()
        self._logged_s: dict[Reason, float] = {}
        self.refused: Counter[str] = Counter()
        #: Alerts and ends that arrived again.
        self.duplicates = 0

    def start(self) -> None:
        """What was held before a restart goes on; then take what comes."""
        self.book_changed()
        self._worker.start()

    def close(self) -> None:
        self._worker.close()
        self.keep()

    def put(self, payload: bytes, bearer: str, topic: Topic | None = None) -> None:
        """Take a message soon, in the inbox's thread. bearer: "mqtt" or "sms"."""
        try:
            self._waiting.put_nowait(_Arrived(payload, bearer, topic, time.monotonic()))
        except queue.Full:
            self.refused[Reason.MALFORMED.value] += 1
        self._worker.wake()

    def issue(self, alert: Alert) -> None:
        """Take an alert that was triggered at the receiver itself."""
        now_us = self._now_us()
        if now_us is not None:
            self._hold(HeldAlert(alert=alert, payload=b"", bearer="local", arrived_at_us=now_us))

    def take(self, payload: bytes, bearer: str, now_us: int, topic: Topic | None = None) -> bool:
        """Verify and hold a message. False when it is refused (counted), known already, or means others.

        now_us: controller time of its arrival.
        """
        try:
            alert = open_alert(payload, self._keys, self._plan.commune, now_us)
            kind = Kind.DRILL if alert.is_drill else Kind.ALERT
            if topic is not None and (topic.kind, topic.alert) != (kind, alert.alert):
                raise Refused(Reason.NOT_FOR_US, "on the topic of another alert")
        except Refused as refused:
            self._refuse(refused, bearer)
            return False
        zones = self._plan.config.zones if self._plan.config is not None else []
        if alert.means(self._receiver, zones) is None:
            return False
        return self._hold(HeldAlert(alert=alert, payload=payload, bearer=bearer, arrived_at_us=now_us))

    def book_changed(self) -> None:
        """An alert whose template was unknown may sound now. Those that sound go on as they began."""
        with self._lock:
            self._rebuild()

    def held(self) -> list[HeldAlert]:
        with self._lock:
            return list(self._held)

    def manifest(self, broadcast: str) -> Manifest | None:
        """What sounds for an alert, while it is held."""
        return self._manifests.get(broadcast)

    def keep(self) -> None:
        with self._lock:
            self._held.keep()

    def reported(self, held: HeldAlert) -> None:
        """Its report is in the outbox."""
        with self._lock:
            held.reported = True
            self._held.changed(held)

    def go_on(self, now_us: int) -> None:
        """Give alerts without a last repetition the items of the next hour. now_us: controller time."""
        if now_us < self._items_due_us:
            return
        self._items_due_us = now_us + ITEMS_AHEAD_US // 2
        with self._lock:
            manifests = dict(self._manifests)
            for held in self._held:
                made = self._made(held, now_us) if not (held.alert.repeats or held.overtaken) else None
                known = manifests.get(made.broadcast) if made is not None else None
                if made is not None and known is not None and known.items != made.items:
                    next_hour = msgspec.structs.replace(known, items=made.items, revision=known.revision + 1)
                    manifests[known.broadcast] = next_hour
            has_changed = manifests != self._manifests
            self._manifests, self._plan.alerts = manifests, tuple(manifests.values())
        if has_changed:
            self._on_change()

    def drop_expired(self, now_us: int) -> list[str]:
        """Forget what has expired. now_us: controller time. Gives the broadcasts that went."""
        with self._lock:
            self._held.drop_expired(now_us)
            gone = [name for name, manifest in self._manifests.items() if manifest.expires_at_us <= now_us]
            if gone:
                self._manifests = {name: m for name, m in self._manifests.items() if name not in gone}
                self._plan.alerts = tuple(self._manifests.values())
            return gone

    def _step(self) -> float | None:
        now_us, now_s = self._now_us(), time.monotonic()
        if now_us is not None and self._untimed:
            again, self._untimed = self._untimed, deque(maxlen=_MOST_UNTIMED)
            for arrived in again:
                self._take_arrived(arrived, now_us - round((now_s - arrived.at_s) * 1e6))
        while not self._worker.stopping.is_set():
            try:
                arrived = self._waiting.get_nowait()
            except queue.Empty:
                break
            if now_us is None:
                self._untimed.append(arrived)
            else:
                self._take_arrived(arrived, now_us - max(0, round((now_s - arrived.at_s) * 1e6)))
        return 0.2 if self._untimed else None

    def _take_arrived(self, arrived: _Arrived, at_us: int) -> None:
        try:
            self.take(arrived.payload, arrived.bearer, at_us, arrived.topic)
        except Exception:
            log.exception("an alert by %s could not be taken", arrived.bearer)

    def _hold(self, held: HeldAlert) -> bool:
        alert = held.alert
        with self._lock:
            if self._held.is_duplicate(alert):
                self.duplicates += 1
                return False
            held.overtaken = not alert.is_end and self._held.end(alert.alert) is not None
            self._held.add(held)
            self._rebuild()
        self._on_change()
        log.warning(
            "%s%s %s by %s, template %d%s",
            "drill, " if alert.is_drill else "",
            "end of alert" if alert.is_end else "alert",
            alert.alert,
            held.bearer,
            alert.template,
            ": its end came first" if held.overtaken else "",
        )
        return True

    def _rebuild(self) -> None:
        """Needs the lock. A manifest that exists is only ever stopped: it goes on as it began."""
        manifests = dict(self._manifests)
        for held in self._held:
            if held.alert.is_end or held.overtaken:
                continue
            manifest = self._extend(manifests, held)
            end = self._held.end(held.alert.alert)
            if manifest is None or end is None:
                continue
            stopped_at_us = max(manifest.starts_at_us, min(end.alert.issued_at_us, end.arrived_at_us))
            if manifest.stopped_at_us is None or stopped_at_us < manifest.stopped_at_us:
                stopped = msgspec.structs.replace(manifest, stopped_at_us=stopped_at_us, revision=manifest.revision + 1)
                manifests[manifest.broadcast] = stopped
            if end.alert.template:
                self._extend(manifests, end)
        self._manifests = manifests
        self._plan.alerts = tuple(manifests.values())

    def _extend(self, manifests: dict[str, Manifest], held: HeldAlert) -> Manifest | None:
        made = self._made(held, self._now_us() or held.arrived_at_us)
        if made is None:
            return None
        known = manifests.get(made.broadcast)
        if known is None or known.issued_at_us < made.issued_at_us:
            manifests[made.broadcast] = made
            if not self._books.knows(held.alert.template):
                self._sirens_only.add(made.broadcast)
        elif made.broadcast in self._sirens_only and self._books.knows(held.alert.template):
            self._sirens_only.discard(made.broadcast)
            manifests[made.broadcast] = msgspec.structs.replace(made, revision=known.revision + 1)
        return manifests[made.broadcast]

    def _made(self, held: HeldAlert, now_us: int) -> Manifest | None:
        zones = self._plan.config.zones if self._plan.config is not None else []
        book, targets = self._books.sounding(held.alert), held.alert.means(self._receiver, zones)
        if book is None or targets is None:
            return None
        return alert_manifest(
            held.alert,
            book,
            self._plan.commune,
            targets,
            receiver=self._receiver,
            arrived_at_us=held.arrived_at_us,
            lead_us=self._lead_us(),
            now_us=now_us,
        )

    def _refuse(self, refused: Refused, bearer: str) -> None:
        self.refused[refused.reason.value] += 1
        now_s = time.monotonic()
        if now_s - self._logged_s.get(refused.reason, -60.0) >= 1.0:  # a flood must not fill the log
            self._logged_s[refused.reason] = now_s
            log.warning("refused an alert by %s: %s", bearer, refused)
