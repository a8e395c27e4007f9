"""Why did this (not) play here at that time? Answered from what was decided and told, not from what should be."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from sqlmodel import Session, col, select

from broadcast.broadcasts import Broadcast, BroadcastState, state
from broadcast.on_air import between
from broadcast.play_reports import REPORT_WITHIN, Audiences, PlayReportRow
from broadcast.programmes import Programme
from broadcast.state_changes import BroadcastChange, last_state_changes
from devices.predecessors import FormerPlace, places_of
from devices.presence import PresenceChange, PresenceState
from devices.receivers import Receiver
from devices.zones import zones_of
from schedules.schedules import Schedule
from schedules.slots import Slot
from wire.reports import Outcome

#: Looked at this far on both sides of the instant that is asked about.
AROUND = timedelta(minutes=30)


class Verdict(StrEnum):
    """What became of a broadcast on one receiver."""

    PLAYED = "played"
    PARTLY = "partly"
    SILENT = "silent"
    MUTED = "muted"  # it played, at volume zero
    UNHEARD = "unheard"  # it played, and meter or microphone say that nothing was to be heard
    WITHDRAWN = "withdrawn"
    MISSED = "missed"
    STILL_TO_COME = "still_to_come"
    WAITING = "waiting"  # the report is not due yet
    OFFLINE = "offline"
    NO_REPORT = "no_report"


@dataclass(frozen=True)
class Preemption:
    """From one instant to another something stronger had the horn."""

    since: datetime
    until: datetime
    by: Broadcast


@dataclass(frozen=True)
class BroadcastOutcome:
    """One broadcast on one receiver. cause: a cause code. decided: the last change, with who did it."""

    broadcast: Broadcast
    verdict: Verdict
    cause: str = ""
    report: PlayReportRow | None = None
    preemptions: list[Preemption] = field(default_factory=list)
    offline_since: datetime | None = None
    decided: BroadcastChange | None = None


@dataclass(frozen=True)
class NotPlanned:
    """A due instant of which no broadcast was made. cause: why, as it was written down."""

    schedule: Schedule
    title: str
    due_at: datetime
    cause: str


@dataclass(frozen=True)
class Explanation:
    """All that is known of one receiver around an instant. elsewhere: what the commune aired that did not mean it."""

    receiver: Receiver
    at: datetime
    presence: PresenceState
    since: datetime | None
    outcomes: list[BroadcastOutcome]
    not_planned: list[NotPlanned]
    not_targeted: list[Broadcast]


def explain(session: Session, receiver: Receiver, at: datetime, now: datetime) -> Explanation:
    """What was on at `at`, and within half an hour of it. The number of queries does not grow."""
    zones = set(zones_of(session, receiver.id))
    was = _Was(receiver.commune_id, zones, places_of(session, receiver.id))
    near = between(session, receiver.commune_id, at - AROUND, at + AROUND)
    ours = [b for b in near if was.meant_by(b, receiver.id)]
    reported = select(PlayReportRow).where(
        PlayReportRow.receiver_id == receiver.id, col(PlayReportRow.broadcast_id).in_([b.id for b in near])
    )
    reports = {row.broadcast_id: row for row in session.exec(reported)}
    ours += [b for b in near if b.id in reports and b not in ours]  # moved to another zone since
    decided = last_state_changes(session, [b.id for b in ours])
    line = _presence_line(session, receiver.id, [at, *(b.sounds_until for b in ours)])
    presence = _presence(line, at)
    return Explanation(
        receiver,
        at,
        PresenceState(presence.state) if presence else PresenceState.NEW,
        presence.at if presence else None,
        [_story(b, ours, reports.get(b.id), decided.get(b.id), _presence(line, b.sounds_until), now) for b in ours],
        _not_planned(session, receiver, zones, at),
        [b for b in near if b not in ours],
    )


class _Was(NamedTuple):
    """Where a receiver is, and was before."""

    commune_id: str
    zones: set[str]
    before: list[FormerPlace]

    def meant_by(self, b: Broadcast, receiver_id: str) -> bool:
        """Whether it was of the broadcast's commune when that began, and meant."""
        then = next((place for place in self.before if place.left_at > b.starts_at), None)
        if b.commune_id != (self.commune_id if then is None else then.commune_id):
            return False
        return _means(b, receiver_id, self.zones if then is None else set(then.zone_ids))


