"""The notifier: gathers faults into messages and delivers them, each channel in a thread of its own.

A channel that hangs holds up neither another channel nor any other part of the controller.
"""

import hashlib
import hmac
import logging
from collections.abc import Callable
from datetime import datetime, timedelta
from functools import partial

from sqlmodel import Session

from notifications import deliveries, gathering
from notifications.channels import (
    NOT_SET_UP,
    Channel,
    DeliveryFailed,
    NotificationAddress,
    OutgoingMessage,
    Senders,
)
from notifications.deliveries import NotificationDelivery, add_delivery, claim_next, settle
from notifications.news import FaultNews
from notifications.rules import rule_of
from people.operators import Operator
from runtime.clock import Clock
from runtime.database import Database
from runtime.refusal import N_
from runtime.table_poll import TablePoll
from transport.worker import Worker

log = logging.getLogger(__name__)

_GATHER_EVERY_S = 5.0
_DELIVER_EVERY_S = 10.0
_TIDY_EVERY = timedelta(hours=6)
_CLOSE_WITHIN_S = 20.0

#: Puts a delivery into words.
WriteMessage = Callable[[NotificationDelivery, datetime], OutgoingMessage]


class Notifier:
    """`start` and `close` are mirrored. `gather` and `deliver_next` are one step each; `send_test` from any thread."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        senders: Senders,
        write: WriteMessage,
        *,
        window: timedelta,
        key: bytes,
    ) -> None:
        """senders: of the channels that are set up. window: see `notifications.gathering`. key: webhook keys are
        derived from it."""
        self._database, self._clock = database, clock
        self._senders, self._write = senders, write
        self._window, self._key = window, key
        self._tidied_at: datetime | None = None
        self._gathering = TablePoll(database, clock, self._gather_due)
        self._gatherer = Worker(self.gather, "notifications")
        self._delivering = {
            channel: TablePoll(database, clock, partial(self._deliver_due, channel)) for channel in Channel
        }
        self._deliverers = {
            channel: Worker(partial(self._deliver, channel), f"notify-{channel}") for channel in Channel
        }

    @property
    def channels(self) -> list[Channel]:
        """Those that are set up."""
        return [channel for channel in Channel if channel in self._senders]

    def start(self) -> None:
        for worker in (*self._deliverers.values(), self._gatherer):
            worker.start()

    def close(self) -> None:
        for worker in (self._gatherer, *self._deliverers.values()):
            worker.stopping.set()
            worker.wake()
        for worker in (self._gatherer, *self._deliverers.values()):
            worker.close(_CLOSE_WITHIN_S)

    def gather(self) -> float:
        """Make the messages that are due. Returns the seconds until the next step."""
        if not self._clock.trusted:
            return _GATHER_EVERY_S
        self._tidy(self._clock.now())
        self._gathering.run()
        return _GATHER_EVERY_S

    def _gather_due(self) -> datetime | None:
        """Returns when to look again although nothing is committed: at once while a message is waiting."""
        now = self._clock.now()
        with self._database.session() as session:
            wanted = gathering.has_work(session)
        if wanted:
            with self._database.writing() as session:
                added = gathering.gather(session, now, self._window)
            if added:
                for worker in self._deliverers.values():
                    worker.wake()
        return now if wanted else None

    def deliver_next(self, channel: Channel) -> bool:
        """Try the next delivery that is due. Returns whether there was one."""
        with self._database.session() as session:
            if not deliveries.is_any_due(session, channel, self._clock.now()):
                return False
        with self._database.writing() as session:
            delivery = claim_next(session, channel, self._clock.now())
        if delivery is None:
            return False
        failure = self._attempt(delivery)
        if failure is not None:
            log.warning("notification %s by %s not delivered: %s", delivery.id, channel, failure)
        return True

    def send_test(self, operator_id: int, channel: Channel, language: str) -> None:
        """Send one message now. Takes up to some seconds. Raises DeliveryFailed; Refusal for too many tests."""
        with self._database.writing() as session:
            now = self._clock.now()
            delivery = add_delivery(session, operator_id, channel, language, FaultNews(is_test=True), now)
        failure = self._attempt(delivery)
        if failure is not None:
            raise failure

    def webhook_key(self, operator_id: int, revision: int) -> str:
        """What the receiver of a person's webhooks checks signatures with."""
        return hmac.new(self._key, f"webhook {operator_id} {revision}".encode(), hashlib.sha256).hexdigest()

    def _deliver(self, channel: Channel) -> float:
        self._delivering[channel].run()
        return _DELIVER_EVERY_S

    def _deliver_due(self, channel: Channel) -> datetime | None:
        """Deliver what is due. Returns when to look again although nothing is committed: soon while one is waiting."""
        while not self._deliverers[channel].stopping.is_set() and self.deliver_next(channel):
            pass
        with self._database.session() as session:
            return self._clock.now() if deliveries.is_any_waiting(session, channel) else None

    def _attempt(self, delivery: NotificationDelivery) -> DeliveryFailed | None:
        """No transaction is open while the message is sent."""
        failure: DeliveryFailed | None = None
        try:
            with self._database.session() as session:
                to = self._address(session, delivery.operator_id)
            channel = Channel(delivery.channel)
            if channel not in self._senders:
                raise DeliveryFailed(NOT_SET_UP[channel], permanent=True)
            self._senders[channel].send(to, self._write(delivery, self._clock.now()))
        except DeliveryFailed as failed:
            failure = failed
        except Exception:
            log.exception("notification %s by %s", delivery.id, delivery.channel)
            failure = DeliveryFailed(N_("An internal error occurred while sending this message."))
        with self._database.writing() as session:
            settle(session, delivery.id, self._clock.now(), failure)
        return failure

    def _address(self, session: Session, operator_id: int) -> NotificationAddress:
        operator = session.get(Operator, operator_id)
        if operator is None or operator.retired_at is not None:
            raise DeliveryFailed(N_("This person does not work with Loa any more."), permanent=True)
        rule = rule_of(session, operator_id)
        key = self.webhook_key(operator_id, rule.key_revision).encode()
        return NotificationAddress(operator.email, operator.phone, rule.webhook_url, key)

    def _tidy(self, now: datetime) -> None:
        if self._tidied_at is not None and timedelta(0) <= now - self._tidied_at < _TIDY_EVERY:
            return
        self._tidied_at = now
        with self._database.writing() as session:
            deliveries.forget_old(session, now)
            gathering.forget_told(session, now - deliveries.KEPT_FOR)
