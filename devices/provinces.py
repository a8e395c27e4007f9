"""Provinces: the tier above the communes."""

import unicodedata

from sqlmodel import Field, Session, select

from runtime.rows import NumberedRow


class Province(NumberedRow, table=True):
    """A province. name: as people write it ("Thanh Hóa")."""

    name: str = Field(unique=True)


def provinces(session: Session) -> list[Province]:
    return list(session.exec(select(Province).order_by(Province.name)))


def province_named(session: Session, name: str) -> Province:
    """The province of this name, made when there is none. "Thanh Hoá" and "Thanh Hóa" are one."""
    name = " ".join(unicodedata.normalize("NFC", name).split())
    for province in provinces(session):
        if _plain(province.name) == _plain(name):
            return province
    added = Province(name=name)
    session.add(added)
    session.flush()
    return added


def province_name(session: Session, province_id: int | None) -> str:
    province = session.get(Province, province_id) if province_id is not None else None
    return province.name if province else ""


def _plain(name: str) -> str:
    """Without marks: no two provinces differ by marks alone, but people set them in two places."""
    letters = unicodedata.normalize("NFD", name.casefold().replace("đ", "d"))
    return "".join(c for c in letters if not unicodedata.combining(c))
