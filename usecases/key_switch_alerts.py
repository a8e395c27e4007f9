"""Emergencies that a key switch at a receiver started or ended, without the controller: kept once they are reported."""

import re

import msgspec
from sqlmodel import Session

from alerts.alert_settings import alert_settings
from alerts.emergency_alerts import EmergencyAlert
from alerts.templates import REPEATS, AlertMessage, EndKind, message_of
from alerts.timelines import timeline
from devices.receivers import Receiver
from people.audit import Deed
from runtime.clock import from_us
from usecases.actors import CONTROLLER
from usecases.emergency_records import record_end, record_of
from wire.broadcasts import Targets
from wire.reports import AlertReport

KEY_SWITCH = "key_switch"
_BEARER = "local"
_ID = re.compile(r"[0-9a-f]{16}")


def keep_key_switch_alert(session: Session, receiver_id: str, report: AlertReport) -> None:
    """The alert that a report is about, and its end, when a key switch started it."""
    receiver = session.get(Receiver, receiver_id)
    if report.bearer != _BEARER or receiver is None or _ID.fullmatch(report.alert) is None:
        return
    row = session.get(EmergencyAlert, report.alert)
    if row is None:
        row = _started(session, receiver, report)
        session.add(row)
        session.flush()
        record_of(session, row)(session)
        actor = CONTROLLER.named(receiver.name)
        actor.note(session, row.requested_at, row.commune_id, Deed.EMERGENCY_BY_KEY_SWITCH, row.text)
    if report.is_end and row.ended_at is None and row.source == KEY_SWITCH:
        row.ended_at, row.ended_by = from_us(report.took_effect_at_us or report.arrived_at_us), receiver.name
        row.end_kind = EndKind.OVER
        session.add(row)
        record_end(session, row, receiver.name)


def _started(session: Session, receiver: Receiver, report: AlertReport) -> EmergencyAlert:
    settings, at = alert_settings(session, receiver.commune_id), from_us(report.arrived_at_us)
    message = message_of(settings.trigger_template) if settings.trigger_template else AlertMessage(None)
    planned = timeline(session, receiver.commune_id, message, (), is_drill=False)
    repeats = 0 if settings.trigger_ends_on_release else REPEATS
    row = EmergencyAlert(
        id=report.alert,
        commune_id=receiver.commune_id,
        template=message.template(is_drill=False),
        level=message.level,
        repeats=repeats,
        title=message.title,
        text=planned.text,
        targets=msgspec.json.encode(Targets(receivers=[receiver.id])),
        source=KEY_SWITCH,
        requested_by=receiver.name,
        requested_at=at,
        issued_at=at,
        lasts_us=planned.lasts_us(repeats),
    )
    row.expires_at = at + row.valid_for
    return row
