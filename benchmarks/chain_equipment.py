"""The equipment of benchmarks/chains.py: three chains whose devices take their time, and the demo that uses them."""

import json
import random
import threading
import time
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

from demo.demo import Demo
from demo.sites import SITES, DemoSite
from tests.gateway.devices import ModbusDevice
from tests.gateway.rds_encoder import RdsEncoder

VARIATION = 0.2
DIGITS = "19#"


class Nominal(NamedTuple):
    """The middle of what varies from run to run; the receivers are configured with it."""

    switching_s: float
    chain_path_ms: float


NOMINAL = {"ip": Nominal(0.375, 6.25), "wired": Nominal(3.333, 5.0), "fm": Nominal(1.5, 30.0)}


class SlowDevice:
    """An amplifier or carrier behind HTTP that is ready some time after it was switched on."""

    def __init__(self) -> None:
        device = self
        self.switching_s = 1.0
        self.is_on = False
        self._switched_on_at_s = 0.0
        #: Periods in which sound passed: from, until (inf while it passes), CLOCK_MONOTONIC seconds.
        self.passed: list[tuple[float, float]] = []

        class DeviceRequestHandler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                reply = json.dumps(device.answer(self.path)).encode()
                self.send_response(200)
                self.end_headers()
                self.wfile.write(reply)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), DeviceRequestHandler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def answer(self, path: str) -> dict[str, object]:
        now_s = time.monotonic()
        if path == "/on" and not self.is_on:
            self.is_on, self._switched_on_at_s = True, now_s
            self.passed.append((now_s + self.switching_s, float("inf")))
        elif path == "/off" and self.is_on:
            self.is_on = False
            since_s, _ = self.passed.pop()
            self.passed.append((since_s, max(since_s, now_s)))
        ready = self.is_on and now_s >= self._switched_on_at_s + self.switching_s
        return {"ison": self.is_on, "level": 220.0 if ready else 0.0}

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class RecordingEncoder(RdsEncoder):
    """An RDS encoder that records when the groups were open, as `SlowDevice.passed` does."""

    def __init__(self) -> None:
        super().__init__(tcp=True)
        self.passed: list[tuple[float, float]] = []

    def _take(self, message: bytes) -> None:
        super()._take(message)
        now_s, is_open = time.monotonic(), bool(self.passed) and self.passed[-1][1] == float("inf")
        if self.open == {3, 8} and not is_open:
            self.passed.append((now_s, float("inf")))
        elif self.open != {3, 8} and is_open:
            self.passed[-1] = (self.passed[-1][0], now_s)


class ChainEquipment:
    """All devices, and the chain files that describe them."""

    def __init__(self, undo: ExitStack) -> None:
        self.devices = {kind: SlowDevice() for kind in NOMINAL}
        self.board, self.groups = ModbusDevice(serial=False), RecordingEncoder()
        for device in (*self.devices.values(), self.board, self.groups):
            undo.callback(device.close)
        self.path_ms = dict.fromkeys(NOMINAL, 0.0)

    def vary(self, dice: random.Random) -> None:
        """Draw the next run: each device up to `VARIATION` slower or faster."""
        for place in SITES:
            nominal = NOMINAL[place.kind.value]
            self.devices[place.kind.value].switching_s = nominal.switching_s * dice.uniform(
                1 - VARIATION, 1 + VARIATION
            )
            self.path_ms[place.kind.value] = path_ms(place) * dice.uniform(1 - VARIATION, 1 + VARIATION)

    def passes(self, kind: str) -> list[list[tuple[float, float]]]:
        """By device of a chain: the periods in which it let sound pass."""
        return [self.devices[kind].passed, *([self.groups.passed] if kind == "fm" else [])]

    def on(self, kind: str) -> bool:
        """Whether any device of a chain is on."""
        other_is_on = self.board.is_on if kind == "wired" else bool(self.groups.open) if kind == "fm" else False
        return self.devices[kind].is_on or other_is_on

    def chain(self, kind: str) -> str:
        """Text of the chain file, in the format of docs/chains.md."""
        url, nominal = self.devices[kind].url, NOMINAL[kind]
        amp = f'[outputs.amp]\ntype = "http"\non = "{url}/on"\noff = "{url}/off"\nanswer = "ison"\n'
        level = f'[inputs.level]\ntype = "http"\nurl = "{url}/state"\nfield = "level"\n'
        switch = '[[on]]\ndo = "switch"\noutput = "{}"\n'
        within_ms = round(nominal.switching_s * 1300 + 200)
        check = f'[[on]]\ndo = "check"\ninput = "level"\nleast = 90\nwithin_ms = {within_ms}\n'
        text = f'kind = "{kind}"\npath_delay_ms = {nominal.chain_path_ms}\n{amp}{level}'
        if kind == "wired":
            text += f'[outputs.mains]\ntype = "modbus"\nurl = "{self.board.url}"\ncoil = 3\n'
            return text + switch.format("mains") + '[[on]]\ndo = "wait"\nms = 300\n' + switch.format("amp") + check
        if kind == "fm":
            text += (
                f'[outputs.groups]\ntype = "rds"\nlink = "{self.groups.link}"\nprofile = "free-format-6a"\n'
                "groups = [3, 8]\nanswers = true\n"
            )
            tones = f'[[on]]\ndo = "dtmf"\ndigits = "{DIGITS}"\n'
            return text + switch.format("amp") + check + switch.format("groups") + tones
        return text + switch.format("amp") + check


class ChainDemo(Demo):
    """The demo's commune with a chain behind each receiver."""

    def __init__(self, equipment: ChainEquipment, folder: Path | None) -> None:
        super().__init__(folder)
        self._equipment = equipment

    def _receiver_arguments(self, place: DemoSite) -> list[str]:
        file = self.folder / "receivers" / place.receiver_id / "chain.toml"
        file.write_text(self._equipment.chain(place.kind.value))
        return [*super()._receiver_arguments(place), "--chain", str(file)]


def path_ms(place: DemoSite) -> float:
    """The delay from card to horn that the receiver is configured with."""
    return NOMINAL[place.kind.value].chain_path_ms + place.path_delay_ms
