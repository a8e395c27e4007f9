"""The timetable: which programme airs when, and where. The table is the truth; everything else follows from it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from operator import attrgetter
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Column, LargeBinary, Text
from sqlmodel import Field, Session, SQLModel, col, select

from broadcast.modes import IN_STEP, Spread, Spreading, spread_kept, spread_read
from broadcast.programmes import Programme, duration_us, items_of, items_of_all, manifest_items, programme
from devices.communes import commune
from devices.receivers import receiver
from devices.zones import zones
from noise.noise_rules import Shut, permission, refusal_of
from runtime.database import UtcDateTime
from runtime.refusal import N_, NotFound, Refusal
from schedules.noise_budget import Overrun, has_budget, overruns, refuse, weeks_from
from schedules.recurrence import Rule, instants, next_instants
from wire.broadcasts import BroadcastClass, Targets

#: So far ahead a schedule is held against the allowed hours before it is kept; the plan holds each instant again.
CHECKED_AHEAD = timedelta(days=366)


class Schedule(SQLModel, table=True):
    """A programme, when, where, and as what class. rule, targets: JSON. spread: as `broadcast.modes` keeps it.

    revision: grows with each change, so that what was planned by an older one is known. changed_at: of the last change;
    instants before it do not count, or a schedule moved to a minute ago would begin in its middle.
    """

    id: int | None = Field(default=None, primary_key=True)
    commune_id: str = Field(foreign_key="commune.id", index=True)
    programme_id: int = Field(foreign_key="programme.id", index=True)
    title: str = ""
    class_: str = Field(sa_column_kwargs={"name": "class"})
    precedence: int = 0
    targets: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    rule: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    spread: str | None = Field(default=None, sa_column=Column(Text))
    revision: int = 1
    paused: bool = False
    created_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    created_by: str = ""
    changed_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    retired_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))

    @property
    def number(self) -> int:
        """Its id, once it is kept."""
        if self.id is None:
            raise RuntimeError("the schedule is not kept yet")
        return self.id

    @property
    def when(self) -> Rule:
        """Its rule."""
        return msgspec.json.decode(self.rule, type=Rule)

    @property
    def meant_for(self) -> Targets:
        """Who sounds."""
        return msgspec.json.decode(self.targets, type=Targets)

    @property
    def mode(self) -> Spread:
        """How it is spread in time over its receivers."""
        return spread_read(self.spread)

    @property
    def broadcast_class(self) -> BroadcastClass:
        """Its legal class."""
        return BroadcastClass(self.class_)


@dataclass(frozen=True)
class Occurrence:
    """One due instant of one schedule, with what sounds. ends_at: everywhere, by programme and receivers as now."""

    schedule: Schedule
    programme: Programme
    starts_at: datetime
    ends_at: datetime


def add_schedule(
    session: Session,
    commune_id: str,
    *,
    programme_id: int,
    rule: Rule,
    targets: Targets,
    class_: BroadcastClass,
    now: datetime,
    by: str = "",
    precedence: int = 0,
    spread: Spread = IN_STEP,
) -> Schedule:
    """Put a programme on the timetable. Raises Refusal (never due, nobody to hear, nothing to hear), NotFound."""
    spread = spread.check()
    rule = _checked(session, commune_id, programme_id, rule, targets, class_, spread, now, without=0)
    added = Schedule(
        commune_id=commune_id,
        programme_id=programme_id,
        class_=class_.value,
        precedence=precedence,
        targets=msgspec.json.encode(targets),
        rule=msgspec.json.encode(rule),
        spread=spread_kept(spread),
        created_at=now,
        created_by=by,
        changed_at=now,
    )
    session.add(added)
    session.flush()
    return added


def change_schedule(
    session: Session,
    schedule_id: int,
    *,
    now: datetime,
    programme_id: int | None = None,
    rule: Rule | None = None,
    targets: Targets | None = None,
    class_: BroadcastClass | None = None,
    precedence: int | None = None,
    spread: Spread | None = None,
) -> Schedule:
    """Change what is not None. What is planned by the old form is withdrawn by the next plan. Raises as `add`."""
    found = schedule(session, schedule_id)
    new_programme = found.programme_id if programme_id is None else programme_id
    mode = found.mode if spread is None else spread.check()
    checked = _checked(
        session,
        found.commune_id,
        new_programme,
        rule or found.when,
        targets or found.meant_for,
        class_ or found.broadcast_class,
        mode,
        now,
        without=found.number,
    )
    found.spread = spread_kept(mode)
    found.programme_id, found.rule = new_programme, msgspec.json.encode(checked)
    if targets is not None:
        found.targets = msgspec.json.encode(targets)
    if class_ is not None:
        found.class_ = class_.value
    if precedence is not None:
        found.precedence = precedence
    return _changed(session, found, now)


def pause(session: Session, schedule_id: int, paused: bool, now: datetime) -> Schedule:
    """Let it rest, or go on. What is planned of a resting schedule is withdrawn."""
    found = schedule(session, schedule_id)
    found.paused = paused
    return _changed(session, found, now)


def retire(session: Session, schedule_id: int, now: datetime) -> Schedule:
    """Take it off the timetable. What is planned of it is withdrawn; what sounds now sounds to its end."""
    found = schedule(session, schedule_id)
    found.retired_at = found.retired_at or now
    return _changed(session, found, now)


def restore(session: Session, schedule_id: int, now: datetime) -> Schedule:
    """Bring it back."""
    found = schedule(session, schedule_id)
    found.retired_at = None
    return _changed(session, found, now)


def schedule(session: Session, schedule_id: int) -> Schedule:
    """One. Raises NotFound."""
    found = session.get(Schedule, schedule_id)
    if found is None:
        raise NotFound(N_("This schedule no longer exists."))
    return found


def schedules(session: Session, commune_id: str | None = None) -> list[Schedule]:
    """Those on the timetable, resting ones too, of one commune or of all."""
    query = select(Schedule).where(col(Schedule.retired_at).is_(None))
    if commune_id is not None:
        query = query.where(Schedule.commune_id == commune_id)
    return list(session.exec(query.order_by(col(Schedule.id))))


def due(found: Schedule, zone: ZoneInfo, after: datetime, before: datetime) -> list[datetime]:
    """When it is due in [after, before): nothing while it rests or is retired."""
    if found.paused or found.retired_at is not None:
        return []
    return instants(found.when, zone, after, before)


def next_due(session: Session, found: Schedule, now: datetime, count: int = 10) -> list[datetime]:
    """The next instants at which it is due."""
    if found.paused or found.retired_at is not None:
        return []
    return next_instants(found.when, commune(session, found.commune_id).zone, now, count)


def between(session: Session, commune_id: str, first: date, end: date) -> list[Occurrence]:
    """What is due from the day `first` to the day before `end`, by the commune's own clock, in order."""
    zone = commune(session, commune_id).zone
    start, stop = (datetime.combine(day, time(), tzinfo=zone) for day in (first, end))
    return occurrences(session, schedules(session, commune_id), zone, start, stop)


