"""The WebSocket of the microphone page: who speaks, frames in, the state of the broadcast out.

The browser's first message is JSON: `start` with what it wants, or `resume` with the broadcast. Then binary frames
(`studio.microphone_frames`) and `stop`, `monitor`. Loa answers with JSON: `started`, `state`, `ended`, `refused`.
"""

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, MutableMapping
from typing import Any, TypeVar
from urllib.parse import urlsplit

import anyio
import msgspec
from fastapi import WebSocket, WebSocketDisconnect
from starlette.concurrency import run_in_threadpool

from broadcast.audiences import Audiences
from devices.presence_states import PresenceState
from parsing.titles import parse_title
from people.operators import standing_of
from people.rights import Action, may
from runtime.refusal import N_, Refusal
from studio.live_limits import LiveEnd
from studio.live_session import LiveSession
from studio.live_status import LiveRequest
from studio.microphone_frames import parse_frame
from usecases.actors import Actor
from web import access
from web.deps import Deps
from web.labels.live import LIVE_ENDS, LIVE_WARNINGS
from web.language import Translator, language_asked
from web.rendering import Renderer
from web.request_context import LANGUAGE_COOKIE, SESSION_COOKIE
from wire.broadcasts import BroadcastClass, Targets

#: The first message must come within this time.
FIRST_MESSAGE_S = 10.0
STATE_EVERY_S = 0.25
#: Receivers' reports, and the right to speak, are read so often.
REPORTS_EVERY = 4
#: Blocks of 20 ms that wait for a browser that listens; a slow one loses the oldest.
MOST_MONITORED = 25
#: Closing codes (RFC 6455): 1000 normal, 1008 policy, 1009 too large.
_NORMAL, _POLICY, _TOO_LARGE = 1000, 1008, 1009


class LiveStart(msgspec.Struct, tag="start", tag_field="type"):
    """What is asked for. over: live broadcasts that the person has agreed to interrupt."""

    commune: str
    targets: Targets
    class_: BroadcastClass = msgspec.field(default=BroadcastClass.NORMAL, name="class")
    title: str = ""
    chime: bool = True
    over: list[str] = []


class LiveResume(msgspec.Struct, tag="resume", tag_field="type"):
    broadcast: str


class LiveStop(msgspec.Struct, tag="stop", tag_field="type"):
    """The speaker ends it."""


class LiveMonitor(msgspec.Struct, tag="monitor", tag_field="type"):
    on: bool


_Message = TypeVar("_Message")
_FIRST = msgspec.json.Decoder(LiveStart | LiveResume)
_LATER = msgspec.json.Decoder(LiveStop | LiveMonitor)


class _TakenOver(Refusal):
    """Another connection has the microphone."""


