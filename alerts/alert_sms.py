"""Sends alerts and their ends by SMS: decides from memory, sends in threads of its own, and writes down afterwards.

As with the desk, nothing else may hold it up: not the database, the disk, or a gateway that answers one message slowly.
"""

import logging
import threading
from collections import Counter, deque
from collections.abc import Callable, Iterable
from dataclasses import replace
from datetime import datetime, timedelta

from sqlmodel import Session

from alerts.emergency_alerts import AlertState, EmergencyAlert, SmsState
from alerts.journal import AlertJournal
from alerts.sms_deliveries import RETRY_AFTER_S, SmsDelivery, SmsKey, restored
from alerts.sms_need import Away, SmsNeed, sms_need
from alerts.sms_schedule import SmsSchedule
from devices.receivers import Receiver
from notifications.binary_sms import BinarySmsSender
from notifications.channels import DeliveryFailed
from people.audit import Deed, note
from runtime.clock import Clock
from runtime.database import Database
from runtime.refusal import N_
from transport.worker import BackOff, Worker

log = logging.getLogger(__name__)

#: Messages that are handed over at the same time: a gateway may take some seconds for each.
SENDERS = 4
_LOOK_S = 0.5
_WAITING_US = 1_000_000
_MINUTE_US = 60_000_000
#: An alert that has expired is forgotten so much later.
_FORGOTTEN_AFTER = timedelta(minutes=5)
_BY = "loa"
_EXPIRED = N_("The alert was over before the message could be sent.")


def _nobody(_now: datetime) -> frozenset[str]:
    return frozenset()


