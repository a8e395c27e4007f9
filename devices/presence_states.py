"""The states of a receiver, and the rules by which they follow from what was heard of it. No I/O.

New (never heard), online, late (a heartbeat is overdue), offline (its will came, or it was silent too long).
"""

from dataclasses import dataclass, field
from datetime import datetime, timedelta
from enum import StrEnum

from devices.shared_credentials import ConnectionHistory
from wire.reports import Heartbeat

#: In heartbeat periods of silence. With 20 s: late after 25 s, offline after 50 s, so a failure is shown within 60 s.
LATE_AFTER = 1.25
OFFLINE_AFTER = 2.5
#: A message of a session that said farewell this short a time ago was sent before the farewell.
_OVERTAKEN = timedelta(seconds=10)
_ENDED_KEPT = 16


class PresenceState(StrEnum):
    """As the pages show it."""

    NEW = "new"
    ONLINE = "online"
    LATE = "late"
    OFFLINE = "offline"


#: silent: nothing heard for too long. connection_lost: the broker published its will.
#: stopped, reboot: its farewell.
#: heard: it was heard (again). controller_away: its connection ended while the controller was not listening, or with
#: the controller's own. new_credentials: those that it used are no longer valid.
CAUSES = ("silent", "connection_lost", "stopped", "reboot", "heard", "controller_away", "new_credentials")
#: Of an end that is no fault of the link.
NO_FAULT = ("stopped", "reboot", "controller_away", "new_credentials")


@dataclass
class ReceiverRecord:
    """What was heard of one receiver, in memory. ended: sessions that are over, by number, with when that was heard.

    away: its farewell came while the controller was not listening. cause: as recorded with `state`.
    """

    session: int = 0
    ended: dict[int, datetime] = field(default_factory=dict)
    last_heard_at: datetime | None = None
    heartbeat: Heartbeat | None = None
    farewell_at: datetime | None = None
    farewell_cause: str = ""
    away: bool = False
    state: PresenceState = PresenceState.NEW
    cause: str = ""
    since: datetime | None = None
    connections: ConnectionHistory = field(default_factory=ConnectionHistory)
    #: Until when credentials that were shared before the start are still taken for shared; None when they were not.
    shared_until: datetime | None = None

    def follow(self, session: int, at: datetime) -> None:
        """This session is the one that is open now, whatever its number."""
        if session != self.session:
            self.ended[self.session] = at
            while len(self.ended) > _ENDED_KEPT:
                del self.ended[next(iter(self.ended))]
        self.ended.pop(session, None)
        self.session, self.last_heard_at = session, at
        self.farewell_at, self.away = None, False

    def shared(self, now: datetime) -> bool:
        return self.connections.shared(now) or (self.shared_until is not None and now < self.shared_until)


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


def was_overtaken(record: ReceiverRecord, session: int, at: datetime) -> bool:
    """Whether a heartbeat was sent before a farewell that arrived first. Later ones prove the farewell wrong."""
    just_ended = record.farewell_at is not None and timedelta(0) <= at - record.farewell_at < _OVERTAKEN
    return just_ended and (session <= record.session or session in record.ended)
