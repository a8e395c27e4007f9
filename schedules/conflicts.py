"""Clashes: what else is planned for the same receivers at the same time, and who sounds."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlmodel import Session

from devices.receivers import reached_by
from schedules.timetable import Occurrence
from wire.broadcasts import RANK, BroadcastClass, Targets


class Fate(StrEnum):
    """What becomes of the one that does not sound while both want to."""

    CUT = "cut"  # its beginning or its end is lost
    INTERRUPTED = "interrupted"  # silent in the middle, then on where it would have been
    SILENT = "silent"  # nothing of it is left


@dataclass(frozen=True)
class Wish:
    """Somebody wants to sound. order: tells apart two of one class and start, as the receivers do (the id)."""

    title: str
    class_: BroadcastClass
    precedence: int
    starts_at: datetime
    ends_at: datetime
    targets: Targets
    order: str = ""

    @property
    def strength(self) -> tuple[int, int, datetime, str]:
        """The larger sounds: class, precedence, the later start, the id. The same rule as the receiver's ladder."""
        return (RANK[self.class_], self.precedence, self.starts_at, self.order)


@dataclass(frozen=True)
class Clash:
    """Two wishes that meet. fate: of the loser."""

    winner: Wish
    loser: Wish
    receivers: tuple[str, ...]
    fate: Fate


def wish_of_occurrence(due: Occurrence) -> Wish:
    """A due instant of the timetable as a wish."""
    return Wish(
        due.schedule.title or due.programme.title, due.schedule.broadcast_class, due.schedule.precedence,
        due.starts_at, due.ends_at, due.schedule.meant_for, f"schedule {due.schedule.number}",
    )  # fmt: skip


def clashes(session: Session, commune_id: str, new: Sequence[Wish], others: Sequence[Wish]) -> list[Clash]:
    """Where the new wishes meet others or one another, in order of time. Receivers are looked up once a target."""
    everything = sorted([*others, *new], key=lambda w: (w.starts_at, w.order))
    chosen = {id(wish) for wish in new}
    reached: dict[str, frozenset[str]] = {}

    def who(targets: Targets) -> frozenset[str]:
        key = repr(targets)
        if key not in reached:
            reached[key] = frozenset(r.id for r in reached_by(session, commune_id, targets))
        return reached[key]

    found, open_now = [], list[Wish]()
    for wish in everything:
        open_now = [other for other in open_now if other.ends_at > wish.starts_at]
        for other in open_now:
            if id(wish) in chosen or id(other) in chosen:
                shared = who(wish.targets) & who(other.targets)
                if shared:
                    found.append(_clash(wish, other, tuple(sorted(shared))))
        open_now.append(wish)
    return found


def _clash(one: Wish, other: Wish, receivers: tuple[str, ...]) -> Clash:
    winner, loser = (one, other) if one.strength > other.strength else (other, one)
    if winner.starts_at <= loser.starts_at and winner.ends_at >= loser.ends_at:
        fate = Fate.SILENT
    elif winner.starts_at > loser.starts_at and winner.ends_at < loser.ends_at:
        fate = Fate.INTERRUPTED
    else:
        fate = Fate.CUT
    return Clash(winner, loser, receivers, fate)