class AlertSms:
    """Callable from any thread. Without a sender nothing is sent, and `is_set_up` is False."""

    def __init__(
        self,
        database: Database,
        journal: AlertJournal,
        clock: Clock,
        sender: BinarySmsSender | None = None,
        *,
        away: Away = _nobody,
        most_a_minute: int = 600,
    ) -> None:
        """database: for reading; with connections that nothing else uses."""
        self._database, self._journal, self._clock, self._sender = database, journal, clock, sender
        self._away, self._most_a_minute = away, most_a_minute
        self._lock = threading.RLock()
        self._alerts: dict[str, EmergencyAlert] = {}
        self._deliveries: dict[SmsKey, SmsDelivery] = {}
        self._schedule = SmsSchedule()
        self._unwritten: dict[SmsKey, SmsDelivery] = {}
        self._sent_us: deque[int] = deque()
        #: Messages since the start: sent, failed, and tries that failed.
        self.counts: Counter[str] = Counter()
        self._deciding = Worker(self.decide, "alert SMS", back_off=BackOff(0.5, 5.0))
        self._sending = [Worker(self.send_next, f"alert SMS {k}", back_off=BackOff(0.5, 5.0)) for k in range(SENDERS)]

    @property
    def is_set_up(self) -> bool:
        return self._sender is not None

    def start(self) -> None:
        """Go on with what was queued before a restart, then with what comes."""
        if self._sender is None:
            return
        self._restore()
        for worker in (self._deciding, *self._sending):
            worker.start()

    def close(self) -> None:
        for worker in (self._deciding, *self._sending):
            worker.close(5)

    def follow(self, alert: EmergencyAlert) -> None:
        """An alert, or its end, was published. Does not wait."""
        if self._sender is None:
            return
        kept = EmergencyAlert(**alert.model_dump())
        with self._lock:
            self._alerts[kept.id] = kept
            if kept.ended_at is not None:
                for delivery in self._of(kept.id, is_end=False):
                    self._end(delivery, kept)
        self._wake()

    def request(self, alert: EmergencyAlert, receivers: Iterable[Receiver]) -> int:
        """Queue messages that a person wants. Returns how many; those under way are left as they are."""
        if self._sender is None:
            return 0
        with self._lock:
            self._alerts.setdefault(alert.id, EmergencyAlert(**alert.model_dump()))
            queued = sum(self._queue(self._alerts[alert.id], r.id, r.alert_phone, is_end=False) for r in receivers)
        self._wake()
        return queued

    def confirmed(self, alert_id: str, receiver_id: str, *, is_end: bool) -> None:
        """The receiver has reported it: a message that was not tried yet is not needed."""
        with self._lock:
            delivery = self._deliveries.get(SmsKey(alert_id, receiver_id, is_end))
            if delivery is not None and delivery.state is SmsState.QUEUED and not delivery.tries:
                self._became(delivery, SmsState.WITHDRAWN)

    def states(self, alert_id: str) -> dict[SmsKey, SmsDelivery]:
        """What is known of this alert's messages, written down or not."""
        with self._lock:
            return {key: replace(delivery) for key, delivery in self._deliveries.items() if key.alert_id == alert_id}

    def need(self, session: Session, alert: EmergencyAlert) -> SmsNeed:
        """Who could be sent this alert now."""
        now = self._clock.now()
        states = {key.receiver_id: d.state for key, d in self.states(alert.id).items() if not key.is_end}
        return sms_need(session, alert, self._away(now), now, states)

    def decide(self) -> float | None:
        """Queue messages for alerts that go by SMS without being asked. Returns when to look again."""
        now = self._clock.now()
        with self._lock:
            self._forget(now)
            alerts = [a for a in self._alerts.values() if a.by_sms and a.state(now) is AlertState.SENT]
        for alert in alerts:
            with self._database.session() as session:
                need = self.need(session, alert)
                due = [(r.id, r.alert_phone) for r in need.due if r.id not in need.failed]
            with self._lock:
                if self._alerts[alert.id].ended_at is not None:
                    continue
                queued = sum(self._queue(alert, name, phone, is_end=False) for name, phone in due)
            if queued:
                log.warning("alert %s goes to %d receivers by SMS", alert.id, queued)
                self._journal.write_soon(_noted(now, alert, queued))
                self._wake()
        return _LOOK_S if alerts else None

    def send_next(self) -> float | None:
        """Try one message. Returns when to look again."""
        now_us = self._clock.monotonic_us()
        with self._lock:
            delivery = self._schedule.take(now_us, may_send=not self._is_full(now_us))
            if delivery is None:
                return self._schedule.pause_s(now_us)
            delivery.in_progress = True
            if not delivery.is_waiting:
                delivery.tries += 1
                self._sent_us.append(now_us)
        self._try(delivery)
        return 0.0

    # -- with the lock held

    def _queue(self, alert: EmergencyAlert, receiver_id: str, phone: str, *, is_end: bool) -> bool:
        key = SmsKey(alert.id, receiver_id, is_end)
        known = self._deliveries.get(key)
        if not phone or (known is not None and known.state is not SmsState.FAILED):
            return False
        now = self._clock.now()
        delivery = self._deliveries[key] = SmsDelivery(key, alert, phone, now, self._clock.monotonic_us())
        self._schedule.add(delivery)
        self._write(delivery)
        return True

    def _end(self, delivery: SmsDelivery, alert: EmergencyAlert) -> None:
        """Its alert is over: a receiver that may have got it by SMS gets the end so too."""
        delivery.is_over, delivery.alert = True, alert
        if delivery.in_progress:
            return  # the thread that has it looks at `is_over`
        if delivery.state is SmsState.QUEUED and delivery.is_waiting:
            delivery.due_us = self._clock.monotonic_us()  # it is withdrawn, if it is not too late
            self._schedule.add(delivery)
        elif delivery.tries:
            if delivery.state is SmsState.QUEUED:
                self._became(delivery, SmsState.WITHDRAWN)
            self._queue(alert, delivery.key.receiver_id, delivery.phone, is_end=True)
        elif delivery.state is SmsState.QUEUED:
            self._became(delivery, SmsState.WITHDRAWN)

    def _became(self, delivery: SmsDelivery, state: SmsState, error: DeliveryFailed | None = None) -> None:
        delivery.became(state, self._clock.now(), error)
        self._write(delivery)
        if state in (SmsState.SENT, SmsState.FAILED):
            self.counts[state.value] += 1

    def _write(self, delivery: SmsDelivery) -> None:
        is_first = not self._unwritten
        self._unwritten[delivery.key] = replace(delivery)
        if is_first:
            self._journal.write_soon(self._writer())

    def _writer(self) -> Callable[[Session], None]:
        batch: list[SmsDelivery] = []

        def write(session: Session) -> None:
            if not batch:  # else it is tried again
                with self._lock:
                    batch.extend(self._unwritten.values())
                    self._unwritten.clear()
            for delivery in batch:
                delivery.write(session)

        return write

    def _of(self, alert_id: str, *, is_end: bool) -> list[SmsDelivery]:
        return [d for key, d in self._deliveries.items() if (key.alert_id, key.is_end) == (alert_id, is_end)]

    def _is_full(self, now_us: int) -> bool:
        while self._sent_us and now_us - self._sent_us[0] >= _MINUTE_US:
            self._sent_us.popleft()
        return len(self._sent_us) >= self._most_a_minute

    def _forget(self, now: datetime) -> None:
        gone = {a.id for a in self._alerts.values() if a.expires_at is None or a.expires_at + _FORGOTTEN_AFTER <= now}
        for alert_id in gone:
            del self._alerts[alert_id]
        for key in [key for key in self._deliveries if key.alert_id in gone]:
            del self._deliveries[key]

    # -- without it

    def _try(self, delivery: SmsDelivery) -> None:
        was_waiting = delivery.is_waiting
        try:
            state = self._handed_over(delivery)
            error = None
        except DeliveryFailed as failure:
            state, error = SmsState.FAILED, failure
        except Exception as failure:
            log.exception("SMS %s", delivery.name)
            state, error = SmsState.FAILED, DeliveryFailed(N_("A fault of Loa: {why}"), why=type(failure).__name__)
        with self._lock:
            if error is not None:
                self.counts["failed tries"] += 1
                log.error("SMS %s, try %d: %s", delivery.name, delivery.tries, error)
            may_retry = error is not None and not error.permanent and delivery.tries <= len(RETRY_AFTER_S)
            if may_retry and not (delivery.is_over and not delivery.key.is_end):
                delivery.is_waiting, state = False, SmsState.QUEUED
                delivery.due_us = self._clock.monotonic_us() + RETRY_AFTER_S[delivery.tries - 1] * 1_000_000
            if state is not SmsState.QUEUED or error is not None or not was_waiting:
                self._became(delivery, state, error)
            delivery.in_progress = False
            if state is SmsState.QUEUED:
                self._schedule.add(delivery)
            if delivery.is_over and not delivery.key.is_end and state in (SmsState.SENT, SmsState.FAILED):
                self._queue(delivery.alert, delivery.key.receiver_id, delivery.phone, is_end=True)
        self._wake()

    def _handed_over(self, delivery: SmsDelivery) -> SmsState:
        """The state after one try. Raises DeliveryFailed."""
        sender, phone, name = self._sender, delivery.phone, delivery.name
        assert sender is not None  # noqa: S101 - without one nothing is queued
        is_late = delivery.alert.expires_at is None or self._clock.now() >= delivery.alert.expires_at
        if delivery.is_waiting:
            is_over = is_late or (delivery.is_over and not delivery.key.is_end)
            if is_over and sender.withdraw(phone, name):
                return SmsState.WITHDRAWN
            is_sent = sender.is_sent(phone, name)
        elif is_late:
            raise DeliveryFailed(_EXPIRED, permanent=True)
        else:
            is_sent = sender.send(phone, delivery.payload, name)
        delivery.is_waiting = not is_sent
        delivery.due_us = self._clock.monotonic_us() + _WAITING_US
        return SmsState.SENT if is_sent else SmsState.QUEUED

    def _restore(self) -> None:
        with self._database.session() as session:
            alerts, deliveries = restored(session, self._clock.now(), self._clock.monotonic_us())
        with self._lock:
            self._deliveries |= {delivery.key: delivery for delivery in deliveries}
            for delivery in deliveries:
                self._schedule.add(delivery)
        for alert in alerts:
            self.follow(alert)

    def _wake(self) -> None:
        for worker in (self._deciding, *self._sending):
            worker.wake()


def _noted(now: datetime, alert: EmergencyAlert, count: int) -> Callable[[Session], None]:
    def write(session: Session) -> None:
        detail = f"{count} SMS: {alert.text}"
        note(session, at=now, by=_BY, commune_id=alert.commune_id, action=Deed.EMERGENCY_BY_SMS, detail=detail)

    return write
