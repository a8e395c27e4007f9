"""Planning of slots: due instants become broadcasts, each exactly once.

A slot is claimed by inserting its row; schedule and instant are unique, so the process that inserts it plans it. A
second controller, a restart or a clock that was set back finds it taken. Row and broadcast are one transaction.
"""

import logging
import random
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy.exc import OperationalError
from sqlmodel import Session, col, delete, or_, select, update

from broadcast.broadcasts import Broadcast, BroadcastState
from broadcast.modes import Shifts
from broadcast.planning import new_broadcast
from broadcast.state_changes import record_states
from broadcast.stopping import mark_missed, withdraw
from devices.communes import hold
from runtime.database import Database, insert_absent
from runtime.refusal import Refusal
from schedules.outdated_slots import ById, outdated_slots, title_of
from schedules.plan_context import PlanContext, PlanContexts, ProgrammeContent
from schedules.schedules import Schedule, due
from schedules.slots import OUTSIDE_HOURS, Slot

log = logging.getLogger(__name__)

#: How far back due instants are looked for that passed while no controller ran.
LOOK_BACK = timedelta(days=2)
#: A broadcast with less than this left is not started; the amplifiers would be switched on in vain.
LEAST_LEFT = timedelta(seconds=10)
#: Instants planned in one transaction, so that nobody waits long for the write lock.
MOST_AT_ONCE = 200


@dataclass
class PlanChanges:
    """Ids of broadcasts that a plan added, withdrew or marked as missed."""

    planned: list[str] = field(default_factory=list)
    withdrawn: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)

    def add(self, other: "PlanChanges") -> None:
        self.planned += other.planned
        self.withdrawn += other.withdrawn
        self.missed += other.missed

    @property
    def anything(self) -> bool:
        """Whether there is something to announce."""
        return bool(self.planned or self.withdrawn or self.missed)


def plan(database: Database, now: datetime, ahead: timedelta, commune_ids: Iterable[str] | None = None) -> PlanChanges:
    """Bring the slots up to `ahead` in line with the timetable, commune by commune. commune_ids: None for all.

    Broadcasts that have not begun and were planned by an older revision are withdrawn and planned again. Safe to call
    at any time and from several controllers. A schedule that fails does not stop the others; its error is raised at the
    end.
    """
    if commune_ids is None:
        with database.session() as session:
            commune_ids = session.exec(select(Schedule.commune_id).distinct()).all()
    changes, failed = PlanChanges(), list[Exception]()
    # In random order: controllers that wake together would otherwise all wait at the same commune.
    wanted = sorted(commune_ids)
    for commune_id in random.sample(wanted, len(wanted)):
        step, errors = plan_commune(database, commune_id, now, ahead)
        changes.add(step)
        failed += errors
    if failed:
        raise failed[0]
    return changes


def plan_commune(
    database: Database, commune_id: str, now: datetime, ahead: timedelta
) -> tuple[PlanChanges, list[Exception]]:
    """One commune, in one transaction unless there is very much to plan. Takes no write lock when nothing is to do.

    Returns what changed, and the errors of schedules that could not be planned. Raises OperationalError.
    """
    with database.session() as session:
        missing = _needing_plan(session, commune_id, now, ahead)
    changes, failed = PlanChanges(), list[Exception]()
    for schedule_ids in _together(missing):
        step, errors = _plan_together(database, commune_id, schedule_ids, now, ahead)
        changes.add(step)
        failed += errors
    return changes, failed


def _together(missing: dict[int, int]) -> list[list[int]]:
    """The schedules of each transaction. missing: number of instants to plan, by schedule id."""
    batches, size = list[list[int]](), 0
    for schedule_id, count in missing.items():
        if not batches or size + count > MOST_AT_ONCE:
            batches.append([])
            size = 0
        batches[-1].append(schedule_id)
        size += count
    return batches


def _plan_together(
    database: Database, commune_id: str, schedule_ids: list[int], now: datetime, ahead: timedelta
) -> tuple[PlanChanges, list[Exception]]:
    """These schedules in one transaction; where that fails, each in its own, so that one fault stops no other."""
    step = PlanChanges()
    try:
        with database.writing() as session:
            hold(session, commune_id)
            in_commune = col(Schedule.commune_id) == commune_id, col(Schedule.id).in_(schedule_ids)
            schedules = session.exec(select(Schedule).where(*in_commune).order_by(col(Schedule.id))).all()
            contexts = PlanContexts(session, commune_id, [s.programme_id for s in schedules], now)
            by_id = {schedule.number: (schedule, contexts.of(schedule)) for schedule in schedules}
            _withdraw_outdated(session, by_id, now, step)
            _claim_due(session, by_id, now, ahead, step)
    except OperationalError:
        raise  # the database itself: the next schedule would fail too, after the same wait
    except Exception as error:
        if len(schedule_ids) == 1:
            log.exception("schedule %d could not be planned", schedule_ids[0])
            return PlanChanges(), [error]
        changes, failed = PlanChanges(), list[Exception]()
        for schedule_id in schedule_ids:
            step, errors = _plan_together(database, commune_id, [schedule_id], now, ahead)
            changes.add(step)
            failed += errors
        return changes, failed
    return step, []  # counted only after the commit


