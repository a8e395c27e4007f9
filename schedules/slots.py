"""Slots: due instants, each claimed once, each with its broadcast or with why there is none.

A slot is claimed by inserting its row: schedule and instant are unique, so whoever inserts it plans it, and a second
controller, a restart or a clock that was set back finds it taken. Row and broadcast are one transaction.
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

from sqlalchemy import Column
from sqlmodel import Field, Session, SQLModel, UniqueConstraint, col, delete, select

from broadcast.on_air import Broadcast, mark_missed, plan_broadcast, withdraw
from broadcast.programmes import duration_us, items_of, manifest_items, programme
from devices.communes import commune
from runtime.database import Database, UtcDateTime, insert_if_absent
from runtime.refusal import Refusal
from schedules.timetable import Schedule, due, schedules

#: How far back a start looks for what was due while nothing ran. Older things are not explained, only absent.
LOOK_BACK = timedelta(days=2)
#: A broadcast that has less than this left is not begun: receivers would switch their amplifiers on for nothing.
LEAST_LEFT = timedelta(seconds=10)


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


@dataclass
class Planned:
    """What a plan did: ids of broadcasts."""

    planned: list[str] = field(default_factory=list)
    withdrawn: list[str] = field(default_factory=list)
    missed: list[str] = field(default_factory=list)

    @property
    def anything(self) -> bool:
        """Whether there is something to announce."""
        return bool(self.planned or self.withdrawn or self.missed)


def plan(database: Database, now: datetime, ahead: timedelta) -> Planned:
    """Bring the slots from a little back to `ahead` in line with the timetable, schedule by schedule.

    What a schedule planned before it was changed, and has not begun, is withdrawn and planned anew. Safe to call at any
    time, as often as one likes, from several controllers.
    """
    done = Planned()
    with database.session() as session:
        numbers = [s.number for s in session.exec(select(Schedule)) if _wants_planning(session, s, now, ahead)]
    for number in numbers:
        with database.writing() as session:
            found = session.get(Schedule, number)
            if found is not None:
                _withdraw_outdated(session, found, now, done)
                _claim_due(session, found, now, ahead, done)
    return done


def slots_of(session: Session, schedule_id: int) -> list[Slot]:
    """Those of a schedule, in order."""
    return list(session.exec(select(Slot).where(Slot.schedule_id == schedule_id).order_by(col(Slot.due_at))))


def slot_of_broadcast(session: Session, broadcast_id: str) -> Slot | None:
    """The slot that a broadcast came from, None when it was put on air by hand."""
    return session.exec(select(Slot).where(Slot.broadcast_id == broadcast_id)).first()


def _since(found: Schedule, now: datetime) -> datetime:
    """From when on its instants count: not from before it was made or changed."""
    return max(now - LOOK_BACK, found.changed_at)


def _wants_planning(session: Session, found: Schedule, now: datetime, ahead: timedelta) -> bool:
    """Whether a plan would change anything: read first, so that an idle plan takes no write lock."""
    rows = session.exec(
        select(Slot.due_at, Slot.schedule_revision).where(
            Slot.schedule_id == found.number, col(Slot.due_at) >= _since(found, now) - timedelta(seconds=1)
        )
    ).all()
    if any(revision != found.revision and due_at > now for due_at, revision in rows):
        return True
    zone = commune(session, found.commune_id).zone
    return not set(due(found, zone, _since(found, now), now + ahead)) <= {due_at for due_at, _ in rows}


def _withdraw_outdated(session: Session, found: Schedule, now: datetime, done: Planned) -> None:
    query = select(Slot).where(
        Slot.schedule_id == found.number,
        col(Slot.due_at) > now,
        col(Slot.schedule_revision) != found.revision,
    )
    for slot in session.exec(query).all():
        if slot.broadcast_id is not None:
            cause = (
                "schedule_paused" if found.paused else "schedule_removed" if found.retired_at else "schedule_changed"
            )
            withdraw(session, slot.broadcast_id, now, cause=cause)
            done.withdrawn.append(slot.broadcast_id)
        session.exec(delete(Slot).where(col(Slot.id) == slot.id))
    session.flush()


def _claim_due(session: Session, found: Schedule, now: datetime, ahead: timedelta, done: Planned) -> None:
    zone = commune(session, found.commune_id).zone
    for due_at in due(found, zone, _since(found, now), now + ahead):
        claim = {
            "schedule_id": found.number, "due_at": due_at, "schedule_revision": found.revision, "claimed_at": now,
            "outcome": "planned", "cause": "",
        }  # fmt: skip
        if not insert_if_absent(session, Slot, claim):
            continue
        slot = session.exec(select(Slot).where(Slot.schedule_id == found.number, Slot.due_at == due_at)).one()
        try:
            planned = _plan_one(session, found, due_at, now)
        except Refusal as refusal:
            slot.outcome, slot.cause = "refused", str(refusal)
        else:
            slot.broadcast_id = planned.id
            if planned.ends_at - now < LEAST_LEFT and due_at < now:
                mark_missed(session, planned, now, "controller_away")
                slot.outcome, slot.cause = "missed", "controller_away"
                done.missed.append(planned.id)
            else:
                done.planned.append(planned.id)
        session.add(slot)
    session.flush()


def _plan_one(session: Session, found: Schedule, due_at: datetime, now: datetime) -> Broadcast:
    chosen = programme(session, found.programme_id)
    running = items_of(session, found.programme_id)
    return plan_broadcast(
        session,
        commune_id=found.commune_id,
        title=found.title or chosen.title,
        class_=found.broadcast_class,
        precedence=found.precedence,
        targets=found.meant_for,
        starts_at=due_at,
        length_us=duration_us(running),
        items=manifest_items(session, running),
        now=now,
        programme_id=found.programme_id,
        cause="schedule",
    )


def next_due_at(session: Session, now: datetime) -> datetime | None:
    """When the timetable is due next at all, None when never."""
    found = [
        at[0]
        for s in schedules(session)
        if (at := due(s, commune(session, s.commune_id).zone, now, now + timedelta(days=7)))
    ]
    return min(found, default=None)
