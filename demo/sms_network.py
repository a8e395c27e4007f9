"""The mobile network of the demo: a gateway that puts SMS on a modem's SIM, and a data link that can be cut."""

import contextlib
import json
import socket
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from demo.emulated_modem import EmulatedModem, deliver_pdu


class SmsGatewayServer:
    """A context manager. It takes {"to": number, "data": hexadecimal} for the numbers that it knows.

    modems: by number.
    """

    def __init__(self, modems: dict[str, EmulatedModem]) -> None:
        class GatewayHandler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                content = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                modem = modems.get(content["to"])
                if modem is not None:
                    modem.receive(deliver_pdu(bytes.fromhex(content["data"])))
                self.send_response(202 if modem is not None else 404)
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), GatewayHandler)
        self._server.daemon_threads = True

    def __enter__(self) -> "SmsGatewayServer":
        threading.Thread(target=self._server.serve_forever, args=(0.1,), name="SMS gateway", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()

    @property
    def settings(self) -> dict[str, str]:
        """With which the controller sends through it."""
        return {
            "LOA_ALERT_SMS_URL": f"http://127.0.0.1:{self._server.server_port}/",
            "LOA_ALERT_SMS_BODY": '{"to": "$phone", "data": "$hex"}',
        }


class DataLink:
    """A TCP line to the broker for one receiver, which can be cut. A context manager."""

    def __init__(self, broker_port: int) -> None:
        self._broker_port = broker_port
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.port: int = self._listener.getsockname()[1]
        self._is_cut = False
        self._open: set[socket.socket] = set()
        self._lock = threading.Lock()

    def __enter__(self) -> "DataLink":
        threading.Thread(target=self._accept, name="data link", daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._listener.close()
        self.cut()

    def cut(self) -> None:
        with self._lock:
            self._is_cut = True
            for side in self._open:
                with contextlib.suppress(OSError):
                    side.shutdown(socket.SHUT_RDWR)

    def restore(self) -> None:
        self._is_cut = False

    def _accept(self) -> None:
        with contextlib.suppress(OSError):  # closed
            while True:
                near, _ = self._listener.accept()
                threading.Thread(target=self._join, args=(near,), daemon=True).start()

    def _join(self, near: socket.socket) -> None:
        with near, contextlib.suppress(OSError):
            if self._is_cut:
                return
            with socket.create_connection(("127.0.0.1", self._broker_port)) as far:
                for side in (near, far):
                    side.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
                with self._lock:
                    self._open |= {near, far}
                back = threading.Thread(target=_copy, args=(far, near), daemon=True)
                back.start()
                _copy(near, far)
                back.join()
                with self._lock:
                    self._open -= {near, far}


def _copy(source: socket.socket, to: socket.socket) -> None:
    with contextlib.suppress(OSError):
        while content := source.recv(65536):
            to.sendall(content)
    for side in (source, to):
        with contextlib.suppress(OSError):
            side.shutdown(socket.SHUT_RDWR)