def _needing_plan(session: Session, commune_id: str, now: datetime, ahead: timedelta) -> dict[int, int]:
    """The schedules that planning would change, with the number of instants to plan. Only reads."""
    to_come = select(Slot.id).where(col(Slot.schedule_id) == col(Schedule.id), col(Slot.due_at) > now).exists()
    # A removed schedule counts until its last slot has begun.
    query = select(Schedule).where(Schedule.commune_id == commune_id, or_(col(Schedule.retired_at).is_(None), to_come))
    schedules = session.exec(query.order_by(col(Schedule.id))).all()
    contexts = PlanContexts(session, commune_id, [s.programme_id for s in schedules], now)
    by_id = {schedule.number: (schedule, contexts.of(schedule)) for schedule in schedules}
    missing = {slot.schedule_id: 0 for slot, _ in outdated_slots(session, by_id, now)}
    for schedule_id, instants in _unclaimed(session, by_id, now, ahead).items():
        missing[schedule_id] = len(instants)
    return dict(sorted(missing.items()))


def _unclaimed(session: Session, by_id: ById, now: datetime, ahead: timedelta) -> dict[int, list[datetime]]:
    """The due instants without a slot, by schedule id."""
    query = select(Slot.schedule_id, Slot.due_at).where(
        col(Slot.schedule_id).in_(list(by_id)), col(Slot.due_at) >= now - LOOK_BACK
    )
    taken = {(schedule_id, due_at) for schedule_id, due_at in session.exec(query)}
    unclaimed: dict[int, list[datetime]] = {}
    for schedule_id, (schedule, context) in by_id.items():
        for due_at in due(schedule, context.zone, _since(schedule, now), now + ahead):
            if (schedule_id, due_at) not in taken:
                unclaimed.setdefault(schedule_id, []).append(due_at)
    return unclaimed


def _withdraw_outdated(session: Session, by_id: ById, now: datetime, changes: PlanChanges) -> None:
    outdated = outdated_slots(session, by_id, now)
    for slot, why in outdated:
        if slot.broadcast_id is not None:
            withdraw(session, slot.broadcast_id, now, cause=why)
            changes.withdrawn.append(slot.broadcast_id)
    session.exec(delete(Slot).where(col(Slot.id).in_([slot.id for slot, _ in outdated])))
    session.flush()


def _claim_due(session: Session, by_id: ById, now: datetime, ahead: timedelta, changes: PlanChanges) -> None:
    claims = []
    for schedule_id, instants in _unclaimed(session, by_id, now, ahead).items():
        schedule, context = by_id[schedule_id]
        claims += [_claim(schedule, context, due_at, now) for due_at in instants]
    broadcasts = []
    columns = ["id", "schedule_id", "due_at", "outcome", "cause"]
    for slot_id, schedule_id, due_at, outcome, cause in insert_absent(session, Slot, claims, columns):
        if outcome == "refused":
            continue
        schedule, context = by_id[schedule_id]
        if isinstance(context.content, ProgrammeContent):
            broadcast = _plan_one(schedule, context.content, context.shifts, due_at, now)
            broadcasts.append(({"id": slot_id, "outcome": outcome, "cause": cause}, broadcast))
    session.add_all(broadcast for _, broadcast in broadcasts)
    session.flush()  # state changes and slots refer to them
    record_states(session, [broadcast.id for _, broadcast in broadcasts], now, BroadcastState.PLANNED, "schedule", "")
    for slot, broadcast in broadcasts:
        slot["broadcast_id"] = broadcast.id
        if broadcast.ends_at - now < LEAST_LEFT and broadcast.starts_at < now:
            mark_missed(session, broadcast, now, "controller_away")
            slot |= {"outcome": "missed", "cause": "controller_away"}
            changes.missed.append(broadcast.id)
        else:
            changes.planned.append(broadcast.id)
    session.execute(update(Slot), [slot for slot, _ in broadcasts])
    session.flush()


def _claim(schedule: Schedule, context: PlanContext, due_at: datetime, now: datetime) -> dict[str, object]:
    """The row of a slot, before its broadcast is known."""
    refusal = ""
    if not context.allows(due_at):
        refusal = OUTSIDE_HOURS
    elif isinstance(context.content, Refusal):
        refusal = str(context.content)
    return {
        "schedule_id": schedule.number,
        "due_at": due_at,
        "schedule_revision": schedule.revision,
        "claimed_at": now,
        "outcome": "refused" if refusal else "planned",
        "cause": refusal,
    }


def _plan_one(
    schedule: Schedule, content: ProgrammeContent, shifts: Shifts, due_at: datetime, now: datetime
) -> Broadcast:
    return new_broadcast(
        commune_id=schedule.commune_id,
        title=title_of(schedule, content),
        class_=schedule.broadcast_class,
        precedence=schedule.precedence,
        targets=schedule.audience,
        starts_at=due_at,
        length_us=content.length_us,
        items=content.items,
        now=now,
        programme_id=schedule.programme_id,
        order=schedule.number,
        spread=schedule.time_spread,
        shifts=shifts,
    )


def _since(schedule: Schedule, now: datetime) -> datetime:
    """The earliest instant that counts: not before the schedule was added or changed.

    Never later than now: it may have been changed by a clock that ran ahead and was set back.
    """
    return max(now - LOOK_BACK, min(schedule.changed_at, now))
