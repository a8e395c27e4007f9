"""Half-open requests take no place from the page, with a real server and real sockets."""

import io
import logging
import resource
import socket
import threading
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager

import pytest
import uvicorn
from fastapi import FastAPI
from starlette.responses import PlainTextResponse
from starlette.types import Receive, Scope, Send
from starlette.websockets import WebSocket
from websockets.sync.client import connect

from loa import connection_limits
from loa.connection_limits import LimitedHttp, most_connections, raise_open_files
from loa.web_server import warn_of_plain, web_config
from runtime.log_limit import MOST_A_MINUTE, LimitedLog
from runtime.settings import Settings


@contextmanager
def served(config: uvicorn.Config) -> Iterator[int]:
    """The port at which a server with this configuration answers."""
    listening = socket.create_server(("127.0.0.1", 0))
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.run, kwargs={"sockets": [listening]}, daemon=True)
    thread.start()
    yield listening.getsockname()[1]
    server.should_exit = True
    thread.join(10)


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> Iterator[int]:
    monkeypatch.setattr(connection_limits, "HEADER_S", 0.5)
    monkeypatch.setattr(connection_limits, "MOST_HALF_OPEN", 20)
    config = uvicorn.Config(PlainTextResponse("ok"), http=LimitedHttp, ws="none", log_level="warning", lifespan="off")
    with served(config) as port:
        yield port


def page(port: int) -> bytes:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}/", timeout=10) as answer:
        content: bytes = answer.read()
    return content


def is_closed(client: socket.socket, timeout_s: float) -> bool:
    client.settimeout(timeout_s)
    try:
        return client.recv(1) == b""
    except ConnectionError:
        return True
    except TimeoutError:
        return False


def test_a_header_that_never_ends_is_given_up(port: int) -> None:
    for begun in (b"", b"GET / HTTP/1.1\r\nHost: x\r\n"):
        with socket.create_connection(("127.0.0.1", port)) as client:
            client.sendall(begun)
            assert is_closed(client, 10)


def test_a_header_that_trickles_in_is_given_up(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as client:
        for _ in range(200):
            try:
                client.sendall(b"G")
            except ConnectionError:
                return
            time.sleep(0.05)
    pytest.fail("the connection is still open after 10 s")


def test_many_half_open_requests_leave_the_page_open(port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_limits, "HEADER_S", 60)
    clients = []
    for _ in range(300):
        client = socket.create_connection(("127.0.0.1", port))
        client.sendall(b"GET / HT")
        clients.append(client)
    assert page(port) == b"ok"
    assert is_closed(clients[0], 5)
    assert not is_closed(clients[-1], 0.1)
    for client in clients:
        client.close()


def test_a_second_request_on_a_connection_has_the_same_limit(port: int) -> None:
    with socket.create_connection(("127.0.0.1", port)) as client:
        client.sendall(b"GET / HTTP/1.1\r\nHost: x\r\n\r\n")
        assert b"200 OK" in client.recv(10_000)
        client.sendall(b"GET / HT")
        client.settimeout(10)
        while client.recv(10_000):
            pass


def test_a_websocket_lives_longer_than_a_header_may_take(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(connection_limits, "HEADER_S", 0.3)

    async def echo(scope: Scope, receive: Receive, send: Send) -> None:
        socket = WebSocket(scope, receive, send)
        await socket.accept()
        for _ in range(2):
            await socket.send_text(await socket.receive_text())

    config = uvicorn.Config(echo, http=LimitedHttp, ws="websockets-sansio", log_level="warning", lifespan="off")
    with served(config) as port, connect(f"ws://127.0.0.1:{port}/") as client:
        client.send("one")
        assert client.recv(5) == "one"
        time.sleep(0.6)
        client.send("two")
        assert client.recv(5) == "two"


def test_broken_requests_are_lines_of_our_own_log_which_limits_them(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("uvicorn", "uvicorn.error"):  # servers of other tests have set them up
        monkeypatch.setattr(logging.getLogger(name), "propagate", True)
        monkeypatch.setattr(logging.getLogger(name), "handlers", [])
    lines = io.StringIO()
    handler = logging.StreamHandler(lines)
    handler.addFilter(LimitedLog())
    logging.getLogger().addHandler(handler)
    config = web_config(FastAPI(), Settings(), 1024)
    config.lifespan = "off"
    try:
        with served(config) as port:
            for _ in range(MOST_A_MINUTE + 20):
                with socket.create_connection(("127.0.0.1", port), timeout=10) as client:
                    client.sendall(b"\x16\x03\x01\r\n\r\n")
                    assert client.recv(12) == b"HTTP/1.1 400"
    finally:
        logging.getLogger().removeHandler(handler)
    assert lines.getvalue().count("Invalid HTTP request") == MOST_A_MINUTE


def test_open_files_are_raised_and_too_few_are_said(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[tuple[int, int]] = []
    monkeypatch.setattr(resource, "setrlimit", lambda _, limits: told.append(limits))
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, 524_288))
    assert raise_open_files() == 65_536
    assert told == [(65_536, 524_288)]
    assert caplog.text == ""
    monkeypatch.setattr(resource, "getrlimit", lambda _: (1024, 1024))
    assert raise_open_files() == 1024
    assert "LimitNOFILE" in caplog.text
    assert most_connections(1024) == 384


def test_a_page_beyond_this_machine_without_tls_is_warned_of(caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING):
        warn_of_plain(Settings(http_host="127.0.0.1"))
        warn_of_plain(Settings(http_host="::1"))
        warn_of_plain(Settings(http_host="192.0.2.1", public_url="https://loa.example.vn"))
        assert caplog.text == ""
        warn_of_plain(Settings(http_host="0.0.0.0"))  # noqa: S104 - only said
        assert "TLS" in caplog.text