def occurrences(
    session: Session, of: Sequence[Schedule], zone: ZoneInfo, after: datetime, before: datetime
) -> list[Occurrence]:
    """What is due of these schedules in [after, before), in order. The number of queries does not grow with them."""
    numbers = sorted({s.programme_id for s in of})
    known = {p.number: p for p in session.exec(select(Programme).where(col(Programme.id).in_(numbers)))}
    lengths = {number: duration_us(items) for number, items in items_of_all(session, numbers).items()}
    found, spreading = [], dict[str, Spreading]()
    for one in sorted(of, key=lambda s: s.number):
        programme, length = known[one.programme_id], timedelta(microseconds=lengths[one.programme_id])
        where = spreading.setdefault(one.commune_id, Spreading(session, one.commune_id))
        length = where.whole(one.mode, one.meant_for, length)
        found += [Occurrence(one, programme, at, at + length) for at in due(one, zone, after, before)]
    return sorted(found, key=attrgetter("starts_at"))  # of one instant in the order of their numbers: sorting is stable


def first_outside(
    session: Session,
    commune_id: str,
    rule: Rule,
    targets: Targets,
    class_: BroadcastClass,
    length: timedelta,
    now: datetime,
) -> Shut | None:
    """Where a rule would first sound outside the allowed hours within the year ahead; None for nowhere."""
    if class_ is BroadcastClass.EMERGENCY:
        return None
    local = commune(session, commune_id).zone
    may = permission(session, commune_id, targets, now.astimezone(local).date())
    if not any(may.hours):
        return None
    due_at = instants(rule, local, now, now + CHECKED_AHEAD) or next_instants(rule, local, now, 1)
    return next((closed for at in due_at if (closed := may.shut(at, at + length)) is not None), None)


