"""The timetable: adding, changing, pausing and removing schedules.

The next plan (`schedules.slots`) withdraws what an earlier revision of a schedule planned.
"""

from datetime import datetime

import msgspec
from sqlmodel import Session

from broadcast.modes import IN_STEP, Spread, encode_spread
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
    """Put a programme on the timetable. Raises Refusal (never due, nobody to hear, nothing to hear), NotFound."""
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
    """Change what is not None. What is planned by the old form is withdrawn by the next plan. Raises as `add`."""
    found = schedule(session, schedule_id)
    new_programme = found.programme_id if programme_id is None else programme_id
    mode = found.time_spread if spread is None else spread.check()
    checked = checked_rule(
        session,
        found.commune_id,
        new_programme,
        rule or found.recurrence,
        targets or found.audience,
        class_ or found.broadcast_class,
        mode,
        now,
        without=found.number,
    )
    found.spread = encode_spread(mode)
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


def _changed(session: Session, found: Schedule, now: datetime) -> Schedule:
    found.revision += 1
    found.changed_at = now
    session.add(found)
    session.flush()
    return found
