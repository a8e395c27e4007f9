"""A wired, an FM and an IP chain, each slow in its own way: are they in step at the ear, and is the first word there?

    benchmarks/chains.py [--runs 8] [--seed 1] [--keep DIR]

A real controller and three real receivers on virtual cards, each with a chain file and devices that take their time:
a Modbus board and an amplifier that comes up after 2.7 to 4 s (wired); a carrier that settles in 1.2 to 1.8 s, an RDS
encoder that opens two groups, and telephone tones (FM); an amplifier with its line check of 0.3 to 0.45 s (IP). Path
delays are 5 to 180 ms. Both vary by ±20 % from run to run, and the receivers know the middle only. What reaches the
ear is what left the card while the chain let sound through, so much later. At the end the FM receiver is stopped in
the middle of its broadcast (SIGSTOP) and the wired one killed: how long until everything is off?
"""

import argparse
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import NamedTuple

import numpy as np

from demo.browser import Browser
from demo.demo import Demo
from demo.operator_tasks import online_count, schedule_once, sign_in, upload, wait_for
from demo.sample_recording import make_mp3
from demo.sites import SITES, DemoSite
from demo.skew import RATE, WINDOW, CardRecording, Instants, Samples, instants_of
from tests.gateway.devices import ModbusDevice
from tests.gateway.rds_encoder import RdsEncoder
from tests.receiver.tone_decoder import detected

MOST_BEYOND_MS = 1.0
MOST_OFF_S = 10.0
#: The amplifier's hold, the steps off, and a look each 50 ms.
MOST_IDLE_S = 8.0
VARIES = 0.2
AHEAD_S = 15
SECONDS = 8
DIGITS = "19#"


class Nominal(NamedTuple):
    """What the receivers know: switching_s and path_ms (chain and page together) in the middle."""

    switching_s: float
    chain_path_ms: float


NOMINAL = {"ip": Nominal(0.375, 6.25), "wired": Nominal(3.333, 5.0), "fm": Nominal(1.5, 30.0)}


class Device:
    """An amplifier or carrier behind HTTP that is ready some time after it was told; keeps when sound could pass."""

    def __init__(self) -> None:
        device = self
        self.switching_s = 1.0
        self.is_on = False
        self._told_at_s = 0.0
        #: Stretches in which sound passed: from, until (inf while it does), CLOCK_MONOTONIC seconds.
        self.passed: list[tuple[float, float]] = []

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                said = json.dumps(device.answer(self.path)).encode()
                self.send_response(200)
                self.end_headers()
                self.wfile.write(said)

            def log_message(self, *_: object) -> None:
                pass

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self._server.daemon_threads = True
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"
        threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True).start()

    def answer(self, path: str) -> dict[str, object]:
        now_s = time.monotonic()
        if path == "/on" and not self.is_on:
            self.is_on, self._told_at_s = True, now_s
            self.passed.append((now_s + self.switching_s, float("inf")))
        elif path == "/off" and self.is_on:
            self.is_on = False
            since_s, _ = self.passed.pop()
            self.passed.append((since_s, max(since_s, now_s)))
        ready = self.is_on and now_s >= self._told_at_s + self.switching_s
        return {"ison": self.is_on, "level": 220.0 if ready else 0.0}

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


class Groups(RdsEncoder):
    """Keeps also when the groups were open, as `Device.passed`."""

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


class Plant:
    """All devices, and the chain files that describe them."""

    def __init__(self, undo: ExitStack) -> None:
        self.devices = {kind: Device() for kind in NOMINAL}
        self.board, self.groups = ModbusDevice(serial=False), Groups()
        for device in (*self.devices.values(), self.board, self.groups):
            undo.callback(device.close)
        self.path_ms = dict.fromkeys(NOMINAL, 0.0)

    def vary(self, dice: random.Random) -> None:
        """Another run: each is up to a fifth slower or quicker."""
        for place in SITES:
            nominal = NOMINAL[place.kind.value]
            self.devices[place.kind.value].switching_s = nominal.switching_s * dice.uniform(1 - VARIES, 1 + VARIES)
            self.path_ms[place.kind.value] = path_ms(place) * dice.uniform(1 - VARIES, 1 + VARIES)

    def passes(self, kind: str) -> list[list[tuple[float, float]]]:
        """What all must let sound through."""
        return [self.devices[kind].passed, *([self.groups.passed] if kind == "fm" else [])]

    def on(self, kind: str) -> bool:
        """Whether anything of a chain is on."""
        more = self.board.is_on if kind == "wired" else bool(self.groups.open) if kind == "fm" else False
        return self.devices[kind].is_on or more

    def chain(self, kind: str) -> str:
        """The chain file."""
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

    def __init__(self, plant: Plant, folder: Path | None) -> None:
        super().__init__(folder)
        self._plant = plant

    def _receiver_arguments(self, place: DemoSite) -> list[str]:
        file = self.folder / "receivers" / place.receiver_id / "chain.toml"
        file.write_text(self._plant.chain(place.kind.value))
        return [*super()._receiver_arguments(place), "--chain", str(file)]


