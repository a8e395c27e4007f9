"""Receivers: addressable sound outlets, each an IP cluster or the gateway before an amplifier or a transmitter."""

import secrets
from datetime import datetime, timedelta
from typing import NamedTuple

from sqlalchemy import Column, text, update
from sqlmodel import Field, Session, SQLModel, col, or_, select

from devices.predecessors import moved_since
from devices.stations import station
from devices.zones import Zone, ZoneMember, set_zones, zones_of_all
from parsing.phones import parse_phone
from parsing.titles import parse_title
from runtime.database import UtcDateTime
from runtime.refusal import N_, Refusal, at_field
from runtime.rows import existing
from wire.broadcasts import Targets

#: Longer chains than a second are not delays but relays; the wire allows no more than the page.
MOST_PATH_DELAY_MS = 2000.0
#: The column holds little more. A receiver that names a larger one is not believed.
_MOST_CONFIG_REVISION = 2_000_000_000
_CONFIG_RENEWED_AFTER = timedelta(days=28)
#: Configs are renumbered by at least this after a restore: more than a receiver can have been changed since the backup.
RESTORE_STEP = 1000


class Receiver(SQLModel, table=True):
    """A receiver. id: short, its name at the broker and in topics. public_key: hex, of the key it seals reports with.

    broker_hash: of its secret at the broker. path_delay_us: from the card's output to the horn.
    config_revision: grows with each change of what it is set to, and above what the receiver says it holds.
    config_issued_at: when it grew so that the receiver takes a config with later holidays and expiry.
    latitude_deg, longitude_deg: WGS 84, both or neither; set with `devices.positions`.
    alert_phone: of the SIM in its modem, to which alerts are sent by SMS; "" for none.
    """

    id: str = Field(primary_key=True, max_length=63)
    commune_id: str = Field(foreign_key="commune.id", index=True)
    station_id: int = Field(foreign_key="station.id", index=True)
    name: str
    place: str = ""
    latitude_deg: float | None = None
    longitude_deg: float | None = None
    public_key: str
    broker_hash: str
    volume_percent: int = 80
    volume_ceiling_percent: int = 100
    path_delay_us: int = 0
    amplifier_lead_ms: int = 5000
    alert_phone: str = Field(default="", sa_column_kwargs={"server_default": text("''")})
    config_revision: int = 1
    config_issued_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    created_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    retired_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))

    @property
    def path_delay_ms(self) -> float:
        """The path delay as people set it."""
        return self.path_delay_us / 1000


def receivers(session: Session, commune_id: str | None = None) -> list[Receiver]:
    """Those in service, of one commune or of all, by name."""
    query = select(Receiver).where(col(Receiver.retired_at).is_(None)).order_by(Receiver.name, Receiver.id)
    return list(session.exec(query if commune_id is None else query.where(Receiver.commune_id == commune_id)))


def zones_by_receiver(session: Session, commune_id: str) -> dict[str, list[str]]:
    """The zone ids of each receiver in service of a commune. Reads no whole row: planning asks for each commune."""
    in_service = col(Receiver.commune_id) == commune_id, col(Receiver.retired_at).is_(None)
    zone_ids: dict[str, list[str]] = {id_: [] for id_ in session.exec(select(Receiver.id).where(*in_service))}
    members = select(ZoneMember.receiver_id, ZoneMember.zone_id).join(Receiver).where(*in_service)
    members = members.join(Zone).where(col(Zone.retired_at).is_(None))
    for receiver_id, zone_id in session.exec(members.order_by(ZoneMember.zone_id)):
        zone_ids[receiver_id].append(zone_id)
    return zone_ids


def receiver(session: Session, receiver_id: str) -> Receiver:
    """One, in service or not. Raises NotFound."""
    return existing(session, Receiver, receiver_id, N_("Receiver {id} does not exist."), id=receiver_id)


class PlacedReceiver(NamedTuple):
    """zones: ids of those that it was in at the instant in question."""

    receiver: Receiver
    zones: list[str]


def receivers_at(session: Session, commune_id: str, at: datetime | None = None) -> list[PlacedReceiver]:
    """The receivers in service of a commune with their zones, by name. Two or three queries.

    at: those that were of the commune at that instant, with the zones of then when they went over to another since.
    """
    moved = moved_since(session, at) if at is not None else {}
    if not moved:
        candidates = receivers(session, commune_id)
        memberships = zones_of_all(session, [r.id for r in candidates])
    else:
        left = {place.receiver_id: place.zone_ids for place in moved.values() if place.commune_id == commune_id}
        query = select(Receiver).where(col(Receiver.retired_at).is_(None))
        query = query.where(or_(Receiver.commune_id == commune_id, col(Receiver.id).in_(sorted(left))))
        ordered = session.exec(query.order_by(Receiver.name, Receiver.id))
        candidates = [r for r in ordered if r.id in left or r.id not in moved]
        memberships = zones_of_all(session, [r.id for r in candidates]) | left
    return [PlacedReceiver(r, memberships[r.id]) for r in candidates]


def reached_by(session: Session, commune_id: str, targets: Targets, at: datetime | None = None) -> list[Receiver]:
    """The receivers in service that a broadcast to `targets` means, by name. at: see `receivers_at`."""
    return [r for r, zones in receivers_at(session, commune_id, at) if targets.include(r.id, zones)]


class Reach:
    """Who is reached by targets, as ids; looked up once for each."""

    def __init__(self, session: Session, commune_id: str) -> None:
        self._session, self._commune_id = session, commune_id
        self._known: dict[tuple[object, ...], frozenset[str]] = {}

    def __call__(self, targets: Targets) -> frozenset[str]:
        key = (targets.all, *targets.zones, None, *targets.receivers)
        if key not in self._known:
            reached = reached_by(self._session, self._commune_id, targets)
            self._known[key] = frozenset(receiver.id for receiver in reached)
        return self._known[key]


