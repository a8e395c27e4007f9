"""Noise rules: when a commune and its zones may sound, how loud at night, and how many minutes.

The form, the plan, the page and each receiver (`wire.allowed_hours`) apply the same rules. Emergencies are exempt.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

import msgspec
from sqlalchemy import Column, LargeBinary
from sqlmodel import Field, Session, SQLModel, UniqueConstraint, col, select, update

from devices.communes import commune
from devices.receivers import Receiver, zones_by_receiver
from devices.zones import zone
from noise.days_off import days_off
from runtime.refusal import N_, Refusal
from wire.allowed_hours import AllowedHours, NightLevel, allowed, shut
from wire.broadcasts import BroadcastClass, Targets

MOST_ALLOWED_HOURS = 12
#: What people can set.
RULE_COLUMNS = (
    "hours",
    "night_from_minute",
    "night_until_minute",
    "night_volume_percent",
    "minutes_a_day",
    "minutes_a_week",
    "refuses",
)


class NoiseRules(SQLModel, table=True):
    """The rules of a commune or of one of its zones. zone_id: "" for the commune.

    hours: JSON, list of AllowedHours; empty: no limit. night_volume_percent: 100 for none. minutes_a_day,
    minutes_a_week: of all sound in one zone; None: no limit. refuses: an excess is refused, else the form warns.
    """

    __table_args__ = (UniqueConstraint("commune_id", "zone_id"),)

    id: int | None = Field(default=None, primary_key=True)
    commune_id: str = Field(foreign_key="commune.id", index=True)
    zone_id: str = ""
    hours: bytes = Field(default=b"[]", sa_column=Column(LargeBinary, nullable=False))
    night_from_minute: int = 0
    night_until_minute: int = 0
    night_volume_percent: int = 100
    minutes_a_day: int | None = None
    minutes_a_week: int | None = None
    refuses: bool = False

    @property
    def allowed_hours(self) -> list[AllowedHours]:
        """With the zone that each limit belongs to."""
        decoded = msgspec.json.decode(self.hours, type=list[AllowedHours])
        return [msgspec.structs.replace(stretch, zone=self.zone_id) for stretch in decoded]

    @property
    def night_level(self) -> NightLevel | None:
        """None when the night is as loud as the day."""
        if self.night_volume_percent >= 100 or self.night_from_minute == self.night_until_minute:
            return None
        return NightLevel(
            from_minute=self.night_from_minute,
            until_minute=self.night_until_minute,
            volume_percent=self.night_volume_percent,
        )


@dataclass(frozen=True)
class ClosedPeriod:
    """A period in which a target may not sound. zone_id: whose limit, "" for the commune's."""

    zone_id: str
    since: datetime
    until: datetime


@dataclass(frozen=True)
class AllowedTimes:
    """When some targets may sound. hours: of each distinct set of zones among the receivers."""

    hours: list[list[AllowedHours]]
    days_off: frozenset[date]
    zone: ZoneInfo

    def first_closed(self, starts_at: datetime, ends_at: datetime) -> ClosedPeriod | None:
        """The first part of [starts_at, ends_at) in which a target is silenced; None when there is none."""
        for hours in self.hours:
            closed = shut(hours, self.days_off, self.zone, starts_at, ends_at)
            if closed:
                since, until = closed[0]
                return ClosedPeriod(self._whose(hours, since), since, until)
        return None

    def allows_any(self, at: datetime) -> bool:
        """Whether any of the targets may sound at an instant."""
        return any(allowed(hours, self.days_off, self.zone, at) for hours in self.hours)

    def _whose(self, hours: list[AllowedHours], at: datetime) -> str:
        for zone_id in sorted({window.zone for window in hours}):
            own = [window for window in hours if window.zone == zone_id]
            if not allowed(own, self.days_off, self.zone, at):
                return zone_id
        return ""


def rules_of(session: Session, commune_id: str) -> dict[str, NoiseRules]:
    """By zone id, "" for the commune; places without rules are missing."""
    query = select(NoiseRules).where(NoiseRules.commune_id == commune_id).order_by(NoiseRules.zone_id)
    return {row.zone_id: row for row in session.exec(query)}


def set_rules(
    session: Session,
    commune_id: str,
    zone_id: str,
    *,
    hours: Sequence[AllowedHours] = (),
    night: NightLevel | None = None,
    minutes_a_day: int | None = None,
    minutes_a_week: int | None = None,
    refuses: bool = False,
) -> NoiseRules:
    """Save the rules of a commune ("") or a zone. Send them with `Downlink.configure_all`. Raises Refusal."""
    commune(session, commune_id)
    if zone_id and zone(session, zone_id).commune_id != commune_id:
        raise Refusal(N_("{zone} is not a zone of this commune."), zone=zone_id)
    _check(hours, night, minutes_a_day, minutes_a_week)
    row = rules_of(session, commune_id).get(zone_id) or NoiseRules(commune_id=commune_id, zone_id=zone_id)
    row.hours = msgspec.json.encode([msgspec.structs.replace(window, zone="") for window in hours])
    row.night_from_minute = night.from_minute if night else 0
    row.night_until_minute = night.until_minute if night else 0
    row.night_volume_percent = night.volume_percent if night else 100
    row.minutes_a_day, row.minutes_a_week, row.refuses = minutes_a_day, minutes_a_week, refuses
    session.add(row)
    ours = col(Receiver.commune_id) == commune_id
    session.exec(update(Receiver).where(ours).values(config_revision=col(Receiver.config_revision) + 1))
    session.flush()
    return row