def preemptions_of(session: Session, told: Broadcast, receiver_ids: Sequence[str]) -> dict[str, list[Preemption]]:
    """When something stronger had the horn of each receiver, by its id. The number of queries does not grow."""
    cuts = _cuts(told, between(session, told.commune_id, told.starts_at, told.sounds_until))
    meant = Audiences(session)
    return {r: [cut for cut in cuts if r in meant(cut.by)] for r in receiver_ids}


def _means(broadcast: Broadcast, receiver_id: str, zones: set[str]) -> bool:
    targets = broadcast.audience
    return targets.all or receiver_id in targets.receivers or bool(zones & set(targets.zones))


def _story(
    told: Broadcast,
    others: list[Broadcast],
    report: PlayReportRow | None,
    decided: BroadcastChange | None,
    presence: PresenceChange | None,
    now: datetime,
) -> BroadcastOutcome:
    at_once = state(told, now)
    if report is not None:
        verdict = {Outcome.PLAYED: Verdict.PLAYED, Outcome.PARTLY: Verdict.PARTLY}.get(
            Outcome(report.outcome), Verdict.SILENT
        )
        if verdict in (Verdict.PLAYED, Verdict.PARTLY) and report.volume_percent == 0:
            verdict = Verdict.MUTED
        elif report.unproved:
            verdict = Verdict.UNHEARD
        cuts = _cuts(told, others) if verdict is not Verdict.PLAYED else []
        return BroadcastOutcome(told, verdict, report.unproved or report.cause, report, cuts)
    if at_once in (BroadcastState.WITHDRAWN, BroadcastState.MISSED):
        verdict = Verdict.WITHDRAWN if at_once is BroadcastState.WITHDRAWN else Verdict.MISSED
        return BroadcastOutcome(told, verdict, told.cause, decided=decided)
    if told.starts_at > now:
        return BroadcastOutcome(told, Verdict.STILL_TO_COME, preemptions=_cuts(told, others))
    away = presence.at if presence is not None and presence.state == PresenceState.OFFLINE else None
    if away is not None:
        return BroadcastOutcome(told, Verdict.OFFLINE, offline_since=away)
    waiting = now < told.sounds_until + REPORT_WITHIN
    return BroadcastOutcome(told, Verdict.WAITING if waiting else Verdict.NO_REPORT, preemptions=_cuts(told, others))


def _cuts(told: Broadcast, others: list[Broadcast]) -> list[Preemption]:
    """When others were stronger, by the rule of the receiver's ladder."""
    found = []
    for other in others:
        aired = other.withdrawn_at is None and not other.missed
        since, until = max(told.starts_at, other.starts_at), min(told.sounds_until, other.sounds_until)
        if other.id != told.id and aired and since < until and other.rank > told.rank:
            found.append(Preemption(since, until, other))
    return found


def _presence_line(session: Session, receiver_id: str, instants: Sequence[datetime]) -> list[PresenceChange]:
    """All changes that matter at these instants, in order: the last before the first of them, and those between."""
    first, last = min(instants), max(instants)
    query = select(PresenceChange).where(PresenceChange.receiver_id == receiver_id)
    newest_first = (col(PresenceChange.at).desc(), col(PresenceChange.id).desc())
    before = session.exec(query.where(col(PresenceChange.at) <= first).order_by(*newest_first).limit(1)).first()
    within = query.where(col(PresenceChange.at) > first, col(PresenceChange.at) <= last).order_by(*newest_first)
    return [*([before] if before else []), *reversed(session.exec(within).all())]


def _presence(line: Iterable[PresenceChange], at: datetime) -> PresenceChange | None:
    return next((change for change in reversed(list(line)) if change.at <= at), None)


def _not_planned(session: Session, receiver: Receiver, zones: set[str], at: datetime) -> list[NotPlanned]:
    query = (
        select(Slot, Schedule, Programme.title)
        .join(Schedule, col(Slot.schedule_id) == col(Schedule.id))
        .join(Programme, col(Schedule.programme_id) == col(Programme.id))
        .where(
            Schedule.commune_id == receiver.commune_id,
            col(Slot.broadcast_id).is_(None),
            col(Slot.due_at) > at - AROUND,
            col(Slot.due_at) < at + AROUND,
        )
        .order_by(col(Slot.due_at))
    )
    found = []
    for slot, schedule, title in session.exec(query):
        targets = schedule.audience
        if targets.all or receiver.id in targets.receivers or zones & set(targets.zones):
            found.append(NotPlanned(schedule, schedule.title or title, slot.due_at, slot.cause))
    return found
