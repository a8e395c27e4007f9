"""The uplink: the only place that opens what receivers send.

Time asks are answered in the broker's own thread, before anything else and without the database; heartbeats are taken
into memory there and written down in batches; reports go to a thread that verifies, writes and only then says heard.
"""

import contextlib
import logging
import queue
import threading
from collections import Counter
from collections.abc import Callable
from typing import Any

import msgspec
from sqlalchemy import Column
from sqlalchemy.exc import DataError
from sqlmodel import Field, Session, SQLModel, col, select

from devices import faults, heartbeats
from devices.downlink import Downlink
from devices.heartbeats import ReceivedHeartbeat
from devices.presence import PresenceWatch
from devices.receivers import Receiver, exceed_held_config
from devices.telemetry import TelemetryHistory
from runtime.broker import Broker
from runtime.clock import Clock, to_us
from runtime.database import Database, UtcDateTime, insert_if_absent
from runtime.log_limit import LogLimit
from transport.worker import Worker
from wire import topics
from wire.commands import ReportsHeard
from wire.messages import CONTROLLER, M, decode
from wire.reports import FaultReport, Heartbeat, Presence, Report
from wire.sealing import PublicKey, Reason, Refused, open_sealed
from wire.time import TimeAsk
from wire.topics import Kind

log = logging.getLogger(__name__)

#: How long heartbeats wait for others to share their transaction.
BATCH_S = 1.0
#: Of each receiver. A refused message is one line; stolen credentials can send thousands a second.
REFUSED_LINES_A_MINUTE = 5
#: Messages that one receiver sends in a second, and reports among them. Beyond it they are dropped unread:
#: stolen credentials must not hold up others. A receiver asks for the time 40 times a second at first, and its outbox
#: sends 50 reports at once; those that are dropped it sends again.
MOST_A_SECOND, MOST_REPORTS_A_SECOND = 150, 50
_TOO_MANY = "too_many"
#: Reports waiting to be written. Beyond it they are left to the receivers' outboxes, which send them again.
MOST_WAITING = 10_000
#: Reports that one transaction writes.
MOST_IN_A_BATCH = 200

#: What a database answers to a value that it cannot hold: an instant in the year 40000, a number of 70 bits, a NUL.
UNSTORABLE = (OverflowError, ValueError, DataError)

ReportHandler = Callable[[Session, str, Any], None]


class HeardReport(SQLModel, table=True):
    """A report was taken. Receiver and id are the claim: a report that comes twice is taken once.

    Not the id alone: a receiver could otherwise claim the ids of another's reports.
    """

    report: str = Field(primary_key=True)
    receiver_id: str = Field(primary_key=True)
    heard_at: Any = Field(sa_column=Column(UtcDateTime, nullable=False))


