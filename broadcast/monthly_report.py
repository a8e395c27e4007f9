"""Monthly report: a commune's month in figures, as it is reported to the province."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlalchemy import func
from sqlmodel import Session, and_, col, not_, or_, select

from broadcast.audiences import Audiences, MeantReceiver
from broadcast.broadcasts import Broadcast, BroadcastState, state
from broadcast.play_log import MOST_INSPECTED, LogFilter, aired_for, fields_of, play_log
from broadcast.play_reports import HeardCount, PlayReportRow, heard_counts, reported_cause, was_heard
from devices.communes import Commune
from devices.predecessors import lineage, moved_since
from devices.presence import PresenceChange
from devices.presence_states import PresenceState
from devices.provinces import province_name
from devices.receivers import Receiver
from wire.broadcasts import ClipItem
from wire.reports import Outcome

_IDS_A_QUERY = 500
_PARTLY = col(PlayReportRow.outcome) == Outcome.PARTLY.value


@dataclass(frozen=True)
class ReportedBroadcast:
    """A broadcast that sounded. minutes: that were on air."""

    broadcast: Broadcast
    minutes: float
    heard: HeardCount


@dataclass(frozen=True)
class UnheardBroadcast:
    """A broadcast that was not heard everywhere in full. causes: cause code → number of receivers."""

    broadcast: Broadcast
    heard: HeardCount
    causes: dict[str, int]


@dataclass(frozen=True)
class Availability:
    """Share of the month in which a receiver was connected: 0 to 1; None when it was never heard from."""

    receiver: MeantReceiver
    share: float | None


@dataclass
class ZoneFigures:
    """Broadcasts that addressed a zone or receivers in it. heard, meant: summed over broadcasts and receivers.

    name: as the zone was called then.
    """

    id: str
    name: str
    broadcasts: int = 0
    minutes: float = 0.0
    heard: int = 0
    meant: int = 0

    @property
    def heard_share(self) -> float | None:
        """0 to 1; None when no broadcast addressed the zone."""
        return self.heard / self.meant if self.meant else None


@dataclass(frozen=True)
class MonthlyReport:
    """first: the month's first day. until: the end of the month, or now.

    minutes_by_class, minutes_by_field: of aired broadcasts; chimes, pauses and live audio are in field 0, so both sums
    equal `minutes`. heard, meant: over all broadcasts and receivers; heard at least in part. played_share: of the audio
    that was due at the receivers that reported, 0 to 1, None without a report. by_zone: the zones that were addressed;
    zones may share receivers, so they do not add up to the total.
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
    played_share: float | None
    withdrawn: int
    by_zone: list[ZoneFigures]
    listed: list[ReportedBroadcast]
    not_fully_heard: list[UnheardBroadcast]
    availability: list[Availability]

    @property
    def heard_share(self) -> float | None:
        """0 to 1; None when no broadcast addressed a receiver."""
        return self.heard / self.meant if self.meant else None


def month_bounds(first: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """The start of the month and of the next one, by the commune's clock."""
    following = (first.replace(day=1) + timedelta(days=32)).replace(day=1)
    start, end = (datetime(day.year, day.month, 1, tzinfo=zone) for day in (first, following))
    return start, end


def monthly_report(session: Session, commune: Commune, first: date, now: datetime) -> MonthlyReport:
    """For the month that begins on `first`, up to now."""
    start, end = month_bounds(first, commune.zone)
    until = min(end, now)
    logged = play_log(session, commune.id, now, LogFilter(since=start, until=end), limit=MOST_INSPECTED)[::-1]
    aired = [b for b in logged if b.withdrawn_at is None and not b.missed]
    seconds: dict[str, float] = {}
    for b in aired:
        seconds[b.class_] = seconds.get(b.class_, 0.0) + aired_for(b, now).total_seconds()
    heard: dict[str, HeardCount] = {}
    audiences = Audiences(session, aired)
    for k in range(0, len(logged), _IDS_A_QUERY):
        heard |= heard_counts(session, logged[k : k + _IDS_A_QUERY])
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
        played_share=_played_share(session, [b.id for b in aired]),
        withdrawn=sum(b.withdrawn_at is not None for b in logged),
        by_zone=_by_zone(session, commune.id, aired, audiences, now),
        listed=[ReportedBroadcast(b, aired_for(b, now).total_seconds() / 60, heard[b.id]) for b in aired],
        not_fully_heard=_unheard(session, logged, heard, now),
        availability=_availability(session, commune, _called(aired, audiences), start, until),
    )


