"""Limits of the web server's connections: open files, requests that never end their header, idle strangers.

uvicorn has a timeout between requests, none for the first header: a thousand half-open requests at the usual limit of
1,024 open files would leave no file for anybody else.
"""

import asyncio
import logging
import resource
from typing import Any

from uvicorn.protocols.http.h11_impl import H11Protocol

log = logging.getLogger(__name__)

#: Files that the controller asks for, where the system allows as many.
WANTED_FILES = 65_536
#: Fewer are reported at the start: a commune of 100 receivers with some browsers needs no more.
LEAST_FILES = 4096
#: Kept free for database, audio files, broker and child processes.
_RESERVED_FILES = 256
#: A header is there after this long.
HEADER_S = 10.0
#: Connections without a complete header. Beyond it the oldest is closed: an honest one has its header in milliseconds.
MOST_HALF_OPEN = 200
MOST_CONNECTIONS = 4000


def raise_open_files() -> int:
    """Ask for as many open files as the system allows. Returns the limit in force."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    most = WANTED_FILES if hard == resource.RLIM_INFINITY else min(hard, WANTED_FILES)
    if soft != resource.RLIM_INFINITY and soft < most:
        resource.setrlimit(resource.RLIMIT_NOFILE, (most, hard))
        soft = most
    files = WANTED_FILES if soft == resource.RLIM_INFINITY else soft
    if files < LEAST_FILES:
        log.warning("only %d open files are allowed; set LimitNOFILE=%d for this service", files, WANTED_FILES)
    return files


def most_connections(files: int) -> int:
    """Connections served at once with this many open files; each may have one more file open (audio)."""
    return max(16, min(MOST_CONNECTIONS, (files - _RESERVED_FILES) // 2))


class LimitedHttp(H11Protocol):
    """HTTP/1.1 whose header must arrive in time, and whose half-open connections are few."""

    _is_upgraded = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        super().connection_made(transport)
        self._wait_for_header()
        half_open = _half_open_of(self.server_state)
        half_open[self] = None
        if len(half_open) > MOST_HALF_OPEN:
            oldest = next(iter(half_open))
            del half_open[oldest]
            oldest.transport.abort()

    def connection_lost(self, exc: Exception | None) -> None:
        self._header_is_there()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        cycle = self.cycle
        super().data_received(data)
        if self._is_upgraded:
            return
        if self.cycle is not cycle:
            self._header_is_there()
        elif (cycle is None or cycle.response_complete) and self._header_timer is None:
            self._wait_for_header()  # the next request on a connection that was kept

    def handle_websocket_upgrade(self, event: Any) -> None:
        """The connection is another protocol's from here on."""
        self._is_upgraded = True
        self._header_is_there()
        super().handle_websocket_upgrade(event)

    def _wait_for_header(self) -> None:
        self._header_timer: asyncio.TimerHandle | None = self.loop.call_later(HEADER_S, self._too_late)

    def _header_is_there(self) -> None:
        _half_open_of(self.server_state).pop(self, None)
        if self._header_timer is not None:
            self._header_timer.cancel()
            self._header_timer = None

    def _too_late(self) -> None:
        self._header_timer = None
        if self.cycle is None or self.cycle.response_complete:
            self.transport.abort()


def _half_open_of(server_state: Any) -> "dict[LimitedHttp, None]":
    """Of one server, the oldest first."""
    if not hasattr(server_state, "half_open"):
        server_state.half_open = {}
    half_open: dict[LimitedHttp, None] = server_state.half_open
    return half_open
