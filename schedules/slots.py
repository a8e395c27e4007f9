"""Slots: due instants, each claimed once, each with its broadcast or with why there is none.

A slot is claimed by inserting its row: schedule and instant are unique, so whoever inserts it plans it, and a second
controller, a restart or a clock that was set back finds it taken. Row and broadcast are one transaction.
"""

import logging
import random
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import NamedTuple
from zoneinfo import ZoneInfo

from sqlalchemy import Column
from sqlalchemy.exc import OperationalError
from sqlmodel import Field, Session, SQLModel, UniqueConstraint, col, delete, select

from broadcast.broadcasts import LONGEST_TITLE, Broadcast
from broadcast.modes import NO_SHIFTS, Shifts, Spreading
from broadcast.planning import plan_broadcast
from broadcast.play_reports import PlayReportRow
from broadcast.programmes import duration_us, items_of, manifest_items, programme
from broadcast.stopping import mark_missed, withdraw
from devices.communes import commune, hold
from noise.noise_rules import AllowedTimes, allowed_times
from runtime.database import Database, UtcDateTime, insert_if_absent
from runtime.refusal import Refusal
from schedules.schedules import Schedule, due
from wire.broadcasts import BroadcastClass, ClipItem

log = logging.getLogger(__name__)

#: How far back a start looks for what was due while nothing ran. Older things are not explained, only absent.
LOOK_BACK = timedelta(days=2)
#: A broadcast that has less than this left is not begun: receivers would switch their amplifiers on for nothing.
LEAST_LEFT = timedelta(seconds=10)
#: Why there is no broadcast of a due instant that nobody may sound at.
OUTSIDE_HOURS = "allowed_hours"


class Slot(SQLModel, table=True):
    """A due instant of a schedule. schedule_revision: by which it was planned. outcome: planned, missed or refused."""

    __table_args__ = (UniqueConstraint("schedule_id", "due_at"),)

    id: int | None = Field(default=None, primary_key=True)
    schedule_id: int = Field(foreign_key="schedule.id", index=True)
    due_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False, index=True))
    schedule_revision: int
    claimed_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    broadcast_id: str | None = Field(default=None, foreign_key="broadcast.id", index=True)
    outcome: str = "planned"
    cause: str = ""


class ProgrammeContent(NamedTuple):
    """What a programme sends, as it is now."""

    title: str
    items: list[ClipItem]
    length_us: int


class PlanContext(NamedTuple):
    """A schedule's surroundings. may: when its targets may sound, None for always (an emergency).

    shifts: of its receivers, as they are and stand now.
    """

    zone: ZoneInfo
    may: AllowedTimes | None
    shifts: Shifts

    def allows(self, due_at: datetime) -> bool:
        """Whether anybody may sound at a due instant; who may not refuses for itself."""
        return self.may is None or self.may.allows_any(due_at)


@dataclass
class PlanChanges:
    """What a plan did: ids of broadcasts."""

    planned: list[str] = field(default_factory=list)
    withdrawn: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)

    @property
    def anything(self) -> bool:
        """Whether there is something to announce."""
        return bool(self.planned or self.withdrawn or self.missed)


