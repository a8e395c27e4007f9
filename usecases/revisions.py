"""What a person was shown before a change, and whether it is still so.

A form carries the revision of what it shows; the use case compares it in the transaction that writes. A revision holds
a digest of what people can set, not a counter: whatever path changed the row (a merger, an import, the province), the
digest differs.
"""

import hashlib
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol, runtime_checkable

from sqlalchemy import func
from sqlmodel import Session, col, select

from broadcast.clips import Clip
from broadcast.programmes import Programme, ProgrammeItem
from broadcast.relay_sources import RelaySource
from cap.sources import CapSource
from devices.communes import Commune
from devices.receivers import Receiver
from devices.stations import Station
from devices.zones import Zone, member_ids, zones_of
from noise.noise_rules import RULE_COLUMNS, NoiseRules
from people.audit import AuditEntry, Deed
from people.staff import Person
from runtime.refusal import N_, Refusal
from schedules.schedules import Schedule


@runtime_checkable
class Compared(Protocol):
    """A thing of a package above this one: names itself, and gives what people can set."""

    @property
    def subject(self) -> str: ...

    @property
    def settings_shown(self) -> list[object]: ...


Thing = (
    Schedule
    | Programme
    | Clip
    | RelaySource
    | CapSource
    | Receiver
    | Station
    | Zone
    | Commune
    | NoiseRules
    | Person
    | Compared
)

#: What people can set. Counters and what machines write are left out.
_COLUMNS: dict[type, tuple[str, ...]] = {
    Schedule: (
        "programme_id",
        "title",
        "class_",
        "precedence",
        "targets",
        "rule",
        "spread",
        "paused",
        "paused_until",
        "retired_at",
    ),
    Programme: ("title", "retired_at"),
    Clip: ("title", "language", "field", "replaced_by", "retired_at"),
    Receiver: (
        "name",
        "place",
        "station_id",
        "latitude_deg",
        "longitude_deg",
        "volume_percent",
        "volume_ceiling_percent",
        "path_delay_us",
        "amplifier_lead_ms",
        "alert_phone",
        "retired_at",
    ),
    Station: ("kind", "name", "maker", "former_commune"),
    Zone: ("name", "retired_at"),
    Commune: ("name", "province_id", "description", "storage_gb", "live_lead_ms", "live_silence_s", "live_longest_min"),
    NoiseRules: RULE_COLUMNS,
    CapSource: (
        "name",
        "kind",
        "address",
        "token_hash",
        "certificate",
        "codes",
        "languages",
        "least_severity",
        "least_urgency",
        "least_certainty",
        "drills",
        "retired_at",
    ),
    RelaySource: ("name", "addresses", "silence_db", "silence_s", "retired_at"),
}


@dataclass(frozen=True)
class Change:
    """What was done meanwhile. by: the operator's name then."""

    at: datetime
    by: str
    deed: Deed
    detail: str


class Superseded(Refusal):
    """It was changed after it was shown, or it is retired.

    subject: what, as in the audit. revision: of what is there now. changes: what was done to it since, newest first.
    retired: it must be restored before it can be changed; else the same can be sent again with the new revision.
    """

    def __init__(self, subject: str, revision: str, changes: list[Change], *, retired: bool) -> None:
        message = (
            N_("This was removed after you opened it. Nothing was saved. Restore it first, then save again.")
            if retired
            else N_("This was changed after you opened it. Nothing was saved.")
        )
        super().__init__(message)
        self.subject, self.revision, self.changes, self.retired = subject, revision, changes, retired


def subject_of(thing: Thing) -> str:
    """Kind and id, as forms and the audit name it."""
    if isinstance(thing, Person):
        return f"operator {thing.operator.id}"
    if isinstance(thing, NoiseRules):
        return f"noise_rules {thing.commune_id}/{thing.zone_id}"
    if isinstance(thing, Compared):
        return thing.subject
    return f"{thing.__tablename__} {thing.id}"


def newest_entry(session: Session) -> int:
    """The id of the newest audit entry: with it, what was done since can be told without a clock."""
    return session.exec(select(func.max(AuditEntry.id))).one() or 0


def revision_of(session: Session, thing: Thing, newest: int) -> str:
    """newest: of `newest_entry`, when it was shown."""
    return f"{subject_of(thing)}:{_digest(session, thing)}:{newest}"


def check_shown(session: Session, shown: Collection[str], thing: Thing, *, repeats: Deed | None = None) -> None:
    """shown: the revisions that the sender saw; none: the sender did not say, and is believed. Raises Superseded.

    repeats: what is about to be done, when the digest does not show that another person did it meanwhile, such as a new
    password.
    """
    subject = subject_of(thing)
    seen = [revision.split(":") for revision in shown if revision.split(":")[0] == subject]
    since = min((int(parts[2]) for parts in seen if len(parts) > 2 and parts[2].isdigit()), default=0)
    is_same = seen and all(parts[1:2] == [_digest(session, thing)] for parts in seen)
    if not shown or (is_same and not (repeats and _was_done(session, subject, repeats, since))):
        return
    raise _superseded(session, thing, since, retired=_is_retired(thing))


def check_present(session: Session, thing: Thing) -> None:
    """What is retired is not changed: it would be kept and have no effect. Raises Superseded."""
    if _is_retired(thing):
        raise _superseded(session, thing, 0, retired=True)


def _superseded(session: Session, thing: Thing, since: int, *, retired: bool) -> Superseded:
    subject = subject_of(thing)
    query = select(AuditEntry).where(AuditEntry.subject == subject).order_by(col(AuditEntry.id).desc())
    entries = list(session.exec(query.where(col(AuditEntry.id) > since).limit(5)))
    if retired or not entries:
        entries = entries[:1] or list(session.exec(query.limit(1)))
    changes = [Change(entry.at, entry.by, Deed(entry.action), entry.detail) for entry in entries]
    return Superseded(subject, revision_of(session, thing, newest_entry(session)), changes, retired=retired)


def _was_done(session: Session, subject: str, deed: Deed, since: int) -> bool:
    same = AuditEntry.subject == subject, AuditEntry.action == deed.value, col(AuditEntry.id) > since
    return session.exec(select(AuditEntry.id).where(*same).limit(1)).first() is not None


def _is_retired(thing: Thing) -> bool:
    return getattr(thing, "retired_at", None) is not None


def _digest(session: Session, thing: Thing) -> str:
    if isinstance(thing, Person):
        operator = thing.operator
        content: list[object] = [operator.admin, operator.province_id, operator.retired_at, sorted(thing.roles.items())]
        content += [operator.full_name, operator.phone, operator.email]
    elif isinstance(thing, Compared):
        content = thing.settings_shown
    else:
        content = [getattr(thing, name) for name in _COLUMNS[type(thing)]]
    if isinstance(thing, Programme):
        query = select(ProgrammeItem).where(ProgrammeItem.programme_id == thing.id)
        items = session.exec(query.order_by(col(ProgrammeItem.position)))
        content.append([(i.item_key, i.kind, i.clip_id, i.gap_ms, i.relay_source_id) for i in items])
    if isinstance(thing, Receiver):
        content.append(sorted(zones_of(session, thing.id)))
    if isinstance(thing, Zone):
        content.append(member_ids(session, thing.id))
    return hashlib.sha256(repr(content).encode()).hexdigest()[:16]
