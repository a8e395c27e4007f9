"""Devices for the contract suite, each speaking its real protocol: on a pseudo-terminal or on loopback.

`manner` says how a device behaves: well, silent (no answer), late, wrong (another answer), babbling (without end).
"""

import asyncio
import json
import os
import socket
import struct
import threading
import time
import tty
from collections.abc import Callable
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from pymodbus.server import ModbusSerialServer, ModbusTcpServer
from pymodbus.simulator import DataType, SimData, SimDevice

LATE_S = 2.5


class SerialDevice:
    """A relay and a meter on a pseudo-terminal: "R1\\r" → "OK R1", "R0\\r" → "OK R0", "I?\\r" → "I=2.50A"."""

    def __init__(self) -> None:
        self.manner, self.is_on, self.value = "well", False, 2.5
        self._ours, theirs = os.openpty()
        tty.setraw(theirs)
        self.port = os.ttyname(theirs)
        self._theirs = theirs
        self._ending = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._ending = True
        os.write(self._theirs, b"\r")
        self._thread.join(5)
        os.close(self._ours)
        os.close(self._theirs)

    def _run(self) -> None:
        said = b""
        while not self._ending:
            said += os.read(self._ours, 100)
            while b"\r" in said and not self._ending:
                word, _, said = said.partition(b"\r")
                self._answer(word.decode())

    def _answer(self, word: str) -> None:
        if self.manner == "late":
            time.sleep(LATE_S)
        if self.manner in ("silent", "late"):
            return
        if self.manner == "babbling":
            for _ in range(60):
                os.write(self._ours, b"#~x\x00\xff" * 8)
                time.sleep(0.02)
            return
        if word in ("R1", "R0"):
            self.is_on = word == "R1" and self.manner == "well"
            os.write(self._ours, f"OK {word}\r\n".encode() if self.manner == "well" else b"ERR 7\r\n")
        elif word == "I?":
            os.write(self._ours, f"I={self.value:.2f}A\r\n".encode() if self.manner == "well" else b"I=--.--A\r\n")


class ModbusDevice:
    """A real Modbus server with 8 coils and 8 holding registers (tenths), on TCP or on a pseudo-terminal."""

    def __init__(self, *, serial: bool) -> None:
        coils = [SimData(0, values=[False] * 8, datatype=DataType.BITS)]
        registers = [SimData(0, values=[25] * 8, datatype=DataType.REGISTERS)]
        device = SimDevice(1, simdata=(coils, coils, registers, registers), action=self._seen)
        self.is_on = False
        self._bridge = SerialBridge() if serial else None
        if self._bridge is not None:
            self.url = f"rtu:{self._bridge.ports[1]}?baud=9600"
        else:
            with socket.socket() as probe:
                probe.bind(("127.0.0.1", 0))
                self._port = probe.getsockname()[1]
            self.url = f"tcp:127.0.0.1:{self._port}"
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()
        self._server = asyncio.run_coroutine_threadsafe(self._serve(device), self._loop).result(5)

    def close(self) -> None:
        asyncio.run_coroutine_threadsafe(self._server.shutdown(), self._loop).result(5)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)
        self._loop.close()
        if self._bridge is not None:
            self._bridge.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()

    async def _serve(self, device: SimDevice) -> ModbusTcpServer | ModbusSerialServer:
        made: ModbusTcpServer | ModbusSerialServer
        if self._bridge is not None:
            made = ModbusSerialServer(device, port=self._bridge.ports[0], baudrate=9600)
        else:
            made = ModbusTcpServer(device, address=("127.0.0.1", self._port))
        await made.serve_forever(background=True)
        return made

    async def _seen(
        self, code: int, _start: int, _address: int, _count: int, _now: list[int], wanted: list[int] | list[bool] | None
    ) -> None:
        if code == 5 and wanted is not None:
            self.is_on = bool(wanted[0])