def plan(database: Database, now: datetime, ahead: timedelta) -> PlanChanges:
    """Bring the slots from a little back to `ahead` in line with the timetable, schedule by schedule.

    What was planned by an older form of its schedule or its programme, and has not begun, is withdrawn and planned
    anew. Safe to call at any time, as often as one likes, from several controllers. One schedule that fails by our own
    fault holds up no other; its error is raised in the end.
    """
    done, failed = PlanChanges(), list[Exception]()
    with database.session() as session:
        forms: dict[int, ProgrammeContent | Refusal] = {}
        wanting = []
        for found in session.exec(select(Schedule)).all():
            if found.programme_id not in forms:
                forms[found.programme_id] = _form(session, found.programme_id)
            frame = _frame(session, found, forms[found.programme_id], now)
            if _wants_planning(session, found, forms[found.programme_id], frame, now, ahead):
                wanting.append(found.number)
    # Controllers that wake together each begin elsewhere: at the same schedule all would wait for the first.
    for number in random.sample(wanting, len(wanting)):
        step = PlanChanges()
        try:
            with database.writing() as session:
                current = session.get(Schedule, number)
                if current is not None:
                    hold(session, current.commune_id)
                    session.refresh(current)
                    form = _form(session, current.programme_id)
                    frame = _frame(session, current, form, now)
                    _withdraw_outdated(session, current, form, frame, now, step)
                    _claim_due(session, current, form, frame, now, ahead, step)
        except OperationalError:
            raise  # the database itself: the next one would fail as well, after as long a wait
        except Exception as error:
            log.exception("schedule %d could not be planned", number)
            failed.append(error)
        else:  # only what was committed was done
            done.planned += step.planned
            done.withdrawn += step.withdrawn
            done.missed += step.missed
    if failed:
        raise failed[0]
    return done


def slots_of(session: Session, schedule_id: int) -> list[Slot]:
    """Those of a schedule, in order."""
    return list(session.exec(select(Slot).where(Slot.schedule_id == schedule_id).order_by(col(Slot.due_at))))


def slot_of_broadcast(session: Session, broadcast_id: str) -> Slot | None:
    """The slot that a broadcast came from, None when it was put on air by hand."""
    return session.exec(select(Slot).where(Slot.broadcast_id == broadcast_id)).first()


def _form(session: Session, programme_id: int) -> ProgrammeContent | Refusal:
    """What a programme would send now, or why it cannot."""
    try:
        chosen, running = programme(session, programme_id), items_of(session, programme_id)
        return ProgrammeContent(chosen.title, manifest_items(session, running), duration_us(running))
    except Refusal as refusal:
        return refusal


def _frame(session: Session, found: Schedule, form: ProgrammeContent | Refusal, now: datetime) -> PlanContext:
    zone, shifts = commune(session, found.commune_id).zone, NO_SHIFTS
    if isinstance(form, ProgrammeContent):
        shifts = Spreading(session, found.commune_id).shifts(found.time_spread, found.audience, form.length_us)
    if found.broadcast_class is BroadcastClass.EMERGENCY:
        return PlanContext(zone, None, shifts)
    return PlanContext(
        zone, allowed_times(session, found.commune_id, found.audience, now.astimezone(zone).date()), shifts
    )


def _since(found: Schedule, now: datetime) -> datetime:
    """From when on its instants count: not from before it was made or changed.

    Never later than now: it may have been changed by a clock that ran ahead and was set back since.
    """
    return max(now - LOOK_BACK, min(found.changed_at, now))


def _wants_planning(
    session: Session,
    found: Schedule,
    form: ProgrammeContent | Refusal,
    frame: PlanContext,
    now: datetime,
    ahead: timedelta,
) -> bool:
    """Whether a plan would change anything: read first, so that an idle plan takes no write lock."""
    since = _since(found, now)
    taken = set(session.exec(select(Slot.due_at).where(Slot.schedule_id == found.number, col(Slot.due_at) >= since)))
    due_at = set(due(found, frame.zone, since, now + ahead))
    return not due_at <= taken or bool(_outdated(session, found, form, frame, now))


def _outdated(
    session: Session, found: Schedule, form: ProgrammeContent | Refusal, frame: PlanContext, now: datetime
) -> list[tuple[Slot, str]]:
    """Slots that have not begun and no longer hold, each with why.

    What receivers have reported on has aired, whatever the clock says now: it is never planned again.
    """
    query = (
        select(Slot, Broadcast)
        .join(Broadcast, col(Slot.broadcast_id) == col(Broadcast.id), isouter=True)
        .where(Slot.schedule_id == found.number, col(Slot.due_at) > now)
        .order_by(col(Slot.due_at))
    )
    stale = [
        (slot, why)
        for slot, planned in session.exec(query)
        if (why := _why_outdated(slot, planned, found, form, frame))
    ]
    if not stale:
        return []
    ids = [slot.broadcast_id for slot, _ in stale if slot.broadcast_id]
    aired = set(
        session.exec(select(PlayReportRow.broadcast_id).where(col(PlayReportRow.broadcast_id).in_(ids)).distinct())
    )
    return [(slot, why) for slot, why in stale if slot.broadcast_id not in aired]


