"""What Loa airs as an emergency or as a drill, as messages of CAP: one Alert for each, and a Cancel or an Update when a
person has ended it.
"""

import re
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement
from sqlmodel import Session, col, select

from alerts.emergency_alerts import EmergencyAlert
from alerts.hazards import Hazard
from alerts.templates import SILENT_DRILL, EndKind
from broadcast.broadcasts import Broadcast
from broadcast.clips import clips_by_id, order_of
from cap.alerts import CapAlert, alert_of_emergency, key_text
from cap.messages import Certainty, MessageKey, MessageType, Severity, Status, Urgency
from cap.writing import OutgoingAlert
from devices.communes import Commune
from devices.zones import zones
from runtime.refusal import N_, NotFound
from web.language import DEFAULT, translators
from wire.broadcasts import BroadcastClass, Targets

PUBLISHED_FOR = timedelta(days=7)
MOST_PUBLISHED = 100
_CANCEL, _ALL_CLEAR = "-cancel", "-all-clear"
_IDENTIFIER = re.compile(r"loa-(?:alert-([0-9a-f]{16})|([0-9a-z]{1,80}))(?:-cancel|-all-clear)?")
_CATEGORIES = {
    Hazard.STORM: "Met",
    Hazard.FLOOD: "Met",
    Hazard.FLASH_FLOOD: "Met",
    Hazard.LANDSLIDE: "Geo",
    Hazard.FIRE: "Fire",
    Hazard.HEAT: "Met",
    Hazard.EPIDEMIC: "Health",
    Hazard.EVACUATION: "Safety",
}
#: Of the risk levels; 0: none was announced.
_SEVERITIES = (
    Severity.UNKNOWN,
    Severity.MINOR,
    Severity.MODERATE,
    Severity.SEVERE,
    Severity.EXTREME,
    Severity.EXTREME,
)


def published_alerts(session: Session, host: str, now: datetime) -> list[OutgoingAlert]:
    """Of the last days, the newest first."""
    since = now - PUBLISHED_FOR
    alerts = select(EmergencyAlert).where(
        col(EmergencyAlert.issued_at) > since, EmergencyAlert.template != SILENT_DRILL
    )
    alerts = alerts.order_by(col(EmergencyAlert.issued_at).desc(), EmergencyAlert.id).limit(MOST_PUBLISHED)
    query = select(Broadcast).where(_is_published(), Broadcast.starts_at > since)
    rows = session.exec(query.order_by(col(Broadcast.planned_at).desc(), col(Broadcast.id)).limit(MOST_PUBLISHED))
    found = [message for row in session.exec(alerts) for message in _alert_messages(session, row, host)]
    found += [message for row in rows for message in _broadcast_messages(session, row, host)]
    return sorted(found, key=lambda alert: alert.key.sent, reverse=True)


def published_alert(session: Session, identifier: str, host: str) -> OutgoingAlert:
    """Raises NotFound."""
    parts = _IDENTIFIER.fullmatch(identifier)
    for message in _messages_of(session, parts[1], parts[2], host) if parts else ():
        if message.key.identifier == identifier:
            return message
    raise NotFound(N_("There is no such alert. The feed lists all that there are."))


def _messages_of(session: Session, alert_id: str | None, broadcast_id: str, host: str) -> list[OutgoingAlert]:
    if alert_id is not None:
        alert = session.get(EmergencyAlert, alert_id)
        is_sent = alert is not None and alert.issued_at is not None and alert.template != SILENT_DRILL
        return _alert_messages(session, alert, host) if alert is not None and is_sent else []
    row = session.exec(select(Broadcast).where(Broadcast.id == broadcast_id, _is_published())).first()
    return _broadcast_messages(session, row, host) if row is not None else []


def _is_published() -> ColumnElement[bool]:
    """Emergencies that are no alert themselves, and not the words of one."""
    words = select(EmergencyAlert.message_id).where(EmergencyAlert.message_id == Broadcast.id).exists()
    is_emergency = col(Broadcast.class_) == BroadcastClass.EMERGENCY.value
    return is_emergency & (col(Broadcast.announced_revision) > 0) & col(Broadcast.alert_id).is_(None) & ~words


