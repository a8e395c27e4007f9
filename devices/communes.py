"""Communes: the unit of broadcasting."""

from datetime import datetime
from typing import Any, cast
from zoneinfo import ZoneInfo

from sqlalchemy import Column, Text, text
from sqlalchemy.orm import QueryableAttribute, defer
from sqlmodel import Field, Session, SQLModel, col, select

from devices.provinces import province_named
from devices.short_names import short_name
from parsing.titles import parse_title
from runtime.database import UtcDateTime
from runtime.refusal import N_, Refusal, at_field
from runtime.rows import existing
from wire.topics import is_id

#: Nobody has a larger disk.
MOST_STORAGE_GB = 100_000
_NAMELESS = N_("A commune needs a name, for example: Xã Thiệu Trung.")


class Commune(SQLModel, table=True):
    """A commune. id: short, stands in topics ("thieu-trung"). retired_at: since when it is a part of another.

    description: what people should know of it. outline: its border, the text of a GeoJSON geometry as
    `devices.outlines` keeps it; None when nobody brought one. storage_gb: the most that it stores; None: as the
    settings of the installation say. live_…: see `broadcast.live_rules`.
    """

    id: str = Field(primary_key=True, max_length=63)
    name: str
    province_id: int | None = Field(default=None, foreign_key="province.id")
    time_zone: str = "Asia/Ho_Chi_Minh"
    volume_ceiling_percent: int = 100
    outline: str | None = Field(default=None, sa_column=Column(Text))
    live_lead_ms: int = Field(default=0, sa_column_kwargs={"server_default": text("1000")})
    live_silence_s: int = Field(default=90, sa_column_kwargs={"server_default": text("90")})
    live_longest_min: int = Field(default=60, sa_column_kwargs={"server_default": text("60")})
    description: str = Field(default="", sa_column_kwargs={"server_default": text("''")})
    storage_gb: int | None = None
    retired_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.time_zone)


def add_commune(
    session: Session, commune_id: str, name: str, *, province: str = "", time_zone: str = "Asia/Ho_Chi_Minh"
) -> Commune:
    """Add one. commune_id: "" for one made from the name.

    Raises Refusal for an id that is taken or cannot stand in a topic, or an unknown time zone.
    """
    if not commune_id and not parse_title(name):
        raise Refusal(_NAMELESS).at("name")
    commune_id = commune_id or short_name(name, lambda i: session.get(Commune, i) is not None, otherwise="xa")
    with at_field("commune_id"):
        check_id(commune_id)
    if session.get(Commune, commune_id):
        raise Refusal(N_("There is a commune {id} already. Choose another short name."), id=commune_id).at("commune_id")
    try:
        ZoneInfo(time_zone)
    except (KeyError, ValueError, OSError):
        raise Refusal(N_("{zone} is no time zone. Vietnam's is Asia/Ho_Chi_Minh."), zone=time_zone) from None
    province_id = province_named(session, province).number if province.strip() else None
    commune = Commune(id=commune_id, name=parse_title(name) or commune_id, province_id=province_id, time_zone=time_zone)
    session.add(commune)
    session.flush()
    return commune


def change_commune(
    session: Session, commune_id: str, *, name: str, province: str, description: str, storage_gb: int | None
) -> Commune:
    """Raises Refusal for an empty name or a storage that nobody has, NotFound. province: its name, "" for none."""
    changed, name = commune(session, commune_id), parse_title(name)
    if not name:
        raise Refusal(_NAMELESS).at("name")
    if storage_gb is not None and not 1 <= storage_gb <= MOST_STORAGE_GB:
        raise Refusal(
            N_("The storage of a commune is between 1 and {most} GB. Leave the field empty for the usual one."),
            most=MOST_STORAGE_GB,
        ).at("storage_gb")
    changed.name, changed.description, changed.storage_gb = name, parse_title(description), storage_gb
    changed.province_id = province_named(session, province).number if province.strip() else None
    session.add(changed)
    session.flush()
    return changed


def communes(session: Session) -> list[Commune]:
    """Those that there are now, by name. Every page asks: the outlines, long and needed by one, come only when read."""
    outline = cast("QueryableAttribute[Any]", Commune.outline)
    query = select(Commune).where(col(Commune.retired_at).is_(None)).options(defer(outline))
    return list(session.exec(query.order_by(Commune.name)))


def commune(session: Session, commune_id: str) -> Commune:
    return existing(session, Commune, commune_id, N_("Commune {id} does not exist."), id=commune_id)


def hold(session: Session, commune_id: str) -> None:
    """Lock a commune against mergers until the end of this transaction; waits for a merger under way."""
    session.exec(select(Commune.id).where(Commune.id == commune_id).with_for_update(read=True, key_share=True)).all()


def check_id(text: str) -> None:
    """Refuse what cannot stand in a topic."""
    if not is_id(text):
        raise Refusal(
            N_("{id} cannot be a short name. Use 1 to 63 of a–z, 0–9 and hyphen, not starting with a hyphen."),
            id=text[:80],
        )
