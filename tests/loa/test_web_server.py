"""One application at two real ports: plain for receivers, TLS for browsers."""

import socket
import ssl
import threading
from pathlib import Path
from urllib.request import HTTPSHandler, build_opener, urlopen

import pytest
import uvicorn
from fastapi import FastAPI, Request

from loa.connection_limits import LimitedHttp
from loa.web_server import _Server
from runtime.clock import ControllerClock
from runtime.https import Https
from runtime.mosquitto import free_port
from runtime.settings import Settings


class Serving:
    """The server in a thread, until the end of the block."""

    def __init__(self, folder: Path, https_port: int) -> None:
        (folder / "secrets").mkdir(mode=0o700, exist_ok=True)
        settings = Settings(data_dir=folder, http_port=free_port(), https_port=https_port)
        self.https = Https(settings, folder / "secrets", ControllerClock())
        app = FastAPI()

        @app.get("/scheme")
        def scheme(request: Request) -> str:
            return request.url.scheme

        self.plain_url = f"http://127.0.0.1:{settings.http_port}/scheme"
        self.secure_url = f"https://127.0.0.1:{https_port}/scheme"
        config = uvicorn.Config(app, port=settings.http_port, http=LimitedHttp, ws="none", log_level="warning")
        self.started = threading.Event()
        self.server = _Server(config, self.https, self.started.set)
        self._thread = threading.Thread(target=self.server.run)

    def __enter__(self) -> "Serving":
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.server.should_exit = True
        self._thread.join(10)
        assert not self._thread.is_alive()


def test_both_ports_answer_and_only_a_browser_that_trusts_the_authority_comes_through(tmp_path: Path) -> None:
    with Serving(tmp_path, free_port()) as serving:
        assert serving.started.wait(10)
        assert urlopen(serving.plain_url, timeout=5).read() == b'"http"'  # noqa: S310 - our own
        assert serving.https.authority
        trusting = ssl.create_default_context(cadata=serving.https.authority.der)
        secure = build_opener(HTTPSHandler(context=trusting))
        assert secure.open(serving.secure_url, timeout=5).read() == b'"https"'
        with pytest.raises(OSError, match="CERTIFICATE_VERIFY_FAILED"):
            urlopen(serving.secure_url, timeout=5)  # noqa: S310 - our own


def test_a_port_for_https_that_is_taken_is_named_and_nothing_is_said_to_be_ready(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken, Serving(tmp_path, taken.getsockname()[1]) as serving:
        serving._thread.join(10)
        assert not serving.started.is_set()
        assert "LOA_HTTPS_PORT" in str(serving.server.refused)
