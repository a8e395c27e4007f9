"""Noise budget: how many minutes sound in each zone on a day and in a week, and where that is too much."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlmodel import Session

from broadcast.broadcasts import Broadcast
from broadcast.on_air import between
from broadcast.play_reports import Audiences
from devices.communes import commune
from devices.receivers import Reach
from devices.zones import zones
from noise.noise_rules import NoiseRules, rules_of
from runtime.refusal import N_, Refusal
from wire.broadcasts import BroadcastClass, Targets

#: What is added up: this week and the four after it.
LOOKED_AT = timedelta(days=35)
_MINUTE = timedelta(minutes=1)

Stretch = tuple[datetime, datetime, Targets]


@dataclass(frozen=True)
class Overrun:
    """A day or a week with more minutes than are allowed. place: the zones' names, or the commune's.

    first: the day, or the week's Monday, in the commune's time.
    """

    place: str
    first: date
    week: bool
    minutes: int
    most: int
    refused: bool


def has_budget(session: Session, commune_id: str) -> bool:
    """Whether anything is limited at all: else nothing needs to be added up."""
    return any(row.minutes_a_day or row.minutes_a_week for row in rules_of(session, commune_id).values())


def overruns(session: Session, commune_id: str, new: list[Stretch], others: list[Stretch]) -> list[Overrun]:
    """The first day and the first week of each zone in which new stretches make it too much, beside the others.

    Both from whole weeks of the commune's time; an emergency counts for nothing and is in neither.
    """
    limits = [row for row in rules_of(session, commune_id).values() if row.minutes_a_day or row.minutes_a_week]
    where, who = commune(session, commune_id), Reach(session, commune_id)
    names = {z.id: z.name for z in zones(session, commune_id)}
    own = {row.zone_id for row in limits if row.zone_id}
    found = []
    for limit in limits:
        # A zone that has no limit of its own has the commune's.
        places = [limit.zone_id] if limit.zone_id else [z for z in names if z not in own] or [""]
        for place in places:
            members = who(Targets(zones=[place]) if place else Targets(all=True))
            ours = [s for s in new if who(s[2]) & members]
            if ours:
                theirs = [s for s in others if who(s[2]) & members]
                found += _too_much(limit, names.get(place) or where.name, ours, theirs, where.zone)
    return _joined(found)


def weeks_from(today: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """From the Monday of this week on, whole weeks ahead: what `overruns` is asked about."""
    monday = today - timedelta(days=today.weekday())
    return _midnight(monday, zone), _midnight(monday + LOOKED_AT, zone)


def check_budget(session: Session, made: Broadcast) -> None:
    """Of a broadcast that was just put on air, in the same transaction. Raises Refusal when a budget refuses it."""
    if made.broadcast_class is BroadcastClass.EMERGENCY or not has_budget(session, made.commune_id):
        return
    zone = commune(session, made.commune_id).zone
    since, _ = weeks_from(made.starts_at.astimezone(zone).date(), zone)
    meant = Audiences(session)
    others = [
        # What a former commune aired is for whom it was for then: its words of zones and of "all" are its own.
        (
            b.starts_at,
            b.sounds_until,
            b.audience if b.commune_id == made.commune_id else Targets(receivers=sorted(meant(b))),
        )
        for b in between(session, made.commune_id, since, since + timedelta(days=7))
        if b.id != made.id
        and b.withdrawn_at is None
        and not b.missed
        and b.broadcast_class is not BroadcastClass.EMERGENCY
    ]
    refuse(overruns(session, made.commune_id, [(made.starts_at, made.ends_at, made.audience)], others))


def refuse(found: Sequence[Overrun]) -> None:
    """Raises Refusal for the first that a budget refuses."""
    for one in found:
        if one.refused:
            if one.week:
                raise Refusal(
                    N_("In the week of {day}, {place} would hear {minutes} minutes; the limit is {most}."),
                    day=f"{one.first:%d/%m/%Y}",
                    place=one.place,
                    minutes=one.minutes,
                    most=one.most,
                )
            raise Refusal(
                N_("On {day}, {place} would hear {minutes} minutes; the limit is {most}."),
                day=f"{one.first:%d/%m/%Y}",
                place=one.place,
                minutes=one.minutes,
                most=one.most,
            )


def _too_much(
    limit: NoiseRules, place: str, ours: list[Stretch], theirs: list[Stretch], zone: ZoneInfo
) -> list[Overrun]:
    """Of one zone: its first day and its first week beyond the limit, of those that the new one sounds in."""
    minutes = _minutes_by_day([*ours, *theirs], zone)
    days = sorted({start.astimezone(zone).date() for start, _, _ in ours})
    found = []
    for most, week in ((limit.minutes_a_day, False), (limit.minutes_a_week, True)):
        for day in days if most else []:
            first = day - timedelta(days=day.weekday()) if week else day
            span = [first + timedelta(days=k) for k in range(7 if week else 1)]
            sum_minutes = sum(minutes.get(one, 0.0) for one in span)
            if most is not None and sum_minutes > most:
                found.append(Overrun(place, first, week, round(sum_minutes + 0.499), most, limit.refuses))
                break
    return found


def _joined(found: list[Overrun]) -> list[Overrun]:
    """What is the same of several zones is said once."""
    places: dict[Overrun, list[str]] = {}
    for one in found:
        places.setdefault(replace(one, place=""), []).append(one.place)
    return [replace(one, place=", ".join(named)) for one, named in places.items()]


def _minutes_by_day(stretches: list[Stretch], zone: ZoneInfo) -> dict[date, float]:
    """Minutes in which anything sounds, by the day on which it begins; what sounds at once counts once."""
    found: dict[date, float] = {}
    until: datetime | None = None
    for start, end, _ in sorted(stretches, key=lambda s: (s[0], s[1])):
        since = start if until is None else max(start, until)
        if end > since:
            day = start.astimezone(zone).date()
            found[day] = found.get(day, 0.0) + (end - since) / _MINUTE
            until = end
    return found


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone)