class SerialBridge:
    """Two pseudo-terminals joined back to back: what is written into one comes out of the other."""

    def __init__(self) -> None:
        self._ends = [os.openpty(), os.openpty()]
        for _, theirs in self._ends:
            tty.setraw(theirs)
        self.ports = [os.ttyname(theirs) for _, theirs in self._ends]
        self._ending = False
        self._threads = [threading.Thread(target=self._carry, args=(a, 1 - a), daemon=True) for a in (0, 1)]
        for thread in self._threads:
            thread.start()

    def close(self) -> None:
        self._ending = True
        for _, theirs in self._ends:
            os.write(theirs, b"\0")
        for thread in self._threads:
            thread.join(5)
        for end in self._ends:
            for number in end:
                os.close(number)

    def _carry(self, out_of: int, into: int) -> None:
        while not self._ending:
            said = os.read(self._ends[out_of][0], 512)
            if not self._ending:
                os.write(self._ends[into][0], said)


class BadBoard:
    """Something on TCP that takes Modbus requests, and behaves badly."""

    def __init__(self, manner: str) -> None:
        self.manner = manner
        self._listening = socket.create_server(("127.0.0.1", 0))
        self.url = f"tcp:127.0.0.1:{self._listening.getsockname()[1]}"
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)
        self._listening.close()
        self._thread.join(5)

    def _run(self) -> None:
        while True:
            try:
                met, _ = self._listening.accept()
            except OSError:
                return
            with met:
                try:
                    while asked := met.recv(300):
                        self._answer(met, asked)
                except OSError:
                    continue

    def _answer(self, met: socket.socket, asked: bytes) -> None:
        transaction, _, _, unit, code = struct.unpack(">HHHBB", asked[:8])
        if self.manner == "late":
            time.sleep(LATE_S)
        if self.manner == "babbling":
            for _ in range(40):
                met.sendall(b"\xff\x00garbage" * 20)
                time.sleep(0.02)
        elif self.manner == "wrong":  # "illegal data address"
            met.sendall(struct.pack(">HHHBBB", transaction, 0, 3, unit, code | 0x80, 2))
        elif self.manner == "stuck" and code == 5:  # says that it did
            met.sendall(asked[:12])
        elif self.manner == "stuck":  # and did not
            met.sendall(struct.pack(">HHHBBBB", transaction, 0, 4, unit, code, 1, 0))


class HttpDevice:
    """A relay with a web interface: /on, /off → {"ison": …}, /state → {"meter": {"amps": 2.5}}."""

    def __init__(self) -> None:
        device = self
        self.manner, self.is_on, self.value = "well", False, 2.5

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                device._answer(self)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(5)

    def _answer(self, asked: BaseHTTPRequestHandler) -> None:
        said: dict[str, object] = {"meter": {"amps": self.value}}
        if self.manner == "well" and asked.path in ("/on", "/off"):
            self.is_on = asked.path == "/on"
            said = {"ison": self.is_on, "done": True}
        if self.manner in ("late", "silent"):
            time.sleep(LATE_S)
        body = json.dumps(said if self.manner != "wrong" else {"error": "no"}).encode()
        try:
            asked.send_response(500 if self.manner == "broken" else 200)
            asked.end_headers()
            if self.manner == "babbling":
                for _ in range(100):
                    asked.wfile.write(b"x")
                    asked.wfile.flush()
                    time.sleep(0.05)
            asked.wfile.write(body)
        except OSError:
            return


def within(seconds: float, call: Callable[[], object]) -> object:
    """What a call gives, and that it came in time."""
    began_s = time.monotonic()
    try:
        return call()
    finally:
        took_s = time.monotonic() - began_s
        assert took_s < seconds, f"it took {took_s:.2f} s"


def until(holds: Callable[[], bool]) -> None:
    """Wait for what another thread or process does, ten seconds at most."""
    deadline_s = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline_s, "it never came to that"
        time.sleep(0.005)
