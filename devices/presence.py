"""Presence: the state of each receiver, computed from what was last heard of it; each change is recorded.

States: new (never heard), online, late (a heartbeat is overdue), offline (its will came, or it was silent too long).
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Column, func
from sqlmodel import Field, Session, SQLModel, col, select

from devices import faults
from devices.heartbeats import last_heartbeats
from devices.receivers import receivers
from runtime.database import Database, UtcDateTime
from wire.reports import Heartbeat, Presence

#: In heartbeat periods of silence. With 20 s: late after 25 s, offline after 50 s, so a failure is shown within 60 s.
LATE_AFTER = 1.25
OFFLINE_AFTER = 2.5


class PresenceState(StrEnum):
    """As the pages show it."""

    NEW = "new"
    ONLINE = "online"
    LATE = "late"
    OFFLINE = "offline"


class PresenceChange(SQLModel, table=True):
    """A receiver changed its state. at: when it happened, not when it was noticed. cause: one of CAUSES."""

    id: int | None = Field(default=None, primary_key=True)
    receiver_id: str = Field(index=True)
    at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    state: str
    cause: str = ""


#: silent: nothing heard for too long. connection_lost: the broker published its will. stopped, reboot: its farewell.
#: heard: it was heard (again). controller_away: the controller was not listening.
CAUSES = ("silent", "connection_lost", "stopped", "reboot", "heard", "controller_away")


@dataclass
class _ReceiverRecord:
    """What was heard of one receiver, in memory."""

    session: int = 0
    last_heard_at: datetime | None = None
    heartbeat: Heartbeat | None = None
    farewell_at: datetime | None = None
    farewell_cause: str = ""
    state: PresenceState = PresenceState.NEW
    since: datetime | None = None


@dataclass(frozen=True)
class ReceiverStatus:
    """A receiver as it is now. since: when it came into this state. heartbeat: the last one heard."""

    state: PresenceState
    since: datetime | None
    last_heard_at: datetime | None
    heartbeat: Heartbeat | None
    cause: str = ""


def presence_state(
    last_heard_at: datetime | None, farewell_at: datetime | None, period_s: float, now: datetime
) -> tuple[PresenceState, datetime | None]:
    """The state, and since when it holds, by arithmetic alone.

    farewell_at: when its will or its farewell came, None when it was heard in a newer session since.
    """
    if last_heard_at is None:
        return PresenceState.NEW, None
    if farewell_at is not None:
        return PresenceState.OFFLINE, farewell_at
    silent_s = (now - last_heard_at).total_seconds()
    if silent_s >= period_s * OFFLINE_AFTER:
        return PresenceState.OFFLINE, last_heard_at + timedelta(seconds=period_s * OFFLINE_AFTER)
    if silent_s >= period_s * LATE_AFTER:
        return PresenceState.LATE, last_heard_at + timedelta(seconds=period_s * LATE_AFTER)
    return PresenceState.ONLINE, last_heard_at


class PresenceWatch:
    """Every receiver's state in memory; each change is recorded. Callable from any thread."""

    def __init__(self, database: Database, *, period_s: float = 20.0, now: datetime) -> None:
        """period_s: seconds between heartbeats. now: when listening begins; silence before it is not counted."""
        self._database = database
        self._period_s = period_s
        self._listening_since = now
        self._lock = threading.Lock()
        self._known: dict[str, _ReceiverRecord] = {}
        self._on_change: list[Callable[[str, PresenceState], None]] = []
        with database.session() as session:
            self._read(session)
        for record in self._known.values():
            if record.last_heard_at is not None:  # by a clock that ran ahead
                record.last_heard_at = min(record.last_heard_at, now)

    def on_change(self, told: Callable[[str, PresenceState], None]) -> None:
        """Call `told(receiver, state)` after a change is recorded."""
        self._on_change.append(told)

    def heard(self, receiver_id: str, heartbeat: Heartbeat, at: datetime) -> None:
        """A heartbeat of an older session than the known one arrived late and is ignored."""
        with self._lock:
            known = self._known.setdefault(receiver_id, _ReceiverRecord())
            if heartbeat.session < known.session:
                return
            if heartbeat.session == known.session and known.farewell_at is not None:
                return  # sent before its farewell, and overtaken by it
            known.session, known.farewell_at = heartbeat.session, None
            known.last_heard_at, known.heartbeat = at, heartbeat

    def presence_received(self, receiver_id: str, presence: Presence, at: datetime, *, retained: bool) -> None:
        """A birth, farewell or will arrived. A will of an older session does not end a newer one.

        retained: the broker kept it from before the subscription, so a birth in it is no sign of life.
        """
        with self._lock:
            known = self._known.setdefault(receiver_id, _ReceiverRecord())
            if presence.session < known.session:
                return
            if presence.online:
                if retained:
                    if known.farewell_at is None:  # else its heartbeats would seem to be from before that farewell
                        known.session = presence.session
                    return
                if presence.session == known.session and known.farewell_at is not None:
                    return
                known.session, known.farewell_at, known.last_heard_at = presence.session, None, at
                return
            known.session = presence.session
            if known.farewell_at is None:
                known.farewell_at, known.farewell_cause = at, presence.cause or "connection_lost"
            if known.last_heard_at is None:
                known.last_heard_at = at

    def clock_stepped(self, by: timedelta) -> None:
        """Controller time was set by so much: what was heard lies as long ago as before."""
        with self._lock:
            self._listening_since += by
            for known in self._known.values():
                if known.last_heard_at is not None:
                    known.last_heard_at += by

    def sweep(self, now: datetime) -> list[PresenceChange]:
        """Compute every state and record the changes. Called about once a second."""
        changes = []
        with self._lock:
            for receiver_id, known in self._known.items():
                state, since = self._state(known, now)
                if state is not known.state:
                    known.state, known.since = state, since
                    changes.append(
                        PresenceChange(
                            receiver_id=receiver_id, at=since or now, state=state.value, cause=_cause(state, known)
                        )
                    )
        if changes:
            with self._database.writing() as session:
                session.add_all(changes)
                for change in changes:
                    _record_link_fault(session, change)
            for change in changes:
                for told in self._on_change:
                    told(change.receiver_id, PresenceState(change.state))
        return changes

    def snapshot(self, now: datetime) -> dict[str, ReceiverStatus]:
        """Every receiver that was ever heard; from memory, no query. A receiver that is not in it is new."""
        with self._lock:
            found = {}
            for receiver_id, known in self._known.items():
                state, since = self._state(known, now)
                found[receiver_id] = ReceiverStatus(
                    state,
                    known.since if state is known.state else since,
                    known.last_heard_at,
                    known.heartbeat,
                    _cause(state, known),
                )
            return found

    def receiver_status(self, receiver_id: str, now: datetime) -> ReceiverStatus:
        """One receiver as it is now."""
        nothing = ReceiverStatus(PresenceState.NEW, None, None, None)
        return self.snapshot(now).get(receiver_id, nothing)

    def _state(self, known: _ReceiverRecord, now: datetime) -> tuple[PresenceState, datetime | None]:
        heard_at = known.last_heard_at
        if heard_at is not None and heard_at < self._listening_since and known.state is PresenceState.ONLINE:
            # The controller itself was away: a receiver that was online gets the full period to be heard again.
            heard_at = self._listening_since
        state, since = presence_state(heard_at, known.farewell_at, self._period_s, now)
        if state is PresenceState.ONLINE and known.state is PresenceState.ONLINE:
            since = known.since
        return state, since

    def _read(self, session: Session) -> None:
        for receiver_id, row in last_heartbeats(session).items():
            self._known[receiver_id] = _ReceiverRecord(row.session, row.heard_at, row.message)
        newest = select(func.max(PresenceChange.id)).group_by(col(PresenceChange.receiver_id))
        for change in session.exec(select(PresenceChange).where(col(PresenceChange.id).in_(newest))):
            known = self._known.setdefault(change.receiver_id, _ReceiverRecord())
            known.state, known.since = PresenceState(change.state), change.at
            if known.state is PresenceState.OFFLINE:
                known.farewell_cause = change.cause
                if change.cause != "silent":
                    known.farewell_at = change.at
                if known.last_heard_at is None:
                    known.last_heard_at = change.at


