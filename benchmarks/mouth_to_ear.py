"""From the microphone of a browser to three receivers' recordings: how long, how far apart, without a dropout?

    benchmarks/mouth_to_ear.py [--net clean] [--net 4g] [--seconds 60] [--seed 1] [--lead 0] [--json] [--rig DIR]

The demo's controller and receivers, and a real Chromium with a recording as its microphone, each in a network
namespace of the rig (as for `benchmarks/sync.py`; needs root). The links of the receivers and of the browser are all
shaped as the rig's network of that name: `clean` is a local network, `4g` has 50 ± 20 ms each way and loses 0.5 %.
--lead: of the commune, ms; 0 is automatic.

Mouth: when the browser captured a sample. Ear: when it left the horn, with the demo's chains (the longest has 120 ms,
all wait for it). `stages`: ms, measured by stamps in the processes, beside the least that each can take; what no stamp
shows is the browser's. `dropouts`: packets that a receiver lacked, times that the microphone's buffer ran empty, frames
late or lost on the way to it, and 20 ms of voice that are silence in a recording. A run in which the machine itself
stood still (`machine_stalls_ms`) is to be repeated, not believed.

Exits with 1 with a dropout, or when p99 is beyond 500 ms on `clean`, 2,000 ms elsewhere.
"""

import argparse
import json
import os
import random
import re
import runpy
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from benchmarks.live_stages import Run, figures, table
from benchmarks.live_stamps import FOLDER, read_stamps
from benchmarks.sync import RIG, prepared_rig
from demo.browser import Browser
from demo.child_processes import ChildProcess
from demo.demo import Demo
from demo.microphone_page import CHROMIUM, microphone_page
from demo.operator_tasks import online_count, sign_in, wait_for
from demo.sites import SITES
from demo.skew import CardRecording
from demo.speak_check import SPOKEN_TEXT
from demo.speech import speak

SERVER, HOST = "sr-srv", "10.77.0.10"
RECEIVERS = {site.receiver_id: f"sr-c{number}" for number, site in enumerate(SITES, 1)}
BROWSER = f"sr-c{len(SITES) + 1}"
MOST_MS = {"clean": 500.0}
MOST_ELSEWHERE_MS = 2_000.0
#: Until the receivers know the time well; and what is left out at the beginning of the speech.
WARM_S, SETTLE_S = 25, 1.0
#: A text of these never repeats itself.
SYLLABLES = [
    "an",
    "bình",
    "cầu",
    "dân",
    "đất",
    "em",
    "gạo",
    "hoa",
    "ích",
    "kênh",
    "làng",
    "mưa",
    "nắng",
    "ong",
    "phố",
    "quê",
    "ruộng",
    "sông",
    "trời",
    "uống",
    "vườn",
    "xuân",
    "yên",
    "chợ",
    "đình",
]
OWN_NAMES = "LOA_BENCH_OWN_NAMES"
_TAP = """
(() => {
  const send = WebSocket.prototype.send;
  window.sent = [];
  WebSocket.prototype.send = function (data) {
    if (data instanceof Uint8Array) {
      const head = new DataView(data.buffer, data.byteOffset);
      window.sent.push([head.getUint32(1), performance.now()]);
    }
    return send.call(this, data);
  };
})();
"""


class NetworkDemo(Demo):
    """The demo in the namespaces of the rig; what passes through it is stamped."""

    def _child(self, name: str, arguments: list[str]) -> ChildProcess:
        within = ["ip", "netns", "exec", RECEIVERS[name]] if name in RECEIVERS else []
        return ChildProcess(name, arguments, self.folder / f"{name}.log", within, "benchmarks.live_stamps")


