"""Clock watch: shows steps of the controller's clock, acts on what people answer, and doubts a wrong time at the start.

A time is plainly wrong before Loa was released, before the last time that the database knows, or more than a year after
it. Nothing is planned, announced or told by such a time (`Clock.trusted`); see docs/decisions/0042.
"""

import logging
from collections import deque
from datetime import UTC, datetime, timedelta

from sqlalchemy import func
from sqlmodel import Session, col, select

from broadcast.broadcasts import Broadcast
from devices.heartbeats import LastHeartbeat
from people.audit import AuditEntry
from runtime.clock import ControllerClock, from_us, to_us
from runtime.clock_steps import SHOWN_FROM, ClockStep, StepAnswer, StepState, known_time, note_known_time
from runtime.database import Database
from runtime.table_poll import TablePoll

log = logging.getLogger(__name__)

#: No machine with this code can show an earlier time. Set with each release: a test compares it with CHANGELOG.md.
RELEASED = datetime(2026, 11, 1, tzinfo=UTC)
#: Two machines on one database, and a row written just before the end, may differ by this much.
TOLERATED = timedelta(minutes=5)
#: No controller is switched off for longer; clocks that lost their battery start in 2030 or 2036.
LONGEST_AWAY = timedelta(days=400)
_KEEP_EVERY_US = 60_000_000


class ClockWatch:
    """`begin` once, before anything uses the time; then `step` every second, in one thread."""

    def __init__(self, database: Database, clock: ControllerClock) -> None:
        self._database, self._clock = database, clock
        self._taken_us: deque[int] = deque(maxlen=20)
        self._shown_us: tuple[int | None, int | None] = (None, None)
        self._answered_us: int | None = None
        self._kept_at_us = -_KEEP_EVERY_US
        self._answers = TablePoll(database, clock, self._act_on_answer)

    def begin(self) -> None:
        with self._database.writing() as session:
            self._close(session, StepState.ASKED, StepState.DOUBTED)
            known_at = known_time(session) or _newest_row(session)
            earliest_at = max(RELEASED, known_at - TOLERATED) if known_at else RELEASED
            latest_at = known_at + LONGEST_AWAY if known_at else datetime.max.replace(tzinfo=UTC)
            query = select(ClockStep).where(ClockStep.state == StepState.KEPT.value).order_by(col(ClockStep.id).desc())
            refused = session.exec(query).first()
            if refused is not None and refused.after_at > refused.before_at:
                # A person said that this machine's clock is wrong by so much; it may still be.
                latest_at = min(latest_at, refused.after_at)
            now = self._clock.now()
            self._clock.guard(to_us(earliest_at), to_us(latest_at))
            if not self._clock.trusted:
                before_at = known_at or RELEASED
                log.error("started with a wrong clock: it shows %s, the last known time is %s", now, before_at)
                session.add(ClockStep(before_at=before_at, after_at=now, state=StepState.DOUBTED))
            else:
                self._close(session, StepState.KEPT)
        self._clock.on_step(self._taken_us.append)
        self._keep_time()

    def is_due(self) -> bool:
        """Whether `step` would find anything. Reading the clock is what notices its steps."""
        self._clock.now()
        shown_us = (self._clock.pending_step_us, self._clock.kept_step_us)
        keeps_time = self._clock.trusted and self._clock.monotonic_us() - self._kept_at_us >= _KEEP_EVERY_US
        return bool(self._taken_us) or shown_us != self._shown_us or keeps_time or self._answers.is_due()

    def step(self) -> None:
        now = self._clock.now()
        while self._taken_us:
            self._note_taken(self._taken_us.popleft(), now)
        self._show_question(now)
        self._answers.run()
        self._keep_time()

    def _note_taken(self, step_us: int, now: datetime) -> None:
        answered, self._answered_us = step_us == self._answered_us, None
        with self._database.writing() as session:
            if self._clock.trusted:
                self._close(session, StepState.DOUBTED)
                note_known_time(session, now)
            if abs(step_us) >= SHOWN_FROM // timedelta(microseconds=1) and not answered:
                before_at = from_us(to_us(now) - step_us)
                session.add(ClockStep(before_at=before_at, after_at=now, state=StepState.TAKEN))

    def _show_question(self, now: datetime) -> None:
        """Keep the rows equal to what the clock waits for: a pending step, and one that was refused."""
        pending_us, kept_us = shown_us = self._clock.pending_step_us, self._clock.kept_step_us
        if shown_us == self._shown_us:
            return
        with self._database.writing() as session:
            self._close(session, StepState.ASKED)
            if kept_us is None:
                self._close(session, StepState.KEPT)
            if pending_us is not None:
                after_at = from_us(to_us(now) + pending_us)
                log.warning("the wall clock was set to %s; controller time %s goes on until confirmed", after_at, now)
                session.add(ClockStep(before_at=now, after_at=after_at, state=StepState.ASKED))
        self._shown_us = shown_us

    def _act_on_answer(self) -> None:
        with self._database.session() as session:
            query = select(ClockStep).where(
                col(ClockStep.answer) != "", col(ClockStep.state).in_([StepState.ASKED.value, StepState.DOUBTED.value])
            )
            answered = session.exec(query).first()
        if answered is None:
            return
        follow = answered.answer == StepAnswer.FOLLOW.value
        with self._database.writing() as session:
            row = session.get_one(ClockStep, answered.id)
            row.state = (StepState.ACCEPTED if follow else StepState.KEPT).value
            session.add(row)
        log.warning("%s answered: %s is right", answered.answered_by, answered.after_at if follow else "the old time")
        if answered.state == StepState.DOUBTED.value:
            self._clock.confirm_time()
        elif follow:
            self._answered_us = self._clock.pending_step_us
            self._clock.accept_step()
        else:
            self._clock.keep_time()

    def _keep_time(self) -> None:
        """Write down the time, so that a start before it is noticed."""
        at_us = self._clock.monotonic_us()
        if at_us - self._kept_at_us >= _KEEP_EVERY_US and self._clock.trusted:
            self._kept_at_us = at_us
            with self._database.writing() as session:
                note_known_time(session, self._clock.now())

    @staticmethod
    def _close(session: Session, *states: StepState) -> None:
        """What waited is settled: the clock was set right, or another step came."""
        for row in session.exec(select(ClockStep).where(col(ClockStep.state).in_([s.value for s in states]))):
            row.state = StepState.GONE.value
            session.add(row)


def _newest_row(session: Session) -> datetime | None:
    """When the newest row was written, of a database that a Loa without `KnownTime` wrote."""
    newest = [
        session.exec(select(func.max(written_at))).one()
        for written_at in (col(AuditEntry.at), col(LastHeartbeat.heard_at), col(Broadcast.planned_at))
    ]
    return max((at for at in newest if at is not None), default=None)
