"""Clashes: what else is planned for the same receivers at the same time, and who sounds."""

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
from wire.broadcasts import BroadcastClass, Targets
from wire.precedence import Precedence, precedence_of


class ClashEffect(StrEnum):
    """What becomes of the one that does not sound while both want to."""

    CUT = "cut"  # its beginning or its end is lost
    INTERRUPTED = "interrupted"  # silent in the middle, then on where it would have been
    SILENT = "silent"  # nothing of it is left


@dataclass(frozen=True)
class Airing:
    """Somebody wants to sound. order: tells apart two of one class and start, as the receivers do (the id)."""

    title: str
    class_: BroadcastClass
    precedence: int
    starts_at: datetime
    ends_at: datetime
    targets: Targets
    order: str = ""

    @property
    def rank(self) -> Precedence:
        """Of two wishes the one with the larger rank sounds."""
        return precedence_of(self.class_, self.precedence, to_us(self.starts_at), self.order)


@dataclass(frozen=True)
class Clash:
    """Two wishes that meet. fate: of the loser."""

    winner: Airing
    loser: Airing
    receivers: tuple[str, ...]
    effect: ClashEffect


@dataclass(frozen=True)
class RecurringAiring:
    """Somebody wants to sound again and again. wish: whose instants do not count, but its length."""

    rule: Rule
    airing: Airing

    @property
    def length(self) -> timedelta:
        """How long it sounds each time."""
        return self.airing.ends_at - self.airing.starts_at


@dataclass(frozen=True)
class RecurringClash:
    """Two that recur and meet on some days. first: the clash of the first of them. days: on how many."""

    first: Clash
    days: int


def airings_of(due: Iterable[Occurrence]) -> list[Airing]:
    """Due instants of the timetable as wishes, in their order. What a schedule says is read once, not each time."""
    known: dict[int, tuple[str, BroadcastClass, int, Targets, str]] = {}
    found = []
    for one in due:
        key = id(one.schedule)
        if key not in known:
            of = one.schedule
            known[key] = (
                of.title or one.programme.title,
                of.broadcast_class,
                of.precedence,
                of.audience,
                order_key(of.number),
            )
        title, class_, precedence, targets, order = known[key]
        found.append(Airing(title, class_, precedence, one.starts_at, one.ends_at, targets, order))
    return found


def clashes(session: Session, commune_id: str, new: Sequence[Airing], others: Sequence[Airing]) -> list[Clash]:
    """Where the new wishes meet others or one another, in order of time. Receivers are looked up once a target."""
    everything = sorted([*others, *new], key=lambda w: (w.starts_at, w.order))
    chosen = {id(wish) for wish in new}
    who = Reach(session, commune_id)
    found, open_now = [], list[Airing]()
    for wish in everything:
        open_now = [other for other in open_now if other.ends_at > wish.starts_at]
        for other in open_now:
            if id(wish) in chosen or id(other) in chosen:
                shared = who(wish.targets) & who(other.targets)
                if shared:
                    found.append(_clash(wish, other, tuple(sorted(shared))))
        open_now.append(wish)
    return found


def clashing(session: Session, commune_id: str, wishes: Sequence[Airing]) -> set[tuple[str, datetime]]:
    """Which of them meet any other, by order and start: what a page marks, without saying whom."""
    who = Reach(session, commune_id)
    shared: dict[tuple[int, int], bool] = {}
    found: set[tuple[str, datetime]] = set()
    open_now = list[tuple[Airing, frozenset[str]]]()
    for wish in sorted(wishes, key=lambda w: (w.starts_at, w.order)):
        open_now = [one for one in open_now if one[0].ends_at > wish.starts_at]
        reached, key = who(wish.targets), (wish.order, wish.starts_at)
        for other, others_reached in open_now:
            other_key = (other.order, other.starts_at)
            if key in found and other_key in found:
                continue
            both = (id(reached), id(others_reached))
            if both not in shared:
                shared[both] = not reached.isdisjoint(others_reached)
            if shared[both]:
                found |= {key, other_key}
        open_now.append((wish, reached))
    return found


