"""Self-tests: which receivers were asked to fetch and decode a silent recording, who answered, and the verdict."""

import secrets
from collections.abc import Collection, Sequence
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, Column, func, or_, update
from sqlmodel import Field, Session, SQLModel, UniqueConstraint, col, delete, select

from devices import faults
from devices.downlink import Downlink
from devices.presence import PresenceWatch
from devices.presence_states import PresenceState
from devices.receivers import Receiver
from devices.uplink import Uplink
from runtime.clock import from_us
from runtime.database import Database, UtcDateTime, insert_if_absent
from wire.broadcasts import Rendition
from wire.commands import SelfTest
from wire.reports import SelfTestReport

#: The fault of a receiver that did not pass.
FAULT = "self_test"
#: Asked again when no answer came, once; and after each time it came back, so often in all.
_MOST_ASKED, _MOST_ASKED_AFTER_ABSENCE = 2, 5
#: What a receiver needs at most, its own second try included.
_ANSWER_WITHIN = timedelta(minutes=5)
#: How long tests are kept.
KEPT = timedelta(days=30)
#: Receivers named in one query.
_AT_ONCE = 500


class SelfTestRun(SQLModel, table=True):
    """A test of receivers of a commune. Commune and night are the claim: its insertion
    starts the night's test.

    night: the local day that it belongs to ("2026-11-24"), None when asked for by hand. verdict_at: until when answers
    are awaited. judged_at: when the verdict was given. sha256, bytes, frames, level_dbfs: of its recording; sha256 ""
    once that is deleted. spread_ms: within which receivers begin.
    """

    __table_args__ = (UniqueConstraint("commune_id", "night"),)

    id: str = Field(primary_key=True)
    commune_id: str = Field(foreign_key="commune.id", index=True)
    night: str | None = None
    begun_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False, index=True))
    verdict_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    judged_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    sha256: str
    bytes: int = Field(sa_type=BigInteger)
    frames: int = Field(sa_type=BigInteger)
    level_dbfs: float
    spread_ms: int = 0


class SelfTestPart(SQLModel, table=True):
    """One receiver's part in a test. asked: how often. ok: None until it answered. failed_step: as in its report.

    why: the verdict, "" while there is none or it passed: a step, `no_answer`, `never_heard`, or `offline` and since
    when (ISO 8601) after a space.
    """

    test_id: str = Field(foreign_key="selftestrun.id", primary_key=True)
    receiver_id: str = Field(primary_key=True, index=True)
    asked: int = 0
    asked_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    answered_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    ok: bool | None = None
    failed_step: str = ""
    detail: str = ""
    took_ms: int = Field(default=0, sa_type=BigInteger)
    why: str = ""


def register(uplink: Uplink) -> None:
    """Take the reports of self-tests from now on."""
    uplink.on_report(SelfTestReport, take_report)


def begin(session: Session, run: SelfTestRun, receiver_ids: Sequence[str]) -> bool:
    """Begin a test. False when the night's was begun already, by another controller or before a restart."""
    if not insert_if_absent(session, SelfTestRun, run.model_dump()):
        return False
    session.add_all(SelfTestPart(test_id=run.id, receiver_id=receiver_id) for receiver_id in receiver_ids)
    session.flush()
    return True


def begun(session: Session, nights: Collection[str]) -> set[tuple[str, str]]:
    """The tests of these nights that were begun: commune id and night."""
    query = select(SelfTestRun.commune_id, SelfTestRun.night).where(col(SelfTestRun.night).in_(nights))
    return {(commune_id, night) for commune_id, night in session.exec(query) if night is not None}


def new_id() -> str:
    return secrets.token_hex(8)


