"""Alerts that the broker keeps and the database does not know: the controller ended between publishing and writing.

Their rows are made again from what was sealed, so that pages show them and a person can end them.
"""

import logging
import threading
from collections.abc import Callable
from datetime import datetime

import msgspec
from sqlmodel import Session

from alerts.desk import EmergencyDesk
from alerts.emergency_alerts import EmergencyAlert
from alerts.templates import SILENT_DRILL, AlertMessage, end_kind_of, message_of
from alerts.timelines import timeline
from devices.communes import Commune
from devices.receivers import receivers
from devices.zones import zones
from people.audit import Deed
from runtime.broker import Broker
from runtime.clock import from_us
from usecases.actors import CONTROLLER
from usecases.emergency_records import record_end, record_of
from wire import topics
from wire.alerts import Alert, open_alert
from wire.broadcasts import Targets
from wire.sealing import PublicKey, Refused

log = logging.getLogger(__name__)

AT_BROKER = "broker"


class AlertRecovery:
    """`listen` once; `step` when `is_due`."""

    def __init__(self, desk: EmergencyDesk, key: PublicKey) -> None:
        self._desk, self._key = desk, key
        self._kept: dict[str, bytes] = {}
        self._lock = threading.Lock()

    def listen(self, broker: Broker) -> None:
        """The broker tells what it keeps after each connection."""
        for topic_filter in topics.alerts_of_all_communes():
            broker.subscribe(topic_filter, self._heard)

    def is_due(self) -> bool:
        return bool(self._kept)

    def step(self) -> None:
        with self._lock:
            kept, self._kept = self._kept, {}
        for name, payload in kept.items():
            topic = topics.parse(name)
            try:
                if topic is not None:
                    self._recover(topic.commune, open_alert(payload, {self._key.kid: self._key}, topic.commune, None))
            except Refused as refused:
                log.warning("what the broker keeps on %s is no alert of ours: %s", name, refused)

    def _heard(self, topic: str, payload: bytes, is_kept: bool) -> None:
        """What was published just now is written by who published it."""
        if is_kept and payload:
            with self._lock:
                self._kept[topic] = payload

    def _recover(self, commune_id: str, alert: Alert) -> None:
        with self._desk.deciding:
            row = self._desk.find(alert.alert)
            if row is not None and row.issued_at is not None and (row.ended_at is not None or not alert.is_end):
                return
            with self._desk.database.session() as session:
                if session.get(Commune, commune_id) is None:
                    return
                row = row or _row_of(session, commune_id, alert)
                started = record_of(session, _sent(row, alert))
            if alert.is_end:
                row.ended_at, row.ended_by = from_us(alert.issued_at_us), CONTROLLER.name
                row.end_kind = end_kind_of(alert.template)
            log.warning("alert %s of %s was published and not written: it is written now", alert.alert, commune_id)
            now = self._desk.clock.now()
            self._desk.journal.put(row, lambda session: _write(session, row, started, now))


def _write(session: Session, row: EmergencyAlert, started: Callable[[Session], None], now: datetime) -> None:
    started(session)
    if row.ended_at is not None:
        record_end(session, row, row.ended_by)
    CONTROLLER.note(session, now, row.commune_id, Deed.EMERGENCY_RECOVERED, row.text)


def _sent(row: EmergencyAlert, alert: Alert) -> EmergencyAlert:
    """As it was sent. Of an end alone, the time of the end."""
    if row.issued_at is None:
        row.issued_at, row.expires_at = from_us(alert.issued_at_us), from_us(alert.expires_at_us)
    return row


def _row_of(session: Session, commune_id: str, alert: Alert) -> EmergencyAlert:
    issued_at = from_us(alert.issued_at_us)
    is_silent = alert.template == SILENT_DRILL
    message = AlertMessage(None) if alert.is_end or is_silent else message_of(alert.template)
    planned = timeline(session, commune_id, message, alert.slots, is_drill=alert.is_drill)
    return EmergencyAlert(
        id=alert.alert,
        commune_id=commune_id,
        template=SILENT_DRILL if is_silent else message.template(is_drill=alert.is_drill),
        slots=msgspec.json.encode(alert.slots).decode(),
        level=alert.level,
        repeats=alert.repeats,
        title=message.title,
        text=planned.text,
        targets=msgspec.json.encode(_targets(session, commune_id, alert)),
        is_drill=alert.is_drill,
        source=AT_BROKER,
        requested_by=CONTROLLER.name,
        requested_at=issued_at,
        lasts_us=0 if is_silent else planned.lasts_us(alert.repeats),
    )


def _targets(session: Session, commune_id: str, alert: Alert) -> Targets:
    if alert.targets is None:
        return Targets(all=True)
    named = alert.means("", [zone.id for zone in zones(session, commune_id)])
    meant = [r.id for r in receivers(session, commune_id) if (own := alert.means(r.id, [])) and own.receivers]
    return Targets(zones=list(named.zones) if named else [], receivers=meant)
