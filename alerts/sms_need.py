"""Who needs an alert by SMS: receivers that have not confirmed it in time, or whose connection is known to be down."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session

from alerts.alert_settings import alert_settings
from alerts.emergency_alerts import AlertState, EmergencyAlert, SmsState, receipts_of
from devices.receivers import Receiver, reached_by

#: Ids of the receivers that are known to have no connection at an instant.
Away = Callable[[datetime], Collection[str]]


@dataclass(frozen=True)
class SmsNeed:
    """due: receivers that one can be sent to now. failed: the ids of those to which it failed before.

    without_phone: receivers that need one and have no number.
    """

    due: list[Receiver]
    failed: frozenset[str]
    without_phone: list[Receiver]


def sms_need(
    session: Session, alert: EmergencyAlert, away: Collection[str], now: datetime, states: dict[str, SmsState]
) -> SmsNeed:
    """states: of SMS of this alert that may not be written yet, by receiver."""
    if alert.state(now) is not AlertState.SENT or alert.issued_at is None:
        return SmsNeed([], frozenset(), [])
    receipts = {receipt.receiver_id: receipt for receipt in receipts_of(session, alert.id) if not receipt.is_end}
    written = {name: SmsState(receipt.sms_state) for name, receipt in receipts.items() if receipt.sms_state}
    known = written | states
    is_time = now - alert.issued_at >= alert_settings(session, alert.commune_id).sms_after
    due, without_phone = list[Receiver](), list[Receiver]()
    for receiver in reached_by(session, alert.commune_id, alert.audience, alert.issued_at):
        receipt = receipts.get(receiver.id)
        has_confirmed = receipt is not None and receipt.arrived_at is not None
        if has_confirmed or not (is_time or receiver.id in away):
            continue
        if known.get(receiver.id, SmsState.FAILED) is not SmsState.FAILED:
            continue
        (due if receiver.alert_phone else without_phone).append(receiver)
    failed = frozenset(r.id for r in due if known.get(r.id) is SmsState.FAILED)
    return SmsNeed(due, failed, without_phone)
