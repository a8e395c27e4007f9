"""Presence: the state of each receiver, computed from what was last heard of it; each change is recorded."""

import threading
from collections.abc import Collection
from datetime import datetime, timedelta

from sqlalchemy import Column, func
from sqlmodel import Field, Session, SQLModel, col, select

from devices import faults
from devices.heartbeats import forget_last, last_heartbeats
from devices.presence_states import (
    NO_FAULT,
    OFFLINE_AFTER,
    PresenceState,
    ReceiverRecord,
    ReceiverStatus,
    presence_state,
    was_overtaken,
)
from devices.shared_credentials import WINDOW
from runtime.database import Database, UtcDateTime
from wire.reports import Heartbeat, Presence

#: How long receivers have at least to come back after the controller was away: longer than their reconnect pauses.
COME_BACK_WITHIN_S = 40.0
#: A will this short a time before the controller lost the broker came because the broker ended.
_BROKER_ENDED = timedelta(seconds=3)


class PresenceChange(SQLModel, table=True):
    """A receiver changed its state. at: when it happened, not when it was noticed. cause: one of CAUSES."""

    id: int | None = Field(default=None, primary_key=True)
    receiver_id: str = Field(index=True)
    at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    state: str
    cause: str = ""


class PresenceWatch:
    """Every receiver's state in memory; each change is recorded. Callable from any thread."""

    def __init__(self, database: Database, *, period_s: float = 20.0, now: datetime) -> None:
        """period_s: seconds between heartbeats. now: when listening begins; silence before it is not counted."""
        self._database = database
        self._period_s = period_s
        self._come_back_within = timedelta(seconds=max(period_s * OFFLINE_AFTER, COME_BACK_WITHIN_S))
        self._listening_since = now
        self._listening = True
        self._lock = threading.Lock()
        #: Held while states are recorded; taken before `_lock`.
        self._record_lock = threading.Lock()
        self._known: dict[str, ReceiverRecord] = {}
        #: Whether no state can change until something more is heard.
        self._quiet = False
        #: Receivers whose credentials two devices use, as recorded.
        self._shared: set[str] = set()
        with database.session() as session:
            self._read(session)
        for record in self._known.values():
            if record.last_heard_at is not None:  # by a clock that ran ahead
                record.last_heard_at = min(record.last_heard_at, now)

    def heard(self, receiver_id: str, heartbeat: Heartbeat, at: datetime) -> None:
        """A heartbeat comes from the connection that is open now: it is a sign of life, whatever its session."""
        with self._lock:
            self._quiet = False
            record = self._known.setdefault(receiver_id, ReceiverRecord())
            if was_overtaken(record, heartbeat.session, at):
                return
            if heartbeat.session < record.session:
                record.connections.connected("", fell=True, at=at)
            record.follow(heartbeat.session, at)
            record.heartbeat = heartbeat

    def presence_received(self, receiver_id: str, presence: Presence, at: datetime, *, retained: bool) -> None:
        """A birth, farewell or will arrived. A will ends its own session only.

        retained: the broker kept it from before the subscription, so a birth in it is no sign of life.
        """
        with self._lock:
            self._quiet = False
            record = self._known.setdefault(receiver_id, ReceiverRecord())
            if not presence.online:
                self._farewell(record, presence, at, retained=retained)
            elif not retained:
                # With the same number after a will: a copy of the receiver's card counts as the receiver does.
                repeated = presence.session == record.session and record.farewell_at is not None
                fell = presence.session < record.session or repeated
                record.connections.connected(presence.boot, fell=fell, at=at)
                record.follow(presence.session, at)
            elif record.farewell_at is None:  # else its heartbeats would seem to be from before that farewell
                record.session = presence.session

    def _farewell(self, record: ReceiverRecord, presence: Presence, at: datetime, *, retained: bool) -> None:
        session = presence.session
        if session != record.session and (session < record.session or session in record.ended):
            return
        record.session = session
        if record.farewell_at is None:
            record.farewell_at, record.farewell_cause = at, presence.cause or "connection_lost"
            record.away = retained or not self._listening
        if record.last_heard_at is None:
            record.last_heard_at = at

    def listening_ended(self, at: datetime) -> None:
        """The controller lost the broker. The wills of the last seconds came because the broker ended."""
        with self._record_lock:
            with self._lock:
                self._quiet = self._listening = False
                hit = {
                    receiver_id: record
                    for receiver_id, record in self._known.items()
                    if record.farewell_at is not None
                    and record.farewell_cause == "connection_lost"
                    and timedelta(0) <= at - record.farewell_at <= _BROKER_ENDED
                }
                for record in hit.values():
                    record.away = True
                recorded = [r for r, record in hit.items() if record.cause == "connection_lost"]
                for receiver_id in recorded:
                    hit[receiver_id].cause = "controller_away"
            if recorded:
                with self._database.writing() as session:
                    for receiver_id in recorded:
                        change = changes(session, receiver_id, 1)[0]
                        change.cause = "controller_away"
                        session.add(change)
                        faults.withdraw(session, receiver_id, faults.LINK, since=at - _BROKER_ENDED)

    def listening_again(self, at: datetime) -> None:
        """The controller is connected to the broker. Receivers get time to come back."""
        with self._lock:
            self._quiet, self._listening, self._listening_since = False, True, at

    def credentials_ended(self, receiver_ids: Collection[str], at: datetime) -> None:
        """The credentials that these receivers used are no longer valid. The next device to connect starts over."""
        with self._lock:
            self._quiet = False
            for receiver_id in receiver_ids:
                if (old := self._known.get(receiver_id)) is None:
                    continue
                fresh = ReceiverRecord(farewell_at=at, farewell_cause="new_credentials", last_heard_at=at)
                fresh.ended = {**old.ended, old.session: at}
                fresh.state, fresh.cause, fresh.since = old.state, old.cause, old.since
                self._known[receiver_id] = fresh
        with self._database.writing() as session:
            forget_last(session, receiver_ids)

    def clock_stepped(self, by: timedelta) -> None:
        """Controller time was set by so much: what was heard lies as long ago as before."""
        with self._lock:
            self._quiet = False
            self._listening_since += by
            for record in self._known.values():
                if record.last_heard_at is not None:
                    record.last_heard_at += by

    def may_change(self) -> bool:
        """Whether the next `sweep` could find a change: not while every receiver is new or has long been lost."""
        return not self._quiet

    def sweep(self, now: datetime) -> list[PresenceChange]:
        """Compute every state and record the changes. Called about once a second while `may_change`."""
        changes = []
        with self._record_lock:
            with self._lock:
                self._listening_since = min(self._listening_since, now)  # the clock was set back
                shared = {receiver_id for receiver_id, record in self._known.items() if record.shared(now)}
                newly, no_longer = shared - self._shared, self._shared - shared
                self._shared = shared
                self._quiet = True  # unless a state can still change, or something is heard from now on
                for receiver_id, record in self._known.items():
                    if record.last_heard_at is not None and record.last_heard_at > now:
                        record.last_heard_at = now
                    change = self._change(receiver_id, record, now)
                    if change is not None:
                        changes.append(change)
                    lasting = record.state in (PresenceState.NEW, PresenceState.OFFLINE)
                    self._quiet &= lasting and record.cause != "controller_away" and receiver_id not in shared
            if changes or newly or no_longer:
                self._quiet = False  # until they are recorded
                with self._database.writing() as session:
                    session.add_all(changes)
                    for change in changes:
                        _record_link_fault(session, change)
                    for receiver_id in newly | no_longer:
                        present = receiver_id in newly
                        faults.note(session, receiver_id, faults.SHARED_CREDENTIALS, present=present, at=now)
        return changes

    def _change(self, receiver_id: str, record: ReceiverRecord, now: datetime) -> PresenceChange | None:
        state, since = self._state(record, now)
        cause = self._cause(state, record, now)
        # Who did not come back in time after the controller was away is lost; nobody becomes "away" afterwards.
        is_lost = state is PresenceState.OFFLINE and record.cause == "controller_away" != cause
        if state is record.state and not is_lost:
            return None
        record.state, record.since, record.cause = state, since, cause
        return PresenceChange(receiver_id=receiver_id, at=since or now, state=state.value, cause=cause)

    def snapshot(self, now: datetime) -> dict[str, ReceiverStatus]:
        """Every receiver that was ever heard; from memory, no query. A receiver that is not in it is new."""
        with self._lock:
            states = {}
            for receiver_id, record in self._known.items():
                state, since = self._state(record, now)
                states[receiver_id] = ReceiverStatus(
                    state,
                    record.since if state is record.state else since,
                    record.last_heard_at,
                    record.heartbeat,
                    self._cause(state, record, now),
                )
            return states

    def receiver_status(self, receiver_id: str, now: datetime) -> ReceiverStatus:
        """One receiver as it is now."""
        nothing = ReceiverStatus(PresenceState.NEW, None, None, None)
        return self.snapshot(now).get(receiver_id, nothing)

    def _state(self, record: ReceiverRecord, now: datetime) -> tuple[PresenceState, datetime | None]:
        heard_at = record.last_heard_at
        if heard_at is not None and heard_at < self._listening_since and record.state is PresenceState.ONLINE:
            # The controller itself was away: a receiver that was online gets the full period to be heard again.
            heard_at = (
                self._listening_since + self._come_back_within - timedelta(seconds=self._period_s * OFFLINE_AFTER)
            )
        state, since = presence_state(heard_at, record.farewell_at, self._period_s, now)
        if state is PresenceState.ONLINE and record.state is PresenceState.ONLINE:
            since = record.since
        return state, since

    def _cause(self, state: PresenceState, record: ReceiverRecord, now: datetime) -> str:
        if state is not PresenceState.OFFLINE:
            return "silent" if state is PresenceState.LATE else "heard"
        if record.state is state and record.cause not in ("", "controller_away"):
            return record.cause
        cause = record.farewell_cause if record.farewell_at is not None else "silent"
        coming_back = not self._listening or now - self._listening_since < self._come_back_within
        if record.farewell_at is not None:
            away = record.away and cause == "connection_lost"
        else:
            away = not self._listening or (record.last_heard_at or now) < self._listening_since
        return "controller_away" if away and coming_back else cause

    def _read(self, session: Session) -> None:
        for receiver_id, row in last_heartbeats(session).items():
            self._known[receiver_id] = ReceiverRecord(row.session, last_heard_at=row.heard_at, heartbeat=row.message)
        newest = select(func.max(PresenceChange.id)).group_by(col(PresenceChange.receiver_id))
        for change in session.exec(select(PresenceChange).where(col(PresenceChange.id).in_(newest))):
            record = self._known.setdefault(change.receiver_id, ReceiverRecord())
            record.state, record.since, record.cause = PresenceState(change.state), change.at, change.cause
            if record.state is PresenceState.OFFLINE:
                record.away = change.cause == "controller_away"
                record.farewell_cause = "connection_lost" if record.away else change.cause
                if change.cause != "silent":
                    record.farewell_at = change.at
                if record.last_heard_at is None:
                    record.last_heard_at = change.at
        self._shared = faults.receivers_with(session, faults.SHARED_CREDENTIALS)
        for receiver_id in self._shared:
            record = self._known.setdefault(receiver_id, ReceiverRecord())
            record.shared_until = self._listening_since + WINDOW


def changes(session: Session, receiver_id: str, limit: int = 50) -> list[PresenceChange]:
    """A receiver's latest changes, newest first."""
    query = select(PresenceChange).where(PresenceChange.receiver_id == receiver_id)
    return list(session.exec(query.order_by(col(PresenceChange.at).desc(), col(PresenceChange.id).desc()).limit(limit)))


def _record_link_fault(session: Session, change: PresenceChange) -> None:
    """A connection lost without a farewell is a fault; a receiver that was stopped on purpose is not."""
    if change.state == PresenceState.OFFLINE and change.cause not in NO_FAULT:
        faults.note(session, change.receiver_id, faults.LINK, present=True, at=change.at, detail=change.cause)
    elif change.state == PresenceState.ONLINE:
        faults.note(session, change.receiver_id, faults.LINK, present=False, at=change.at)
