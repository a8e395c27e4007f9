"""From the microphone of a browser to three receivers' recordings: how long, how far apart, without a dropout?

    benchmarks/mouth_to_ear.py [--net clean] [--net 4g] [--seconds 60] [--seed 1] [--lead 0] [--json] [--rig DIR]

The demo's controller and receivers, and a real Chromium with a recording as its microphone, each in a network
namespace of the rig (as for `benchmarks/sync.py`; needs root). The links of the receivers and of the browser are all
shaped as the rig's network of that name: `clean` is a local network, `4g` has 50 ± 20 ms each way and loses 0.5 %.
--lead: of the commune, ms; 0 is automatic.

Mouth: when the browser captured a sample. Ear: when it left the horn, with the demo's chains (the longest has 120 ms,
all wait for it). `stages`: ms, measured by stamps in the processes, beside the least that each can take; what no stamp
shows is the browser's. `dropouts`: packets that a receiver lacked, times that the microphone's buffer ran empty, frames
late or lost on the way to it, and 20 ms of voice that are silence in a recording.

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
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from benchmarks.live_stamps import FOLDER, Stamp, read_stamps
from benchmarks.sync import RIG, prepared_rig
from demo.browser import Browser
from demo.child_processes import ChildProcess
from demo.demo import Demo
from demo.microphone_page import CHROMIUM, Spoken, microphone_page
from demo.operator_tasks import online_count, sign_in, wait_for
from demo.sites import SITES
from demo.skew import HOP, RATE, CardRecording, Instants, Samples, instants_of, skew
from demo.speak_check import SPOKEN_TEXT, lasting
from demo.speech import speak
from studio.microphone_frames import FRAME_SAMPLES

SERVER, HOST = "sr-srv", "10.77.0.10"
RECEIVERS = {site.receiver_id: f"sr-c{number}" for number, site in enumerate(SITES, 1)}
BROWSER = f"sr-c{len(SITES) + 1}"
MOST_MS = {"clean": 500.0}
MOST_ELSEWHERE_MS = 2_000.0
#: Until the receivers know the time well; and what is left out at the beginning of the speech.
WARM_S, SETTLE_S = 25, 1.0
#: Pieces in which the speech is looked for, and the longest delay at which it is found.
PIECE_S, MOST_DELAY_S = 10.0, 4.0
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
#: A piece of voice, and what is silence beside it in a recording.
_VOICED, _SILENT = 1e-2, 0.05
#: What a stage cannot take less than: the browser hands on sound every 10 ms, a block has 20 ms, Opus looks ahead
#: 6.5 ms; the buffer holds a whole block; a card has two periods of 10 ms.
BROWSER_MS, BUFFER_MS, CARD_MS = 36.5, 20.0, 20.0
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


class Run(NamedTuple):
    """sent_us: when the browser sent each frame. began_s: CLOCK_MONOTONIC, of what is measured; ended_s."""

    spoken: Spoken
    sent_us: dict[int, float]
    began_s: float
    ended_s: float


def spoken_text(seconds: int) -> str:
    draw = random.Random(7)
    words = (" ".join(draw.sample(SYLLABLES, 8)).capitalize() + "." for _ in range(seconds // 2))
    return f"{SPOKEN_TEXT} {' '.join(words)}"


def measure(net: str, seconds: int, lead_ms: int, folder: Path) -> dict[str, Any]:
    """Runs in the server's namespace. lead_ms: of the commune. folder: of everything that it writes."""
    ping_ms = {name: quickest_ping_ms(name) for name in (*RECEIVERS.values(), BROWSER)}
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
    with NetworkDemo(folder / "demo") as demo:
        run = speak_live(demo, voice, seconds, lead_ms, folder)
        pids = {name: child.pid for name, child in {"controller": demo.controller, **demo.receivers}.items()}
        recordings = [CardRecording(demo.recording(site.receiver_id)) for site in SITES]
    stages = {name: read_stamps(stamps, pid) for name, pid in pids.items()}
    return {"net": net, **figures(run, recordings, stages, ping_ms)}


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


