"""Clashes: airings planned for the same receivers at the same time, and which of them plays."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, time, timedelta
from enum import StrEnum
from zoneinfo import ZoneInfo

from sqlmodel import Session

from broadcast.broadcasts import order_key
from devices.receivers import Reach
from runtime.clock import to_us
from schedules.occurrences import Occurrence
from schedules.recurrence import Rule, days
from wire.broadcasts import BroadcastClass, SoundSource, Targets
from wire.precedence import Precedence, precedence_of


class ClashEffect(StrEnum):
    """What happens to the airing that does not play while both are due."""

    CUT = "cut"  # the start or the end is not heard
    INTERRUPTED = "interrupted"  # muted in the middle, then continued at its current position
    SILENT = "silent"  # not heard at all


@dataclass(frozen=True)
class PlannedAiring:
    """An airing that may clash.

    order: decides between equal class and start, as the receivers do (the broadcast id).
    """

    title: str
    class_: BroadcastClass
    precedence: int
    starts_at: datetime
    ends_at: datetime
    targets: Targets
    order: str = ""
    source: SoundSource = SoundSource.RECORDED

    @property
    def rank(self) -> Precedence:
        """Of two airings the one with the larger rank plays."""
        return precedence_of(self.class_, self.source, self.precedence, to_us(self.starts_at), self.order)


@dataclass(frozen=True)
class Clash:
    """Two airings that overlap on shared receivers. effect: on the loser."""

    winner: PlannedAiring
    loser: PlannedAiring
    receivers: tuple[str, ...]
    effect: ClashEffect


@dataclass(frozen=True)
class RecurringAiring:
    """A repeated airing. airing: its instants do not count, only its length. since: not due on earlier days."""

    rule: Rule
    airing: PlannedAiring
    since: date = date.min

    @property
    def length(self) -> timedelta:
        return self.airing.ends_at - self.airing.starts_at


@dataclass(frozen=True)
class RecurringClash:
    """Two recurring airings that clash. first: the earliest clash. days: on how many days."""

    first: Clash
    days: int


def airings_of(due: Iterable[Occurrence]) -> list[PlannedAiring]:
    """In the same order. Each schedule's JSON is decoded once."""
    decoded: dict[int, PlannedAiring] = {}
    airings = []
    for occurrence in due:
        key = id(occurrence.schedule)
        if key not in decoded:
            schedule = occurrence.schedule
            decoded[key] = PlannedAiring(
                schedule.title or occurrence.programme.title,
                schedule.broadcast_class,
                schedule.precedence,
                occurrence.starts_at,
                occurrence.ends_at,
                schedule.audience,
                order_key(schedule.number),
                occurrence.source,
            )
        airings.append(replace(decoded[key], starts_at=occurrence.starts_at, ends_at=occurrence.ends_at))
    return airings


def clashes(
    session: Session, commune_id: str, new: Sequence[PlannedAiring], others: Sequence[PlannedAiring]
) -> list[Clash]:
    """Clashes of the new airings with others or each other, in order of time. One receiver lookup per target."""
    airings = sorted([*others, *new], key=lambda w: (w.starts_at, w.order))
    new_ids = {id(airing) for airing in new}
    reach = Reach(session, commune_id)
    result, current = [], list[PlannedAiring]()
    for airing in airings:
        current = [other for other in current if other.ends_at > airing.starts_at]
        for other in current:
            if id(airing) in new_ids or id(other) in new_ids:
                shared = reach(airing.targets) & reach(other.targets)
                if shared:
                    result.append(_clash(airing, other, tuple(sorted(shared))))
        current.append(airing)
    return result


def clashing(session: Session, commune_id: str, airings: Sequence[PlannedAiring]) -> set[tuple[str, datetime]]:
    """Order and start of each airing that clashes with any other; enough to mark them on a page."""
    reach = Reach(session, commune_id)
    shared: dict[tuple[int, int], bool] = {}
    marked: set[tuple[str, datetime]] = set()
    current = list[tuple[PlannedAiring, frozenset[str]]]()
    for airing in sorted(airings, key=lambda w: (w.starts_at, w.order)):
        current = [entry for entry in current if entry[0].ends_at > airing.starts_at]
        reached, key = reach(airing.targets), (airing.order, airing.starts_at)
        for other, others_reached in current:
            other_key = (other.order, other.starts_at)
            if key in marked and other_key in marked:
                continue
            pair = (id(reached), id(others_reached))
            if pair not in shared:
                shared[pair] = not reached.isdisjoint(others_reached)
            if shared[pair]:
                marked |= {key, other_key}
        current.append((airing, reached))
    return marked


