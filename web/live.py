"""Live updates: one ticker renders what is watched, and every browser that watches it gets the same bytes."""

import asyncio
import itertools
import logging
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field

from starlette.concurrency import run_in_threadpool

from people.operators import standing_of
from web import access
from web.deps import Deps
from web.rendering import Renderer

log = logging.getLogger(__name__)

#: The page's clock shows seconds, so it is rendered once a second; only what changed is sent.
EVERY_S = 1.0
#: A comment now and then keeps proxies from closing a quiet stream.
QUIET_S = 15.0
#: Rights of those who watch are asked again so often.
RIGHTS_EVERY_TICKS = 3
#: In a queue: the watcher may not watch any more. None: the server stops, and the browser may connect again.
_END = "(end)"


@dataclass
class _Channel:
    """One rendering that some browsers watch: a commune in a language."""

    watchers: dict[asyncio.Queue[str | None], Callable[[], bool]] = field(default_factory=dict)
    last: str = ""
    ticker: asyncio.Task[None] | None = None


class LiveFeed:
    """Server-sent events. All on the event loop; rendering in worker threads."""

    def __init__(self, deps: Deps, renderer: Renderer) -> None:
        self.deps = deps
        self.renderer = renderer
        self._channels: dict[str, _Channel] = {}

    async def watch(
        self, key: str, event: str, render: Callable[[], str], *, may_watch: Callable[[], bool] = lambda: True
    ) -> AsyncIterator[bytes]:
        """A stream of events named `event`. key: watchers of one key share a rendering. render: makes the HTML.

        may_watch: asked again every few seconds; once it is False, the event `end` is sent and the stream ends.
        """
        channel = self._channels.setdefault(key, _Channel())
        queue: asyncio.Queue[str | None] = asyncio.Queue(8)
        channel.watchers[queue] = may_watch
        if channel.ticker is None:
            channel.ticker = asyncio.create_task(self._tick(key, channel, render))
        try:
            if channel.last:
                yield _event(event, channel.last)
            while True:
                try:
                    html = await asyncio.wait_for(queue.get(), QUIET_S)
                except TimeoutError:
                    yield b": still here\n\n"
                    continue
                if html is None:
                    return
                yield _event(event, html)
                if html is _END:
                    return
        finally:
            channel.watchers.pop(queue, None)

    def close(self) -> None:
        for channel in self._channels.values():
            for queue in channel.watchers:
                _put(queue, None)

    async def _tick(self, key: str, channel: _Channel, render: Callable[[], str]) -> None:
        for tick in itertools.count(1):
            if not channel.watchers:
                break
            if tick % RIGHTS_EVERY_TICKS == 0:
                await self._end_without_right(channel)
            try:
                html = await run_in_threadpool(render)
            except Exception:
                log.exception("live update %s failed", key)
            else:
                if html != channel.last:
                    channel.last = html
                    for queue in channel.watchers:
                        _put(queue, html)
            await asyncio.sleep(EVERY_S)
        channel.ticker = None
        self._channels.pop(key, None)

    async def _end_without_right(self, channel: _Channel) -> None:
        watchers = dict(channel.watchers)
        try:
            ended = await run_in_threadpool(lambda: [queue for queue, may in watchers.items() if not may()])
        except Exception:
            log.exception("rights of open streams could not be read")
            return
        for queue in ended:
            _put(queue, _END)


def may_still_see(deps: Deps, token: str, commune_id: str) -> bool:
    """Whether a session is still open and its operator may see the commune: asked while a stream is open."""
    now = deps.clock.now()
    with deps.database.session() as session:
        if (signed_in := access.who(session, token, now)) is None:
            return False
        operator, web_session = signed_in
        commune_ids = {c.id for c in standing_of(session, operator)[1]}
    if now - web_session.used_at > access.TOUCH_EVERY:
        with deps.database.writing() as session:
            access.touch(session, token, now)
    return commune_id in commune_ids and not operator.must_change_password


def _put(queue: asyncio.Queue[str | None], html: str | None) -> None:
    """Never wait for a slow browser: it skips to the newest."""
    while queue.full():
        queue.get_nowait()
    queue.put_nowait(html)


def _event(name: str, html: str) -> bytes:
    if html is _END:
        return b"event: end\ndata:\n\n"
    lines = "".join(f"data: {line}\n" for line in html.splitlines())
    return f"event: {name}\n{lines}\n".encode()
