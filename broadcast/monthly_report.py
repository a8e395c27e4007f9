"""The month of a commune in figures, as it reports them to its province."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, not_, select

from broadcast.on_air import Broadcast, BroadcastState, state
from broadcast.play_log import MOST_LOOKED_AT, Filter, fields_of, play_log
from broadcast.play_reports import Heard, PlayReportRow, heard_at, heard_there
from devices.communes import Commune
from devices.presence import PresenceChange, PresenceState
from devices.receivers import Receiver, receivers
from wire.broadcasts import ClipItem

_MINUTE = timedelta(minutes=1)


@dataclass(frozen=True)
class Line:
    """One broadcast that did not sound, or not everywhere. causes: words of `web.words`, at how many places each."""

    broadcast: Broadcast
    heard: Heard
    causes: dict[str, int]


@dataclass(frozen=True)
class Availability:
    """How much of the month one receiver was connected. share: 0 to 1; None when it was never heard."""

    receiver: Receiver
    share: float | None


@dataclass(frozen=True)
class MonthlyReport:
    """first: the month's first day. until: the instant up to which it counts: the month's end, or now.

    minutes_by_class, minutes_by_field: of what went out; chimes, pauses and live sound are in field 0, so that both
    sums are `minutes`. heard, meant: over all broadcasts and receivers.
    """

    commune: Commune
    first: date
    until: datetime
    broadcasts: int
    minutes: float
    minutes_by_class: dict[str, float]
    broadcasts_by_class: dict[str, int]
    minutes_by_field: dict[int, float]
    heard: int
    meant: int
    withdrawn: int
    lacking: list[Line]
    availability: list[Availability]

    @property
    def heard_share(self) -> float | None:
        """0 to 1; None when nothing was meant for anybody."""
        return self.heard / self.meant if self.meant else None


def month_bounds(first: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The instants at which a month begins and the next one does, by the commune's clock."""
    following = (first.replace(day=1) + timedelta(days=32)).replace(day=1)
    start, end = (datetime(day.year, day.month, 1, tzinfo=zone) for day in (first, following))
    return start, end


def monthly_report(session: Session, commune: Commune, first: date, now: datetime) -> MonthlyReport:
    """Of the month that begins on `first`, as far as it has come."""
    start, end = month_bounds(first, commune.zone)
    until = min(end, now)
    found = play_log(session, commune.id, now, Filter(since=start, until=end), limit=MOST_LOOKED_AT)[::-1]
    aired = [b for b in found if b.withdrawn_at is None and not b.missed]
    seconds: dict[str, float] = {}
    for b in aired:
        seconds[b.class_] = seconds.get(b.class_, 0.0) + _seconds(b)
    heard: dict[str, Heard] = {}
    for k in range(0, len(found), 500):
        heard |= heard_at(session, found[k : k + 500])
    return MonthlyReport(
        commune=commune, first=first.replace(day=1), until=until, broadcasts=len(aired),
        minutes=sum(seconds.values()) / 60,
        minutes_by_class={name: total / 60 for name, total in seconds.items()},
        broadcasts_by_class=dict(Counter(b.class_ for b in aired)),
        minutes_by_field=_minutes_by_field(session, aired),
        heard=sum(heard[b.id].heard for b in aired), meant=sum(heard[b.id].meant for b in aired),
        withdrawn=sum(b.withdrawn_at is not None for b in found),
        lacking=_lacking(session, found, heard, now),
        availability=_availability(session, receivers(session, commune.id), start, until),
    )  # fmt: skip


def _lacking(session: Session, found: list[Broadcast], heard: dict[str, Heard], now: datetime) -> list[Line]:
    """Of whom nothing was heard, and why: what receivers told, what stopped it, and the rest without a report."""
    those = [
        b
        for b in found
        if b.withdrawn_at is None and state(b, now) is not BroadcastState.ON_AIR
        and heard[b.id].heard < heard[b.id].meant
    ]  # fmt: skip
    told: dict[str, Counter[str]] = {b.id: Counter() for b in those}
    query = select(PlayReportRow.broadcast_id, PlayReportRow.cause).where(not_(heard_there()))
    for k in range(0, len(those), 500):
        for broadcast_id, cause in session.exec(
            query.where(col(PlayReportRow.broadcast_id).in_([b.id for b in those[k : k + 500]]))
        ):
            told[broadcast_id][cause] += 1
    for b in those:
        rest = heard[b.id].meant - heard[b.id].reported
        if rest:
            told[b.id][b.cause or "no_report"] += rest
    return [Line(b, heard[b.id], dict(told[b.id].most_common())) for b in those]


def _seconds(b: Broadcast) -> float:
    return max(0.0, (b.sounds_until - b.starts_at).total_seconds())


def _minutes_by_field(session: Session, aired: Sequence[Broadcast]) -> dict[int, float]:
    fields, found = fields_of(session, aired), Counter[int]()
    for b in aired:
        whole_us, named_us = round(_seconds(b) * 1e6), 0
        for item in b.what:
            if isinstance(item, ClipItem) and item.clip in fields:
                part_us = max(0, min(item.offset_us + item.duration_us, whole_us) - item.offset_us)
                found[fields[item.clip]] += part_us
                named_us += part_us
        found[0] += whole_us - named_us
    return {field: us / 60e6 for field, us in sorted(found.items()) if us > 0}


def _availability(session: Session, known: list[Receiver], start: datetime, until: datetime) -> list[Availability]:
    """By the changes of presence that were written down; late counts as connected. One query."""
    ids = {r.id for r in known}
    query = select(PresenceChange).where(col(PresenceChange.at) < until)
    changes: dict[str, list[PresenceChange]] = {}
    for change in session.exec(query.order_by(col(PresenceChange.at), col(PresenceChange.id))):
        if change.receiver_id in ids:
            changes.setdefault(change.receiver_id, []).append(change)
    return [Availability(r, _share(changes.get(r.id, []), start, until)) for r in known]


def _share(changes: list[PresenceChange], start: datetime, until: datetime) -> float | None:
    """Since when it was first heard, or since the month began; None when never."""
    heard = [c for c in changes if c.state != PresenceState.NEW]
    if not heard or until <= start:
        return None
    since = max(start, heard[0].at)
    there = timedelta(0)
    ends = [*(c.at for c in heard[1:]), until]
    for change, end in zip(heard, ends, strict=True):
        if change.state in (PresenceState.ONLINE, PresenceState.LATE):
            there += max(timedelta(0), min(end, until) - max(change.at, since))
    return there / (until - since) if until > since else None