def _unheard(
    session: Session, logged: list[Broadcast], heard: dict[str, HeardCount], now: datetime
) -> list[UnheardBroadcast]:
    """Broadcasts not heard everywhere in full, with the causes; receivers without a report count as no_report."""
    partly = _partly_played(session, [b.id for b in logged])
    unheard = [
        b
        for b in logged
        if b.withdrawn_at is None
        and state(b, now) is not BroadcastState.ON_AIR
        and (heard[b.id].heard < heard[b.id].meant or b.id in partly or b.sounds_until < b.ends_at)
    ]
    causes: dict[str, Counter[str]] = {b.id: Counter() for b in unheard}
    query = select(PlayReportRow.broadcast_id, reported_cause()).where(or_(not_(was_heard()), _PARTLY))
    for k in range(0, len(unheard), _IDS_A_QUERY):
        for broadcast_id, cause in session.exec(
            query.where(col(PlayReportRow.broadcast_id).in_([b.id for b in unheard[k : k + _IDS_A_QUERY]]))
        ):
            causes[broadcast_id][cause or Outcome.PARTLY.value] += 1
    for b in unheard:
        if b.sounds_until < b.ends_at and heard[b.id].heard:
            causes[b.id][b.cause or BroadcastState.STOPPED.value] += heard[b.id].heard
        unreported = heard[b.id].meant - heard[b.id].reported
        if unreported:
            causes[b.id][b.cause or "no_report"] += unreported
    return [UnheardBroadcast(b, heard[b.id], dict(causes[b.id].most_common())) for b in unheard]


def _partly_played(session: Session, ids: Sequence[str]) -> set[str]:
    query, partly = select(PlayReportRow.broadcast_id).where(_PARTLY).distinct(), set[str]()
    for k in range(0, len(ids), _IDS_A_QUERY):
        partly.update(session.exec(query.where(col(PlayReportRow.broadcast_id).in_(ids[k : k + _IDS_A_QUERY]))))
    return partly


def _played_share(session: Session, ids: Sequence[str]) -> float | None:
    played = due = 0
    for k in range(0, len(ids), _IDS_A_QUERY):
        row = session.exec(
            select(func.sum(PlayReportRow.frames_played), func.sum(PlayReportRow.frames_due)).where(
                col(PlayReportRow.broadcast_id).in_(ids[k : k + _IDS_A_QUERY])
            )
        ).one()
        played, due = played + int(row[0] or 0), due + int(row[1] or 0)
    return min(1.0, played / due) if due else None


def _by_zone(
    session: Session, commune_id: str, aired: Sequence[Broadcast], audiences: Audiences, now: datetime
) -> list[ZoneFigures]:
    """By name, as the zones and their receivers were when each broadcast started."""
    heard_by, figures = _heard_by_receiver(session, [b.id for b in aired]), dict[str, ZoneFigures]()
    for b in aired:
        audience, reports = audiences.of(b), heard_by[b.id]
        # Zones of several former communes have the same names.
        former = session.get(Commune, b.commune_id) if b.commune_id != commune_id else None
        former_name = f" ({former.name})" if former is not None else ""
        receivers, heard = Counter[str](), Counter[str]()
        for r in audience.receivers:
            receivers.update(r.zones)
            heard.update(r.zones if reports.get(r.id) else ())
        for zone_id, count in receivers.items():
            zone_figures = figures.setdefault(zone_id, ZoneFigures(zone_id, ""))
            zone_figures.name = audience.names.get(zone_id, zone_id) + former_name
            zone_figures.broadcasts += 1
            zone_figures.minutes += aired_for(b, now).total_seconds() / 60
            zone_figures.heard, zone_figures.meant = zone_figures.heard + heard[zone_id], zone_figures.meant + count
    return sorted(figures.values(), key=lambda zone_figures: (zone_figures.name, zone_figures.id))