def ask_due(database: Database, downlink: Downlink, watch: PresenceWatch, now: datetime) -> int:
    """Ask who is online and was not asked, or came back since, or did not answer. Gives how many were asked.

    Each asking is claimed by counting it up, so that two controllers do not ask one receiver twice.
    """
    with database.session() as session:
        is_open = col(SelfTestRun.judged_at).is_(None), col(SelfTestRun.verdict_at) > now
        runs = {run.id: run for run in session.exec(select(SelfTestRun).where(*is_open))}
        if not runs:
            return 0
        states = watch.snapshot(now)
        online = {ident for ident, at in states.items() if at.state in (PresenceState.ONLINE, PresenceState.LATE)}
        open_parts = _unanswered(session, runs, online) if online else []
    requests = 0
    for part in open_parts:
        run = runs[part.test_id]
        if not _to_be_asked(run, part, states[part.receiver_id].since, now):
            continue
        with database.writing() as session:
            claim = (
                update(SelfTestPart)
                .where(
                    col(SelfTestPart.test_id) == part.test_id,
                    col(SelfTestPart.receiver_id) == part.receiver_id,
                    col(SelfTestPart.asked) == part.asked,
                )
                .values(asked=part.asked + 1, asked_at=now)
            )
            claimed = session.connection().execute(claim).rowcount == 1
        if claimed:
            downlink.send_command(part.receiver_id, _action(run, first=part.asked == 0))
            requests += 1
    return requests


def _unanswered(session: Session, test_ids: Collection[str], receiver_ids: Collection[str]) -> list[SelfTestPart]:
    """The parts of these tests and receivers without an answer.

    Columns are read first: this is asked every few seconds, and thousands of receivers may be away.
    """
    is_unanswered = col(SelfTestPart.test_id).in_(test_ids), col(SelfTestPart.answered_at).is_(None)
    keys = session.exec(select(SelfTestPart.test_id, SelfTestPart.receiver_id).where(*is_unanswered)).all()
    wanted = sorted({receiver_id for _, receiver_id in keys if receiver_id in receiver_ids})
    parts = list[SelfTestPart]()
    for start in range(0, len(wanted), _AT_ONCE):
        here = col(SelfTestPart.receiver_id).in_(wanted[start : start + _AT_ONCE])
        parts += session.exec(select(SelfTestPart).where(*is_unanswered, here))
    return parts


def judge_due(database: Database, watch: PresenceWatch, now: datetime) -> list[str]:
    """Give the verdict on tests whose time is over: who did not pass has a fault. Gives the ids of the tests."""
    judged = []
    with database.session() as session:
        unjudged = list(session.exec(select(SelfTestRun).where(col(SelfTestRun.judged_at).is_(None))))
        ready = [run for run in unjudged if run.verdict_at <= now or _all_answered(session, run)]
    for run in ready:
        with database.writing() as session:
            claim = (
                update(SelfTestRun)
                .where(col(SelfTestRun.id) == run.id, col(SelfTestRun.judged_at).is_(None))
                .values(judged_at=now)
            )
            if session.connection().execute(claim).rowcount != 1:
                continue
            for part in session.exec(select(SelfTestPart).where(SelfTestPart.test_id == run.id)):
                _judge(session, part, watch, now)
            judged.append(run.id)
    return judged


def next_due(session: Session) -> datetime | None:
    """When the next verdict is due, or a receiver has not answered in time; what receivers do may come first."""
    is_open = col(SelfTestRun.judged_at).is_(None)
    verdict_at = session.exec(select(func.min(SelfTestRun.verdict_at)).where(is_open)).one()
    asked = (
        select(func.min(SelfTestPart.asked_at), SelfTestRun.spread_ms)
        .join(SelfTestRun, col(SelfTestRun.id) == col(SelfTestPart.test_id))
        .where(is_open, col(SelfTestPart.answered_at).is_(None))
        .where(col(SelfTestPart.asked) > 0, col(SelfTestPart.asked) < _MOST_ASKED)
        .group_by(col(SelfTestRun.id), col(SelfTestRun.spread_ms))
    )
    instants = [] if verdict_at is None else [verdict_at]
    for asked_at, spread_ms in session.exec(asked):
        if asked_at is not None:
            instants.append(asked_at + timedelta(milliseconds=spread_ms) + _ANSWER_WITHIN)
    return min(instants, default=None)


def take_report(session: Session, receiver_id: str, report: SelfTestReport) -> None:
    """Write an answer down. A good one ends the fault at once, also after the verdict; a bad one waits for it."""
    part = session.get(SelfTestPart, (report.test, receiver_id))
    if part is None or part.ok:
        return
    run = session.get(SelfTestRun, report.test)
    at = from_us(report.at_us)
    part.answered_at, part.ok, part.took_ms = at, report.ok, report.took_ms
    part.failed_step, part.detail = report.failed_step[:40], report.detail[:300]
    if report.ok:
        part.why = ""
        # Nothing of an older test says anything about a newer one that failed.
        if run is not None and not _failed_since(session, receiver_id, run):
            faults.note(session, receiver_id, FAULT, present=False, at=at)
    elif run is not None and run.judged_at is not None:
        part.why = part.failed_step
        faults.note(session, receiver_id, FAULT, present=True, at=at, detail=part.why)
    session.add(part)