def changes(session: Session, receiver_id: str, limit: int = 50) -> list[PresenceChange]:
    """A receiver's latest changes, newest first."""
    query = select(PresenceChange).where(PresenceChange.receiver_id == receiver_id)
    return list(session.exec(query.order_by(col(PresenceChange.at).desc(), col(PresenceChange.id).desc()).limit(limit)))


def never_heard(session: Session, watch: PresenceWatch, now: datetime) -> list[str]:
    """Receivers in service that were never heard."""
    known = watch.snapshot(now)
    return [r.id for r in receivers(session) if r.id not in known]


def _record_link_fault(session: Session, change: PresenceChange) -> None:
    """A connection lost without a farewell is a fault; a receiver that was stopped on purpose is not."""
    if change.state == PresenceState.OFFLINE and change.cause not in ("stopped", "reboot"):
        faults.note(session, change.receiver_id, faults.LINK, present=True, at=change.at, detail=change.cause)
    elif change.state == PresenceState.ONLINE:
        faults.note(session, change.receiver_id, faults.LINK, present=False, at=change.at)


def _cause(state: PresenceState, known: _ReceiverRecord) -> str:
    if state is PresenceState.OFFLINE:
        return known.farewell_cause if known.farewell_at is not None else "silent"
    return "silent" if state is PresenceState.LATE else "heard"
