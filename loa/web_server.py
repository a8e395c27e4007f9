"""Serves the page until the process is told to stop. The home of uvicorn."""

import gc
import signal

import uvicorn
from fastapi import FastAPI

from runtime.settings import Settings


def run_web_server(app: FastAPI, settings: Settings) -> None:
    """Returns after SIGTERM or SIGINT."""
    config = uvicorn.Config(
        app,
        host=settings.http_host,
        port=settings.http_port,
        log_level="warning",
        access_log=False,
        timeout_graceful_shutdown=3,
        proxy_headers=True,
        server_header=False,
    )
    # What is loaded now stays loaded. A full collection that scans it would slow about one request in a hundred.
    gc.collect()
    gc.freeze()
    # uvicorn stops at a signal and then raises it again. Without a handler here that would end the process before
    # anything is closed.
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: None)
    uvicorn.Server(config).run()