def hours_for(rules: dict[str, NoiseRules], zone_ids: Sequence[str]) -> list[AllowedHours]:
    """The limits of a receiver in these zones: the commune's and theirs."""
    return [stretch for place in ("", *zone_ids) if place in rules for stretch in rules[place].allowed_hours]


def night_levels_for(rules: dict[str, NoiseRules], zone_ids: Sequence[str]) -> list[NightLevel]:
    """The night levels of a receiver in these zones: the commune's and theirs."""
    levels = (rules[place].night_level for place in ("", *zone_ids) if place in rules)
    return [level for level in levels if level is not None]


def days_off_ahead(today: date) -> list[date]:
    """The public holidays that receivers are told of: this year's and the next two years', in order."""
    return [day for year in range(today.year, today.year + 3) for day in days_off(year)]


class CommuneAllowedTimes:
    """The allowed times of any targets of one commune; its rules and receivers are read once."""

    def __init__(self, session: Session, commune_id: str, today: date) -> None:
        """today: the day in the commune's time zone."""
        self._rules, self._local = rules_of(session, commune_id), commune(session, commune_id).zone
        self._limited = any(row.allowed_hours for row in self._rules.values())
        self._zones = zones_by_receiver(session, commune_id) if self._limited else {}
        self._days_off = frozenset(days_off_ahead(today)) if self._limited else frozenset()

    def of(self, targets: Targets) -> AllowedTimes:
        """Valid for any number of instants."""
        if not self._limited:
            return AllowedTimes([[]], self._days_off, self._local)
        kinds = {
            tuple(zone_id for zone_id in zone_ids if zone_id in self._rules)
            for receiver_id, zone_ids in self._zones.items()
            if targets.include(receiver_id, zone_ids)
        }
        hours = [hours_for(self._rules, kind) for kind in sorted(kinds)] or [hours_for(self._rules, [])]
        return AllowedTimes(hours, self._days_off, self._local)


def allowed_times(session: Session, commune_id: str, targets: Targets, today: date) -> AllowedTimes:
    """Looked up once, then valid for any number of instants. today: the commune's day."""
    return CommuneAllowedTimes(session, commune_id, today).of(targets)


def check_allowed(
    session: Session, commune_id: str, targets: Targets, class_: BroadcastClass, starts_at: datetime, ends_at: datetime
) -> None:
    """Raises Refusal when any target would be silenced between start and end."""
    if class_ is BroadcastClass.EMERGENCY:
        return
    allowed_at = allowed_times(
        session, commune_id, targets, starts_at.astimezone(commune(session, commune_id).zone).date()
    )
    closed = allowed_at.first_closed(starts_at, ends_at)
    if closed is not None:
        raise refusal_of(session, closed, allowed_at.zone)


def refusal_of(session: Session, closed: ClosedPeriod, local: ZoneInfo) -> Refusal:
    """The refusal for a start in this period."""
    since = closed.since.astimezone(local)
    when = f"{since:%H:%M %d/%m/%Y}"
    if closed.zone_id:
        name = zone(session, closed.zone_id).name
        return Refusal(
            N_("{when} is outside the allowed hours of {zone}. Choose another time, or leave out this zone."),
            when=when,
            zone=name,
        )
    return Refusal(
        N_("{when} is outside the allowed hours; only an emergency may play then. Choose another time."),
        when=when,
    )


def check_window(window: AllowedHours) -> None:
    """Raises Refusal for a stretch that cannot be."""
    if window.from_minute >= window.until_minute:
        raise Refusal(N_("Allowed hours must end after they begin. Enter hours over midnight as two periods.")).at(
            "until_time"
        )
    if not window.weekdays:
        raise Refusal(N_("Choose at least one day of the week.")).at("weekdays")
    if bool(window.season_first) != bool(window.season_last):
        raise Refusal(N_("Enter the first and the last day of the season, for example 15/10.")).at("season_first")


def _check(
    hours: Sequence[AllowedHours], night: NightLevel | None, minutes_a_day: int | None, minutes_a_week: int | None
) -> None:
    if len(hours) > MOST_ALLOWED_HOURS:
        raise Refusal(N_("You can enter at most {most} periods of allowed hours."), most=MOST_ALLOWED_HOURS)
    for window in hours:
        check_window(window)
    if night is not None and night.from_minute == night.until_minute:
        raise Refusal(N_("The night begins and ends at the same minute. Change one of them.")).at("night_until")
    for field, minutes, most in (
        ("minutes_a_day", minutes_a_day, 24 * 60),
        ("minutes_a_week", minutes_a_week, 7 * 24 * 60),
    ):
        if minutes is not None and not 0 < minutes <= most:
            raise Refusal(N_("The minutes are between 1 and {most}."), most=most).at(field)
