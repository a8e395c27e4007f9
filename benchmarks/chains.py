"""A wired, an FM and an IP chain, each with its own delays: are they in step at the ear, and is no first word lost?

    benchmarks/chains.py [--runs 8] [--seed 1] [--keep DIR]

A real controller and three real receivers on virtual cards, each with a chain file and devices that take their time:
a Modbus board and an amplifier that comes up after 2.7 to 4 s (wired); a carrier that settles in 1.2 to 1.8 s, an RDS
encoder that opens two groups, and telephone tones (FM); an amplifier with its line check of 0.3 to 0.45 s (IP). Path
delays are 5 to 180 ms. Both vary by ±20 % from run to run, and the receivers know only the middle. The ear gets what
left the card while the chain let sound pass, later by the path delay. At the end the FM receiver is stopped in
the middle of its broadcast (SIGSTOP) and the wired one killed: how long until everything is off?
"""

import argparse
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from pathlib import Path
from typing import NamedTuple

import numpy as np

from benchmarks.chain_equipment import DIGITS, NOMINAL, ChainDemo, ChainEquipment, path_ms
from demo.browser import Browser
from demo.demo import Demo
from demo.operator_tasks import online_count, schedule_once, sign_in, upload, wait_for
from demo.sample_recording import make_mp3
from demo.sites import SITES, DemoSite
from demo.skew import RATE, WINDOW, CardRecording, Instants, Samples, instants_of
from tests.receiver.tone_decoder import detected

MOST_BEYOND_MS = 1.0
MOST_OFF_S = 10.0
#: The amplifier's hold, the steps off, and a look each 50 ms.
MOST_IDLE_S = 8.0
AHEAD_S = 15
SECONDS = 8


class EarFigures(NamedTuple):
    """One chain in one run. at_ear_s: when each 100 ms of the reference reached the ear; nan where it did not.

    off_by_ms: true path delay minus the configured one. ready_ms: from when sound could pass to the first sample.
    lost_ms: of the beginning. tones: the DTMF digits before the first sample.
    """

    at_ear_s: Instants
    off_by_ms: float
    ready_ms: float
    lost_ms: float
    tones: str


def listen(equipment: ChainEquipment, site: DemoSite, recording: CardRecording, reference: Samples) -> EarFigures:
    """Compare a recording with the reference and with the periods in which the chain let sound pass."""
    kind = site.kind.value
    at_card_s = instants_of(reference, recording)
    ends_s = at_card_s + WINDOW / RATE
    passes = np.ones(len(at_card_s), bool)
    ready_ms = float("inf")
    for passed in equipment.passes(kind):
        open_now = np.zeros(len(at_card_s), bool)
        for since_s, until_s in passed:
            open_now |= (at_card_s >= since_s) & (ends_s <= until_s)
            if since_s <= at_card_s[0] < until_s or 0 < since_s - at_card_s[0] < SECONDS:
                ready_ms = min(ready_ms, (at_card_s[0] - since_s) * 1e3)
        passes &= open_now
    at_ear_s = np.where(passes, at_card_s + equipment.path_ms[kind] / 1e3, np.nan)
    heard_windows = np.flatnonzero(~np.isnan(at_ear_s))
    lost_ms = (
        0.0
        if len(heard_windows) and heard_windows[0] == 0 and ready_ms >= 0
        else float(heard_windows[0] * 100 if len(heard_windows) else 1e9)
    )
    before = recording.between(at_card_s[0] - 12, at_card_s[0] - 0.02) if not np.isnan(at_card_s[0]) else recording
    tones = "".join(digit for digit, _ in detected(before.samples)) if kind == "fm" else ""
    return EarFigures(at_ear_s, equipment.path_ms[kind] - path_ms(site), ready_ms, lost_ms, tones)


def beyond_ms(heard: list[EarFigures]) -> tuple[list[float], list[float]]:
    """|skew at the ear|, and its part beyond the variation of the chains, for all pairs and windows."""
    apart: list[float] = []
    beyond: list[float] = []
    for at, first in enumerate(heard):
        for second in heard[at + 1 :]:
            skew_ms = (first.at_ear_s - second.at_ear_s) * 1e3
            skew_ms = skew_ms[~np.isnan(skew_ms)]
            apart += np.abs(skew_ms).tolist()
            beyond += np.abs(skew_ms - (first.off_by_ms - second.off_by_ms)).tolist()
    return apart, beyond


def wait_until_off(equipment: ChainEquipment, kinds: list[str], within_s: float) -> float:
    """Seconds until everything is off; inf when it is not within `within_s`."""
    began_s = time.monotonic()
    while time.monotonic() - began_s < within_s:
        if not any(equipment.on(kind) for kind in kinds):
            return time.monotonic() - began_s
        time.sleep(0.02)
    return float("inf")


def print_figure(name: str, figure: str) -> None:
    """Print a figure that has no limit."""
    print(f"| {name} | | {figure} | |")


