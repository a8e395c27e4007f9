"""EmergencyStarter of alerts whose text is read aloud first: kept from the decision until they are on air."""

from datetime import datetime
from enum import StrEnum

import msgspec
from sqlalchemy import Column, LargeBinary, Text
from sqlmodel import Field, Session, SQLModel, col, select

from cap.emergencies import CapEmergency
from runtime.database import UtcDateTime
from runtime.refusal import Refusal, from_text


class SpokenState(StrEnum):
    ORDERED = "ordered"
    SPEAKING = "speaking"
    ON_AIR = "on_air"
    STOPPED = "stopped"
    FAILED = "failed"


class SpokenEmergency(SQLModel, table=True):
    """order: JSON of `CapEmergency`. job_id: of the ingest job that reads it aloud. why: of a failure, as
    `runtime.refusal.as_text`.
    """

    __tablename__ = "spoken_emergency"

    id: str = Field(primary_key=True)
    reference: str = Field(unique=True)
    order: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    state: str = Field(default=SpokenState.ORDERED.value, index=True)
    job_id: str = ""
    broadcast_id: str = Field(default="", index=True)
    why: str = Field(default="", sa_column=Column(Text, nullable=False))
    ordered_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))

    @property
    def refusal(self) -> Refusal | None:
        return from_text(self.why)

    @property
    def content(self) -> CapEmergency:
        return msgspec.json.decode(self.order, type=CapEmergency)


def spoken_with_reference(session: Session, reference: str) -> SpokenEmergency | None:
    return session.exec(select(SpokenEmergency).where(SpokenEmergency.reference == reference)).first()


def spoken_for_broadcast(session: Session, broadcast_id: str) -> SpokenEmergency | None:
    query = select(SpokenEmergency).where(SpokenEmergency.broadcast_id == broadcast_id)
    return session.exec(query).first() if broadcast_id else None


def spoken_under_way(session: Session) -> list[SpokenEmergency]:
    """Those that are not on air yet, the first ordered first."""
    states = [SpokenState.ORDERED.value, SpokenState.SPEAKING.value]
    query = select(SpokenEmergency).where(col(SpokenEmergency.state).in_(states))
    return list(session.exec(query.order_by(col(SpokenEmergency.ordered_at), SpokenEmergency.id)))
