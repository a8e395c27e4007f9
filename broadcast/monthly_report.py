"""The month of a commune in figures, as it reports them to its province."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func
from sqlmodel import Session, and_, col, not_, or_, select

from broadcast.broadcasts import Broadcast, BroadcastState, state
from broadcast.play_log import MOST_LOOKED_AT, LogFilter, aired_for, fields_of, play_log
from broadcast.play_reports import Audiences, HeardCount, PlayReportRow, heard_counts, reported_cause, was_heard
from devices.communes import Commune
from devices.presence import PresenceChange, PresenceState
from devices.provinces import province_name
from devices.receivers import Receiver, receivers
from devices.zones import Zone, zones, zones_of_all
from wire.broadcasts import ClipItem

_AT_ONCE = 500


@dataclass(frozen=True)
class UnheardBroadcast:
    """One broadcast that did not sound, or not everywhere. causes: cause codes → number of places."""

    broadcast: Broadcast
    heard: HeardCount
    causes: dict[str, int]


@dataclass(frozen=True)
class Availability:
    """How much of the month one receiver was connected. share: 0 to 1; None when it was never heard."""

    receiver: Receiver
    share: float | None


@dataclass
class ZoneFigures:
    """What was meant for a zone, or for some in it. heard, meant: over its broadcasts and receivers."""

    zone: Zone
    broadcasts: int = 0
    minutes: float = 0.0
    heard: int = 0
    meant: int = 0

    @property
    def heard_share(self) -> float | None:
        """0 to 1; None when nothing was meant for anybody in it."""
        return self.heard / self.meant if self.meant else None


@dataclass(frozen=True)
class MonthlyReport:
    """first: the month's first day. until: the instant up to which it counts: the month's end, or now.

    minutes_by_class, minutes_by_field: of what went out; chimes, pauses and live sound are in field 0, so that both
    sums are `minutes`. heard, meant: over all broadcasts and receivers. by_zone: by today's zones, which may share
    receivers, so that they do not add up to the whole.
    """

    commune: Commune
    province: str
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
    by_zone: list[ZoneFigures]
    not_fully_heard: list[UnheardBroadcast]
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
    found = play_log(session, commune.id, now, LogFilter(since=start, until=end), limit=MOST_LOOKED_AT)[::-1]
    aired = [b for b in found if b.withdrawn_at is None and not b.missed]
    seconds: dict[str, float] = {}
    for b in aired:
        seconds[b.class_] = seconds.get(b.class_, 0.0) + aired_for(b, now).total_seconds()
    heard: dict[str, HeardCount] = {}
    for k in range(0, len(found), _AT_ONCE):
        heard |= heard_counts(session, found[k : k + _AT_ONCE])
    return MonthlyReport(
        commune=commune,
        province=province_name(session, commune.province_id),
        first=first.replace(day=1),
        until=until,
        broadcasts=len(aired),
        minutes=sum(seconds.values()) / 60,
        minutes_by_class={name: total / 60 for name, total in seconds.items()},
        broadcasts_by_class=dict(Counter(b.class_ for b in aired)),
        minutes_by_field=_minutes_by_field(session, aired, now),
        heard=sum(heard[b.id].heard for b in aired),
        meant=sum(heard[b.id].meant for b in aired),
        withdrawn=sum(b.withdrawn_at is not None for b in found),
        by_zone=_by_zone(session, commune.id, aired, now),
        not_fully_heard=_lacking(session, found, heard, now),
        availability=_availability(session, receivers(session, commune.id), start, until),
    )


def _lacking(
    session: Session, found: list[Broadcast], heard: dict[str, HeardCount], now: datetime
) -> list[UnheardBroadcast]:
    """Of whom nothing was heard, and why: what receivers told, what stopped it, and the rest without a report."""
    those = [
        b
        for b in found
        if b.withdrawn_at is None
        and state(b, now) is not BroadcastState.ON_AIR
        and heard[b.id].heard < heard[b.id].meant
    ]
    told: dict[str, Counter[str]] = {b.id: Counter() for b in those}
    query = select(PlayReportRow.broadcast_id, reported_cause()).where(not_(was_heard()))
    for k in range(0, len(those), _AT_ONCE):
        for broadcast_id, cause in session.exec(
            query.where(col(PlayReportRow.broadcast_id).in_([b.id for b in those[k : k + _AT_ONCE]]))
        ):
            told[broadcast_id][cause] += 1
    for b in those:
        rest = heard[b.id].meant - heard[b.id].reported
        if rest:
            told[b.id][b.cause or "no_report"] += rest
    return [UnheardBroadcast(b, heard[b.id], dict(told[b.id].most_common())) for b in those]


def _by_zone(session: Session, commune_id: str, aired: Sequence[Broadcast], now: datetime) -> list[ZoneFigures]:
    """The number of queries grows by one with every 500 broadcasts."""
    known = [r.id for r in receivers(session, commune_id)]
    member, told = zones_of_all(session, known), _told(session, [b.id for b in aired])
    found, who = {zone.id: ZoneFigures(zone) for zone in zones(session, commune_id)}, Audiences(session)
    for b in aired:
        there, said = who(b), told[b.id]
        meant, heard = Counter[str](), Counter[str]()
        for r in known:
            if r in said or r in there:
                meant.update(member[r])
                heard.update(member[r] if said.get(r) else ())
        for zone_id, count in meant.items():
            line = found[zone_id]
            line.broadcasts += 1
            line.minutes += aired_for(b, now).total_seconds() / 60
            line.heard, line.meant = line.heard + heard[zone_id], line.meant + count
    return list(found.values())


def _told(session: Session, ids: Sequence[str]) -> dict[str, dict[str, bool]]:
    """Whether it was heard, of each broadcast by each receiver that reported."""
    told: dict[str, dict[str, bool]] = defaultdict(dict)
    query = select(PlayReportRow.broadcast_id, PlayReportRow.receiver_id, was_heard())
    for k in range(0, len(ids), _AT_ONCE):
        rows = session.exec(query.where(col(PlayReportRow.broadcast_id).in_(ids[k : k + _AT_ONCE])))
        for broadcast_id, receiver_id, heard in rows:
            told[broadcast_id][receiver_id] = bool(heard)
    return told


def _minutes_by_field(session: Session, aired: Sequence[Broadcast], now: datetime) -> dict[int, float]:
    fields, found = fields_of(session, aired), Counter[int]()
    for b in aired:
        whole_us, named_us = aired_for(b, now) // timedelta(microseconds=1), 0
        for item in b.playlist:
            if isinstance(item, ClipItem) and item.clip in fields:
                part_us = max(0, min(item.offset_us + item.duration_us, whole_us) - item.offset_us)
                found[fields[item.clip]] += part_us
                named_us += part_us
        found[0] += whole_us - named_us
    return {field: us / 60e6 for field, us in sorted(found.items()) if us > 0}


def _availability(session: Session, known: list[Receiver], start: datetime, until: datetime) -> list[Availability]:
    """By the changes of presence of that month, and the last before it; late counts as connected. One query."""
    ours = col(PresenceChange.receiver_id).in_([r.id for r in known])
    before = (
        select(func.max(PresenceChange.id))
        .where(ours, col(PresenceChange.at) < start)
        .group_by(col(PresenceChange.receiver_id))
    )
    within = and_(col(PresenceChange.at) >= start, col(PresenceChange.at) < until)
    query = select(PresenceChange).where(ours, or_(col(PresenceChange.id).in_(before), within))
    changes: dict[str, list[PresenceChange]] = {}
    for change in session.exec(query.order_by(col(PresenceChange.at), col(PresenceChange.id))):
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
