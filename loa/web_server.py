"""Serves the page until the process is told to stop. The home of uvicorn."""

import asyncio
import contextlib
import functools
import gc
import logging
import signal
import socket
from collections.abc import Callable
from types import FrameType

import uvicorn
from fastapi import FastAPI

from loa.connection_limits import HEADER_S, LimitedHttp, most_connections
from runtime.https import Https
from runtime.refusal import N_, Refusal
from runtime.settings import Settings
from studio.microphone_frames import MOST_MESSAGE_BYTES

log = logging.getLogger(__name__)

#: A browser that does not answer for so long is gone.
_WS_PING_S = 5.0
#: How often the date that answers carry is renewed, and `should_exit` looked at.
_TICK_S = 1.0
_THIS_MACHINE = ("127.0.0.1", "::1", "localhost")


class _Server(uvicorn.Server):
    """Listens at the plain port, and at that of HTTPS where there is one: one application answers at both."""

    def __init__(self, config: uvicorn.Config, https: Https | None, on_started: Callable[[], None]) -> None:
        super().__init__(config)
        self._https = https
        self._on_started = on_started
        self.refused: Refusal | None = None
        self._stop_signal: asyncio.Event | None = None

    async def main_loop(self) -> None:
        """uvicorn's wakes up ten times a second, which is the larger part of what the controller needs at rest."""
        self._loop, self._stop_signal = asyncio.get_running_loop(), asyncio.Event()
        while not await self.on_tick(0):
            with contextlib.suppress(TimeoutError):
                await asyncio.wait_for(self._stop_signal.wait(), _TICK_S)

    def handle_exit(self, sig: int, frame: FrameType | None) -> None:
        super().handle_exit(sig, frame)
        if self._stop_signal is not None:
            self._loop.call_soon_threadsafe(self._stop_signal.set)

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        if self._https is not None and self.started:
            await self._listen_with_tls(self._https)
        if self.refused is None:
            self._on_started()

    async def _listen_with_tls(self, https: Https) -> None:
        connection = functools.partial(
            LimitedHttp,
            config=self.config,
            server_state=self.server_state,
            app_state=self.lifespan.state,
        )
        try:
            listener = await asyncio.get_running_loop().create_server(
                connection,
                host=self.config.host,
                port=https.port,
                ssl=https.context,
                ssl_handshake_timeout=HEADER_S,
                backlog=self.config.backlog,
            )
        except OSError as error:
            self.refused = Refusal(
                N_("Port {port} for HTTPS cannot be opened ({why}). Set LOA_HTTPS_PORT to another one."),
                port=https.port,
                why=error.strerror or str(error),
            )
            self.should_exit = True
            return
        self.servers.append(listener)


def run_web_server(
    app: FastAPI, settings: Settings, https: Https | None, open_files: int, on_started: Callable[[], None]
) -> None:
    """open_files: how many this process may open. on_started: called once requests are answered; must not wait.

    Returns after SIGTERM or SIGINT. Raises Refusal when the port for HTTPS cannot be opened.
    """
    warn_of_plain(settings)
    config = web_config(app, settings, open_files)
    # What is loaded now stays loaded. A full collection that scans it would slow about one request in a hundred.
    gc.collect()
    gc.freeze()
    # uvicorn stops at a signal and then raises it again. Without a handler here that would end the process before
    # anything is closed.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    server = _Server(config, https, on_started)
    server.run()
    if server.refused is not None:
        raise server.refused


def web_config(app: FastAPI, settings: Settings, open_files: int) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        host=settings.http_host,
        port=settings.http_port,
        # Not uvicorn's own handler: each broken request is a line, and only ours limits them.
        log_config=None,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=3,
        proxy_headers=True,
        server_header=False,
        http=LimitedHttp,
        ws="websockets-sansio",
        ws_max_size=MOST_MESSAGE_BYTES,
        ws_ping_interval=_WS_PING_S,
        ws_ping_timeout=_WS_PING_S,
        ws_per_message_deflate=False,  # sound is compressed already
        limit_concurrency=most_connections(open_files),
    )


def warn_of_plain(settings: Settings) -> None:
    """Passwords cross the network in the clear when browsers reach this port without a proxy that adds TLS."""
    with_tls = settings.https_port is not None or (settings.public_url or "").startswith("https://")
    if settings.http_host not in _THIS_MACHINE and not with_tls:
        log.warning(
            "the page is served on %s without TLS: passwords can be read on the network. "
            "Set LOA_HTTPS_PORT, or put a proxy with TLS in front and set LOA_PUBLIC_URL",
            settings.http_host,
        )