def latest(session: Session, receiver_ids: Sequence[str], since: datetime) -> dict[str, SelfTestPart]:
    """Each receiver's newest part in a test that began since then. One query."""
    query = (
        select(SelfTestPart)
        .join(SelfTestRun, col(SelfTestRun.id) == col(SelfTestPart.test_id))
        .where(col(SelfTestPart.receiver_id).in_(receiver_ids), col(SelfTestRun.begun_at) >= since)
        .order_by(col(SelfTestRun.begun_at))
    )
    return {part.receiver_id: part for part in session.exec(query)}


def has_old(session: Session, now: datetime) -> bool:
    """Whether `forget_old` has anything to do: read first, so that idling takes no write lock."""
    over = col(SelfTestRun.judged_at) < now - timedelta(hours=1)
    old = col(SelfTestRun.begun_at) < now - KEPT
    return session.exec(select(SelfTestRun.id).where(over, or_(col(SelfTestRun.sha256) != "", old))).first() is not None


def forget_old(session: Session, now: datetime) -> list[str]:
    """Drop old tests; gives the hashes of recordings that nobody needs any more."""
    over = col(SelfTestRun.judged_at) < now - timedelta(hours=1)
    runs = list(session.exec(select(SelfTestRun).where(over, SelfTestRun.sha256 != "")))
    hashes = [run.sha256 for run in runs]
    for run in runs:
        run.sha256 = ""
        session.add(run)
    session.flush()
    old = list(session.exec(select(SelfTestRun.id).where(over, col(SelfTestRun.begun_at) < now - KEPT)))
    session.exec(delete(SelfTestPart).where(col(SelfTestPart.test_id).in_(old)))
    session.exec(delete(SelfTestRun).where(col(SelfTestRun.id).in_(old)))
    return hashes


def _to_be_asked(run: SelfTestRun, part: SelfTestPart, since: datetime | None, now: datetime) -> bool:
    if part.asked_at is None:
        return True
    if part.asked < _MOST_ASKED_AFTER_ABSENCE and since is not None and since > part.asked_at:
        return True
    waited = now - part.asked_at - timedelta(milliseconds=run.spread_ms)
    return part.asked < _MOST_ASKED and waited >= _ANSWER_WITHIN


def _action(run: SelfTestRun, *, first: bool) -> SelfTest:
    media = Rendition(sha256=run.sha256, bytes=run.bytes, codec="opus", path=f"{run.sha256}.opus")
    return SelfTest(
        test=run.id, media=media, frames=run.frames, level_dbfs=run.level_dbfs, spread_ms=run.spread_ms if first else 0
    )


def _all_answered(session: Session, run: SelfTestRun) -> bool:
    """A test started by hand has an operator waiting: it is judged as soon as all have answered."""
    if run.night is not None:
        return False
    query = select(SelfTestPart).where(SelfTestPart.test_id == run.id, col(SelfTestPart.answered_at).is_(None))
    return session.exec(query).first() is None


def _judge(session: Session, part: SelfTestPart, watch: PresenceWatch, now: datetime) -> None:
    receiver = session.get(Receiver, part.receiver_id)
    if receiver is None or receiver.retired_at is not None or part.ok:
        return
    if part.answered_at is not None:
        part.why = part.failed_step or "no_answer"
    else:
        at = watch.receiver_status(part.receiver_id, now)
        if at.state is PresenceState.NEW:
            part.why = "never_heard"
        elif at.state is PresenceState.OFFLINE and at.since is not None:
            part.why = f"offline {at.since.isoformat(timespec='seconds')}"
        else:
            part.why = "no_answer"
    session.add(part)
    faults.note(session, part.receiver_id, FAULT, present=True, at=now, detail=part.why)


def _failed_since(session: Session, receiver_id: str, run: SelfTestRun) -> bool:
    query = (
        select(SelfTestPart)
        .join(SelfTestRun, col(SelfTestRun.id) == col(SelfTestPart.test_id))
        .where(SelfTestPart.receiver_id == receiver_id, SelfTestPart.why != "", SelfTestRun.begun_at > run.begun_at)
    )
    return session.exec(query).first() is not None