class Uplink:
    """Hears every receiver."""

    def __init__(
        self, broker: Broker, database: Database, clock: Clock, downlink: Downlink, presence: PresenceWatch
    ) -> None:
        self._broker = broker
        self._database = database
        self._clock = clock
        self._downlink = downlink
        self._presence = presence
        self._handlers: list[tuple[type, ReportHandler]] = [(FaultReport, faults.take_report)]
        self._pending: dict[str, ReceivedHeartbeat] = {}
        self._pending_lock = threading.Lock()
        self._held_configs: dict[str, int] = {}
        self._telemetry = TelemetryHistory()
        self._reports: queue.Queue[tuple[str, bytes]] = queue.Queue(MOST_WAITING)
        self._workers = [
            Worker(self._write_reports, "uplink-reports"),
            Worker(self._write_heartbeats, "uplink-heartbeats"),
        ]
        #: Messages and reports of each receiver in the present second of the monotonic clock.
        self._second, self._messages, self._received_reports = 0, Counter[str](), Counter[str]()
        self.refused: Counter[str] = Counter()
        self._refused_lines = LogLimit(REFUSED_LINES_A_MINUTE)

    def on_report(self, kind: type, handler: ReportHandler) -> None:
        """Hand verified reports of a kind to `handler(session, receiver_id, report)`, once each, in a transaction."""
        self._handlers.append((kind, handler))

    def start(self) -> None:
        for worker in self._workers:
            worker.start()
        self._broker.subscribe(topics.from_all_receivers(Kind.TIME_ASK), self._time_asked, qos=0)
        self._broker.subscribe(topics.from_all_receivers(Kind.PRESENCE), self._presence_told, qos=1)
        self._broker.subscribe(topics.from_all_receivers(Kind.HEARTBEAT), self._heartbeat_came, qos=0)
        self._broker.subscribe(topics.from_all_receivers(Kind.REPORT), self._report_came, qos=1)

    def close(self) -> None:
        """Stop hearing; what came is written down."""
        for worker in self._workers:
            worker.close(10)
        while not self._reports.empty():
            self._workers[0].turn()
        self.write_pending()

    def write_pending(self) -> None:
        """Write down the heartbeats that wait."""
        with self._pending_lock:
            pending, self._pending = self._pending, {}
        self._exceed_held_configs(pending)
        try:
            heartbeats.keep(self._database, pending.values(), self._telemetry)
        except UNSTORABLE:
            for heard in pending.values():
                try:
                    heartbeats.keep(self._database, [heard], self._telemetry)
                except UNSTORABLE:
                    self._refuse(heard.receiver_id, Kind.HEARTBEAT, Reason.MALFORMED)

    def _exceed_held_configs(self, pending: dict[str, ReceivedHeartbeat]) -> None:
        reported = {receiver_id: heard.message.config_revision for receiver_id, heard in pending.items()}
        news = {sender_id: held for sender_id, held in reported.items() if self._held_configs.get(sender_id) != held}
        if not news:
            return
        with self._database.session() as session:
            query = select(Receiver.id, Receiver.config_revision).where(col(Receiver.id).in_(news))
            behind = [sender_id for sender_id, ours in session.exec(query) if ours < news[sender_id]]
        for receiver_id in behind:
            with self._database.writing() as session:
                row = exceed_held_config(session, receiver_id, news[receiver_id])
                if row is not None:
                    log.warning("receiver %s holds config %d; counting on above", receiver_id, news[receiver_id])
                    self._downlink.configure(session, row)
        self._held_configs.update(news)

    def take_reports(self, batch: list[tuple[str, bytes]]) -> None:
        """Verify reports, write them in one transaction, and then tell their receivers that they were heard.

        One that cannot be written down is refused, and holds up no other.
        """
        try:
            self._take(batch)
        except UNSTORABLE:
            if len(batch) == 1:
                self._refuse(batch[0][0], Kind.REPORT, Reason.MALFORMED)
                return
            for report in batch:
                self.take_reports([report])

    def _take(self, batch: list[tuple[str, bytes]]) -> None:
        heard: dict[str, list[str]] = {}
        with self._database.writing() as session:
            keys = self._keys_of(session, {receiver_id for receiver_id, _ in batch})
            for receiver_id, payload in batch:
                report = self._open(keys, receiver_id, payload)
                if report is None:
                    continue
                heard.setdefault(receiver_id, []).append(report.report)
                claim = {"report": report.report, "receiver_id": receiver_id, "heard_at": self._clock.now()}
                if insert_if_absent(session, HeardReport, claim):
                    for kind, handler in self._handlers:
                        if isinstance(report, kind):
                            handler(session, receiver_id, report)
        for receiver_id, reports in heard.items():
            self._downlink.send_command(receiver_id, ReportsHeard(reports=reports))

    def _time_asked(self, topic: str, payload: bytes, retained: bool) -> None:
        heard_at_us = to_us(self._clock.now())
        receiver_id = self._sender(topic)
        if receiver_id is None or retained:
            return
        ask = self._decoded(receiver_id, payload, Kind.TIME_ASK, TimeAsk)
        if ask is None:
            return
        self._downlink.tell_time(receiver_id, ask.nonce, ask.asked_local_us, heard_at_us)

    def _presence_told(self, topic: str, payload: bytes, retained: bool) -> None:
        receiver_id = self._sender(topic)
        if receiver_id is None or not payload:
            return
        presence = self._decoded(receiver_id, payload, Kind.PRESENCE, Presence)
        if presence is None:
            return
        self._presence.presence_received(receiver_id, presence, self._clock.now(), retained=retained)

    def _heartbeat_came(self, topic: str, payload: bytes, retained: bool) -> None:
        receiver_id = self._sender(topic)
        if receiver_id is None or retained:
            return
        heartbeat = self._decoded(receiver_id, payload, Kind.HEARTBEAT, Heartbeat)
        if heartbeat is None:
            return
        now = self._clock.now()
        self._presence.heard(receiver_id, heartbeat, now)
        self._downlink.held_revision(receiver_id, heartbeat.command_revision)
        with self._pending_lock:
            self._pending[receiver_id] = ReceivedHeartbeat(receiver_id, now, heartbeat)

    def _decoded(self, receiver_id: str, payload: bytes, kind: Kind, type_: type[M]) -> M | None:
        """None, and counted, for what cannot be read."""
        try:
            return decode(payload, type_)
        except msgspec.DecodeError:
            self._refuse(receiver_id, kind, Reason.MALFORMED)
            return None

    def _report_came(self, topic: str, payload: bytes, retained: bool) -> None:
        receiver_id = self._sender(topic)
        if receiver_id is None or retained:
            return
        try:
            self._reports.put_nowait((receiver_id, payload))
            self._workers[0].wake()
        except queue.Full:
            log.warning("too many reports at once; %s will send its own again", receiver_id)

    def _write_reports(self) -> float | None:
        """Write the next batch. After a failure no report of it was acknowledged, so the receivers send them again."""
        batch: list[tuple[str, bytes]] = []
        with contextlib.suppress(queue.Empty):
            while len(batch) < MOST_IN_A_BATCH:
                batch.append(self._reports.get_nowait())
        if batch:
            self.take_reports(batch)
        return 0.0 if len(batch) == MOST_IN_A_BATCH else None

    def _write_heartbeats(self) -> float:
        self.write_pending()
        return BATCH_S

    def _open(self, keys: dict[str, PublicKey], receiver_id: str, payload: bytes) -> Report | None:
        key = keys.get(receiver_id)
        try:
            report: Report = open_sealed(
                payload, Report, {key.kid: key} if key else {}, to=CONTROLLER, now_us=self._clock.now_us()
            )
        except Refused as refused:
            self._refuse(receiver_id, Kind.REPORT, refused.reason)
            return None
        if report.receiver != receiver_id:
            self._refuse(receiver_id, Kind.REPORT, Reason.NOT_FOR_US)
            return None
        return report

    @staticmethod
    def _keys_of(session: Session, receiver_ids: set[str]) -> dict[str, PublicKey]:
        """The keys in force now: of receivers in service, the newest of each. One query."""
        query = select(Receiver.id, Receiver.public_key).where(
            col(Receiver.id).in_(receiver_ids), col(Receiver.retired_at).is_(None)
        )
        return {receiver_id: PublicKey(bytes.fromhex(public)) for receiver_id, public in session.exec(query)}

    def _sender(self, topic: str) -> str | None:
        """None for a topic of no receiver, and beyond what one receiver may send. In the broker's thread."""
        parsed = topics.parse(topic)
        if parsed is None or not parsed.receiver:
            return None
        second = self._clock.monotonic_us() // 1_000_000
        if second != self._second:
            self._second, self._messages, self._received_reports = second, Counter(), Counter()
        counts = [(self._messages, MOST_A_SECOND)]
        if parsed.kind is Kind.REPORT:
            counts.append((self._received_reports, MOST_REPORTS_A_SECOND))
        for counter, most in counts:
            counter[parsed.receiver] += 1
            if counter[parsed.receiver] > most:
                self._refuse(parsed.receiver, parsed.kind, _TOO_MANY)
                return None
        return parsed.receiver

    def _refuse(self, receiver_id: str, kind: Kind, reason: str) -> None:
        """reason: a `Reason`, or `_TOO_MANY`."""
        self.refused[str(reason)] += 1
        left_out = self._refused_lines.admit(receiver_id)
        if left_out is not None:
            log.warning(
                "refused: %s of %s: %s%s",
                kind.value,
                receiver_id,
                str(reason),
                f" (and {left_out} more of its messages in the minute before)" if left_out else "",
            )