def spoken_text(seconds: int) -> str:
    draw = random.Random(7)
    words = (" ".join(draw.sample(SYLLABLES, 8)).capitalize() + "." for _ in range(seconds // 2))
    return f"{SPOKEN_TEXT} {' '.join(words)}"


@contextmanager
def canaries(rig: Path, folder: Path) -> Iterator[list[Path]]:
    """The files in which the rig's canaries write when the machine itself stood still: for each, ns and ms."""
    files = [folder / f"canary{number}.txt" for number in range(os.cpu_count() or 1)]
    command = ["chrt", "-f", "50", "taskset", "-c"]
    programs = [
        subprocess.Popen([*command, str(number), str(rig / "bin" / "canary"), str(file)])
        for number, file in enumerate(files)
    ]
    try:
        yield files
    finally:
        for program in programs:
            program.terminate()
            program.wait()


def stalls_ms(files: list[Path], run: "Run") -> list[float]:
    rows = [line.split() for file in files for line in file.read_text().splitlines()]
    return [float(late_ms) for at_ns, late_ms in rows if run.began_s <= int(at_ns) / 1e9 <= run.ended_s]


def measure(net: str, seconds: int, lead_ms: int, rig: Path, folder: Path) -> dict[str, Any]:
    """Runs in the server's namespace. lead_ms: of the commune. folder: of everything that it writes."""
    browser_ms = quickest_ping_ms(BROWSER)
    receivers_ms = min(quickest_ping_ms(name) for name in RECEIVERS.values())
    stamps = folder / "stamps"
    stamps.mkdir()
    os.environ |= {
        FOLDER: str(stamps),
        "LOA_HTTP_HOST": HOST,
        "LOA_BROKER_HOST": HOST,
        "LOA_BROKER_ALLOW_PLAIN": "true",
    }
    voice = folder / "voice.wav"
    speak(spoken_text(seconds), voice)
    with canaries(rig, folder) as files, NetworkDemo(folder / "demo") as demo:
        run = speak_live(demo, voice, seconds, lead_ms, folder)
        pids = {name: child.pid for name, child in {"controller": demo.controller, **demo.receivers}.items()}
        recordings = [CardRecording(demo.recording(site.receiver_id)) for site in SITES]
    stages = {name: read_stamps(stamps, pid) for name, pid in pids.items()}
    return {
        "net": net,
        "machine_stalls_ms": stalls_ms(files, run),
        **figures(run, recordings, stages, browser_ms, receivers_ms),
    }


def quickest_ping_ms(namespace: str) -> float:
    command = ["ip", "netns", "exec", namespace, "ping", "-c", "20", "-i", "0.05", "-q", HOST]
    output = subprocess.run(command, capture_output=True, text=True, check=False).stdout
    times = re.search(r"= ([\d.]+)/", output)
    return float(times[1]) if times is not None else 0.0


def speak_live(demo: Demo, voice: Path, seconds: int, lead_ms: int, folder: Path) -> Run:
    browser = Browser(demo.url)
    password = sign_in(browser, demo.operator, demo.password)
    wait_for("the receivers online", lambda: online_count(browser) == len(SITES), 60)
    rules = {"live_lead_ms": lead_ms, "live_silence_s": 90, "live_longest_min": 60}
    browser.send("/settings/live", **{name: str(value) for name, value in rules.items()})
    time.sleep(WARM_S)
    chromium = folder / "chromium"
    chromium.write_text(f'#!/bin/sh\nexec ip netns exec {BROWSER} {CHROMIUM} "$@"\n')
    chromium.chmod(0o755)
    with microphone_page(demo.url, demo.operator, password, voice, chromium=str(chromium), script=_TAP) as page:
        page.begin(with_chime=True)
        began_s = time.monotonic() + SETTLE_S
        time.sleep(seconds)
        page.end()
        ended_s = time.monotonic()
        origin_s = page.origin_s()
        sent_us = {number: (origin_s + at_ms / 1e3) * 1e6 for number, at_ms in page.evaluate("() => window.sent")}
        spoken = page.spoken()
    return Run(spoken, sent_us, began_s, ended_s - 1.0)


def own_names() -> None:
    """This program again, with names of network namespaces that no other run of the rig sees or removes."""
    if OWN_NAMES in os.environ:
        return
    os.environ[OWN_NAMES] = "1"
    mounted = 'mount -t tmpfs netns /run/netns && exec "$@"'
    program = [sys.executable, "-m", "benchmarks.mouth_to_ear", *sys.argv[1:]]
    os.execvp("unshare", ["unshare", "--mount", "sh", "-c", mounted, "sh", *program])  # noqa: S606


def in_namespaces(net: str, options: argparse.Namespace) -> dict[str, Any]:
    """This program again, in the server's namespace. Exits when it fails."""
    rig = prepared_rig(options.rig)
    rig_module = runpy.run_path(str(rig / "rig.py"))
    work = tempfile.TemporaryDirectory()
    network = rig_module["Net"](len(SITES) + 1, rig_module["NETS"][net], work.name, options.seed)
    asked = [
        "--rig",
        str(rig),
        "--net",
        net,
        "--seconds",
        str(options.seconds),
        "--lead",
        str(options.lead),
        "--within",
    ]
    try:
        # Before other work of the machine, as the rig runs its players.
        command = [
            "nice",
            "-n",
            "-10",
            "ip",
            "netns",
            "exec",
            SERVER,
            sys.executable,
            "-m",
            "benchmarks.mouth_to_ear",
            *asked,
        ]
        command += ["--keep", str(options.keep / net)] if options.keep else []
        output = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    finally:
        network.down()
        work.cleanup()
    if output.returncode:
        sys.exit(f"{net}: could not be measured")
    measured: dict[str, Any] = json.loads(output.stdout)
    return measured


def main() -> int:
    ask = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    ask.add_argument("--net", action="append")
    ask.add_argument("--seconds", type=int, default=60)
    ask.add_argument("--seed", type=int, default=1)
    ask.add_argument("--lead", type=int, default=0)
    ask.add_argument("--json", action="store_true")
    ask.add_argument("--rig", type=Path, default=RIG)
    ask.add_argument("--keep", type=Path)
    ask.add_argument("--within", action="store_true", help=argparse.SUPPRESS)
    options = ask.parse_args()
    if options.within:
        with tempfile.TemporaryDirectory() as name:
            folder = options.keep or Path(name)
            folder.mkdir(parents=True, exist_ok=True)
            print(json.dumps(measure(options.net[0], options.seconds, options.lead, options.rig, folder)))
        return 0
    own_names()
    runs = [in_namespaces(net, options) for net in options.net or ["clean", "4g"]]
    print(json.dumps(runs) if options.json else table(runs))
    held = [
        not any(run["dropouts"].values())
        and run["mouth_to_ear_ms"]["p99"] <= MOST_MS.get(run["net"], MOST_ELSEWHERE_MS)
        for run in runs
    ]
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