def left_card(run: Run, card: CardRecording) -> tuple[Instants, Instants]:
    """When each 100 ms of speech left the card, and the mouth. By pieces: where it is not found, all is searched."""
    instants, mouths = [], []
    for from_s in np.arange(run.began_s, run.ended_s - PIECE_S, PIECE_S):
        spoken = run.spoken.between(from_s, from_s + PIECE_S)
        near = card.between(from_s, from_s + PIECE_S + MOST_DELAY_S)
        found = instants_of(spoken.samples, near)
        mouth = spoken.instants(HOP, len(found))
        instants.append(lasting(found, mouth))
        mouths.append(mouth)
    return np.concatenate(instants), np.concatenate(mouths)


def holes(spoken: Samples, instants: Instants, card: CardRecording) -> int:
    """20 ms pieces of voice that are silence in the recording, beside how loud it is usually."""
    ratios = []
    for k in np.flatnonzero(~np.isnan(instants)):
        cut = card.between(instants[k], instants[k] + HOP / RATE)
        for start in range(0, min(HOP, len(cut.samples)) - FRAME_SAMPLES + 1, FRAME_SAMPLES):
            here = _level(spoken[k * HOP + start :][:FRAME_SAMPLES])
            if here > _VOICED:
                ratios.append(_level(cut.samples[start : start + FRAME_SAMPLES]) / here)
    return int(np.sum(np.array(ratios) < _SILENT * np.median(ratios)))


def _level(samples: Samples) -> float:
    return float(np.sqrt(np.mean(samples**2)))


def figures(
    run: Run, recordings: list[CardRecording], stamps: dict[str, list[Stamp]], ping_ms: dict[str, float]
) -> dict[str, Any]:
    spoken = run.spoken.between(run.began_s, run.ended_s)
    horns, delays_ms, silent = [], [], 0
    for site, recording in zip(SITES, recordings, strict=True):
        card = recording.between(run.began_s - 1, run.ended_s + MOST_DELAY_S)
        instants, mouth = left_card(run, card)
        silent += holes(spoken.samples, instants, card)
        horns.append(instants + site.path_delay_ms / 1000)
        delays_ms.append((horns[-1] - mouth)[~np.isnan(instants)] * 1000)
    delays, apart = np.concatenate(delays_ms), skew(horns)
    receivers = {name: within(stamps[name], run) for name in RECEIVERS}
    controller = within(stamps["controller"], run)
    counts = [s for s in controller if s.stage == "counts"]
    dropouts = {
        "packets_lacking": sum(s.stage == "lost" for rows in receivers.values() for s in rows),
        "microphone_gaps": counts[-1].key - counts[0].key,
        "microphone_late_or_lost": counts[-1].value - counts[0].value,
        "silent_pieces": int(silent),
    }
    return {
        "lead_ms": round(float(np.median([s.value for s in controller if s.stage == "lead"])) / 1e3),
        "mouth_to_ear_ms": _percentiles(delays),
        "windows_found": [len(found) for found in delays_ms],
        "skew_ms": {"p50": round(apart.p50_ms, 3), "p99": round(apart.p99_ms, 3)},
        "dropouts": dropouts,
        "stages": stages(run, controller, receivers, ping_ms, delays),
    }


def within(stamps: list[Stamp], run: Run) -> list[Stamp]:
    return [s for s in stamps if run.began_s <= s.at_us / 1e6 <= run.ended_s]


