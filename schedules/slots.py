"""Slots: due instants, each claimed once, each with its broadcast or the reason why there is none.

A slot is claimed by inserting its row; schedule and instant are unique, so the process that inserts it plans it. A
second controller, a restart or a clock that was set back finds it taken. Row and broadcast are one transaction.
"""

import logging
import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Column
from sqlalchemy.exc import OperationalError
from sqlmodel import Field, Session, SQLModel, UniqueConstraint, col, delete, select

from broadcast.broadcasts import LONGEST_TITLE, Broadcast
from broadcast.modes import Shifts
from broadcast.planning import plan_broadcast
from broadcast.play_reports import PlayReportRow
from broadcast.stopping import mark_missed, withdraw
from devices.communes import hold
from runtime.database import Database, UtcDateTime, insert_if_absent
from runtime.refusal import Refusal
from schedules.plan_context import PlanContext, ProgrammeContent, content_of, context_of
from schedules.schedules import Schedule, due

log = logging.getLogger(__name__)

#: How far back due instants are looked for that passed while no controller ran.
LOOK_BACK = timedelta(days=2)
#: A broadcast with less than this left is not started; the amplifiers would be switched on in vain.
LEAST_LEFT = timedelta(seconds=10)
#: The cause of a slot at which no target may sound.
OUTSIDE_HOURS = "allowed_hours"


class Slot(SQLModel, table=True):
    """A due instant of a schedule. schedule_revision: the one it was planned by.

    outcome: planned, missed or refused.
    """

    __table_args__ = (UniqueConstraint("schedule_id", "due_at"),)

    id: int | None = Field(default=None, primary_key=True)
    schedule_id: int = Field(foreign_key="schedule.id", index=True)
    due_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False, index=True))
    schedule_revision: int
    claimed_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    broadcast_id: str | None = Field(default=None, foreign_key="broadcast.id", index=True)
    outcome: str = "planned"
    cause: str = ""


@dataclass
class PlanChanges:
    """Ids of broadcasts that a plan added, withdrew or marked as missed."""

    planned: list[str] = field(default_factory=list)
    withdrawn: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)

    @property
    def anything(self) -> bool:
        """Whether there is something to announce."""
        return bool(self.planned or self.withdrawn or self.missed)


def plan(database: Database, now: datetime, ahead: timedelta) -> PlanChanges:
    """Bring the slots up to `ahead` in line with the timetable, schedule by schedule.

    Broadcasts that have not begun and were planned by an older revision are withdrawn and planned again. Safe to call
    at any time and from several controllers. A schedule that fails does not stop the others; its error is raised at the
    end.
    """
    changes, failed = PlanChanges(), list[Exception]()
    with database.session() as session:
        contents: dict[int, ProgrammeContent | Refusal] = {}
        pending = []
        for schedule in session.exec(select(Schedule)).all():
            if schedule.programme_id not in contents:
                contents[schedule.programme_id] = content_of(session, schedule.programme_id)
            context = context_of(session, schedule, contents[schedule.programme_id], now)
            if _needs_planning(session, schedule, contents[schedule.programme_id], context, now, ahead):
                pending.append(schedule.number)
    # In random order: controllers that wake together would otherwise all wait at the same schedule.
    for number in random.sample(pending, len(pending)):
        step = PlanChanges()
        try:
            with database.writing() as session:
                current = session.get(Schedule, number)
                if current is not None:
                    hold(session, current.commune_id)
                    session.refresh(current)
                    content = content_of(session, current.programme_id)
                    context = context_of(session, current, content, now)
                    _withdraw_outdated(session, current, content, context, now, step)
                    _claim_due(session, current, content, context, now, ahead, step)
        except OperationalError:
            raise  # the database itself: the next schedule would fail too, after the same wait
        except Exception as error:
            log.exception("schedule %d could not be planned", number)
            failed.append(error)
        else:  # counted only after the commit
            changes.planned += step.planned
            changes.withdrawn += step.withdrawn
            changes.missed += step.missed
    if failed:
        raise failed[0]
    return changes


def slots_of(session: Session, schedule_id: int) -> list[Slot]:
    return list(session.exec(select(Slot).where(Slot.schedule_id == schedule_id).order_by(col(Slot.due_at))))


def _since(schedule: Schedule, now: datetime) -> datetime:
    """The earliest instant that counts: not before the schedule was added or changed.

    Never later than now: it may have been changed by a clock that ran ahead and was set back.
    """
    return max(now - LOOK_BACK, min(schedule.changed_at, now))


def _needs_planning(
    session: Session,
    schedule: Schedule,
    content: ProgrammeContent | Refusal,
    context: PlanContext,
    now: datetime,
    ahead: timedelta,
) -> bool:
    """Whether planning would change anything. Only reads, so that an idle plan takes no write lock."""
    since = _since(schedule, now)
    taken = set(session.exec(select(Slot.due_at).where(Slot.schedule_id == schedule.number, col(Slot.due_at) >= since)))
    due_at = set(due(schedule, context.zone, since, now + ahead))
    return not due_at <= taken or bool(_outdated(session, schedule, content, context, now))


