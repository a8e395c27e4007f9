"""Ingest jobs: what became of each upload, for the operator to see, also after a restart."""

import secrets
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import BigInteger, Column
from sqlmodel import Field, Session, SQLModel, col, select

from runtime.database import Database, UtcDateTime
from runtime.refusal import N_, NotFound, Refusal, from_text


class JobState(StrEnum):
    """Where an upload is on its way to a clip."""

    RECEIVING = "receiving"
    WAITING = "waiting"
    PROBING = "probing"
    MEASURING = "measuring"
    ENCODING = "encoding"
    READY = "ready"
    REFUSED = "refused"
    INTERRUPTED = "interrupted"


UNFINISHED = (JobState.RECEIVING, JobState.WAITING, JobState.PROBING, JobState.MEASURING, JobState.ENCODING)


class IngestJob(SQLModel, table=True):
    """One upload. progress: 0 to 1 over all steps after receiving. refusal: JSON of message id and values.

    same_as_before: these bytes were a clip already. replaces: the clip that this one takes the place of.
    resumed: it was interrupted by a stop of the controller and finished at the next start.
    """

    id: str = Field(primary_key=True)
    commune_id: str = Field(foreign_key="commune.id", index=True)
    file_name: str
    title: str
    language: str = "vi"
    field: int = 1
    trim_silence: bool = True
    bytes: int = Field(default=0, sa_type=BigInteger)
    state: str = JobState.RECEIVING.value
    progress: float = 0.0
    refusal: str = ""
    clip_id: str | None = None
    replaces: str | None = None
    same_as_before: bool = False
    resumed: bool = False
    incoming: str = ""
    created_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    created_by: str = ""
    finished_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))

    @property
    def why(self) -> Refusal | None:
        """Why it was refused or interrupted."""
        return from_text(self.refusal)

    @property
    def finished(self) -> bool:
        """Whether nothing more will happen to it."""
        return self.state not in UNFINISHED


def new_id() -> str:
    """An id for a job: 16 hex digits."""
    return secrets.token_hex(8)


def job(session: Session, job_id: str) -> IngestJob:
    """One. Raises NotFound."""
    found = session.get(IngestJob, job_id)
    if found is None:
        raise NotFound(N_("This upload no longer exists."))
    return found


def recent_jobs(session: Session, commune_id: str, now: datetime, hours: float = 12) -> list[IngestJob]:
    """Uploads that are under way or ended lately, newest first."""
    since = now - timedelta(hours=hours)
    query = select(IngestJob).where(IngestJob.commune_id == commune_id, col(IngestJob.created_at) >= since)
    return list(session.exec(query.order_by(col(IngestJob.created_at).desc()).limit(50)))


def update_job(database: Database, job_id: str, **values: object) -> None:
    """Write these columns of a job in a transaction of its own, so that the page sees the progress."""
    with database.writing() as session:
        row = session.get(IngestJob, job_id)
        if row is None:
            return
        for name, value in values.items():
            setattr(row, name, value)
        session.add(row)


def unfinished(session: Session) -> list[IngestJob]:
    """What was under way, of all communes, oldest first."""
    query = select(IngestJob).where(col(IngestJob.state).in_([s.value for s in UNFINISHED]))
    return list(session.exec(query.order_by(col(IngestJob.created_at))))
