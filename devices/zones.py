"""Zones: named sets of receivers of a commune."""

from collections.abc import Iterable, Sequence

from sqlmodel import Field, Session, SQLModel, col, delete, select

from devices.communes import check_id
from parsing.names import NameIndex
from parsing.titles import parse_title
from runtime.refusal import N_, Refusal, at_field
from runtime.rows import existing


class Zone(SQLModel, table=True):
    """A village, a quarter, any named set. id: short, stands in manifests ("thieu-trung-thon-1")."""

    id: str = Field(primary_key=True, max_length=63)
    commune_id: str = Field(foreign_key="commune.id", index=True)
    name: str


class ZoneMember(SQLModel, table=True):
    """A receiver is in a zone."""

    zone_id: str = Field(foreign_key="zone.id", primary_key=True)
    receiver_id: str = Field(foreign_key="receiver.id", primary_key=True, index=True)


def add_zone(session: Session, commune_id: str, zone_id: str, name: str) -> Zone:
    """Add one. Raises Refusal for an id or a name that is taken, or that cannot stand in a manifest."""
    with at_field("zone_id"):
        check_id(zone_id)
    if session.get(Zone, zone_id):
        raise Refusal(N_("There is a zone {id} already. Choose another short name."), id=zone_id).at("zone_id")
    with at_field("name"):
        name = parse_title(name) or zone_id
    if NameIndex((z.name, z.id) for z in zones(session, commune_id)).exact(name):
        raise Refusal(N_("There is a zone “{name}” already. Choose another name."), name=name).at("name")
    zone = Zone(id=zone_id, commune_id=commune_id, name=name)
    session.add(zone)
    session.flush()
    return zone


def zones(session: Session, commune_id: str) -> list[Zone]:
    """Those of a commune, by name."""
    return list(session.exec(select(Zone).where(Zone.commune_id == commune_id).order_by(Zone.name)))


def zone(session: Session, zone_id: str) -> Zone:
    return existing(session, Zone, zone_id, N_("Zone {id} does not exist."), id=zone_id)


def set_zones(session: Session, receiver_id: str, commune_id: str, zone_ids: Iterable[str]) -> None:
    """Put a receiver in exactly these zones. Raises Refusal for a zone of another commune."""
    wanted = set(zone_ids)
    commune_zone_ids = {z.id for z in zones(session, commune_id)}
    if wanted - commune_zone_ids:
        raise Refusal(N_("{zone} is not a zone of this commune."), zone=sorted(wanted - commune_zone_ids)[0])
    session.exec(delete(ZoneMember).where(col(ZoneMember.receiver_id) == receiver_id))
    session.add_all(ZoneMember(zone_id=zone_id, receiver_id=receiver_id) for zone_id in sorted(wanted))
    session.flush()


def zones_of(session: Session, receiver_id: str) -> list[str]:
    """The ids of the zones that a receiver is in, sorted."""
    return sorted(session.exec(select(ZoneMember.zone_id).where(ZoneMember.receiver_id == receiver_id)))


def zones_of_all(session: Session, receiver_ids: Sequence[str]) -> dict[str, list[str]]:
    """The same for many receivers, in one query."""
    zones: dict[str, list[str]] = {receiver_id: [] for receiver_id in receiver_ids}
    query = select(ZoneMember.receiver_id, ZoneMember.zone_id).where(col(ZoneMember.receiver_id).in_(receiver_ids))
    for receiver_id, zone_id in session.exec(query.order_by(ZoneMember.zone_id)):
        zones[receiver_id].append(zone_id)
    return zones
