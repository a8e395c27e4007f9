"""Stations: inherited installations inside a commune, of one kind and maker."""

from enum import StrEnum

from sqlmodel import Field, Session, select

from parsing.titles import parse_title
from runtime.refusal import N_, Refusal, at_field
from runtime.rows import NumberedRow, existing


class StationKind(StrEnum):
    """The three technologies that a commune inherits."""

    WIRED = "wired"
    FM = "fm"
    IP = "ip"


class Station(NumberedRow, table=True):
    """An installation. former_commune: whose it was before the mergers."""

    commune_id: str = Field(foreign_key="commune.id", index=True)
    kind: str
    name: str
    maker: str = ""
    former_commune: str = ""


def add_station(
    session: Session, commune_id: str, kind: StationKind, name: str, *, maker: str = "", former_commune: str = ""
) -> Station:
    """Add one. Raises Refusal without a name."""
    station = Station(commune_id=commune_id, kind=kind.value, name="")
    return _described(session, station, name, maker, former_commune)


def change_station(
    session: Session, station_id: int, *, kind: StationKind, name: str, maker: str, former_commune: str
) -> Station:
    """Replace its description. Raises Refusal without a name, NotFound."""
    row = station(session, station_id)
    row.kind = kind.value
    return _described(session, row, name, maker, former_commune)


def stations(session: Session, commune_id: str) -> list[Station]:
    """Those of a commune, by name."""
    return list(session.exec(select(Station).where(Station.commune_id == commune_id).order_by(Station.name)))


def station(session: Session, station_id: int) -> Station:
    return existing(session, Station, station_id, N_("This station no longer exists."))


def _described(session: Session, described: Station, name: str, maker: str, former_commune: str) -> Station:
    with at_field("name"):
        described.name = parse_title(name)
    if not described.name:
        raise Refusal(N_("A station needs a name, for example: FM Thiệu Chính.")).at("name")
    described.maker, described.former_commune = parse_title(maker), parse_title(former_commune)
    session.add(described)
    session.flush()
    return described
