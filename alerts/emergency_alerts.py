"""Alerts: one emergency or drill each, from the request to its end. The table, and the state at an instant."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

import msgspec
from sqlalchemy import BigInteger, Boolean, Column, ColumnElement, LargeBinary, Text, false, text
from sqlmodel import Field, Session, SQLModel, col, func, select

from alerts.templates import AlertMessage, message_of
from runtime.clock import from_us
from runtime.database import UtcDateTime
from runtime.refusal import N_, NotFound
from wire.broadcasts import Targets
from wire.reports import AlertReport

#: An alert is valid for this long: later nobody joins it, and its bearers drop it.
VALID_FOR = timedelta(hours=1)
#: One that is repeated until it is ended, at the most.
LONGEST_UNTIL_ENDED = timedelta(hours=24)

#: The name `text` is a field of the table.
_EMPTY = text("''")


class AlertState(StrEnum):
    """Computed from the row and the time, never stored."""

    WAITING = "waiting"  # for the second person
    LAPSED = "lapsed"  # nobody confirmed it in time
    REFUSED = "refused"
    SENT = "sent"
    ENDED = "ended"  # by a person
    EXPIRED = "expired"


class SmsState(StrEnum):
    QUEUED = "queued"
    SENT = "sent"
    FAILED = "failed"
    WITHDRAWN = "withdrawn"  # the alert was over before it was sent


class EmergencyAlert(SQLModel, table=True):
    """id: on the wire, 16 hex digits. request_key: of the form; the same form sent twice is one alert.

    template, slots (JSON), level, repeats: as on the wire. title: message id. text: what is said, for people.
    targets: JSON as on the wire. source: who asked where no person did, such as a feed.
    confirm_by_at: until then a second person may confirm. break_glass_reason: why one person sent it alone.
    sealed, end_sealed: as sent; b"" before. lasts_us: from issued to the end of the last repetition.
    by_sms: without being asked also by SMS to those who do not confirm it in time.
    free_text, free_english, free_clip_id, free_job_id: of a free message; the last of a recording that is being made.
    message_id: the broadcast that carries it, "" until it is made.
    cleared_at: since when the broker no longer has it.
    """

    __tablename__ = "emergency_alert"

    id: str = Field(primary_key=True, max_length=16)
    commune_id: str = Field(foreign_key="commune.id", index=True)
    request_key: str = Field(default="", index=True)
    template: int
    slots: str = "[]"
    level: int = 0
    repeats: int = 3
    title: str
    text: str = Field(default="", sa_type=Text)
    targets: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    is_drill: bool = Field(default=False, sa_type=Boolean)
    by_sms: bool = Field(default=False, sa_type=Boolean, sa_column_kwargs={"server_default": false()})
    source: str = ""
    requested_by: str
    requested_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False, index=True))
    confirm_by_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    confirmed_by: str = ""
    confirmed_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    break_glass_reason: str = Field(default="", sa_type=Text)
    refused_by: str = ""
    refused_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    issued_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime, index=True))
    expires_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    lasts_us: int = Field(default=0, sa_type=BigInteger)
    sealed: bytes = Field(default=b"", sa_column=Column(LargeBinary, nullable=False))
    ended_by: str = ""
    ended_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    end_kind: str = ""
    end_sealed: bytes = Field(default=b"", sa_column=Column(LargeBinary, nullable=False))
    free_text: str = Field(default="", sa_type=Text)
    free_english: str = Field(default="", sa_type=Text, sa_column_kwargs={"server_default": _EMPTY})
    free_clip_id: str = ""
    free_job_id: str = Field(default="", sa_column_kwargs={"server_default": _EMPTY})
    message_id: str = ""
    cleared_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))

    @property
    def message(self) -> AlertMessage:
        return message_of(self.template)

    @property
    def audience(self) -> Targets:
        return msgspec.json.decode(self.targets, type=Targets)

    @property
    def slot_sounds(self) -> tuple[int, ...]:
        return msgspec.json.decode(self.slots, type=tuple[int, ...])

    @property
    def broadcast_id(self) -> str:
        """Of its row in the play log, and in the reports of receivers."""
        return f"alert-{self.id}"

    @property
    def valid_for(self) -> timedelta:
        return VALID_FOR if self.repeats else LONGEST_UNTIL_ENDED

    @property
    def sounds_until(self) -> datetime | None:
        """The end of the last repetition, or of its validity where it is repeated until it is ended."""
        if self.issued_at is None or self.expires_at is None:
            return None
        if self.ended_at is not None:
            return self.ended_at
        if not self.repeats:
            return self.expires_at
        return min(self.expires_at, self.issued_at + timedelta(microseconds=self.lasts_us))

    def state(self, now: datetime) -> AlertState:
        if self.refused_at is not None:
            return AlertState.REFUSED
        if self.issued_at is None:
            is_late = self.confirm_by_at is not None and now >= self.confirm_by_at
            return AlertState.LAPSED if is_late else AlertState.WAITING
        if self.ended_at is not None:
            return AlertState.ENDED
        return AlertState.EXPIRED if self.expires_at is not None and now >= self.expires_at else AlertState.SENT


class AlertReceipt(SQLModel, table=True):
    """What one receiver reported of an alert, or of its end, and what became of an SMS to it.

    arrived_at: None: it has reported nothing yet. took_effect_at: None: it did not sound (or not stop).
    sms_state: "" when none was wanted, else one of `SmsState`. sms_at: of its last change.
    sms_error: why the last try failed, as `runtime.refusal.as_text`.
    """

    __tablename__ = "alert_receipt"

    alert_id: str = Field(primary_key=True, max_length=16)
    receiver_id: str = Field(primary_key=True)
    is_end: bool = Field(primary_key=True, sa_type=Boolean)
    bearer: str = ""
    arrived_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    took_effect_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    cause: str = ""
    sms_state: str = Field(default="", sa_column_kwargs={"server_default": text("''")})
    sms_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    sms_tries: int = Field(default=0, sa_column_kwargs={"server_default": text("0")})
    sms_error: str = Field(default="", sa_column=Column(Text, nullable=False, server_default=text("''")))


def may_be_current(now: datetime) -> ColumnElement[bool]:
    """A condition for queries: in force, or waiting for a second person."""
    table = EmergencyAlert
    in_force = col(table.expires_at) > now
    waits = col(table.issued_at).is_(None) & (col(table.confirm_by_at) > now)
    return col(table.refused_at).is_(None) & col(table.ended_at).is_(None) & (in_force | waits)


def alert_row(session: Session, commune_id: str, alert_id: str) -> EmergencyAlert:
    """Raises NotFound, also for another commune's."""
    row = session.get(EmergencyAlert, alert_id)
    if row is None or row.commune_id != commune_id:
        raise NotFound(N_("This emergency message no longer exists."))
    return row


