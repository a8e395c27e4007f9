"""What Loa airs as an emergency, as messages of CAP: one Alert for each, and a Cancel for one that was stopped."""

import re
from dataclasses import replace
from datetime import datetime, timedelta

from sqlmodel import Session, col, select

from broadcast.broadcasts import Broadcast
from broadcast.clips import clips_by_id, order_of
from cap.alerts import CapAlert, CapAlertState, alert_of_emergency, key_text
from cap.messages import Certainty, MessageKey, MessageType, Severity, Urgency
from cap.spoken_emergencies import spoken_for_broadcast
from cap.writing import OutgoingAlert
from devices.communes import Commune
from runtime.refusal import N_, NotFound
from wire.broadcasts import BroadcastClass

PUBLISHED_FOR = timedelta(days=7)
MOST_PUBLISHED = 100
_CANCEL = "-cancel"
_ENDED_EARLY = (CapAlertState.CANCELLED, CapAlertState.REPLACED, CapAlertState.STOPPED)
_IDENTIFIER = re.compile(r"loa-([0-9a-z]{1,80})(-cancel)?")


def published_alerts(session: Session, host: str, now: datetime) -> list[OutgoingAlert]:
    """Of the last days, the newest first."""
    query = select(Broadcast).where(
        Broadcast.class_ == BroadcastClass.EMERGENCY.value,
        Broadcast.starts_at > now - PUBLISHED_FOR,
        col(Broadcast.announced_revision) > 0,
    )
    rows = session.exec(query.order_by(col(Broadcast.planned_at).desc(), col(Broadcast.id)).limit(MOST_PUBLISHED))
    found = [alert for row in rows for alert in _messages(session, row, host)]
    return sorted(found, key=lambda alert: alert.key.sent, reverse=True)


def published_alert(session: Session, identifier: str, host: str) -> OutgoingAlert:
    """Raises NotFound."""
    parts = _IDENTIFIER.fullmatch(identifier)
    row = session.get(Broadcast, parts[1]) if parts else None
    if row is not None and row.broadcast_class is BroadcastClass.EMERGENCY and row.announced_revision:
        for alert in _messages(session, row, host):
            if alert.key.identifier == identifier:
                return alert
    raise NotFound(N_("There is no such alert. The feed lists all that there are."))


def _messages(session: Session, row: Broadcast, host: str) -> list[OutgoingAlert]:
    own = session.get_one(Commune, row.commune_id)
    key = MessageKey(f"{row.commune_id}@{host}", f"loa-{row.id}", row.planned_at.replace(microsecond=0))
    aired = _aired(session, row)
    ends_at = row.ends_at + timedelta(seconds=1)
    alert = OutgoingAlert(
        key=key,
        type=MessageType.ALERT,
        event=row.title,
        text=_text(session, row),
        language=aired.spoken[0].language if aired and aired.spoken else "vi-VN",
        sender_name=own.name,
        area=aired.area if aired and aired.area else own.name,
        expires=max(ends_at, aired.expires_at) if aired else ends_at,
        outline=own.outline,
        origin=(aired.origin or key_text(aired.key)) if aired else "",
        category=aired.category if aired else "Other",
        severity=aired.severity if aired else Severity.UNKNOWN,
        urgency=aired.urgency if aired else Urgency.IMMEDIATE,
        certainty=aired.certainty if aired else Certainty.UNKNOWN,
    )
    ended_at = row.stopped_at or row.withdrawn_at
    if ended_at is None and aired is not None and aired.state in _ENDED_EARLY:
        ended_at = aired.decided_at  # it had sounded, and holds no more
    if ended_at is None:
        return [alert]
    cancel_key = MessageKey(key.sender, key.identifier + _CANCEL, max(ended_at.replace(microsecond=0), key.sent))
    cancel = replace(
        alert,
        key=cancel_key,
        type=MessageType.CANCEL,
        references=(key,),
        origin="",  # it is a message of its own, no copy of the alert
        expires=max(alert.expires, cancel_key.sent),
    )
    return [cancel, alert]


def _aired(session: Session, row: Broadcast) -> CapAlert | None:
    """The alert from outside that it airs."""
    spoken = spoken_for_broadcast(session, row.id)
    return alert_of_emergency(session, spoken.id) if spoken else None


def _text(session: Session, row: Broadcast) -> str:
    """What is read aloud; "" for a recording of something else."""
    clip = clips_by_id(session, [row.clip_id]).get(row.clip_id) if row.clip_id else None
    order = order_of(clip.speech) if clip is not None and clip.speech else None
    return order.text if order else ""
