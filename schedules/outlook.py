"""Schedule preview: when a schedule would play, what it clashes with, and what would go wrong, before it is saved."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlmodel import Session

from broadcast.broadcasts import BY_HAND, order_key
from broadcast.manifest_items import fetched_recordings, manifest_items
from broadcast.modes import IN_STEP, Spread, Spreading
from broadcast.programmes import RunningItem, duration_us, items_of, items_of_all, programme_source, programmes
from devices.communes import commune
from devices.presence_states import PresenceState, ReceiverStatus
from devices.receivers import Receiver, reached_by
from devices.zones import Zone, zones
from noise.days_off import day_off
from noise.noise_rules import refusal_of
from runtime.refusal import Refusal
from schedules.conflicts import PlannedAiring, RecurringAiring, RecurringClash, recurring_clashes
from schedules.noise_budget import Overrun
from schedules.recurrence import Rule, days, next_instants
from schedules.schedule_checks import AiringRule, first_outside, over_budget
from schedules.schedules import Schedule, schedules
from wire.broadcasts import BroadcastClass, ClipItem, Targets

#: How far ahead clashes are looked for.
AHEAD = timedelta(days=365)
SHOWN = 10
#: The same clip more often than this on one day is probably a mistake.
MOST_AIRS_A_DAY = 6
#: A slow mobile link, 100 kbit/s, in bytes per second.
SLOW_LINK_BYTES_S = 12_500


@dataclass(frozen=True)
class DueInstant:
    """day_off: the name of the public holiday, "" when it is none."""

    at: datetime
    day_off: str


@dataclass(frozen=True)
class LateReceiver:
    """A receiver that may not have the audio in time. offline_since: None when it is online but may be too slow."""

    receiver: Receiver
    offline_since: datetime | None
    needs: timedelta


@dataclass(frozen=True)
class RepeatedClip:
    """A clip that would play too often. day: the worst one."""

    title: str
    times: int
    day: date


@dataclass(frozen=True)
class Outlook:
    """clashes: with the timetable, in order of time. order: identifies the new schedule in the clashes.

    outside: why it cannot be saved: it would play outside the allowed hours. overruns: of the noise budget. turns:
    names of what plays together, when staggered. whole: from the first sample at any receiver to the last.
    """

    next: list[DueInstant]
    order: str = ""
    clashes: list[RecurringClash] = field(default_factory=list)
    empty_zones: list[Zone] = field(default_factory=list)
    nobody: bool = False
    late: list[LateReceiver] = field(default_factory=list)
    repeated: list[RepeatedClip] = field(default_factory=list)
    turns: list[list[str]] = field(default_factory=list)
    whole: timedelta = timedelta(0)
    outside: Refusal | None = None
    overruns: list[Overrun] = field(default_factory=list)


def outlook(
    session: Session,
    commune_id: str,
    *,
    rule: Rule,
    programme_id: int,
    targets: Targets,
    class_: BroadcastClass,
    precedence: int,
    now: datetime,
    states: Mapping[str, ReceiverStatus],
    without: int = 0,
    spread: Spread = IN_STEP,
    timetable: Sequence[Schedule] | None = None,
) -> Outlook:
    """states: of the receivers now. without: the number of the schedule that this one replaces.

    timetable: in place of the stored one.
    """
    zone = commune(session, commune_id).zone
    upcoming = next_instants(rule, zone, now, SHOWN)
    running = items_of(session, programme_id)
    planned = schedules(session, commune_id) if timetable is None else timetable
    others = [s for s in planned if s.number != without and not s.paused_indefinitely]
    spreading, spread = Spreading(session, commune_id), spread.check()
    shifts = spreading.shifts(spread, targets, duration_us(running))
    length = timedelta(microseconds=duration_us(running) + shifts.most_us)
    new = RecurringAiring(
        rule,
        PlannedAiring(
            "",
            class_,
            precedence,
            now,
            now + length,
            targets,
            order_key(without or BY_HAND),
            programme_source(running),
        ),
    )
    today = now.astimezone(zone).date()
    reached = reached_by(session, commune_id, targets)
    airing = AiringRule(rule, targets, class_, length)
    closed = first_outside(session, commune_id, airing, now)
    return Outlook(
        next=[DueInstant(at, day_off(at.astimezone(zone).date())) for at in upcoming],
        order=new.airing.order,
        clashes=recurring_clashes(
            session, commune_id, zone, new, _recurring(session, commune_id, others, now), today, today + AHEAD
        ),
        empty_zones=[
            z
            for z in zones(session, commune_id)
            if z.id in targets.zones and not reached_by(session, commune_id, Targets(zones=[z.id]))
        ],
        nobody=not reached,
        late=_late(reached, fetched_recordings(manifest_items(session, running)), upcoming, now, states)
        if running
        else [],
        repeated=_repeated(session, running, rule, others, today, zone),
        outside=refusal_of(session, closed, zone) if closed is not None else None,
        overruns=over_budget(session, commune_id, airing, now, without=without, timetable=timetable),
        turns=spreading.turn_names(shifts) if shifts.turns else [],
        whole=length,
    )


def outside_hours(session: Session, commune_id: str, now: datetime) -> list[tuple[Schedule, str, Refusal]]:
    """Schedules that no longer fit the allowed hours, with title and reason; only the fitting instants are planned."""
    titles = {p.number: p.title for p in programmes(session, commune_id, include_retired=True)}
    active = [s for s in schedules(session, commune_id) if not s.paused_indefinitely]
    items, zone = items_of_all(session, sorted({s.programme_id for s in active})), commune(session, commune_id).zone
    result, spreading = [], Spreading(session, commune_id)
    for schedule in active:
        length = timedelta(microseconds=duration_us(items[schedule.programme_id]))
        length = spreading.total_length(schedule.time_spread, schedule.audience, length)
        airing = AiringRule(schedule.recurrence, schedule.audience, schedule.broadcast_class, length)
        closed = first_outside(session, commune_id, airing, now)
        if closed is not None:
            title = schedule.title or titles.get(schedule.programme_id, "")
            result.append((schedule, title, refusal_of(session, closed, zone)))
    return result


def _recurring(session: Session, commune_id: str, of: list[Schedule], now: datetime) -> list[RecurringAiring]:
    titles = {p.number: p.title for p in programmes(session, commune_id, include_retired=True)}
    items, spreading = items_of_all(session, sorted({s.programme_id for s in of})), Spreading(session, commune_id)
    zone = commune(session, commune_id).zone
    lengths = {
        s.number: spreading.total_length(
            s.time_spread, s.audience, timedelta(microseconds=duration_us(items[s.programme_id]))
        )
        for s in of
    }
    return [
        RecurringAiring(
            s.recurrence,
            PlannedAiring(
                s.title or titles.get(s.programme_id, ""),
                s.broadcast_class,
                s.precedence,
                now,
                now + lengths[s.number],
                s.audience,
                order_key(s.number),
                programme_source(items[s.programme_id]),
            ),
            _resumes(s, zone),
        )
        for s in of
    ]


def _resumes(schedule: Schedule, zone: ZoneInfo) -> date:
    """The first day after a pause that ends."""
    until = schedule.paused_until
    return until.astimezone(zone).date() if schedule.paused and until is not None else date.min


def _late(
    reached: list[Receiver],
    items: list[ClipItem],
    upcoming: list[datetime],
    now: datetime,
    states: Mapping[str, ReceiverStatus],
) -> list[LateReceiver]:
    """Receivers that are offline, or would need more time on a slow link than is left."""
    if not upcoming:
        return []
    size = sum(item.renditions[0].bytes for item in items)
    needs, left = timedelta(seconds=size / SLOW_LINK_BYTES_S), upcoming[0] - now
    late = []
    for receiver in reached:
        state = states.get(receiver.id)
        offline = state is None or state.state is not PresenceState.ONLINE
        if offline and left < timedelta(days=1):
            late.append(LateReceiver(receiver, (state.last_heard_at if state else None) or now, needs))
        elif not offline and needs > left:
            late.append(LateReceiver(receiver, None, needs))
    return late


def _repeated(
    session: Session, running: list[RunningItem], rule: Rule, others: list[Schedule], today: date, zone: ZoneInfo
) -> list[RepeatedClip]:
    """Clips that would play too often on one of the next 28 days, all schedules together."""
    until = today + timedelta(days=28)
    clips = {item.clip.id: item.clip.title for item in running if item.clip is not None}
    airs: Counter[tuple[str, date]] = Counter()
    of_others = items_of_all(session, sorted({s.programme_id for s in others}))
    counted = [
        (rule, running, today),
        *((s.recurrence, of_others[s.programme_id], max(today, _resumes(s, zone))) for s in others),
    ]
    for rule_of_items, items, since in counted:
        if not any(item.clip is not None and item.clip.id in clips for item in items):
            continue
        for day in days(rule_of_items, since, until):
            for item in items:
                if item.clip is not None and item.clip.id in clips:
                    airs[item.clip.id, day] += len(rule_of_items.times_on(day))
    repeated = []
    for clip_id, title in clips.items():
        day, times = max(((d, n) for (c, d), n in airs.items() if c == clip_id), key=lambda x: x[1], default=(today, 0))
        if times > MOST_AIRS_A_DAY:
            repeated.append(RepeatedClip(title, times, day))
    return repeated
