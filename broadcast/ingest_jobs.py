"""Ingest jobs: progress and result of each upload, kept over restarts."""

import secrets
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import BigInteger, Boolean, Column, Text, false, text
from sqlmodel import Field, Session, SQLModel, col, select

from runtime.database import Database, UtcDateTime
from runtime.refusal import N_, Refusal, from_text
from runtime.rows import existing


class JobState(StrEnum):
    """The step an upload is in."""

    RECEIVING = "receiving"
    SPEAKING = "speaking"
    WAITING = "waiting"
    PROBING = "probing"
    MEASURING = "measuring"
    ENCODING = "encoding"
    VERIFYING = "verifying"
    READY = "ready"
    REFUSED = "refused"
    INTERRUPTED = "interrupted"


UNFINISHED = (
    JobState.RECEIVING,
    JobState.SPEAKING,
    JobState.WAITING,
    JobState.PROBING,
    JobState.MEASURING,
    JobState.ENCODING,
    JobState.VERIFYING,
)


class IngestJob(SQLModel, table=True):
    """One upload. progress: 0 to 1 over all steps after receiving. refusal: JSON of message id and values.

    same_as_before: a clip with the same bytes existed. replaces: the clip that this one supersedes.
    resumed: the controller stopped during it and continued at the next start. urgent: for an emergency.
    speech: of a text that is read aloud, its `SpeechOrder` as JSON; "" for a file.
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
    urgent: bool = Field(default=False, sa_column=Column(Boolean, nullable=False, server_default=false()))
    incoming: str = ""
    speech: str = Field(default="", sa_type=Text, sa_column_kwargs={"server_default": text("''")})
    created_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    created_by: str = ""
    finished_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))

    @property
    def why(self) -> Refusal | None:
        """Why it was refused or interrupted."""
        return from_text(self.refusal)

    @property
    def finished(self) -> bool:
        return self.state not in UNFINISHED


def new_id() -> str:
    return secrets.token_hex(8)


def job(session: Session, job_id: str) -> IngestJob:
    """Raises NotFound when no row has this id."""
    return existing(session, IngestJob, job_id, N_("This upload no longer exists."))


def finished_jobs(session: Session, commune_id: str, now: datetime, hours: float = 12) -> list[IngestJob]:
    """The uploads that finished in the last hours, at most 50, the last finished first."""
    since = now - timedelta(hours=hours)
    query = select(IngestJob).where(IngestJob.commune_id == commune_id, col(IngestJob.finished_at) >= since)
    return list(session.exec(query.order_by(col(IngestJob.finished_at).desc(), IngestJob.id).limit(50)))


def dismiss_job(session: Session, job_id: str, commune_id: str, by: str) -> None:
    """Forget a finished upload of this person; one that is not there any more stays away."""
    row = session.get(IngestJob, job_id)
    if row is not None and row.commune_id == commune_id and row.created_by == by and row.finished:
        session.delete(row)


def update_job(database: Database, job_id: str, **values: object) -> IngestJob | None:
    """Write these columns of a job in a transaction of its own, so that the page sees the progress.

    Returns the job; None when it no longer exists.
    """
    with database.writing() as session:
        row = session.get(IngestJob, job_id)
        if row is not None:
            for name, value in values.items():
                setattr(row, name, value)
            session.add(row)
    return row


def unfinished(session: Session, commune_id: str | None = None) -> list[IngestJob]:
    """Unfinished uploads of one commune, or of all, oldest first."""
    query = select(IngestJob).where(col(IngestJob.state).in_([s.value for s in UNFINISHED]))
    if commune_id is not None:
        query = query.where(IngestJob.commune_id == commune_id)
    return list(session.exec(query.order_by(col(IngestJob.created_at))))
