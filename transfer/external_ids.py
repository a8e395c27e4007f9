"""What the old systems called things, so that importing again finds them."""

from sqlmodel import Field, Session, SQLModel, select


class ExternalId(SQLModel, table=True):
    """One thing's code, serial number, IMEI or name in the system that it was imported from.

    external_id: folded, with what it is before it ("code:", "name:"). our_id: of the receiver or the schedule.
    """

    __tablename__ = "external_id"

    commune_id: str = Field(foreign_key="commune.id", primary_key=True)
    kind: str = Field(primary_key=True)
    external_id: str = Field(primary_key=True)
    our_id: str


def known_ids(session: Session, commune_id: str, kind: str) -> dict[str, str]:
    """Theirs → ours, all of a kind."""
    rows = session.exec(select(ExternalId).where(ExternalId.commune_id == commune_id, ExternalId.kind == kind))
    return {row.external_id: row.our_id for row in rows}


def keep_id(session: Session, commune_id: str, kind: str, external_id: str, our_id: str) -> None:
    """Remember one; the newest counts."""
    session.merge(ExternalId(commune_id=commune_id, kind=kind, external_id=external_id[:200], our_id=our_id))
