"""The record of an alert among the broadcasts, so that the home page, the play log and the reports show it."""

from datetime import datetime, timedelta

import msgspec
from sqlmodel import Session

from alerts.desk import EmergencyDesk
from alerts.emergency_alerts import EmergencyAlert
from alerts.journal import Write
from alerts.templates import SILENT_DRILL
from alerts.texts import danger_sound
from alerts.timelines import timeline
from broadcast import stopping
from broadcast.broadcasts import Broadcast, BroadcastState
from broadcast.state_changes import record_state
from devices.faults import SENT_ALONE, note_of_commune
from wire.broadcasts import BroadcastClass, ClipItem

#: In lists of the play log and the home page.
_LONGEST_TITLE = 100


def record_start(desk: EmergencyDesk, row: EmergencyAlert) -> Write:
    """Reads what it needs now; the returned function writes, after the alert was sent."""
    with desk.database.session() as session:
        return record_of(session, row)


def record_of(session: Session, row: EmergencyAlert) -> Write:
    items: list[ClipItem] = []
    if row.template != SILENT_DRILL:
        items = timeline(session, row.commune_id, row.message, row.slot_sounds, is_drill=row.is_drill).items
    kind = "Diễn tập" if row.is_drill else "Khẩn cấp"
    title = f"{kind}: {_danger(row, items)}"

    def write(session: Session) -> None:
        if row.break_glass_reason and row.issued_at is not None:
            _tell_alone(session, row, row.issued_at)
        if (
            row.issued_at is None
            or row.template == SILENT_DRILL
            or session.get(Broadcast, row.broadcast_id) is not None
        ):
            return
        class_ = BroadcastClass.PRIORITY if row.is_drill else BroadcastClass.EMERGENCY
        broadcast = Broadcast(
            id=row.broadcast_id,
            commune_id=row.commune_id,
            title=title[:_LONGEST_TITLE],
            class_=class_.value,
            starts_at=row.issued_at,
            ends_at=row.sounds_until or row.issued_at + timedelta(microseconds=row.lasts_us),
            targets=row.targets,
            items=msgspec.json.encode(items),
            announced_revision=1,
            announced_at=row.issued_at,
            planned_at=row.issued_at,
            planned_by=row.requested_by,
            alert_id=row.id,
        )
        session.add(broadcast)
        session.flush()
        record_state(session, broadcast.id, row.issued_at, BroadcastState.PLANNED, "put_on_air", row.requested_by)

    return write


def _danger(row: EmergencyAlert, items: list[ClipItem]) -> str:
    """What a person calls it: the sentence about the danger, or the words of a free message."""
    if row.template == SILENT_DRILL or row.message.hazard is None:
        return row.text
    clip = f"alert-sound-{danger_sound(row.message.hazard)}"
    return next((item.title for item in items if item.clip == clip), row.text)


def _tell_alone(session: Session, row: EmergencyAlert, at: datetime) -> None:
    """A fault of the commune, of which people are told by e-mail, SMS and webhook as of others. detail: the reason."""
    end_alone(session, row, at)  # an earlier one of the same person: this one is told too
    note_of_commune(
        session, row.commune_id, SENT_ALONE, row.confirmed_by, present=True, at=at, detail=row.break_glass_reason
    )


def end_alone(session: Session, row: EmergencyAlert, at: datetime) -> None:
    note_of_commune(session, row.commune_id, SENT_ALONE, row.confirmed_by, present=False, at=at)


def record_end(session: Session, row: EmergencyAlert, by: str) -> None:
    if row.break_glass_reason and row.ended_at is not None:
        end_alone(session, row, row.ended_at)
    kept = session.get(EmergencyAlert, row.id)
    if kept is not None and kept.message_id and session.get(Broadcast, kept.message_id) is not None:
        stopping.stop(session, kept.message_id, row.ended_at or kept.requested_at, by=by)
    broadcast = session.get(Broadcast, row.broadcast_id)
    if broadcast is None or row.ended_at is None or broadcast.stopped_at is not None:
        return
    if row.ended_at < broadcast.ends_at:
        broadcast.stopped_at, broadcast.stopped_by, broadcast.cause = row.ended_at, by, "by_operator"
        broadcast.revision += 1
        broadcast.announced_revision = broadcast.revision
        session.add(broadcast)
        record_state(session, broadcast.id, row.ended_at, BroadcastState.STOPPED, broadcast.cause, by)
