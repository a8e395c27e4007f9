"""Zones: named sets of receivers of a commune."""

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import Column
from sqlmodel import Field, Session, SQLModel, col, delete, select

from devices.communes import check_id
from devices.short_names import short_name
from parsing.names import NameIndex
from parsing.titles import parse_title
from runtime.database import UtcDateTime
from runtime.refusal import N_, Refusal, at_field
from runtime.rows import existing

_NAMELESS = N_("A zone needs a name, for example: Thôn 3.")


class Zone(SQLModel, table=True):
    """A village, a quarter, any named set. id: short, stands in manifests ("thieu-trung-thon-1").

    retired_at: since when it counts as gone; its members stay in the table for a restore.
    """

    id: str = Field(primary_key=True, max_length=63)
    commune_id: str = Field(foreign_key="commune.id", index=True)
    name: str
    retired_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


class ZoneMember(SQLModel, table=True):
    """A receiver is in a zone."""

    zone_id: str = Field(foreign_key="zone.id", primary_key=True)
    receiver_id: str = Field(foreign_key="receiver.id", primary_key=True, index=True)


def add_zone(session: Session, commune_id: str, zone_id: str, name: str) -> Zone:
    """Add one. zone_id: "" for one made from the name.

    Raises Refusal for an id or a name that is taken, or that cannot stand in a manifest.
    """
    with at_field("name"):
        name = parse_title(name) or zone_id
    if not name:
        raise Refusal(_NAMELESS).at("name")
    zone_id = zone_id or short_name(name, lambda i: session.get(Zone, i) is not None, within=commune_id)
    with at_field("zone_id"):
        check_id(zone_id)
    if session.get(Zone, zone_id):
        raise Refusal(N_("There is a zone {id} already. Choose another short name."), id=zone_id).at("zone_id")
    _check_name_free(session, commune_id, name)
    zone = Zone(id=zone_id, commune_id=commune_id, name=name)
    session.add(zone)
    session.flush()
    return zone


def zones(session: Session, commune_id: str) -> list[Zone]:
    """Those of a commune that are in use, by name."""
    query = select(Zone).where(Zone.commune_id == commune_id, col(Zone.retired_at).is_(None))
    return list(session.exec(query.order_by(Zone.name)))


def zone(session: Session, zone_id: str) -> Zone:
    return existing(session, Zone, zone_id, N_("Zone {id} does not exist."), id=zone_id)


def rename_zone(session: Session, zone_id: str, name: str) -> Zone:
    """Raises Refusal for an empty name or one that is taken, NotFound."""
    renamed, name = zone(session, zone_id), parse_title(name)
    if not name:
        raise Refusal(_NAMELESS).at("name")
    _check_name_free(session, renamed.commune_id, name, except_id=zone_id)
    renamed.name = name
    session.add(renamed)
    return renamed


def retire_zone(session: Session, zone_id: str, now: datetime) -> Zone:
    """Its receivers are in it no longer; `restore_zone` puts them back."""
    retired = zone(session, zone_id)
    retired.retired_at = retired.retired_at or now
    session.add(retired)
    session.flush()
    return retired


def restore_zone(session: Session, zone_id: str) -> Zone:
    """Raises Refusal when another zone has its name now, NotFound."""
    restored = zone(session, zone_id)
    if restored.retired_at is not None:
        _check_name_free(session, restored.commune_id, restored.name)
        restored.retired_at = None
        session.add(restored)
        session.flush()
    return restored


def member_ids(session: Session, zone_id: str) -> list[str]:
    """The ids of its receivers, also of a zone that is retired, sorted."""
    return sorted(session.exec(select(ZoneMember.receiver_id).where(ZoneMember.zone_id == zone_id)))


def set_zones(session: Session, receiver_id: str, commune_id: str, zone_ids: Iterable[str]) -> None:
    """Put a receiver in exactly these zones. Raises Refusal for a zone of another commune."""
    wanted = set(zone_ids)
    commune_zone_ids = {z.id for z in zones(session, commune_id)}
    if wanted - commune_zone_ids:
        raise Refusal(N_("{zone} is not a zone of this commune."), zone=sorted(wanted - commune_zone_ids)[0])
    of_receiver = col(ZoneMember.receiver_id) == receiver_id
    session.exec(delete(ZoneMember).where(of_receiver, col(ZoneMember.zone_id).in_(commune_zone_ids)))
    session.add_all(ZoneMember(zone_id=zone_id, receiver_id=receiver_id) for zone_id in sorted(wanted))
    session.flush()


def zones_of(session: Session, receiver_id: str) -> list[str]:
    """The ids of the zones that a receiver is in, sorted."""
    return zones_of_all(session, [receiver_id])[receiver_id]


def zones_of_all(session: Session, receiver_ids: Sequence[str]) -> dict[str, list[str]]:
    """The same for many receivers, in one query."""
    zones: dict[str, list[str]] = {receiver_id: [] for receiver_id in receiver_ids}
    query = select(ZoneMember.receiver_id, ZoneMember.zone_id).join(Zone)
    query = query.where(col(ZoneMember.receiver_id).in_(receiver_ids), col(Zone.retired_at).is_(None))
    for receiver_id, zone_id in session.exec(query.order_by(ZoneMember.zone_id)):
        zones[receiver_id].append(zone_id)
    return zones


def _check_name_free(session: Session, commune_id: str, name: str, except_id: str = "") -> None:
    """except_id: the id of a zone that may have the name."""
    if NameIndex((z.name, z.id) for z in zones(session, commune_id) if z.id != except_id).exact(name):
        raise Refusal(N_("There is a zone “{name}” already. Choose another name."), name=name).at("name")