def _outdated(
    session: Session, schedule: Schedule, content: ProgrammeContent | Refusal, context: PlanContext, now: datetime
) -> list[tuple[Slot, str]]:
    """Slots that have not begun and no longer match, each with the cause.

    A broadcast with a play report has aired, whatever the clock says now; it is never planned again.
    """
    query = (
        select(Slot, Broadcast)
        .join(Broadcast, col(Slot.broadcast_id) == col(Broadcast.id), isouter=True)
        .where(Slot.schedule_id == schedule.number, col(Slot.due_at) > now)
        .order_by(col(Slot.due_at))
    )
    outdated = [
        (slot, why)
        for slot, broadcast in session.exec(query)
        if (why := _why_outdated(slot, broadcast, schedule, content, context))
    ]
    if not outdated:
        return []
    ids = [slot.broadcast_id for slot, _ in outdated if slot.broadcast_id]
    aired = set(
        session.exec(select(PlayReportRow.broadcast_id).where(col(PlayReportRow.broadcast_id).in_(ids)).distinct())
    )
    return [(slot, why) for slot, why in outdated if slot.broadcast_id not in aired]


def _why_outdated(
    slot: Slot,
    broadcast: Broadcast | None,
    schedule: Schedule,
    content: ProgrammeContent | Refusal,
    context: PlanContext,
) -> str:
    """The cause why a slot that has not begun no longer matches, "" when it does."""
    if slot.schedule_revision != schedule.revision:
        return (
            "schedule_paused" if schedule.paused else "schedule_removed" if schedule.retired_at else "schedule_changed"
        )
    if slot.outcome == "missed":
        return "schedule_changed"  # by a clock that ran ahead: it is still to come
    if context.allows(slot.due_at) is (slot.cause == OUTSIDE_HOURS):
        return OUTSIDE_HOURS if broadcast is not None else "schedule_changed"  # the allowed hours have changed
    if isinstance(content, Refusal) or slot.cause == OUTSIDE_HOURS:
        return ""  # an incomplete programme: keep the older plan
    if broadcast is None:
        return "schedule_changed"  # refused then, and audible now
    if broadcast.withdrawn_at is not None or broadcast.missed:
        return ""  # by an operator
    changed = (
        broadcast.playlist != content.items or broadcast.title != (schedule.title or content.title)[:LONGEST_TITLE]
    )
    changed = changed or broadcast.shifts_us != context.shifts.by_receiver  # receivers were added, removed or moved
    return "schedule_changed" if changed else ""


def _withdraw_outdated(
    session: Session,
    schedule: Schedule,
    content: ProgrammeContent | Refusal,
    context: PlanContext,
    now: datetime,
    changes: PlanChanges,
) -> None:
    for slot, why in _outdated(session, schedule, content, context, now):
        if slot.broadcast_id is not None:
            withdraw(session, slot.broadcast_id, now, cause=why)
            changes.withdrawn.append(slot.broadcast_id)
        session.exec(delete(Slot).where(col(Slot.id) == slot.id))
    session.flush()


def _claim_due(
    session: Session,
    schedule: Schedule,
    content: ProgrammeContent | Refusal,
    context: PlanContext,
    now: datetime,
    ahead: timedelta,
    changes: PlanChanges,
) -> None:
    for due_at in due(schedule, context.zone, _since(schedule, now), now + ahead):
        claim = {
            "schedule_id": schedule.number,
            "due_at": due_at,
            "schedule_revision": schedule.revision,
            "claimed_at": now,
            "outcome": "planned",
            "cause": "",
        }
        if not insert_if_absent(session, Slot, claim):
            continue
        slot = session.exec(select(Slot).where(Slot.schedule_id == schedule.number, Slot.due_at == due_at)).one()
        if not context.allows(due_at):
            slot.outcome, slot.cause = "refused", OUTSIDE_HOURS
        elif isinstance(content, Refusal):
            slot.outcome, slot.cause = "refused", str(content)
        else:
            broadcast = _plan_one(session, schedule, content, context.shifts, due_at, now)
            slot.broadcast_id = broadcast.id
            if broadcast.ends_at - now < LEAST_LEFT and due_at < now:
                mark_missed(session, broadcast, now, "controller_away")
                slot.outcome, slot.cause = "missed", "controller_away"
                changes.missed.append(broadcast.id)
            else:
                changes.planned.append(broadcast.id)
        session.add(slot)
    session.flush()


def _plan_one(
    session: Session, schedule: Schedule, content: ProgrammeContent, shifts: Shifts, due_at: datetime, now: datetime
) -> Broadcast:
    return plan_broadcast(
        session,
        commune_id=schedule.commune_id,
        title=schedule.title or content.title,
        class_=schedule.broadcast_class,
        precedence=schedule.precedence,
        targets=schedule.audience,
        starts_at=due_at,
        length_us=content.length_us,
        items=content.items,
        now=now,
        programme_id=schedule.programme_id,
        order=schedule.number,
        cause="schedule",
        spread=schedule.time_spread,
        shifts=shifts,
    )
