"""The emergency desk: holds what an alert needs in memory, seals it and publishes it on a connection of its own."""

import logging
import threading
from dataclasses import dataclass
from datetime import timedelta

from sqlmodel import select

from alerts.alert_sms import AlertSms
from alerts.emergency_alerts import AlertState, EmergencyAlert, alert_row, may_be_current
from alerts.journal import AlertJournal, Write
from alerts.templates import END_OFFSET_MS, SPEECH_OFFSET_MS, EndKind, end_template
from people.rate_limit import SignInLimit
from runtime.broker import Broker, Delivery
from runtime.clock import Clock, from_us
from runtime.database import Database
from runtime.refusal import N_, Refusal
from wire import topics
from wire.alerts import Alert, DoesNotFit, seal_alert, target_hashes
from wire.sealing import SealingKey

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class SentAlert:
    """delivery: of the publication, to wait for or not."""

    alert: EmergencyAlert
    delivery: Delivery


class EmergencyDesk:
    """Callable from any thread. One alert is decided on at a time: two people cannot confirm and refuse it at once."""

    def __init__(
        self,
        database: Database,
        broker: Broker,
        key: SealingKey,
        clock: Clock,
        journal: AlertJournal,
        *,
        sms: AlertSms | None = None,
    ) -> None:
        """database: for reading; with connections that nothing else uses. broker: a connection that nothing else uses.

        sms: sends alerts and their ends by SMS; None for nothing.
        """
        self.database, self.clock, self.journal = database, clock, journal
        self._broker, self._key = broker, key
        self.sms = sms or AlertSms(database, journal, clock)
        self.deciding = threading.RLock()
        #: Of the passwords that confirm: those that were typed wrong to sign in do not hold up an emergency.
        self.password_limit = SignInLimit()

    @property
    def connected(self) -> bool:
        return self._broker.connected

    def alert(self, commune_id: str, alert_id: str) -> EmergencyAlert:
        """As it is now, written or not. Raises NotFound."""
        known = self.journal.overlay(commune_id).get(alert_id)
        if known is not None:
            return known
        with self.database.session() as session:
            return alert_row(session, commune_id, alert_id)

    def find(self, alert_id: str) -> EmergencyAlert | None:
        """The same without knowing its commune."""
        known = self.journal.overlay().get(alert_id)
        if known is not None:
            return known
        with self.database.session() as session:
            return session.get(EmergencyAlert, alert_id)

    def current(self, commune_id: str, database: Database | None = None) -> list[EmergencyAlert]:
        """Those that wait for a second person or are in force, newest first. database: another one to read from."""
        now = self.clock.now()
        with (database or self.database).session() as session:
            query = select(EmergencyAlert).where(EmergencyAlert.commune_id == commune_id, may_be_current(now))
            rows = {row.id: row for row in session.exec(query)}
        rows |= self.journal.overlay(commune_id)
        current = [r for r in rows.values() if r.state(now) in (AlertState.WAITING, AlertState.SENT)]
        return sorted(current, key=lambda row: row.requested_at, reverse=True)

    def by_key(self, commune_id: str, request_key: str) -> EmergencyAlert | None:
        """The alert of a form that was sent already."""
        for row in self.journal.overlay(commune_id).values():
            if row.request_key == request_key:
                return row
        with self.database.session() as session:
            query = select(EmergencyAlert).where(
                EmergencyAlert.commune_id == commune_id, EmergencyAlert.request_key == request_key
            )
            return session.exec(query).first()

    def check_fits(self, row: EmergencyAlert) -> None:
        """Seal the alert and both its ends, as it would be sent. Raises Refusal when it could not be."""
        try:
            for wire in (self._wire(row, 0), *(self._wire_end(row, kind, 0) for kind in EndKind)):
                seal_alert(wire, row.commune_id, self._key)
        except DoesNotFit:
            raise Refusal(
                N_("Too many zones or receivers for one emergency message. Choose fewer, or the whole commune.")
            ).at("where") from None

    def send(self, row: EmergencyAlert, write: Write) -> SentAlert:
        """Seal, publish, then write. The caller holds `deciding` and has checked everything."""
        now_us = self.clock.now_us() // 1000 * 1000
        wire = self._wire(row, now_us)
        row.sealed = seal_alert(wire, row.commune_id, self._key)
        row.issued_at, row.expires_at = from_us(now_us), from_us(wire.expires_at_us)
        return self._publish(row, row.sealed, write)

    def end(self, row: EmergencyAlert, kind: EndKind, by: str, write: Write) -> SentAlert:
        """The same for the end of an alert in force."""
        now_us = self.clock.now_us() // 1000 * 1000
        row.end_sealed = seal_alert(self._wire_end(row, kind, now_us), row.commune_id, self._key)
        row.ended_at, row.ended_by, row.end_kind = from_us(now_us), by, kind
        return self._publish(row, row.end_sealed, write)

    def clear(self, row: EmergencyAlert) -> Delivery:
        """Take an expired alert away from the broker."""
        return self._broker.publish(self._topic(row), b"", qos=1, retain=True)

    def _publish(self, row: EmergencyAlert, payload: bytes, write: Write) -> SentAlert:
        delivery = self._broker.publish(self._topic(row), payload, qos=1, retain=True)
        log.warning("%s %s of %s sent", "drill" if row.is_drill else "alert", row.id, row.commune_id)
        self.sms.follow(row)  # before it is written down: SMS do not wait for the database either
        self.journal.put(row, write)
        return SentAlert(row, delivery)

    def _topic(self, row: EmergencyAlert) -> str:
        return topics.alert(row.commune_id, row.id, is_drill=row.is_drill)

    def _wire(self, row: EmergencyAlert, issued_at_us: int) -> Alert:
        return Alert(
            alert=row.id,
            issued_at_us=issued_at_us,
            expires_at_us=issued_at_us + row.valid_for // timedelta(microseconds=1),
            speech_offset_us=SPEECH_OFFSET_MS * 1000,
            template=row.template,
            is_drill=row.is_drill,
            level=row.level,
            repeats=row.repeats,
            targets=target_hashes(row.id, row.audience),
            slots=row.slot_sounds,
        )

    def _wire_end(self, row: EmergencyAlert, kind: EndKind, issued_at_us: int) -> Alert:
        template = end_template(kind, is_drill=row.is_drill)
        wire = self._wire(row, issued_at_us)
        return wire._replace(is_end=True, template=template, repeats=1, speech_offset_us=END_OFFSET_MS * 1000, slots=())
