"""The live sessions of a controller: begun, found again after a lost connection, watched, ended at its stop."""

import threading

from broadcast.broadcasts import Broadcast, BroadcastState, state
from broadcast.chimes import live_chimes
from broadcast.ingest import Ingest
from broadcast.live_rules import link_delays, rules_for
from broadcast.media import Media
from devices.connect_events import on_session_start
from devices.downlink import Downlink
from runtime.broker import Broker
from runtime.refusal import N_, Refusal
from studio.live_limits import LiveEnd
from studio.live_recordings import LiveRecordings, live_folder
from studio.live_session import LiveSession
from studio.live_status import LiveRequest
from transport.worker import Worker
from usecases.actors import Actor
from usecases.services import Services

#: How often it is looked whether a broadcast was stopped elsewhere, and whether recordings are finished.
WATCH_EVERY_S = 0.5
#: The same while none runs here: `loa live` leaves recordings too.
REST_EVERY_S = 5.0
#: How long a session may take to end at the controller's stop.
CLOSE_S = 3.0
_RUNNING = (BroadcastState.PLANNED, BroadcastState.ANNOUNCED, BroadcastState.ON_AIR)


class LiveSessions:
    """`recover` before the ingest's start, `start` before the first; `close` ends those that run.

    Callable from any thread.
    """

    def __init__(
        self, services: Services, downlink: Downlink, broker: Broker, ingest: Ingest, media: Media, originals: Media
    ) -> None:
        """media: where the chimes are. originals: where recordings go."""
        self._services, self._downlink, self._folder = services, downlink, live_folder(originals.folder)
        self._media = media
        self._recordings = LiveRecordings(services, ingest, self._folder)
        self._sessions: dict[str, LiveSession] = {}
        self._lock = threading.Lock()
        self._closed = False
        self._worker = Worker(self._step, "live sessions")
        on_session_start(broker, self._receiver_joined)

    def recover(self) -> None:
        """End what an earlier process was sending; its recordings become clips."""
        self._recordings.recover()

    def start(self) -> None:
        self._worker.start()

    def close(self) -> None:
        with self._lock:
            self._closed, running = True, list(self._sessions.values())
        for session in running:
            session.end(LiveEnd.ELSEWHERE)
        for session in running:
            session.join(CLOSE_S)
        self._worker.close(CLOSE_S)

    def begin(self, actor: Actor, request: LiveRequest) -> LiveSession:
        """Raises NotAllowed, NotFound, Refusal."""
        delays = link_delays(self._services.statuses(self._services.clock.now()))
        with self._services.database.session() as reading:
            rules = rules_for(reading, request.commune_id, request.targets, delays)
            chimes = live_chimes(reading, self._media, request.commune_id)
        if self._closed:
            raise Refusal(N_("Loa is being stopped. Try again in a minute."))
        session = LiveSession(self._services, self._downlink, self._folder, actor, request, rules, chimes, self._over)
        with self._lock:
            self._sessions[session.broadcast.id] = session
        session.start()
        self._worker.wake()
        return session

    def resume(self, actor: Actor, broadcast_id: str) -> LiveSession:
        """The session of a browser whose connection was lost. Raises Refusal: it is over, or another person's."""
        session = self.session_of(broadcast_id)
        if session is None or session.ended.is_set() or session.speaker != actor.name:
            raise Refusal(N_("This live broadcast is over. What was spoken is in the library. Start a new one."))
        return session

    def session_of(self, broadcast_id: str) -> LiveSession | None:
        """None when it does not run here."""
        with self._lock:
            return self._sessions.get(broadcast_id)

    def _over(self, session: LiveSession) -> None:
        with self._lock:
            self._sessions.pop(session.broadcast.id, None)
        self._worker.wake()

    def _receiver_joined(self, _receiver: str) -> None:
        with self._lock:
            running = list(self._sessions.values())
        for session in running:
            session.repeat_start()

    def _step(self) -> float:
        with self._lock:
            running = list(self._sessions.values())
        if running:
            now = self._services.clock.now()
            with self._services.database.session() as reading:
                for session in running:
                    row = reading.get(Broadcast, session.broadcast.id)
                    if row is None or state(row, now) not in _RUNNING:
                        session.end(LiveEnd.ELSEWHERE)
        self._recordings.step()
        return WATCH_EVERY_S if running else REST_EVERY_S