def recurring_clashes(
    session: Session,
    commune_id: str,
    zone: ZoneInfo,
    new: RecurringAiring,
    others: Iterable[RecurringAiring],
    first: date,
    last: date,
) -> list[RecurringClash]:
    """Clashes of a recurring airing with others from the day `first` to `last`, at most one for each, in order of time.

    Computed by wall clock. On a day on which the clocks change, an overlap within the skipped or repeated hour may be
    wrong; `clashes` is exact.
    """
    reach, day = Reach(session, commune_id), timedelta(days=1)
    ours = days(new.rule, first - day, last)
    result = []
    for other in others:
        if not reach(new.airing.targets) & reach(other.airing.targets):
            continue
        theirs = days(other.rule, max(first - day, other.since), last)
        # An airing over midnight can meet one due on the next day.
        pairs = [
            (our_day, our_day + shift)
            for shift in _shifts(new, other)
            for our_day in sorted(set(ours) & {their_day - shift for their_day in theirs})
        ]
        met = _met(new, other, pairs)
        if met:
            our_day, their_day, our_time, their_time = met[0]
            shared = tuple(sorted(reach(new.airing.targets) & reach(other.airing.targets)))
            clash = _clash(_on(new, our_day, our_time, zone), _on(other, their_day, their_time, zone), shared)
            result.append(RecurringClash(clash, len({o for o, *_ in met})))
    return sorted(result, key=lambda m: min(m.first.winner.starts_at, m.first.loser.starts_at))


def _shifts(new: RecurringAiring, other: RecurringAiring) -> list[timedelta]:
    """By how many days the other's due day may differ: same day, and over midnight."""
    latest = datetime.combine(date.min, max(_all_times(new.rule))) + new.length
    theirs = datetime.combine(date.min, max(_all_times(other.rule))) + other.length
    shifts = [timedelta(0)] if _may_meet(new, other) else []
    if latest.date() > date.min:
        shifts.append(timedelta(days=1))
    if theirs.date() > date.min:
        shifts.append(timedelta(days=-1))
    return shifts


def _may_meet(new: RecurringAiring, other: RecurringAiring) -> bool:
    """Whether any of their times of day are close enough; excludes most pairs cheaply."""
    return any(
        _start(a) < _start(b) + other.length and _start(b) < _start(a) + new.length
        for a in _all_times(new.rule)
        for b in _all_times(other.rule)
    )


def _met(
    new: RecurringAiring, other: RecurringAiring, pairs: list[tuple[date, date]]
) -> list[tuple[date, date, time, time]]:
    """The day pairs on which they overlap, with the first overlapping times, in order."""
    # Times are the same on all days except in seasons, so each combination is computed once.
    computed: dict[tuple[int, int, int], tuple[time, time] | None] = {}
    overlaps = []
    for our_day, their_day in pairs:
        ours, theirs = new.rule.times_on(our_day), other.rule.times_on(their_day)
        key = (id(ours), id(theirs), (their_day - our_day).days)
        if key not in computed:
            computed[key] = _overlap(new, other, our_day, their_day)
        overlap = computed[key]
        if overlap is not None:
            overlaps.append((our_day, their_day, *overlap))
    return sorted(overlaps)


def _overlap(new: RecurringAiring, other: RecurringAiring, our_day: date, their_day: date) -> tuple[time, time] | None:
    """The first overlapping times of two days."""
    between = timedelta(days=(their_day - our_day).days)
    for a in new.rule.times_on(our_day):
        for b in other.rule.times_on(their_day):
            if _start(a) < between + _start(b) + other.length and between + _start(b) < _start(a) + new.length:
                return a, b
    return None


def _on(recurring: RecurringAiring, day: date, at: time, zone: ZoneInfo) -> PlannedAiring:
    start = datetime.combine(day, at, tzinfo=zone)
    return replace(recurring.airing, starts_at=start, ends_at=start + recurring.length)


def _all_times(rule: Rule) -> list[time]:
    return [*rule.times, *(at for season in rule.seasons for at in season.times)]


def _start(at: time) -> timedelta:
    return timedelta(hours=at.hour, minutes=at.minute, seconds=at.second)


def _clash(first: PlannedAiring, other: PlannedAiring, receivers: tuple[str, ...]) -> Clash:
    winner, loser = (first, other) if first.rank > other.rank else (other, first)
    if winner.starts_at <= loser.starts_at and winner.ends_at >= loser.ends_at:
        effect = ClashEffect.SILENT
    elif winner.starts_at > loser.starts_at and winner.ends_at < loser.ends_at:
        effect = ClashEffect.INTERRUPTED
    else:
        effect = ClashEffect.CUT
    return Clash(winner, loser, receivers, effect)
