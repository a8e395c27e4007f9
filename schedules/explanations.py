"""Why did a receiver (not) play a broadcast? Answered from recorded decisions and reports.

Nothing is computed from what should have happened.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from sqlmodel import Session, col, or_, select

from broadcast.audiences import Audiences
from broadcast.broadcasts import Broadcast, BroadcastState, state
from broadcast.on_air import between
from broadcast.play_reports import REPORT_WITHIN, PlayReportRow
from broadcast.programmes import Programme
from broadcast.state_changes import BroadcastChange, last_state_changes
from devices.predecessors import FormerPlace, places_of
from devices.presence import PresenceChange
from devices.presence_states import PresenceState
from devices.receivers import Receiver
from devices.zones import zones_of
from schedules.schedules import Schedule
from schedules.slots import Slot
from wire.reports import Outcome

#: How far on both sides of the instant broadcasts are listed.
AROUND = timedelta(minutes=30)


class Verdict(StrEnum):
    """The outcome of a broadcast on one receiver."""

    PLAYED = "played"
    PARTLY = "partly"
    STOPPED = "stopped"  # it played until it was stopped, and then was silent
    SILENT = "silent"
    MUTED = "muted"  # played at volume zero
    UNHEARD = "unheard"  # played, but meter or microphone shows that nothing was audible
    WITHDRAWN = "withdrawn"
    MISSED = "missed"
    STILL_TO_COME = "still_to_come"
    WAITING = "waiting"  # the report is not due yet
    OFFLINE = "offline"
    NO_REPORT = "no_report"


@dataclass(frozen=True)
class Preemption:
    """A period in which a broadcast of higher precedence played."""

    since: datetime
    until: datetime
    by: Broadcast


@dataclass(frozen=True)
class BroadcastOutcome:
    """One broadcast on one receiver. cause: a cause code. decided: the last state change, with the operator."""

    broadcast: Broadcast
    verdict: Verdict
    cause: str = ""
    report: PlayReportRow | None = None
    preemptions: list[Preemption] = field(default_factory=list)
    offline_since: datetime | None = None
    decided: BroadcastChange | None = None


@dataclass(frozen=True)
class NotPlanned:
    """A due instant without a broadcast. cause: as recorded in the slot."""

    schedule: Schedule
    title: str
    due_at: datetime
    cause: str


@dataclass(frozen=True)
class Explanation:
    """Everything recorded of one receiver around an instant. not_targeted: what the commune aired for others."""

    receiver: Receiver
    at: datetime
    presence: PresenceState
    since: datetime | None
    outcomes: list[BroadcastOutcome]
    not_planned: list[NotPlanned]
    not_targeted: list[Broadcast]


def explain(session: Session, receiver: Receiver, at: datetime, now: datetime) -> Explanation:
    """Broadcasts within half an hour of `at`. The number of queries is constant."""
    zones = set(zones_of(session, receiver.id))
    places = _Places(receiver.commune_id, zones, places_of(session, receiver.id))
    near = [
        b
        for b in between(session, receiver.commune_id, at - AROUND, at + AROUND)
        if b.commune_id == places.commune_at(b.starts_at)
    ]
    audiences = Audiences(session, near)
    addressed = [
        b
        for b in near
        if (receiver.id in audiences(b) if b.audience_id is not None else places.addressed_by(b, receiver.id))
    ]
    report_query = select(PlayReportRow).where(
        PlayReportRow.receiver_id == receiver.id, col(PlayReportRow.broadcast_id).in_([b.id for b in near])
    )
    reports = {row.broadcast_id: row for row in session.exec(report_query)}
    addressed += [b for b in near if b.id in reports and b not in addressed]  # the receiver has moved to another zone
    decided = last_state_changes(session, [b.id for b in addressed])
    presence_changes = _presence_changes(session, receiver.id, [at, *(b.sounds_until for b in addressed)])
    presence = _presence(presence_changes, at)
    return Explanation(
        receiver,
        at,
        PresenceState(presence.state) if presence else PresenceState.NEW,
        presence.at if presence else None,
        [
            _outcome(
                b, addressed, reports.get(b.id), decided.get(b.id), _presence(presence_changes, b.sounds_until), now
            )
            for b in addressed
        ],
        _not_planned(session, receiver, zones, at),
        [b for b in near if b not in addressed],
    )


class _Places(NamedTuple):
    """The places of a receiver, now and formerly."""

    commune_id: str
    zones: set[str]
    before: list[FormerPlace]

    def commune_at(self, instant: datetime) -> str:
        then = self._at(instant)
        return self.commune_id if then is None else then.commune_id

    def addressed_by(self, b: Broadcast, receiver_id: str) -> bool:
        """Whether it belonged to the broadcast's commune at its start and was addressed."""
        if b.commune_id != self.commune_at(b.starts_at):
            return False
        then = self._at(b.starts_at)
        return b.audience.include(receiver_id, sorted(self.zones) if then is None else then.zone_ids)

    def _at(self, instant: datetime) -> FormerPlace | None:
        return next((place for place in self.before if place.left_at > instant), None)


