"""Notices: which fault each person has been told of, and of its end."""

from datetime import datetime

from sqlalchemy import Column
from sqlmodel import Field, SQLModel

from runtime.database import UtcDateTime


class FaultNotice(SQLModel, table=True):
    """One fault for one person. noticed_at, end_noticed_at: when the rules saw it, which is later than it happened.

    told_at, end_told_at: None until it is in a message. Without a reference to the fault's row: presence withdraws a
    lost link that was none.
    """

    __tablename__ = "fault_notice"

    operator_id: int = Field(primary_key=True, foreign_key="operator.id")
    fault_id: int = Field(primary_key=True, index=True)
    noticed_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    told_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    end_noticed_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    end_told_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime, index=True))
