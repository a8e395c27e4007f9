"""The timetable: adding, changing, pausing and removing schedules.

The next plan (`schedules.slot_planning`) withdraws what an earlier revision of a schedule planned.
"""

from datetime import datetime

import msgspec
from sqlmodel import Session

from broadcast.modes import IN_STEP, Spread, encode_spread
from runtime.refusal import N_, Refusal
from schedules.recurrence import Rule
from schedules.schedule_checks import checked_rule
from schedules.schedules import Schedule, schedule
from wire.broadcasts import BroadcastClass, Targets


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
    """Raises Refusal (never due, no receiver, nothing audible, outside the allowed hours), NotFound."""
    spread = spread.check()
    rule = checked_rule(session, commune_id, programme_id, rule, targets, class_, spread, now, without=0)
    added = Schedule(
        commune_id=commune_id,
        programme_id=programme_id,
        class_=class_.value,
        precedence=precedence,
        targets=msgspec.json.encode(targets),
        rule=msgspec.json.encode(rule),
        spread=encode_spread(spread),
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
    """Change what is not None. The next plan withdraws what the old revision planned. Raises as `add_schedule`."""
    changed = schedule(session, schedule_id)
    new_programme = changed.programme_id if programme_id is None else programme_id
    new_spread = changed.time_spread if spread is None else spread.check()
    new_rule = checked_rule(
        session,
        changed.commune_id,
        new_programme,
        rule or changed.recurrence,
        targets or changed.audience,
        class_ or changed.broadcast_class,
        new_spread,
        now,
        without=changed.number,
    )
    changed.spread = encode_spread(new_spread)
    changed.programme_id, changed.rule = new_programme, msgspec.json.encode(new_rule)
    if targets is not None:
        changed.targets = msgspec.json.encode(targets)
    if class_ is not None:
        changed.class_ = class_.value
    if precedence is not None:
        changed.precedence = precedence
    return _changed(session, changed, now)


def pause(session: Session, schedule_id: int, paused: bool, now: datetime, until: datetime | None = None) -> Schedule:
    """Pause or resume it. Planned broadcasts of a paused schedule are withdrawn. What is so already stays unchanged.

    until: when the pause ends by itself, None for never. Raises Refusal when that has passed.
    """
    changed = schedule(session, schedule_id)
    until = until if paused else None
    if until is not None and until <= now:
        raise Refusal(N_("This day has passed. Choose a later one."))
    if changed.is_paused_at(now) == paused and (not paused or changed.paused_until == until):
        return changed
    changed.paused, changed.paused_until = paused, until
    return _changed(session, changed, now)


def retire(session: Session, schedule_id: int, now: datetime) -> Schedule:
    """Remove it from the timetable. Planned broadcasts are withdrawn; one on air continues."""
    changed = schedule(session, schedule_id)
    if changed.retired_at is not None:
        return changed
    changed.retired_at = now
    return _changed(session, changed, now)


def restore(session: Session, schedule_id: int, now: datetime) -> Schedule:
    changed = schedule(session, schedule_id)
    if changed.retired_at is None:
        return changed
    changed.retired_at = None
    return _changed(session, changed, now)


def _changed(session: Session, changed: Schedule, now: datetime) -> Schedule:
    changed.revision += 1
    changed.changed_at = now
    session.add(changed)
    session.flush()
    return changed