def stages(
    run: Run,
    controller: list[Stamp],
    receivers: dict[str, list[Stamp]],
    ping_ms: dict[str, float],
    delays: Instants,
) -> dict[str, Any]:
    """ms. `least`: what the stage cannot take less than."""
    socket_ms = [
        (s.at_us - run.sent_us[s.key]) / 1e3 for s in controller if s.stage == "taken" and s.key in run.sent_us
    ]
    held_ms = [s.value / 1e3 for s in controller if s.stage == "held"]
    sent = {s.key: s for s in controller if s.stage == "sent"}
    gather_ms = (float(np.median([s.value for s in sent.values()])) - 1) * 20
    came = {name: {s.key: s.at_us for s in reversed(rows) if s.stage == "came"} for name, rows in receivers.items()}
    way_ms = [(at - sent[key].at_us) / 1e3 for rows in came.values() for key, at in rows.items() if key in sent]
    decode_ms = [s.value / 1e3 for rows in receivers.values() for s in rows if s.stage == "decoded"]
    # Of the receiver for which all others wait.
    last = max(SITES, key=lambda site: site.path_delay_ms)
    chain_ms, last_rows = last.path_delay_ms, receivers[last.receiver_id]
    decoded = {s.key: s.at_us for s in last_rows if s.stage == "decoded"}
    waits_ms = [(decoded[key] - at) / 1e3 for key, at in came[last.receiver_id].items() if key in decoded]
    card_ms = [s.value / 1e3 - chain_ms for s in last_rows if s.stage == "ahead"]
    rows = {
        "socket": (_percentiles(socket_ms), ping_ms[BROWSER] / 2),
        "buffer": (_percentiles(held_ms), BUFFER_MS),
        "message": ({"p50": gather_ms}, 0.0),
        "way": (_percentiles(way_ms), min(ping_ms[name] for name in RECEIVERS.values()) / 2),
        "waits_at_receiver": (_percentiles(waits_ms), 0.0),
        "decoding": (_percentiles(decode_ms), float(np.min(decode_ms))),
        "card": (_percentiles(card_ms), CARD_MS),
        "chain": ({"p50": chain_ms}, chain_ms),
    }
    rest_ms = float(np.median(delays)) - sum(measured["p50"] for measured, _ in rows.values())
    rows = {"browser": ({"p50": round(rest_ms, 1)}, BROWSER_MS), **rows}
    return {
        name: {**measured, "least": round(least, 1), "above": round(measured["p50"] - least, 1)}
        for name, (measured, least) in rows.items()
    }


def _percentiles(values: Any) -> dict[str, float]:
    return {name: round(float(np.percentile(values, p)), 1) for name, p in (("p50", 50), ("p99", 99), ("max", 100))}


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
    asked = ["--net", net, "--seconds", str(options.seconds), "--lead", str(options.lead), "--within"]
    try:
        command = ["ip", "netns", "exec", SERVER, sys.executable, "-m", "benchmarks.mouth_to_ear", *asked]
        command += ["--keep", str(options.keep / net)] if options.keep else []
        output = subprocess.run(command, stdout=subprocess.PIPE, text=True, check=False)
    finally:
        network.down()
        work.cleanup()
    if output.returncode:
        sys.exit(f"{net}: could not be measured")
    measured: dict[str, Any] = json.loads(output.stdout)
    return measured


def table(runs: list[dict[str, Any]]) -> str:
    lines = [f"| | {' | '.join(run['net'] for run in runs)} |", "|---|" + "---|" * len(runs)]
    lines += [_row("mouth to ear, p50 / p99 ms", [run["mouth_to_ear_ms"] for run in runs])]
    lines += [_row("skew, p50 / p99 ms", [run["skew_ms"] for run in runs])]
    dropouts = [f"{sum(run['dropouts'].values())}" for run in runs]
    lines += [f"| dropouts | {' | '.join(dropouts)} |"]
    for name in runs[0]["stages"]:
        cells = [run["stages"][name] for run in runs]
        lines += [
            f"| {name}: p50 / p99 (least) | "
            + " | ".join(f"{c['p50']} / {c.get('p99', '–')} ({c['least']})" for c in cells)
            + " |"
        ]
    return "\n".join(lines)


def _row(name: str, cells: list[dict[str, float]]) -> str:
    return f"| {name} | " + " | ".join(f"{cell['p50']} / {cell['p99']}" for cell in cells) + " |"


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
            print(json.dumps(measure(options.net[0], options.seconds, options.lead, folder)))
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