def recurring_clashes(
    session: Session,
    commune_id: str,
    zone: ZoneInfo,
    new: RecurringAiring,
    others: Iterable[RecurringAiring],
    first: date,
    last: date,
) -> list[RecurringClash]:
    """Where one that recurs meets others from the day `first` to `last`, each other at most once, in order of time.

    By the wall clock, which both share: on a day on which a zone's clocks change, an overlap within the hour that is
    skipped or comes twice may be told wrongly; `clashes` tells it rightly, instant by instant.
    """
    who, day = Reach(session, commune_id), timedelta(days=1)
    ours = days(new.rule, first - day, last)
    found = []
    for other in others:
        if not who(new.airing.targets) & who(other.airing.targets):
            continue
        theirs = days(other.rule, first - day, last)
        # What sounds over midnight meets what is due on the day after.
        pairs = [
            (our_day, our_day + shift)
            for shift in _shifts(new, other)
            for our_day in sorted(set(ours) & {their_day - shift for their_day in theirs})
        ]
        met = _met(new, other, pairs)
        if met:
            our_day, their_day, our_time, their_time = met[0]
            shared = tuple(sorted(who(new.airing.targets) & who(other.airing.targets)))
            clash = _clash(_on(new, our_day, our_time, zone), _on(other, their_day, their_time, zone), shared)
            found.append(RecurringClash(clash, len({o for o, *_ in met})))
    return sorted(found, key=lambda m: min(m.first.winner.starts_at, m.first.loser.starts_at))


def _shifts(new: RecurringAiring, other: RecurringAiring) -> list[timedelta]:
    """By how many days the other's may lie apart from ours and meet it: the same day, and over midnight."""
    latest = datetime.combine(date.min, max(_all_times(new.rule))) + new.length
    theirs = datetime.combine(date.min, max(_all_times(other.rule))) + other.length
    shifts = [timedelta(0)] if _may_meet(new, other) else []
    if latest.date() > date.min:
        shifts.append(timedelta(days=1))
    if theirs.date() > date.min:
        shifts.append(timedelta(days=-1))
    return shifts


def _may_meet(new: RecurringAiring, other: RecurringAiring) -> bool:
    """Whether any of their times of day are close enough; most are not, and cost nothing more."""
    return any(
        _start(a) < _start(b) + other.length and _start(b) < _start(a) + new.length
        for a in _all_times(new.rule)
        for b in _all_times(other.rule)
    )


def _met(
    new: RecurringAiring, other: RecurringAiring, pairs: list[tuple[date, date]]
) -> list[tuple[date, date, time, time]]:
    """Of these days of ours and theirs those on which they meet, with the first times at which they do, in order."""
    # The times of all days but for seasons are the same: what they give is worked out once.
    known: dict[tuple[int, int, int], tuple[time, time] | None] = {}
    found = []
    for our_day, their_day in pairs:
        ours, theirs = new.rule.times_on(our_day), other.rule.times_on(their_day)
        key = (id(ours), id(theirs), (their_day - our_day).days)
        if key not in known:
            known[key] = _overlap(new, other, our_day, their_day)
        hit = known[key]
        if hit is not None:
            found.append((our_day, their_day, *hit))
    return sorted(found)


def _overlap(new: RecurringAiring, other: RecurringAiring, our_day: date, their_day: date) -> tuple[time, time] | None:
    """The first times of two days at which they meet."""
    between = timedelta(days=(their_day - our_day).days)
    for a in new.rule.times_on(our_day):
        for b in other.rule.times_on(their_day):
            if _start(a) < between + _start(b) + other.length and between + _start(b) < _start(a) + new.length:
                return a, b
    return None


def _on(recurring: RecurringAiring, day: date, at: time, zone: ZoneInfo) -> Airing:
    start = datetime.combine(day, at, tzinfo=zone)
    return replace(recurring.airing, starts_at=start, ends_at=start + recurring.length)


def _all_times(rule: Rule) -> list[time]:
    return [*rule.times, *(at for season in rule.seasons for at in season.times)]


def _start(at: time) -> timedelta:
    return timedelta(hours=at.hour, minutes=at.minute, seconds=at.second)


def _clash(one: Airing, other: Airing, receivers: tuple[str, ...]) -> Clash:
    winner, loser = (one, other) if one.rank > other.rank else (other, one)
    if winner.starts_at <= loser.starts_at and winner.ends_at >= loser.ends_at:
        fate = ClashEffect.SILENT
    elif winner.starts_at > loser.starts_at and winner.ends_at < loser.ends_at:
        fate = ClashEffect.INTERRUPTED
    else:
        fate = ClashEffect.CUT
    return Clash(winner, loser, receivers, fate)
