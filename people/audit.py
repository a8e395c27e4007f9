"""The audit: who changed what, where and when, under the names of its time. Entries are only ever added."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import Column, Text, text
from sqlmodel import Field, Session, SQLModel, col, select

from devices.communes import Commune
from devices.predecessors import lineage, within
from parsing.names import folded
from runtime.database import UtcDateTime

#: Longer details are cut: a list of 150 receivers says no more than its beginning.
MOST_DETAIL = 400


class Deed(StrEnum):
    """What was done. The detail says to what."""

    CLIP_UPLOADED = "clip_uploaded"
    CLIP_CHANGED = "clip_changed"
    CLIP_RETIRED = "clip_retired"
    CLIP_RESTORED = "clip_restored"
    CLIP_REPLACED = "clip_replaced"
    TEXT_SPOKEN = "text_spoken"
    READING_CORRECTED = "reading_corrected"
    CORRECTION_REMOVED = "correction_removed"
    BACKUP_CHOSEN = "backup_chosen"
    BACKUP_DROPPED = "backup_dropped"
    CHIME_CHANGED = "chime_changed"
    PROGRAMME_ADDED = "programme_added"
    PROGRAMME_CHANGED = "programme_changed"
    PROGRAMME_RETIRED = "programme_retired"
    PROGRAMME_RESTORED = "programme_restored"
    SCHEDULE_ADDED = "schedule_added"
    SCHEDULE_CHANGED = "schedule_changed"
    SCHEDULE_PAUSED = "schedule_paused"
    SCHEDULE_RESUMED = "schedule_resumed"
    SCHEDULE_RETIRED = "schedule_retired"
    SCHEDULE_RESTORED = "schedule_restored"
    DAYS_COPIED = "days_copied"
    CALENDAR_READ = "calendar_read"
    IMPORTED = "imported"
    PUT_ON_AIR = "put_on_air"
    STOPPED = "stopped"
    STOPPED_EVERYTHING = "stopped_everything"
    EMERGENCY_REQUESTED = "emergency_requested"
    EMERGENCY_SENT = "emergency_sent"
    EMERGENCY_SENT_ALONE = "emergency_sent_alone"
    EMERGENCY_REFUSED = "emergency_refused"
    EMERGENCY_CANCELLED = "emergency_cancelled"
    EMERGENCY_CLEARED = "emergency_cleared"
    EMERGENCY_BY_KEY_SWITCH = "emergency_by_key_switch"
    EMERGENCY_RECOVERED = "emergency_recovered"
    EMERGENCY_BY_SMS = "emergency_by_sms"
    DRILL_SENT = "drill_sent"
    DRILL_ENDED = "drill_ended"
    ALERT_SETTINGS_SET = "alert_settings_set"
    ALERT_SOUND_CHANGED = "alert_sound_changed"
    LIVE_RECORDED = "live_recorded"
    LIVE_RULES_SET = "live_rules_set"
    RECEIVER_ADDED = "receiver_added"
    RECEIVER_CHANGED = "receiver_changed"
    RECEIVER_COMMANDED = "receiver_commanded"
    RECEIVER_TESTED = "receiver_tested"
    CREDENTIALS_RENEWED = "credentials_renewed"
    RECEIVER_RETIRED = "receiver_retired"
    RECEIVER_RESTORED = "receiver_restored"
    ZONE_ADDED = "zone_added"
    ZONE_CHANGED = "zone_changed"
    ZONE_RETIRED = "zone_retired"
    ZONE_RESTORED = "zone_restored"
    STATION_ADDED = "station_added"
    STATION_CHANGED = "station_changed"
    STATION_REMOVED = "station_removed"
    RELAY_ADDED = "relay_added"
    RELAY_CHANGED = "relay_changed"
    RELAY_RETIRED = "relay_retired"
    RELAY_RESTORED = "relay_restored"
    OUTLINE_SET = "outline_set"
    FAULT_ACKNOWLEDGED = "fault_acknowledged"
    FAULT_RESET = "fault_reset"
    CLOCK_FOLLOWED = "clock_followed"
    CLOCK_KEPT = "clock_kept"
    ALLOWED_HOURS_SET = "allowed_hours_set"
    COMMUNE_ADDED = "commune_added"
    COMMUNE_CHANGED = "commune_changed"
    BACKED_UP = "backed_up"
    OPERATOR_ADDED = "operator_added"
    OPERATOR_CHANGED = "operator_changed"
    CONTACT_CHANGED = "contact_changed"
    NOTIFICATIONS_SET = "notifications_set"
    PASSWORD_CHANGED = "password_changed"  # noqa: S105 - a deed, no password
    PASSWORD_RENEWED = "password_renewed"  # noqa: S105 - a deed, no password
    OPERATOR_RETIRED = "operator_retired"
    OPERATOR_RESTORED = "operator_restored"
    LINK_SET = "link_set"
    LINK_ACCOUNT_SET = "link_account_set"
    LINK_TOKEN_MADE = "link_token_made"  # noqa: S105 - a deed, no token
    LETTERS_SENT_AGAIN = "letters_sent_again"
    LETTERS_DROPPED = "letters_dropped"
    BULLETIN_DECLINED = "bulletin_declined"
    BULLETIN_TAKEN = "bulletin_taken"
    BULLETINS_ORDERED = "bulletins_ordered"
    BULLETIN_SENT = "bulletin_sent"
    CAP_SOURCE_ADDED = "cap_source_added"
    CAP_SOURCE_CHANGED = "cap_source_changed"
    CAP_SOURCE_RETIRED = "cap_source_retired"
    CAP_SOURCE_RESTORED = "cap_source_restored"
    CAP_TOKEN_MADE = "cap_token_made"  # noqa: S105 - a deed, no token
    CAP_ALERT_REQUESTED = "cap_alert_requested"
    CAP_ALERT_STARTED = "cap_alert_started"
    CAP_ALERT_STOPPED = "cap_alert_stopped"
    CAP_ALERT_DISMISSED = "cap_alert_dismissed"
    CAP_ALERT_ENDED = "cap_alert_ended"
    MERGED = "merged"
    MERGER_UNDONE = "merger_undone"


class AuditEntry(SQLModel, table=True):
    """One deed. by: the operator's name then. commune_id: "" for the installation. commune_name: its name then.

    subject: kind and id of what was changed ("schedule 12"), "" for what no form shows.
    """

    __tablename__ = "audit_entry"

    id: int | None = Field(default=None, primary_key=True)
    at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False, index=True))
    by: str
    commune_id: str = Field(index=True)
    commune_name: str
    action: str
    detail: str
    folded: str = Field(default="", sa_type=Text, sa_column_kwargs={"server_default": text("''")})
    subject: str = Field(default="", index=True, sa_column_kwargs={"server_default": text("''")})


@dataclass(frozen=True)
class SearchedWord:
    """A word without diacritics, and what it means beside the text of an entry.

    actions: whose names on the page have it. names: sign-in names of people whose full names have it.
    """

    text: str
    actions: Collection[str] = ()
    names: Collection[str] = ()


def note(
    session: Session, *, at: datetime, by: str, commune_id: str, action: Deed, detail: str = "", subject: str = ""
) -> None:
    """Add an entry, in the transaction that makes the change."""
    place = session.get(Commune, commune_id) if commune_id else None
    cut = detail if len(detail) <= MOST_DETAIL else detail[: MOST_DETAIL - 1] + "…"
    session.add(
        AuditEntry(
            at=at,
            by=by,
            commune_id=commune_id,
            commune_name=place.name if place else "",
            action=action.value,
            detail=cut,
            folded=folded(f"{by} {cut}"),
            subject=subject,
        )
    )


def entries(
    session: Session,
    commune_ids: Collection[str],
    *,
    by: str = "",
    search: Collection[SearchedWord] = (),
    limit: int = 100,
    offset: int = 0,
) -> list[AuditEntry]:
    """What was done in these communes, and in their predecessors while they were that, newest first.

    search: each word must be found.
    """
    if not commune_ids:
        return []
    whole = lineage(session, *commune_ids)
    query = select(AuditEntry).where(within(whole, col(AuditEntry.commune_id), col(AuditEntry.at)))
    if by:
        query = query.where(AuditEntry.by == by)
    for word in search:
        in_text = col(AuditEntry.folded).contains(word.text, autoescape=True)
        named = col(AuditEntry.action).in_(word.actions) | col(AuditEntry.by).in_(word.names)
        query = query.where(in_text | named)
    newest = query.order_by(col(AuditEntry.at).desc(), col(AuditEntry.id).desc())
    return list(session.exec(newest.limit(limit).offset(offset)))
