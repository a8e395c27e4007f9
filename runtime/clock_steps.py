"""Steps of the controller's clock as people see them, what they answered, and the last time that was known to be right.

The rows are how a page or a command in another process answers: the controller reads them every second.
"""

from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Column
from sqlmodel import Field, Session, SQLModel, col, select

from runtime.database import UtcDateTime
from runtime.refusal import N_, Refusal
from runtime.rows import existing

#: Smaller steps are logged only: NTP corrects a machine without a battery clock by seconds.
SHOWN_FROM = timedelta(minutes=3)


class StepState(StrEnum):
    """TAKEN: controller time followed at once. ASKED: a person has to say which time is right; time goes on meanwhile.

    DOUBTED: the controller started with a time that is plainly wrong, and does nothing by it. ACCEPTED, KEPT: answered.
    GONE: the clock was set right before anybody answered.
    """

    TAKEN = "taken"
    ASKED = "asked"
    DOUBTED = "doubted"
    ACCEPTED = "accepted"
    KEPT = "kept"
    GONE = "gone"


class StepAnswer(StrEnum):
    """FOLLOW: the new time is right. KEEP: the old one is."""

    FOLLOW = "follow"
    KEEP = "keep"


class ClockStep(SQLModel, table=True):
    """One step. before_at, after_at: what the time was and became; of a start, the last time known and the clock's.

    answer: what a person said, until the controller has acted on it in `state`. dismissed: no longer shown.
    """

    __tablename__ = "clock_step"

    id: int | None = Field(default=None, primary_key=True)
    before_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    after_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    state: str
    answer: str = ""
    answered_by: str = ""
    dismissed: bool = False

    @property
    def number(self) -> int:
        return self.id or 0

    @property
    def subject(self) -> str:
        """For revisions and the audit."""
        return f"clock_step {self.id}"

    @property
    def settings_shown(self) -> list[object]:
        return [self.state, self.answer]

    @property
    def waits(self) -> bool:
        """Whether a person has to answer."""
        return self.state in (StepState.ASKED, StepState.DOUBTED) and not self.answer


class KnownTime(SQLModel, table=True):
    """The latest controller time that was trusted; one row. A machine that starts before it has a wrong clock."""

    __tablename__ = "known_time"

    id: int = Field(default=1, primary_key=True)
    at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))


def shown_steps(session: Session) -> list[ClockStep]:
    """Those that the first page shows, newest first: what has to be answered, and what nobody has dismissed."""
    query = select(ClockStep).where(col(ClockStep.dismissed).is_(False), col(ClockStep.state) != StepState.GONE.value)
    return list(session.exec(query.order_by(col(ClockStep.id).desc())))


def waiting_step(session: Session) -> ClockStep | None:
    """The step that a person has to answer."""
    return next((step for step in shown_steps(session) if step.waits), None)


def clock_step(session: Session, number: int) -> ClockStep:
    """Raises NotFound."""
    return existing(
        session, ClockStep, number, N_("This message about the clock no longer exists. Open the page On air again.")
    )


def check_clock(session: Session) -> None:
    """Raises Refusal while the controller's time is plainly wrong: what is planned by it would sound nowhere."""
    waiting = select(ClockStep.id).where(ClockStep.state == StepState.DOUBTED.value).limit(1)
    if session.exec(waiting).first() is not None:
        raise Refusal(
            N_(
                "The clock of the Loa server is wrong, so nothing can be broadcast. Set the clock, or confirm it on "
                "the page On air."
            )
        )


def known_time(session: Session) -> datetime | None:
    row = session.get(KnownTime, 1)
    return row.at if row else None


def note_known_time(session: Session, now: datetime) -> None:
    session.merge(KnownTime(id=1, at=now))
