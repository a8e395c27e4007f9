"""The virtual relay board behind the receivers of `loa demo --mergers`, and the chain files that name it."""

import threading
import time
import tomllib
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from demo.sites import DemoSite
from devices.stations import StationKind

#: The steps on by kind of station: an output to switch, milliseconds to wait, or an input to check and its limits.
_STEPS: dict[StationKind, list[str | int | tuple[str, float, float]]] = {
    StationKind.WIRED: ["mains", 300, "amplifier", ("line_volts", 90, 310), "unmute"],
    StationKind.FM: ["carrier", 400, ("forward_watts", 20, 60), "unmute"],
    StationKind.IP: ["amplifier", 100, ("left_amperes", 0.2, 5)],
}
#: By input: the relay that it depends on, and its value while that relay is on.
_INPUTS = {"line_volts": ("amplifier", 120.0), "forward_watts": ("carrier", 48.0), "left_amperes": ("amplifier", 1.4)}


class VirtualRelayBoard:
    """A relay board on loopback: relays are switched by URL, inputs read as JSON. It records each switching."""

    def __init__(self) -> None:
        self.on: dict[str, bool] = {}
        self.switched: list[tuple[float, str, bool]] = []
        board = self

        class RelayRequestHandler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                reply = board.answer(self.path).encode()
                self.send_response(200)
                self.send_header("Content-Length", str(len(reply)))
                self.end_headers()
                self.wfile.write(reply)

            def log_message(self, *_: Any) -> None:
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), RelayRequestHandler)
        self.url = f"http://127.0.0.1:{self._server.server_port}"
        self._thread = threading.Thread(target=self._server.serve_forever, name="board", daemon=True)
        self._thread.start()

    def answer(self, path: str) -> str:
        """path: /RECEIVER/RELAY/on, /RECEIVER/RELAY/off or /RECEIVER/INPUT."""
        receiver, name, *state = path.strip("/").split("/")
        if state:
            self.on[f"{receiver}/{name}"] = state[0] == "on"
            self.switched.append((time.time(), f"{receiver}/{name}", state[0] == "on"))
            return "ok"
        relay, value = _INPUTS.get(name, ("", 0.0))
        return f'{{"value": {value if self.on.get(f"{receiver}/{relay}") else 0.0}}}'

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()


def chain_text(site: DemoSite, url: str) -> str:
    """The chain file of a site, in the format of docs/chains.md."""
    base, steps = f"{url}/{site.receiver_id}", _STEPS[site.kind]
    lines = [f'kind = "{site.kind.value}"', f"path_delay_ms = {site.path_delay_ms}"]
    for step in steps:
        if isinstance(step, str):
            lines += [
                f"[outputs.{step}]",
                'type = "http"',
                f'on = "{base}/{step}/on"',
                f'off = "{base}/{step}/off"',
                'answer = "ok"',
            ]
        elif isinstance(step, tuple):
            lines += [f"[inputs.{step[0]}]", 'type = "http"', f'url = "{base}/{step[0]}"', 'field = "value"']
    for step in steps:
        lines.append("[[on]]")
        if isinstance(step, str):
            lines += ['do = "switch"', f'output = "{step}"']
        elif isinstance(step, int):
            lines += ['do = "wait"', f"ms = {step}"]
        else:
            lines += [
                'do = "check"',
                f'input = "{step[0]}"',
                f"least = {step[1]}",
                f"most = {step[2]}",
                "within_ms = 800",
            ]
    text = "\n".join(lines) + "\n"
    tomllib.loads(text)
    return text
