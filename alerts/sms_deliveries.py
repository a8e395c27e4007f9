"""One SMS that carries an alert or its end to one receiver: its state, and the next try."""

from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlmodel import Session, col, select

from alerts.emergency_alerts import AlertReceipt, EmergencyAlert, SmsState
from devices.receivers import Receiver
from runtime.refusal import Refusal, as_text

#: Pauses before the tries that follow a failed one; after these the message has failed.
RETRY_AFTER_S = (2, 5, 15, 30)


class SmsKey(NamedTuple):
    alert_id: str
    receiver_id: str
    is_end: bool


@dataclass
class SmsDelivery:
    """phone: as it was when the message was queued. due_us: of the next try, monotonic.

    is_waiting: handed over, and not sent yet. in_progress: a thread is at it. is_over: the alert was ended meanwhile.
    """

    key: SmsKey
    alert: EmergencyAlert
    phone: str
    at: datetime
    due_us: int
    state: SmsState = SmsState.QUEUED
    tries: int = 0
    error: str = ""
    is_waiting: bool = False
    in_progress: bool = False
    is_over: bool = False

    @property
    def payload(self) -> bytes:
        return self.alert.end_sealed if self.key.is_end else self.alert.sealed

    @property
    def name(self) -> str:
        return f"{self.key.alert_id}-{self.key.receiver_id}-{'end' if self.key.is_end else 'alert'}"

    @property
    def order(self) -> tuple[bool, bool, int]:
        """Real ones before drills, ends before alerts."""
        return self.alert.is_drill, not self.key.is_end, self.due_us

    def became(self, state: SmsState, at: datetime, error: Refusal | None = None) -> None:
        self.state, self.at, self.error = state, at, as_text(error) if error is not None else ""

    def write(self, session: Session) -> None:
        receipt = session.get(AlertReceipt, tuple(self.key))
        receipt = receipt or AlertReceipt(
            alert_id=self.key.alert_id, receiver_id=self.key.receiver_id, is_end=self.key.is_end
        )
        receipt.sms_state, receipt.sms_at = self.state.value, self.at
        receipt.sms_tries, receipt.sms_error = self.tries, self.error
        session.add(receipt)


def restored(session: Session, now: datetime, now_us: int) -> tuple[list[EmergencyAlert], list[SmsDelivery]]:
    """Alerts that have not expired, and their messages. One that waited somewhere is handed over again: it plays once.

    now_us: monotonic.
    """
    in_force = col(EmergencyAlert.expires_at) > now, col(EmergencyAlert.issued_at).is_not(None)
    alerts = {row.id: row for row in session.exec(select(EmergencyAlert).where(*in_force))}
    query = select(AlertReceipt, Receiver.alert_phone).join(Receiver, col(Receiver.id) == AlertReceipt.receiver_id)
    query = query.where(col(AlertReceipt.alert_id).in_(list(alerts)), AlertReceipt.sms_state != "")
    deliveries = [
        SmsDelivery(
            SmsKey(receipt.alert_id, receipt.receiver_id, receipt.is_end),
            alerts[receipt.alert_id],
            phone,
            receipt.sms_at or now,
            now_us,
            SmsState(receipt.sms_state),
            receipt.sms_tries,
            receipt.sms_error,
        )
        for receipt, phone in session.exec(query)
    ]
    return list(alerts.values()), deliveries