def change_receiver(
    session: Session,
    receiver_id: str,
    *,
    name: str | None = None,
    place: str | None = None,
    station_id: int | None = None,
    zones: list[str] | None = None,
    volume_percent: int | None = None,
    volume_ceiling_percent: int | None = None,
    path_delay_ms: float | None = None,
    amplifier_lead_ms: int | None = None,
    alert_phone: str | None = None,
) -> Receiver:
    """Change what is not None. A new config goes out with `Downlink.configure`. Raises Refusal, NotFound."""
    row = receiver(session, receiver_id)
    if name is not None:
        with at_field("name"):
            row.name = parse_title(name)
        if not row.name:
            raise Refusal(N_("A receiver needs a name, for example: Thôn 3, nhà văn hóa.")).at("name")
    if place is not None:
        with at_field("place"):
            row.place = parse_title(place)
    if station_id is not None:
        row.station_id = _station_of(session, row, station_id)
    if volume_ceiling_percent is not None:
        row.volume_ceiling_percent = _percent(volume_ceiling_percent, "volume_ceiling_percent")
    if volume_percent is not None:
        row.volume_percent = min(_percent(volume_percent, "volume_percent"), row.volume_ceiling_percent)
    row.volume_percent = min(row.volume_percent, row.volume_ceiling_percent)
    if path_delay_ms is not None:
        row.path_delay_us = round(check_path_delay(path_delay_ms) * 1000)
    if amplifier_lead_ms is not None:
        if not 0 <= amplifier_lead_ms <= 60_000:
            raise Refusal(N_("The amplifier is switched on between 0 and {most} s ahead."), most=60).at(
                "amplifier_lead_s"
            )
        row.amplifier_lead_ms = amplifier_lead_ms
    if alert_phone is not None:
        with at_field("alert_phone"):
            row.alert_phone = parse_phone(alert_phone)
    if zones is not None:
        set_zones(session, row.id, row.commune_id, zones)
    row.config_revision += 1
    session.add(row)
    session.flush()
    return row


def exceed_held_config(session: Session, receiver_id: str, held_revision: int) -> Receiver | None:
    """Count on above the config that the receiver says it holds: it takes no other. None when ours is not below it.

    So after a restored backup, and after an earlier version that took months from a clock which ran ahead.
    """
    row = session.get(Receiver, receiver_id)
    if row is None or row.retired_at is not None or not row.config_revision < held_revision <= _MOST_CONFIG_REVISION:
        return None
    row.config_revision = held_revision + 1
    session.add(row)
    session.flush()
    return row


def renumber_after_restore(session: Session) -> None:
    """Count configs on above what receivers may hold from after the backup.

    By a different step each time: a backup restored twice would otherwise give a number to two different configs, and a
    receiver that holds the first would never take the second.
    """
    step = RESTORE_STEP + secrets.randbelow(100 * RESTORE_STEP)
    session.exec(update(Receiver).values(config_revision=col(Receiver.config_revision) + step))


def renew_configs(session: Session, now: datetime, commune_id: str | None = None) -> None:
    """Let configs that were issued a month away from now count as new: other holidays, a later expiry.

    Away in either direction: a clock that ran ahead may have issued them. commune_id: None for all communes.
    """
    for row in receivers(session, commune_id):
        issued_at = row.config_issued_at
        if issued_at is not None and abs(now - issued_at) < _CONFIG_RENEWED_AFTER:
            continue
        row.config_revision += 0 if issued_at is None else 1
        row.config_issued_at = now
        session.add(row)
    session.flush()


def check_path_delay(delay_ms: float) -> float:
    """Raises Refusal for one that is no number or out of bounds."""
    if not 0 <= delay_ms <= MOST_PATH_DELAY_MS:
        raise Refusal(N_("The path delay is between 0 and {most} ms."), most=int(MOST_PATH_DELAY_MS)).at(
            "path_delay_ms"
        )
    return delay_ms


def move_receivers(session: Session, receiver_ids: list[str], station_id: int) -> None:
    """To another station of their commune. They are told nothing: the station changes nothing that they do.

    Raises Refusal for a station of another commune, NotFound; then none has moved.
    """
    for moving in [receiver(session, ident) for ident in receiver_ids]:
        moving.station_id = _station_of(session, moving, station_id)
        session.add(moving)
    session.flush()


def remove_station(session: Session, station_id: int) -> None:
    """Take a station off that has no receiver, not even one out of service. Raises Refusal, NotFound."""
    row = station(session, station_id)
    if session.exec(select(Receiver.id).where(Receiver.station_id == station_id).limit(1)).first() is not None:
        raise Refusal(
            N_(
                "This station has, or once had, receivers, and stays for their history. Only an empty one can be "
                "removed."
            )
        )
    session.delete(row)


def members(session: Session, zone_id: str) -> list[Receiver]:
    """The receivers in service in a zone, by name."""
    query = select(Receiver).join(ZoneMember).where(ZoneMember.zone_id == zone_id, col(Receiver.retired_at).is_(None))
    return list(session.exec(query.order_by(Receiver.name)))


def _station_of(session: Session, receiver: Receiver, station_id: int) -> int:
    if station(session, station_id).commune_id != receiver.commune_id:
        raise Refusal(N_("This station belongs to another commune.")).at("station_id")
    return station_id


def _percent(value: int, field: str) -> int:
    if not 0 <= value <= 100:
        raise Refusal(N_("The volume must be between 0 and 100 percent.")).at(field)
    return value