def preemptions_of(session: Session, broadcast: Broadcast, receiver_ids: Sequence[str]) -> dict[str, list[Preemption]]:
    """By receiver id. The number of queries is constant."""
    preemptions = _preemptions(
        broadcast, between(session, broadcast.commune_id, broadcast.starts_at, broadcast.sounds_until)
    )
    audiences = Audiences(session, [preemption.by for preemption in preemptions])
    return {r: [preemption for preemption in preemptions if r in audiences(preemption.by)] for r in receiver_ids}


def _outcome(
    broadcast: Broadcast,
    others: list[Broadcast],
    report: PlayReportRow | None,
    decided: BroadcastChange | None,
    presence: PresenceChange | None,
    now: datetime,
) -> BroadcastOutcome:
    current_state = state(broadcast, now)
    if report is not None:
        verdict = {Outcome.PLAYED: Verdict.PLAYED, Outcome.PARTLY: Verdict.PARTLY}.get(
            Outcome(report.outcome), Verdict.SILENT
        )
        if verdict in (Verdict.PLAYED, Verdict.PARTLY) and report.volume_percent == 0:
            verdict = Verdict.MUTED
        elif report.unproved:
            verdict = Verdict.UNHEARD
        elif verdict is Verdict.PLAYED and broadcast.was_cut_short:
            verdict = Verdict.STOPPED
        preemptions = _preemptions(broadcast, others) if verdict is not Verdict.PLAYED else []
        return BroadcastOutcome(broadcast, verdict, report.unproved or report.cause, report, preemptions)
    if current_state in (BroadcastState.WITHDRAWN, BroadcastState.MISSED):
        verdict = Verdict.WITHDRAWN if current_state is BroadcastState.WITHDRAWN else Verdict.MISSED
        return BroadcastOutcome(broadcast, verdict, broadcast.cause, decided=decided)
    if broadcast.starts_at > now:
        return BroadcastOutcome(broadcast, Verdict.STILL_TO_COME, preemptions=_preemptions(broadcast, others))
    offline_since = presence.at if presence is not None and presence.state == PresenceState.OFFLINE else None
    if offline_since is not None:
        return BroadcastOutcome(broadcast, Verdict.OFFLINE, offline_since=offline_since)
    waiting = now < broadcast.sounds_until + REPORT_WITHIN
    return BroadcastOutcome(
        broadcast, Verdict.WAITING if waiting else Verdict.NO_REPORT, preemptions=_preemptions(broadcast, others)
    )


def _preemptions(broadcast: Broadcast, others: list[Broadcast]) -> list[Preemption]:
    """By the same rule as on the receiver."""
    preemptions = []
    for other in others:
        aired = other.withdrawn_at is None and not other.missed
        since, until = max(broadcast.starts_at, other.starts_at), min(broadcast.sounds_until, other.sounds_until)
        if other.id != broadcast.id and aired and since < until and other.rank > broadcast.rank:
            preemptions.append(Preemption(since, until, other))
    return preemptions


def _presence_changes(session: Session, receiver_id: str, instants: Sequence[datetime]) -> list[PresenceChange]:
    """The presence changes that matter at these instants: the last before the first one, and those between."""
    first, last = min(instants), max(instants)
    query = select(PresenceChange).where(PresenceChange.receiver_id == receiver_id)
    newest_first = (col(PresenceChange.at).desc(), col(PresenceChange.id).desc())
    before = session.exec(query.where(col(PresenceChange.at) <= first).order_by(*newest_first).limit(1)).first()
    within = query.where(col(PresenceChange.at) > first, col(PresenceChange.at) <= last).order_by(*newest_first)
    return [*([before] if before else []), *reversed(session.exec(within).all())]


def _presence(presence_changes: Iterable[PresenceChange], at: datetime) -> PresenceChange | None:
    return next((change for change in reversed(list(presence_changes)) if change.at <= at), None)


def _not_planned(session: Session, receiver: Receiver, zones: set[str], at: datetime) -> list[NotPlanned]:
    query = (
        select(Slot, Schedule, Programme.title)
        .join(Schedule, col(Slot.schedule_id) == col(Schedule.id))
        .join(Programme, col(Schedule.programme_id) == col(Programme.id))
        .where(
            or_(col(Slot.audience_id).is_not(None), Schedule.commune_id == receiver.commune_id),
            col(Slot.broadcast_id).is_(None),
            col(Slot.due_at) > at - AROUND,
            col(Slot.due_at) < at + AROUND,
        )
        .order_by(col(Slot.due_at))
    )
    rows = list(session.exec(query))
    audiences = Audiences(session)
    audiences.load(slot.audience_id for slot, _, _ in rows)
    result = []
    for slot, schedule, title in rows:
        if slot.audience_id is not None:
            if receiver.id in audiences.ids(slot.audience_id):
                result.append(NotPlanned(schedule, slot.title or title, slot.due_at, slot.cause))
        elif schedule.audience.include(receiver.id, sorted(zones)):
            result.append(NotPlanned(schedule, schedule.title or title, slot.due_at, slot.cause))
    return result