def over_budget(
    session: Session,
    commune_id: str,
    rule: Rule,
    targets: Targets,
    class_: BroadcastClass,
    length: timedelta,
    now: datetime,
    *,
    without: int = 0,
) -> list[Overrun]:
    """Where a rule would make it too many minutes in the weeks ahead, beside all that is on the timetable.

    without: the number of the schedule that it takes the place of, 0 for none.
    """
    if class_ is BroadcastClass.EMERGENCY or not has_budget(session, commune_id):
        return []
    local = commune(session, commune_id).zone
    start, end = weeks_from(now.astimezone(local).date(), local)
    new = [(at, at + length, targets) for at in instants(rule, local, now, end)]
    others = [
        (o.starts_at, o.ends_at, o.schedule.meant_for)
        for o in occurrences(session, schedules(session, commune_id), local, start, end)
        if o.schedule.broadcast_class is not BroadcastClass.EMERGENCY and o.schedule.number != without
    ]
    return overruns(session, commune_id, new, others)


def check_targets(session: Session, commune_id: str, targets: Targets) -> None:
    """Refuse targets that are nobody, or of another commune."""
    if not targets.all and not targets.zones and not targets.receivers:
        raise Refusal(N_("Choose where it shall sound: the whole commune, zones, or single receivers."))
    known = {z.id for z in zones(session, commune_id)}
    for zone_id in targets.zones:
        if zone_id not in known:
            raise Refusal(N_("{zone} is no zone of this commune."), zone=zone_id)
    for receiver_id in targets.receivers:
        if receiver(session, receiver_id).commune_id != commune_id:
            raise Refusal(N_("{receiver} is no receiver of this commune."), receiver=receiver_id)


def _checked(
    session: Session,
    commune_id: str,
    programme_id: int,
    rule: Rule,
    targets: Targets,
    class_: BroadcastClass,
    spread: Spread,
    now: datetime,
    *,
    without: int,
) -> Rule:
    chosen = programme(session, programme_id)
    if chosen.commune_id != commune_id:
        raise NotFound(N_("This programme no longer exists."))
    running = items_of(session, programme_id)
    manifest_items(session, running)  # refuses what has nothing to hear
    check_targets(session, commune_id, targets)
    rule, local = rule.check(), commune(session, commune_id).zone
    if not next_instants(rule, local, now, 1):
        raise Refusal(N_("This time has passed. Choose a later one."))
    length = Spreading(session, commune_id).whole(spread, targets, timedelta(microseconds=duration_us(running)))
    closed = first_outside(session, commune_id, rule, targets, class_, length, now)
    if closed is not None:
        raise refusal_of(session, closed, local)
    refuse(over_budget(session, commune_id, rule, targets, class_, length, now, without=without))
    return rule


def _changed(session: Session, found: Schedule, now: datetime) -> Schedule:
    found.revision += 1
    found.changed_at = now
    session.add(found)
    session.flush()
    return found