class Heard(NamedTuple):
    """Of one chain in one run. at_ear_s: when each 100 ms of the reference reached the ear; nan where it did not.

    off_by_ms: how far the chain's path was from what the receiver knew. ready_ms: so long before the first sample
    sound could pass. lost_ms: of the beginning. idle_s: from the last sample until everything was off.
    """

    at_ear_s: Instants
    off_by_ms: float
    ready_ms: float
    lost_ms: float
    tones: str


def path_ms(place: DemoSite) -> float:
    """What the receiver takes the way from card to horn for."""
    return NOMINAL[place.kind.value].chain_path_ms + place.path_delay_ms


def listen(plant: Plant, place: DemoSite, recording: CardRecording, reference: Samples) -> Heard:
    """What of the reference reached the ear, and when."""
    kind = place.kind.value
    at_card_s = instants_of(reference, recording)
    ends_s = at_card_s + WINDOW / RATE
    through = np.ones(len(at_card_s), bool)
    ready_ms = float("inf")
    for passed in plant.passes(kind):
        open_now = np.zeros(len(at_card_s), bool)
        for since_s, until_s in passed:
            open_now |= (at_card_s >= since_s) & (ends_s <= until_s)
            if since_s <= at_card_s[0] < until_s or 0 < since_s - at_card_s[0] < SECONDS:
                ready_ms = min(ready_ms, (at_card_s[0] - since_s) * 1e3)
        through &= open_now
    at_ear_s = np.where(through, at_card_s + plant.path_ms[kind] / 1e3, np.nan)
    found = np.flatnonzero(~np.isnan(at_ear_s))
    lost_ms = 0.0 if len(found) and found[0] == 0 and ready_ms >= 0 else float(found[0] * 100 if len(found) else 1e9)
    before = recording.between(at_card_s[0] - 12, at_card_s[0] - 0.02) if not np.isnan(at_card_s[0]) else recording
    tones = "".join(digit for digit, _ in detected(before.samples)) if kind == "fm" else ""
    return Heard(at_ear_s, plant.path_ms[kind] - path_ms(place), ready_ms, lost_ms, tones)


def beyond_ms(heard: list[Heard]) -> tuple[list[float], list[float]]:
    """|skew at the ear|, and how much of it is beyond what the chains themselves vary, for all pairs and windows."""
    apart: list[float] = []
    beyond: list[float] = []
    for at, first in enumerate(heard):
        for second in heard[at + 1 :]:
            skew_ms = (first.at_ear_s - second.at_ear_s) * 1e3
            skew_ms = skew_ms[~np.isnan(skew_ms)]
            apart += np.abs(skew_ms).tolist()
            beyond += np.abs(skew_ms - (first.off_by_ms - second.off_by_ms)).tolist()
    return apart, beyond


def wait_until_off(plant: Plant, kinds: list[str], within_s: float) -> float:
    """How long until everything is off; inf when it never is."""
    began_s = time.monotonic()
    while time.monotonic() - began_s < within_s:
        if not any(plant.on(kind) for kind in kinds):
            return time.monotonic() - began_s
        time.sleep(0.02)
    return float("inf")


def told(what: str, figure: str) -> None:
    """Print a figure that has no limit."""
    print(f"| {what} | | {figure} | |")


def row(what: str, figure: str, limit: str, held: bool) -> bool:
    """Print a figure beside its limit; gives whether it held."""
    print(f"| {what} | {limit} | {figure} | {'held' if held else 'NOT HELD'} |", flush=True)
    return held


