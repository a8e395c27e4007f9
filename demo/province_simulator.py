"""A simulated province system, for tests and for trying the exchange by hand.

It speaks the exchange both ways: it takes sign-ins, heartbeats, play logs, schedules and answers, refuses a wrong field
by name, drops duplicates by their key, and keeps bulletins, schedules and commands until the commune fetches them. It
can go offline. With a file it keeps what it received across a kill.
"""

import json
import secrets
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

from demo.province_checks import FIELD_CHECKS, as_numbers
from province.profile import Profile


@dataclass
class ReceivedMessages:
    """log: path, key and message, in order of arrival. doubles: messages whose key was known already."""

    log: list[tuple[str, str, dict[str, Any]]] = field(default_factory=list)
    doubles: int = 0
    refused: list[str] = field(default_factory=list)
    keys: set[str] = field(default_factory=set)

    def of(self, path: str) -> list[dict[str, Any]]:
        """The messages received at one path."""
        return [message for at, _, message in self.log if at == path]


class Simulator:
    """A province system on a port of this machine. It may go offline and online between `start` and `stop`."""

    def __init__(
        self,
        profile: Profile,
        *,
        user: str = "xa",
        password: str = "",
        port: int = 0,
        messages_file: Path | None = None,
        token_uses: int = 0,
        print_line: Callable[[str], None] = lambda _line: None,
        audio: dict[str, bytes] | None = None,
    ) -> None:
        """messages_file: a file for received messages. token_uses: a token expires after so many uses, 0 for never.

        print_line: called with a line for everything that arrives. audio: what it serves, by path below /am-thanh/.
        """
        self.profile, self.user, self.password = profile, user, password or secrets.token_urlsafe(8)
        self.received = ReceivedMessages()
        self.waiting: list[dict[str, Any]] = []
        self.audio = audio or {}
        self.delay_s = 0.0
        self.fail_status = 0
        self.logins = 0
        self._print_line = print_line
        self._token_uses = token_uses
        self._tokens: dict[str, int] = {}
        self._lock = threading.Lock()
        self._messages_file = messages_file
        self._port = port
        self._server: ThreadingHTTPServer | None = None
        if messages_file is not None and messages_file.exists():
            for line in messages_file.read_text().splitlines():
                self._remember(*json.loads(line))
        self._file = messages_file.open("a") if messages_file is not None else None

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> "Simulator":
        simulator = self

        class ProvinceRequestHandler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True

            def do_GET(self) -> None:
                simulator._answer(self)

            def do_POST(self) -> None:
                simulator._answer(self)

            def log_message(self, *_: object) -> None:
                return

        class Server(ThreadingHTTPServer):
            daemon_threads = True
            connections: set[Any] = set()

            def process_request(self, request: Any, client_address: Any) -> None:
                self.connections.add(request)
                super().process_request(request, client_address)

            def shutdown_request(self, request: Any) -> None:
                self.connections.discard(request)
                super().shutdown_request(request)

            def handle_error(self, *_: object) -> None:
                return

        Server.connections = set()
        self._server = Server(("127.0.0.1", self._port), ProvinceRequestHandler)
        self._port = self._server.server_address[1]
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()
        return self

    def go_offline(self) -> None:
        """Close the port and cut every connection, answered or not."""
        server, self._server = self._server, None
        if server is None:
            return
        server.shutdown()
        server.server_close()
        for connection in list(server.connections):  # type: ignore[attr-defined]
            try:
                connection.shutdown(2)
                connection.close()
            except OSError:
                continue

    go_online = start

    def stop(self) -> None:
        """Go offline and close the file of received messages."""
        self.go_offline()
        if self._file is not None:
            self._file.close()

    def send_down(self, kind: str, content: dict[str, Any], message_id: str = "") -> str:
        """Keep a message until the commune fetches it. Returns its id."""
        message_id = message_id or secrets.token_hex(8)
        with self._lock:
            self.waiting.append({"Loai": kind, "MaGoiTin": message_id, "NoiDung": self.profile.to_theirs(content)})
        return message_id

    def send_down_raw(self, kind: str, text: str) -> None:
        """Keep any JSON for the commune, also a wrong message. Raises ValueError when it is no JSON."""
        with self._lock:
            self.waiting.append({"Loai": kind, "MaGoiTin": secrets.token_hex(8), "NoiDung": json.loads(text)})

    def forget_tokens(self) -> None:
        self._tokens.clear()

    def _answer(self, request: BaseHTTPRequestHandler) -> None:
        length = int(request.headers.get("Content-Length") or 0)
        body = request.rfile.read(length) if length else b""
        if self.delay_s:
            time.sleep(self.delay_s)
        if request.path.startswith("/am-thanh/"):
            self._serve_audio(request)
            return
        status, answer = self._respond(request.command, request.path, request.headers.get("Authorization") or "", body)
        if self._server is None:
            request.close_connection = True
            return  # it went offline after it took the message, before it answered
        _reply(request, status, json.dumps(answer, ensure_ascii=False).encode(), "application/json")

    def _respond(self, method: str, path: str, authorization: str, body: bytes) -> tuple[int, dict[str, Any]]:
        paths = self.profile.paths
        if self.fail_status:
            return self.fail_status, {"MoTa": "đang bảo trì"}
        names = {getattr(paths, name): name for name in FIELD_CHECKS if getattr(paths, name)}
        if path == paths.login and method == "POST":
            return self._login(body)
        if path not in names and path != paths.waiting:
            return 404, {"TrangThaiGui": 1, "MoTa": f"không có {path}"}
        if not self._accepts_token(authorization):
            return 401, {"TrangThaiGui": 1, "MoTa": "phiên đã hết"}
        if path == paths.waiting:
            with self._lock:
                return 200, {"TrangThaiGui": 0, "NoiDung": list(self.waiting)}
        return self._take(names[path], body)

    def _login(self, body: bytes) -> tuple[int, dict[str, Any]]:
        try:
            credentials = self.profile.to_ours(json.loads(body))
        except ValueError:
            credentials = {}
        if credentials.get("Username") != self.user or credentials.get("Password") != self.password:
            return 200, {"TrangThaiGui": 1, "MoTa": "sai tên hoặc mật khẩu"}
        token = secrets.token_urlsafe(16)
        self.logins += 1
        self._tokens[token] = self._token_uses or 1 << 60
        self._print_line(f"{self.user} đăng nhập")
        return 200, {"TrangThaiGui": 0, "NoiDung": {"Token": token}}

    def _accepts_token(self, authorization: str) -> bool:
        token = authorization.removeprefix("Bearer ")
        with self._lock:
            uses_left = self._tokens.get(token, 0)
            if uses_left:
                self._tokens[token] = uses_left - 1
        return bool(uses_left)

    def _take(self, name: str, body: bytes) -> tuple[int, dict[str, Any]]:
        try:
            message = self.profile.to_ours(json.loads(body))
        except ValueError:
            return self._refuse("không phải JSON")
        batched = name == "play_log" and isinstance(message, dict) and self.profile.batch_field in message
        entries = [as_numbers(entry) for entry in (message[self.profile.batch_field] if batched else [message])]
        for entry in entries:
            fault = self._fault(name, entry)
            if fault:
                return self._refuse(f"{name}: {fault}")
        with self._lock:
            for entry in entries:
                key = entry.pop("MaGoiTin", "") if isinstance(entry, dict) else ""
                if key and key in self.received.keys and self.profile.dedupes:
                    self._write("double", key, {})
                    self.received.doubles += 1
                    continue
                self._write(name, key, entry)
                self._remember(name, key, entry)
                self._print_line(f"{name} {key}: {json.dumps(entry, ensure_ascii=False)[:300]}")
            if self._file is not None:
                self._file.flush()  # survives a kill; read again at the next start
        return 200, {"TrangThaiGui": 0}

    def _write(self, name: str, key: str, entry: dict[str, Any]) -> None:
        if self._file is not None:
            self._file.write(json.dumps([name, key, entry]) + "\n")

    def _fault(self, name: str, entry: Any) -> str:
        if not isinstance(entry, dict):
            return "không phải đối tượng"
        for field_name, is_valid in FIELD_CHECKS[name].items():
            if field_name not in entry:
                return f"thiếu {field_name}"
            if not is_valid(entry[field_name]):
                return f"{field_name} sai: {entry[field_name]!r}"
        return ""

    def _remember(self, name: str, key: str, entry: dict[str, Any]) -> None:
        if name == "double":
            self.received.doubles += 1
            return
        self.received.log.append((name, key, entry))
        self.received.keys.add(key)
        if name == "answer":
            self.waiting = [message for message in self.waiting if message["MaGoiTin"] != entry.get("TraLoiCho")]

    def _refuse(self, why: str) -> tuple[int, dict[str, Any]]:
        self.received.refused.append(why)
        self._print_line(f"TỪ CHỐI {why}")
        return 200, {"TrangThaiGui": 1, "MoTa": why}

    def _serve_audio(self, request: BaseHTTPRequestHandler) -> None:
        recording = self.audio.get(request.path.removeprefix("/am-thanh/"))
        if recording is None:
            _reply(request, 404, b"", "text/plain")
        else:
            _reply(request, 200, recording, "audio/mpeg")


def _reply(request: BaseHTTPRequestHandler, status: int, body: bytes, kind: str) -> None:
    try:
        request.send_response(status)
        request.send_header("Content-Type", kind)
        request.send_header("Content-Length", str(len(body)))
        request.end_headers()
        request.wfile.write(body)
    except OSError:
        request.close_connection = True