class LiveSocket:
    """One connection. All on the event loop; what asks the database runs in worker threads."""

    def __init__(self, socket: WebSocket) -> None:
        self._socket = socket
        self._deps: Deps = socket.app.state.deps
        renderer: Renderer = socket.app.state.renderer
        language = language_asked(socket.cookies.get(LANGUAGE_COOKIE), None)
        self._t: Translator = renderer.translators[language]
        self._monitored: deque[bytes] = deque(maxlen=MOST_MONITORED)
        self._listening = asyncio.Event()

    async def serve(self) -> None:
        if not self._is_own_origin():
            await self._socket.close(_POLICY)
            return
        await self._socket.accept()
        with contextlib.suppress(WebSocketDisconnect):
            try:
                session = await self._begin()
            except (Refusal, TimeoutError) as error:
                await self._refuse(error)
                return
            await self._follow(session)

    def _is_own_origin(self) -> bool:
        """Any page may open a WebSocket to any server, and the browser sends the cookie along."""
        origin = urlsplit(self._socket.headers.get("origin", "")).netloc
        own = {self._socket.headers.get("host", ""), urlsplit(self._deps.settings.base_url).netloc}
        return bool(origin) and origin in own

    async def _begin(self) -> LiveSession:
        async with asyncio.timeout(FIRST_MESSAGE_S):
            message = await self._socket.receive()
        if message["type"] == "websocket.disconnect":
            raise WebSocketDisconnect
        first = _decoded(_FIRST, message)
        return await run_in_threadpool(self._session_of, first)

    def _session_of(self, first: LiveStart | LiveResume) -> LiveSession:
        actor, communes = self._who()
        if isinstance(first, LiveResume):
            return self._deps.live_sessions.resume(actor, first.broadcast)
        if first.commune not in communes:
            raise Refusal(N_("Another tab has changed to another commune. Reload this page before you go on."))
        request = LiveRequest(
            commune_id=first.commune,
            targets=first.targets,
            class_=first.class_,
            title=parse_title(first.title) or self._t("Live broadcast"),
            with_chime=first.chime,
            over=frozenset(first.over),
        )
        return self._deps.live_sessions.begin(actor, request)

    def _who(self) -> tuple[Actor, set[str]]:
        """Raises Refusal when nobody is signed in."""
        with self._deps.database.session() as session:
            signed_in = access.who(session, self._socket.cookies.get(SESSION_COOKIE, ""), self._deps.clock.now())
            if signed_in is None or signed_in[0].must_change_password:
                raise Refusal(N_("You are signed out. Sign in again, then reload this page."))
            standing, communes = standing_of(session, signed_in[0])
            return Actor(signed_in[0].name, standing), {c.id for c in communes}

    async def _refuse(self, error: Exception) -> None:
        refusal = error if isinstance(error, Refusal) else _out_of_date()
        await self._socket.send_json({"type": "refused", "message": self._t.refusal(refusal)})
        await self._socket.close(_POLICY)

    async def _follow(self, session: LiveSession) -> None:
        connection = session.connect()
        await self._socket.send_json(
            {
                "type": "started",
                "broadcast": session.broadcast.id,
                "title": session.broadcast.title,
                "opens_in_ms": session.opens_in_ms,
            }
        )
        outcome: list[Exception] = []
        async with anyio.create_task_group() as group:

            async def until_first(work: Awaitable[None]) -> None:
                try:
                    await work
                except (Refusal, WebSocketDisconnect) as error:
                    outcome.append(error)
                group.cancel_scope.cancel()

            for work in (self._receive(session, connection), self._tell(session), self._let_listen()):
                group.start_soon(until_first, work)
        session.monitor = None
        refusal = next((error for error in outcome if isinstance(error, Refusal)), None)
        if refusal is not None:
            if not isinstance(refusal, _TakenOver):
                session.end(LiveEnd.BAD_SOUND)
            await self._refuse(refusal)

    async def _receive(self, session: LiveSession, connection: int) -> None:
        """Raises Refusal for what is no sound, WebSocketDisconnect."""
        while True:
            message = await self._socket.receive()
            if message["type"] == "websocket.disconnect":
                if message.get("code") == _TOO_LARGE:
                    session.end(LiveEnd.BAD_SOUND)
                raise WebSocketDisconnect
            if (data := message.get("bytes")) is not None:
                if not session.take(connection, parse_frame(data)):
                    raise _TakenOver(N_("You are speaking from another tab or device now."))
                continue
            later = _decoded(_LATER, message)
            if isinstance(later, LiveStop):
                session.end(LiveEnd.BY_SPEAKER)
            else:
                self._monitor(session, on=later.on)

    def _monitor(self, session: LiveSession, *, on: bool) -> None:
        loop = asyncio.get_running_loop()

        def keep(block: bytes) -> None:
            self._monitored.append(block)
            self._listening.set()

        session.monitor = (lambda block: _call_soon(loop, keep, block)) if on else None

    async def _let_listen(self) -> None:
        while True:
            await self._listening.wait()
            self._listening.clear()
            while self._monitored:
                await self._socket.send_bytes(self._monitored.popleft())

    async def _tell(self, session: LiveSession) -> None:
        """Returns when the broadcast is over and the browser was told."""
        turn, reports = 0, {"sounding": 0, "meant": 0}
        while not session.ended.is_set():
            if turn % REPORTS_EVERY == 0:
                reports = await run_in_threadpool(self._reports, session)
            turn += 1
            await self._socket.send_json(self._state(session) | reports)
            await asyncio.sleep(STATE_EVERY_S)
        end = session.status.end or LiveEnd.FAILED
        sentence = self._t(LIVE_ENDS[end])
        await self._socket.send_json({"type": "ended", "reason": end, "message": sentence})
        await self._socket.close(_NORMAL)

    def _reports(self, live: LiveSession) -> dict[str, int]:
        """By the receivers' own heartbeats. Ends the broadcast of a person who may no longer speak."""
        now = self._deps.clock.now()
        try:
            actor, _ = self._who()
        except Refusal:
            live.end(LiveEnd.ELSEWHERE)
        else:
            if actor.standing is None or not may(actor.standing, Action.ON_AIR, live.request.commune_id):
                live.end(LiveEnd.ELSEWHERE)
        statuses = self._deps.presence.snapshot(now)
        with self._deps.database.session() as session:
            meant = Audiences(session)(live.broadcast)
        beats = [s.heartbeat for r in meant if (s := statuses.get(r)) and s.state is PresenceState.ONLINE]
        sounding = sum(beat is not None and beat.broadcast == live.broadcast.id for beat in beats)
        return {"sounding": sounding, "meant": len(meant)}

    def _state(self, session: LiveSession) -> dict[str, Any]:
        status = session.status
        limit = status.limit
        warning = ""
        if limit.warning is not None:
            warning = self._t(LIVE_WARNINGS[limit.warning], seconds=-(-limit.left_us // 1_000_000))
        return {
            "type": "state",
            "phase": status.phase,
            "elapsed_ms": status.elapsed_us // 1000,
            "level_dbfs": round(status.level_dbfs, 1),
            "late": status.counts.late,
            "lost": status.counts.lost,
            "gaps": status.counts.gaps,
            "age_ms": status.age_us // 1000,
            "delay_ms": (status.age_us + status.held_us) // 1000 + session.lead_ms,
            "is_away": status.is_away,
            "warns": limit.warning,
            "warning": warning,
            "unrecorded": status.recording_failed,
        }


def _decoded(decoder: msgspec.json.Decoder[_Message], message: MutableMapping[str, Any]) -> _Message:
    """Raises Refusal: binary, no JSON, not what the page sends, or nested so deeply that no decoder follows."""
    try:
        return decoder.decode(message.get("text") or "")
    except (msgspec.DecodeError, RecursionError):
        raise _out_of_date() from None


def _out_of_date() -> Refusal:
    return Refusal(N_("The page is out of date. Reload it."))


def _call_soon(loop: asyncio.AbstractEventLoop, keep: Any, block: bytes) -> None:
    with contextlib.suppress(RuntimeError):  # the loop was closed
        loop.call_soon_threadsafe(keep, block)