def _why_outdated(
    slot: Slot, planned: Broadcast | None, found: Schedule, form: ProgrammeContent | Refusal, frame: PlanContext
) -> str:
    """Why a slot that has not begun no longer holds, "" when it does."""
    if slot.schedule_revision != found.revision:
        return "schedule_paused" if found.paused else "schedule_removed" if found.retired_at else "schedule_changed"
    if slot.outcome == "missed":
        return "schedule_changed"  # by a clock that ran ahead: its hour is still to come
    if frame.allows(slot.due_at) is (slot.cause == OUTSIDE_HOURS):
        return OUTSIDE_HOURS if planned is not None else "schedule_changed"  # the hours are other ones than then
    if isinstance(form, Refusal) or slot.cause == OUTSIDE_HOURS:
        return ""  # half made: what is planned is better than silence
    if planned is None:
        return "schedule_changed"  # refused then, and now there is something to hear
    if planned.withdrawn_at is not None or planned.missed:
        return ""  # by a person
    changed = planned.playlist != form.items or planned.title != (found.title or form.title)[:LONGEST_TITLE]
    changed = changed or planned.shifts_us != frame.shifts.by_receiver  # a receiver came, went or was moved
    return "schedule_changed" if changed else ""


def _withdraw_outdated(
    session: Session,
    found: Schedule,
    form: ProgrammeContent | Refusal,
    frame: PlanContext,
    now: datetime,
    done: PlanChanges,
) -> None:
    for slot, why in _outdated(session, found, form, frame, now):
        if slot.broadcast_id is not None:
            withdraw(session, slot.broadcast_id, now, cause=why)
            done.withdrawn.append(slot.broadcast_id)
        session.exec(delete(Slot).where(col(Slot.id) == slot.id))
    session.flush()


def _claim_due(
    session: Session,
    found: Schedule,
    form: ProgrammeContent | Refusal,
    frame: PlanContext,
    now: datetime,
    ahead: timedelta,
    done: PlanChanges,
) -> None:
    for due_at in due(found, frame.zone, _since(found, now), now + ahead):
        claim = {
            "schedule_id": found.number,
            "due_at": due_at,
            "schedule_revision": found.revision,
            "claimed_at": now,
            "outcome": "planned",
            "cause": "",
        }
        if not insert_if_absent(session, Slot, claim):
            continue
        slot = session.exec(select(Slot).where(Slot.schedule_id == found.number, Slot.due_at == due_at)).one()
        if not frame.allows(due_at):
            slot.outcome, slot.cause = "refused", OUTSIDE_HOURS
        elif isinstance(form, Refusal):
            slot.outcome, slot.cause = "refused", str(form)
        else:
            planned = _plan_one(session, found, form, frame.shifts, due_at, now)
            slot.broadcast_id = planned.id
            if planned.ends_at - now < LEAST_LEFT and due_at < now:
                mark_missed(session, planned, now, "controller_away")
                slot.outcome, slot.cause = "missed", "controller_away"
                done.missed.append(planned.id)
            else:
                done.planned.append(planned.id)
        session.add(slot)
    session.flush()


def _plan_one(
    session: Session, found: Schedule, form: ProgrammeContent, shifts: Shifts, due_at: datetime, now: datetime
) -> Broadcast:
    return plan_broadcast(
        session,
        commune_id=found.commune_id,
        title=found.title or form.title,
        class_=found.broadcast_class,
        precedence=found.precedence,
        targets=found.audience,
        starts_at=due_at,
        length_us=form.length_us,
        items=form.items,
        now=now,
        programme_id=found.programme_id,
        order=found.number,
        cause="schedule",
        spread=found.time_spread,
        shifts=shifts,
    )