def _called(aired: Sequence[Broadcast], audiences: Audiences) -> dict[str, MeantReceiver]:
    """Receivers as the last broadcast that meant them knew them, by id."""
    return {r.id: r for b in aired for r in audiences.of(b).receivers}


def _heard_by_receiver(session: Session, ids: Sequence[str]) -> dict[str, dict[str, bool]]:
    """Broadcast id → receiver id → whether it was heard there."""
    heard_by: dict[str, dict[str, bool]] = defaultdict(dict)
    query = select(PlayReportRow.broadcast_id, PlayReportRow.receiver_id, was_heard())
    for k in range(0, len(ids), _IDS_A_QUERY):
        rows = session.exec(query.where(col(PlayReportRow.broadcast_id).in_(ids[k : k + _IDS_A_QUERY])))
        for broadcast_id, receiver_id, heard in rows:
            heard_by[broadcast_id][receiver_id] = bool(heard)
    return heard_by


def _minutes_by_field(session: Session, aired: Sequence[Broadcast], now: datetime) -> dict[int, float]:
    fields, us_by_field = fields_of(session, aired), Counter[int]()
    for b in aired:
        whole_us, named_us = aired_for(b, now) // timedelta(microseconds=1), 0
        for item in b.playlist:
            if isinstance(item, ClipItem) and item.clip in fields[b.id]:
                part_us = max(0, min(item.offset_us + item.duration_us, whole_us) - item.offset_us)
                us_by_field[fields[b.id][item.clip]] += part_us
                named_us += part_us
        us_by_field[0] += whole_us - named_us
    return {field: us / 60e6 for field, us in sorted(us_by_field.items()) if us > 0}


def _availability(
    session: Session, commune: Commune, called: dict[str, MeantReceiver], start: datetime, until: datetime
) -> list[Availability]:
    """Of the receivers that were in service in the month and of the commune, or of a predecessor, at its end.

    From the presence changes of the month and the last one before it; LATE counts as connected. called: their names of
    then, where known.
    """
    in_service = or_(col(Receiver.retired_at).is_(None), col(Receiver.retired_at) > start)
    moved, ancestors = moved_since(session, until), lineage(session, commune.id)
    known = [
        r
        for r in session.exec(select(Receiver).where(in_service))
        if any(
            ancestor.commune_id == (moved[r.id].commune_id if r.id in moved else r.commune_id) and ancestor.has(start)
            for ancestor in ancestors
        )
    ]
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
    availabilities = [
        Availability(
            called.get(r.id) or MeantReceiver(r.id, r.name, r.place, []),
            _share(changes.get(r.id, []), start, min(until, r.retired_at or until)),
        )
        for r in known
        if r.created_at < until or r.id in changes
    ]
    return sorted(availabilities, key=lambda availability: (availability.receiver.name, availability.receiver.id))


def _share(changes: list[PresenceChange], start: datetime, until: datetime) -> float | None:
    """Counted from when the receiver was first heard from, or the start of the month; None when never."""
    known = [c for c in changes if c.state != PresenceState.NEW]
    if not known or until <= start:
        return None
    since = max(start, known[0].at)
    connected = timedelta(0)
    ends = [*(c.at for c in known[1:]), until]
    for change, end in zip(known, ends, strict=True):
        if change.state in (PresenceState.ONLINE, PresenceState.LATE):
            connected += max(timedelta(0), min(end, until) - max(change.at, since))
    return connected / (until - since) if until > since else None