def main() -> None:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--runs", type=int, default=8)
    ask.add_argument("--seed", type=int, default=1)
    ask.add_argument("--keep", type=Path, help="keep everything in this folder")
    asked = ask.parse_args()
    dice = random.Random(asked.seed)
    with ExitStack() as undo:
        plant = Plant(undo)
        demo = undo.enter_context(ChainDemo(plant, asked.keep))
        browser = Browser(demo.url)
        sign_in(browser, demo.operator, demo.password)
        wait_for("three receivers online", lambda: online_count(browser) == len(SITES), 30)
        uploaded = demo.folder / "uploaded.mp3"
        make_mp3(uploaded, SECONDS)
        reference = decoded(uploaded)
        clip, _ = upload(browser, uploaded)
        programme = browser.api("/programmes", {"title": "Ba chuỗi", "items": [{"kind": "clip", "clip": clip}]})
        time.sleep(20)  # the clocks settle
        apart, beyond, runs, idle_s = [], [], list[list[Heard]](), list[float]()
        for _ in range(asked.runs):
            plant.vary(dice)
            if any(plant.on(kind) for kind in NOMINAL):
                sys.exit("a chain is on although nothing is to be heard")
            schedule_once(browser, programme["programme"], AHEAD_S)
            starts_s = time.monotonic() + AHEAD_S
            time.sleep(AHEAD_S + SECONDS + 1)
            idle_s.append(1 + wait_until_off(plant, list(NOMINAL), 20))
            heard = [
                listen(
                    plant,
                    place,
                    CardRecording(demo.recording(place.receiver_id)).between(starts_s - 13, starts_s + SECONDS + 3),
                    reference,
                )
                for place in SITES
            ]
            runs.append(heard)
            these = beyond_ms(heard)
            apart += these[0]
            beyond += these[1]
        off = [
            (what, fall(browser, demo, plant, programme["programme"], place, number))
            for what, place, number in (
                ("FM receiver stopped (SIGSTOP)", SITES[2], signal.SIGSTOP),
                ("wired receiver killed (SIGKILL)", SITES[1], signal.SIGKILL),
            )
        ]
    print(f"{asked.runs} runs, seed {asked.seed}: switching and path delay of every chain anew ±20 %\n")
    print("| what | limit | figure | |\n|---|---|---|---|")
    sys.exit(0 if all(judged(apart, beyond, runs, idle_s) + [fell(what, off_s) for what, off_s in off]) else 1)


def judged(apart: list[float], beyond: list[float], runs: list[list[Heard]], idle_s: list[float]) -> list[bool]:
    """Print the figures of all runs beside their limits; gives which held."""
    every = [each for heard in runs for each in heard]
    p99_ms = float(np.percentile(beyond, 99)) if beyond else float("inf")
    lost = sum(each.lost_ms > 0 for each in every)
    ready_ms = min(each.ready_ms for each in every)
    tones = sum(heard[2].tones == DIGITS for heard in runs)
    told(
        "skew at the ear, with what the chains vary, p50 and most",
        f"{np.percentile(apart, 50):.1f}, {max(apart):.1f} ms",
    )
    told("skew beyond what the chains vary, p50 and most", f"{np.percentile(beyond, 50):.3f}, {max(beyond):.3f} ms")
    return [
        row(
            "skew beyond what the chains vary, p99",
            f"{p99_ms:.3f} ms",
            f"{MOST_BEYOND_MS} ms",
            p99_ms <= MOST_BEYOND_MS,
        ),
        row("pieces of 100 ms compared", str(len(beyond)), f"{100 * len(runs)}", len(beyond) >= 100 * len(runs)),
        row("first sample lost", f"{lost} of {len(every)}", "none", lost == 0),
        row("ready before the first sample, least", f"{ready_ms:.0f} ms", "0 ms", ready_ms >= 0),
        row(f"tones {DIGITS} on the FM receiver's recording", f"{tones} of {len(runs)}", "all", tones == len(runs)),
        row(
            "off after the last sample, longest", f"{max(idle_s):.1f} s", f"{MOST_IDLE_S} s", max(idle_s) <= MOST_IDLE_S
        ),
    ]


def fell(what: str, off_s: float) -> bool:
    """Print how long it took until everything was off."""
    return row(f"everything off, {what}", f"{off_s:.1f} s", f"{MOST_OFF_S} s", off_s <= MOST_OFF_S)


def fall(browser: Browser, demo: Demo, plant: Plant, programme: int, place: DemoSite, number: int) -> float:
    """Stop or kill a receiver in the middle of a broadcast; how long until its chain was off."""
    schedule_once(browser, programme, AHEAD_S)
    time.sleep(AHEAD_S + SECONDS / 2)
    if not plant.on(place.kind.value):
        return float("inf")
    os.kill(demo.receivers[place.receiver_id].pid, number)
    off_s = wait_until_off(plant, [place.kind.value], 30)
    wait_until_off(plant, list(NOMINAL), 30)
    return off_s


def decoded(file: Path) -> Samples:
    """Mono at 48 kHz, by ffmpeg."""

    done = subprocess.run(
        ["ffmpeg", "-loglevel", "error", "-i", str(file), "-ac", "1", "-ar", "48000", "-f", "s16le", "-"],
        capture_output=True,
        check=True,
    )
    return (np.frombuffer(done.stdout, "<i2") / 32768).astype(np.float32)


if __name__ == "__main__":
    main()