def recent_alerts(session: Session, commune_id: str, limit: int = 20, offset: int = 0) -> list[EmergencyAlert]:
    query = select(EmergencyAlert).where(EmergencyAlert.commune_id == commune_id)
    return list(session.exec(query.order_by(col(EmergencyAlert.requested_at).desc()).limit(limit).offset(offset)))


def receipts_of(session: Session, alert_id: str) -> list[AlertReceipt]:
    return list(session.exec(select(AlertReceipt).where(AlertReceipt.alert_id == alert_id)))


class ReceiptCount(NamedTuple):
    """Of one alert: receivers that got it, those that sounded, and when the last of them did."""

    received: int
    sounded: int
    last_at: datetime | None


def receipt_counts(session: Session, alert_ids: Sequence[str]) -> dict[str, ReceiptCount]:
    """By alert id; alerts without a receipt are missing. One query."""
    table = AlertReceipt
    query = (
        select(
            table.alert_id,
            func.count(col(table.arrived_at)),
            func.count(col(table.took_effect_at)),
            func.max(table.took_effect_at),
        )
        .where(col(table.alert_id).in_(alert_ids), col(table.is_end).is_(False))
        .group_by(col(table.alert_id))
    )
    return {
        alert_id: ReceiptCount(received, sounded, last) for alert_id, received, sounded, last in session.exec(query)
    }


def take_receipt(session: Session, receiver_id: str, report: AlertReport) -> None:
    """Store a report; the first that took effect stays, a later one without effect does not replace it."""
    known = session.get(AlertReceipt, (report.alert[:16], receiver_id, report.is_end))
    if known is not None and known.took_effect_at is not None:
        return
    receipt = known or AlertReceipt(alert_id=report.alert[:16], receiver_id=receiver_id, is_end=report.is_end)
    receipt.bearer, receipt.arrived_at = report.bearer[:10], from_us(report.arrived_at_us)
    receipt.took_effect_at = from_us(report.took_effect_at_us) if report.took_effect_at_us else None
    receipt.cause = report.cause[:200]
    session.add(receipt)
