"""Noise budget: minutes of sound in each zone on a day and in a week, compared with the limits."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from sqlmodel import Session

from broadcast.audiences import Audiences
from broadcast.broadcasts import Broadcast
from broadcast.on_air import between
from devices.communes import commune
from devices.receivers import Reach
from devices.zones import zones
from noise.noise_rules import NoiseRules, rules_of
from runtime.refusal import N_, Refusal
from wire.broadcasts import BroadcastClass, Targets

#: The period that is summed up: this week and the four after it.
LOOKED_AT = timedelta(days=35)
_MINUTE = timedelta(minutes=1)

Stretch = tuple[datetime, datetime, Targets]


@dataclass(frozen=True)
class Overrun:
    """A day or a week with more minutes than allowed. place: names of zones, or the commune's.

    first: the day, or the week's Monday, in the commune's time.
    """

    place: str
    first: date
    week: bool
    minutes: int
    most: int
    refused: bool


def has_budget(session: Session, commune_id: str) -> bool:
    """Whether the commune limits anything; otherwise nothing needs to be summed up."""
    return any(row.minutes_a_day or row.minutes_a_week for row in rules_of(session, commune_id).values())


def overruns(session: Session, commune_id: str, new: list[Stretch], others: list[Stretch]) -> list[Overrun]:
    """The first day and the first week of each zone that the new stretches bring above a limit, together with the
    others.

    Both lists cover whole weeks of the commune's time, without emergencies.
    """
    limits = [row for row in rules_of(session, commune_id).values() if row.minutes_a_day or row.minutes_a_week]
    row, reach = commune(session, commune_id), Reach(session, commune_id)
    names = {z.id: z.name for z in zones(session, commune_id)}
    zones_with_limit = {row.zone_id for row in limits if row.zone_id}
    result = []
    for limit in limits:
        # The commune's limit applies to zones without one.
        places = [limit.zone_id] if limit.zone_id else [z for z in names if z not in zones_with_limit] or [""]
        for place in places:
            members = reach(Targets(zones=[place]) if place else Targets(all=True))
            new_here = [s for s in new if reach(s[2]) & members]
            if new_here:
                others_here = [s for s in others if reach(s[2]) & members]
                result += _too_much(limit, names.get(place) or row.name, new_here, others_here, row.zone)
    return _joined(result)


def weeks_from(today: date, zone: ZoneInfo) -> tuple[datetime, datetime]:
    """Whole weeks from this week's Monday: the period that `overruns` needs."""
    monday = today - timedelta(days=today.weekday())
    return _midnight(monday, zone), _midnight(monday + LOOKED_AT, zone)


def check_budget(session: Session, broadcast: Broadcast) -> None:
    """For a broadcast just put on air, in the same transaction. Raises Refusal when a budget refuses it."""
    if broadcast.broadcast_class is BroadcastClass.EMERGENCY or not has_budget(session, broadcast.commune_id):
        return
    zone = commune(session, broadcast.commune_id).zone
    since, _ = weeks_from(broadcast.starts_at.astimezone(zone).date(), zone)
    audiences = Audiences(session)
    others = [
        # Zones and "all" of a former commune's broadcast mean that commune, so its receivers are listed.
        (
            b.starts_at,
            b.sounds_until,
            b.audience if b.commune_id == broadcast.commune_id else Targets(receivers=sorted(audiences(b))),
        )
        for b in between(session, broadcast.commune_id, since, since + timedelta(days=7))
        if b.id != broadcast.id
        and b.withdrawn_at is None
        and not b.missed
        and b.broadcast_class is not BroadcastClass.EMERGENCY
    ]
    refuse(
        overruns(session, broadcast.commune_id, [(broadcast.starts_at, broadcast.ends_at, broadcast.audience)], others)
    )


def refuse(overruns: Sequence[Overrun]) -> None:
    """Raises Refusal for the first overrun of a budget that refuses."""
    for overrun in overruns:
        if overrun.refused:
            message = (
                N_("In the week of {day}, {place} would hear {minutes} minutes; the limit is {most}.")
                if overrun.week
                else N_("On {day}, {place} would hear {minutes} minutes; the limit is {most}.")
            )
            day = f"{overrun.first:%d/%m/%Y}"
            raise Refusal(message, day=day, place=overrun.place, minutes=overrun.minutes, most=overrun.most)


def _too_much(
    limit: NoiseRules, place: str, ours: list[Stretch], theirs: list[Stretch], zone: ZoneInfo
) -> list[Overrun]:
    """The first day and the first week of one zone above the limit in which a new stretch plays."""
    minutes = _minutes_by_day([*ours, *theirs], zone)
    days = sorted({start.astimezone(zone).date() for start, _, _ in ours})
    result = []
    for most, week in ((limit.minutes_a_day, False), (limit.minutes_a_week, True)):
        for day in days if most else []:
            first = day - timedelta(days=day.weekday()) if week else day
            span = [first + timedelta(days=k) for k in range(7 if week else 1)]
            sum_minutes = sum(minutes.get(day_, 0.0) for day_ in span)
            if most is not None and sum_minutes > most:
                result.append(Overrun(place, first, week, round(sum_minutes + 0.499), most, limit.refuses))
                break
    return result


def _joined(overruns_: list[Overrun]) -> list[Overrun]:
    """Merges equal overruns of several zones."""
    places: dict[Overrun, list[str]] = {}
    for overrun in overruns_:
        places.setdefault(replace(overrun, place=""), []).append(overrun.place)
    return [replace(overrun, place=", ".join(named)) for overrun, named in places.items()]


def _minutes_by_day(stretches: list[Stretch], zone: ZoneInfo) -> dict[date, float]:
    """By the day on which a stretch begins; overlapping stretches count once."""
    minutes: dict[date, float] = {}
    until: datetime | None = None
    for start, end, _ in sorted(stretches, key=lambda s: (s[0], s[1])):
        since = start if until is None else max(start, until)
        if end > since:
            day = start.astimezone(zone).date()
            minutes[day] = minutes.get(day, 0.0) + (end - since) / _MINUTE
            until = end
    return minutes


def _midnight(day: date, zone: ZoneInfo) -> datetime:
    return datetime(day.year, day.month, day.day, tzinfo=zone)
