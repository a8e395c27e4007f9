"""Serves the page until the process is told to stop. The home of uvicorn."""

import gc
import logging
import signal
import socket
from collections.abc import Callable

import uvicorn
from fastapi import FastAPI

from loa.connection_limits import LimitedHttp, most_connections
from runtime.settings import Settings

log = logging.getLogger(__name__)

_THIS_MACHINE = ("127.0.0.1", "::1", "localhost")


class _Server(uvicorn.Server):
    def __init__(self, config: uvicorn.Config, on_started: Callable[[], None]) -> None:
        super().__init__(config)
        self._on_started = on_started

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._on_started()


def run_web_server(app: FastAPI, settings: Settings, open_files: int, on_started: Callable[[], None]) -> None:
    """open_files: how many this process may open. on_started: called once requests are answered; must not wait.

    Returns after SIGTERM or SIGINT.
    """
    warn_of_plain(settings)
    config = uvicorn.Config(
        app,
        host=settings.http_host,
        port=settings.http_port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=3,
        proxy_headers=True,
        server_header=False,
        http=LimitedHttp,
        ws="none",
        limit_concurrency=most_connections(open_files),
    )
    # What is loaded now stays loaded. A full collection that scans it would slow about one request in a hundred.
    gc.collect()
    gc.freeze()
    # uvicorn stops at a signal and then raises it again. Without a handler here that would end the process before
    # anything is closed.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    _Server(config, on_started).run()


def warn_of_plain(settings: Settings) -> None:
    """Passwords cross the network in the clear when browsers reach this port without a proxy that adds TLS."""
    if settings.http_host not in _THIS_MACHINE and not (settings.public_url or "").startswith("https://"):
        log.warning(
            "the page is served on %s without TLS: passwords can be read on the network. "
            "Put a proxy with TLS in front and set LOA_PUBLIC_URL",
            settings.http_host,
        )