def _alert_messages(session: Session, row: EmergencyAlert, host: str) -> list[OutgoingAlert]:
    own, aired = session.get_one(Commune, row.commune_id), alert_of_emergency(session, row.id)
    issued_at, hazard = row.issued_at or row.requested_at, row.message.hazard
    key = MessageKey(f"{row.commune_id}@{host}", f"loa-{row.broadcast_id}", issued_at.replace(microsecond=0))
    until = (row.sounds_until or issued_at) + timedelta(seconds=1)
    alert = OutgoingAlert(
        key=key,
        type=MessageType.ALERT,
        event=aired.event if aired and aired.event else translators()[DEFAULT](row.title),
        text=row.text,
        language="vi-VN",
        sender_name=own.name,
        area=_area(session, own, row.audience),
        expires=max(row.expires_at or until, until),
        status=Status.EXERCISE if row.is_drill else Status.ACTUAL,
        category=_CATEGORIES[hazard] if hazard else "Safety",
        severity=_SEVERITIES[row.level],
        outline=own.outline if row.audience.all else None,
    )
    alert = _as_aired(alert, aired)
    if row.ended_at is None:
        return [alert]
    is_clear = row.end_kind == EndKind.ALL_CLEAR
    suffix, kind = (_ALL_CLEAR, MessageType.UPDATE) if is_clear else (_CANCEL, MessageType.CANCEL)
    return [_ending(alert, suffix, kind, row.ended_at), alert]


def _broadcast_messages(session: Session, row: Broadcast, host: str) -> list[OutgoingAlert]:
    own = session.get_one(Commune, row.commune_id)
    alert = OutgoingAlert(
        key=MessageKey(f"{row.commune_id}@{host}", f"loa-{row.id}", row.planned_at.replace(microsecond=0)),
        type=MessageType.ALERT,
        event=row.title,
        text=_text(session, row),
        language="vi-VN",
        sender_name=own.name,
        area=_area(session, own, row.audience),
        expires=row.ends_at + timedelta(seconds=1),
        outline=own.outline if row.audience.all else None,
    )
    ended_at = row.stopped_at or row.withdrawn_at
    return [alert] if ended_at is None else [_ending(alert, _CANCEL, MessageType.CANCEL, ended_at), alert]


def _as_aired(alert: OutgoingAlert, aired: CapAlert | None) -> OutgoingAlert:
    """With what the alert from outside says that it airs."""
    if aired is None:
        return alert
    return replace(
        alert,
        language=aired.spoken[0].language if aired.spoken else alert.language,
        area=aired.area or alert.area,
        expires=max(alert.expires, aired.expires_at),
        origin=aired.origin or key_text(aired.key),
        category=aired.category or alert.category,
        severity=aired.severity or alert.severity,
        urgency=aired.urgency or alert.urgency,
        certainty=aired.certainty or alert.certainty,
    )


def _ending(alert: OutgoingAlert, suffix: str, kind: MessageType, at: datetime) -> OutgoingAlert:
    """A message of its own, no copy of the alert from outside."""
    key = MessageKey(alert.key.sender, alert.key.identifier + suffix, max(at.replace(microsecond=0), alert.key.sent))
    ending = replace(alert, key=key, type=kind, references=(alert.key,), origin="", expires=max(alert.expires, at))
    if kind is MessageType.UPDATE:
        return replace(ending, response="AllClear", urgency=Urgency.PAST, certainty=Certainty.OBSERVED)
    return ending


def _area(session: Session, own: Commune, targets: Targets) -> str:
    names = {zone.id: zone.name for zone in zones(session, own.id)}
    chosen: Sequence[str] = [names[zone] for zone in targets.zones if zone in names]
    return own.name if targets.all or not chosen or targets.receivers else f"{own.name}: {', '.join(chosen)}"


def _text(session: Session, row: Broadcast) -> str:
    """What is read aloud; "" for a recording of something else."""
    clip = clips_by_id(session, [row.clip_id]).get(row.clip_id) if row.clip_id else None
    order = order_of(clip.speech) if clip is not None and clip.speech else None
    return order.text if order else ""