def print_limit(name: str, figure: str, limit: str, held: bool) -> bool:
    """Print a figure beside its limit. Returns whether the limit held."""
    print(f"| {name} | {limit} | {figure} | {'held' if held else 'NOT HELD'} |", flush=True)
    return held


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--runs", type=int, default=8)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--keep", type=Path, help="keep everything in this folder")
    options = parser.parse_args()
    dice = random.Random(options.seed)
    with ExitStack() as undo:
        equipment = ChainEquipment(undo)
        demo = undo.enter_context(ChainDemo(equipment, options.keep))
        browser = Browser(demo.url)
        sign_in(browser, demo.operator, demo.password)
        wait_for("three receivers online", lambda: online_count(browser) == len(SITES), 30)
        uploaded = demo.folder / "uploaded.mp3"
        make_mp3(uploaded, SECONDS)
        reference = decoded(uploaded)
        clip, _ = upload(browser, uploaded)
        programme = browser.api("/programmes", {"title": "Ba chuỗi", "items": [{"kind": "clip", "clip": clip}]})
        time.sleep(20)  # the clocks settle
        apart, beyond, runs, idle_s = [], [], list[list[EarFigures]](), list[float]()
        for _ in range(options.runs):
            equipment.vary(dice)
            if any(equipment.on(kind) for kind in NOMINAL):
                sys.exit("a chain is on although no broadcast is due")
            schedule_once(browser, programme["programme"], time.time() + AHEAD_S)
            starts_s = time.monotonic() + AHEAD_S
            time.sleep(AHEAD_S + SECONDS + 1)
            idle_s.append(1 + wait_until_off(equipment, list(NOMINAL), 20))
            heard = [
                listen(
                    equipment,
                    site,
                    CardRecording(demo.recording(site.receiver_id)).between(starts_s - 13, starts_s + SECONDS + 3),
                    reference,
                )
                for site in SITES
            ]
            runs.append(heard)
            run_apart, run_beyond = beyond_ms(heard)
            apart += run_apart
            beyond += run_beyond
        off = [
            (name, fail_receiver(browser, demo, equipment, programme["programme"], site, number))
            for name, site, number in (
                ("FM receiver stopped (SIGSTOP)", SITES[2], signal.SIGSTOP),
                ("wired receiver killed (SIGKILL)", SITES[1], signal.SIGKILL),
            )
        ]
    print(f"{options.runs} runs, seed {options.seed}: switching and path delay of every chain ±20 % from run to run\n")
    print("| what | limit | figure | |\n|---|---|---|---|")
    sys.exit(0 if all(print_all(apart, beyond, runs, idle_s) + [print_off(name, off_s) for name, off_s in off]) else 1)


def print_all(apart: list[float], beyond: list[float], runs: list[list[EarFigures]], idle_s: list[float]) -> list[bool]:
    """Print the figures of all runs beside their limits. Returns which limits held."""
    all_figures = [figures for run in runs for figures in run]
    p99_ms = float(np.percentile(beyond, 99)) if beyond else float("inf")
    lost = sum(figures.lost_ms > 0 for figures in all_figures)
    ready_ms = min(figures.ready_ms for figures in all_figures)
    tones = sum(run[2].tones == DIGITS for run in runs)
    print_figure(
        "skew at the ear, with what the chains vary, p50 and most",
        f"{np.percentile(apart, 50):.1f}, {max(apart):.1f} ms",
    )
    print_figure(
        "skew beyond what the chains vary, p50 and most", f"{np.percentile(beyond, 50):.3f}, {max(beyond):.3f} ms"
    )
    return [
        print_limit(
            "skew beyond what the chains vary, p99",
            f"{p99_ms:.3f} ms",
            f"{MOST_BEYOND_MS} ms",
            p99_ms <= MOST_BEYOND_MS,
        ),
        print_limit(
            "pieces of 100 ms compared", str(len(beyond)), f"{100 * len(runs)}", len(beyond) >= 100 * len(runs)
        ),
        print_limit("first sample lost", f"{lost} of {len(all_figures)}", "none", lost == 0),
        print_limit("ready before the first sample, least", f"{ready_ms:.0f} ms", "0 ms", ready_ms >= 0),
        print_limit(
            f"tones {DIGITS} on the FM receiver's recording", f"{tones} of {len(runs)}", "all", tones == len(runs)
        ),
        print_limit(
            "off after the last sample, longest", f"{max(idle_s):.1f} s", f"{MOST_IDLE_S} s", max(idle_s) <= MOST_IDLE_S
        ),
    ]


def print_off(name: str, off_s: float) -> bool:
    """Print how long it took until everything was off."""
    return print_limit(f"everything off, {name}", f"{off_s:.1f} s", f"{MOST_OFF_S} s", off_s <= MOST_OFF_S)


def fail_receiver(
    browser: Browser, demo: Demo, equipment: ChainEquipment, programme: int, site: DemoSite, number: int
) -> float:
    """Stop or kill a receiver in the middle of a broadcast. Returns the seconds until its chain was off."""
    schedule_once(browser, programme, time.time() + AHEAD_S)
    time.sleep(AHEAD_S + SECONDS / 2)
    if not equipment.on(site.kind.value):
        return float("inf")
    os.kill(demo.receivers[site.receiver_id].pid, number)
    off_s = wait_until_off(equipment, [site.kind.value], 30)
    wait_until_off(equipment, list(NOMINAL), 30)
    return off_s


def decoded(file: Path) -> Samples:
    """Mono samples at 48 kHz, decoded by ffmpeg."""
    completed = subprocess.run(
        ["ffmpeg", "-loglevel", "error", "-i", str(file), "-ac", "1", "-ar", "48000", "-f", "s16le", "-"],
        capture_output=True,
        check=True,
    )
    return (np.frombuffer(completed.stdout, "<i2") / 32768).astype(np.float32)


if __name__ == "__main__":
    main()
