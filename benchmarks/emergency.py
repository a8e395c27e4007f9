"""From a published alert to its first sample at three real receivers, and from its end to silence.

    benchmarks/emergency.py [--rounds 30] [--seed 1] [--keep DIR] [--net 4g [--rig DIR]]

A real broker and three `loa receiver run` on virtual cards with chains of 0.3, 1.5 and 4 s and path delays of 0, 60 and
180 ms. Each round publishes an alert and, within its siren, the end of it; three alerts are then left to speak.
Everything is measured in what left the cards:

- sound_ms: from the publish to the first sample at the horn; cancel_ms: from the end's publish to the last one.
- chain_ms: from the publish to the switching of the chain; what is left until it is heard is its own lead.
- speech_skew_ms_p99, words_lost: of the speech at the horns.
- alert: size and cost of the compact form.

--net: between broker and receivers the rig's network of that name (as for `benchmarks/sync.py`; needs root); then a
first sample within a second is asked for.

Exits with 1 when a limit is not held. The confirmation is not in it: see `make demo ARGS='--check --emergency'`.
"""

import argparse
import json
import os
import random
import runpy
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from pathlib import Path

import numpy as np

from benchmarks.alert_bench_station import COMMUNE, SPEECH_S, BenchStation
from benchmarks.sync import RIG, prepared_rig
from demo.skew import CardRecording, instants_of, missing_windows, skew
from wire import topics
from wire.alerts import Alert, open_alert, seal_alert
from wire.sealing import PublicKey

#: Lead of the chain, and from card to horn, ms.
RECEIVERS = {"ip": (300, 0.0), "wired": (1_500, 60.0), "fm": (4_000, 180.0)}
SPEECH_OFFSET_S = 5
#: Between an alert, its end and the next alert.
PAUSE_S = 1.8
#: In the rig's networks: the broker's address, and until the time is known well.
RIG_HOST, RIG_WARM_S, WARM_S = "10.77.0.10", 25, 3
MOST_SOUND_MS = 500.0
MOST_CHAIN_MS = 100.0
MOST_SKEW_MS = 1.0
MOST_NET_MS = 1_000.0
READY_S = 60


def alert(*, end_of: Alert | None = None) -> Alert:
    issued_at_us = BenchStation.now_us() // 1000 * 1000
    name = end_of.alert if end_of is not None else random.randbytes(8).hex()
    number = 0 if end_of is not None else 1
    return Alert(
        name,
        issued_at_us,
        issued_at_us + 600_000_000,
        SPEECH_OFFSET_S * 1_000_000,
        number,
        is_end=end_of is not None,
    )


def send(station: BenchStation, message: Alert) -> float:
    """Gives the instant before it was sealed (CLOCK_MONOTONIC s)."""
    at_s = time.monotonic()
    topic = topics.alert(COMMUNE, message.alert, is_drill=False)
    station.broker.publish(topic, seal_alert(message, COMMUNE, station.key), qos=1, retain=True)
    return at_s


def percentiles(values: list[float]) -> dict[str, float]:
    return {name: round(float(np.percentile(values, p)), 1) for name, p in (("p50", 50), ("p99", 99), ("max", 100))}


def sounding(recording: CardRecording, from_s: float, until_s: float) -> tuple[float, float]:
    """The instants of the first and the last sample in a stretch. Raises ValueError when it is silent."""
    cut = recording.between(from_s, until_s)
    loud = np.flatnonzero(np.abs(cut.samples) > 1e-3)
    if not len(loud):
        raise ValueError("silent")
    return cut.instant_s(loud[0]), cut.instant_s(loud[-1])


def switched_on_s(folder: Path, after_s: float) -> float:
    """When the chain was switched on after an instant."""
    rows = [line.split(",") for line in (folder / "amplifier.csv").read_text().splitlines()]
    return min(int(at_us) / 1e6 for at_us, state in rows if state == "on" and int(at_us) / 1e6 > after_s)


def compact_costs(station: BenchStation) -> dict[str, float]:
    """Size, and µs to seal and to open; the median of 2,000."""
    message, keys = alert(), {station.key.kid: PublicKey(station.key.public)}
    payload = seal_alert(message, COMMUNE, station.key)
    seal_us, open_us = [], []
    for _ in range(2_000):
        began = time.perf_counter_ns()
        seal_alert(message, COMMUNE, station.key)
        sealed = time.perf_counter_ns()
        open_alert(payload, keys, COMMUNE, message.issued_at_us)
        open_us.append((time.perf_counter_ns() - sealed) / 1000)
        seal_us.append((sealed - began) / 1000)
    return {"bytes": len(payload), "seal_us": float(np.median(seal_us)), "open_us": float(np.median(open_us))}


def main() -> int:
    """Prints one line of JSON."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--rounds", type=int, default=30)
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--keep", type=Path)
    options.add_argument("--net", default="")
    options.add_argument("--rig", type=Path, default=RIG)
    chosen = options.parse_args()
    if chosen.net and not os.environ.get("LOA_BENCH_IN_NET"):
        return within_net(chosen.rig, chosen.net, chosen.seed)
    random.seed(chosen.seed)
    with ExitStack() as closing:
        folder = chosen.keep or Path(closing.enter_context(tempfile.TemporaryDirectory()))
        folder.mkdir(parents=True, exist_ok=True)
        station = BenchStation(folder, RIG_HOST if chosen.net else "127.0.0.1")
        closing.callback(station.close)
        station.publish_book()
        for number, (name, (lead_ms, path_ms)) in enumerate(RECEIVERS.items(), 1):
            namespace = f"sr-c{number}" if chosen.net else ""
            station.receiver(name, lead_ms=lead_ms, path_ms=path_ms, namespace=namespace)
        deadline_s = time.monotonic() + READY_S
        while not all(station.ready(name) for name in RECEIVERS):
            if time.monotonic() > deadline_s:
                sys.exit("the receivers did not get ready")
            time.sleep(0.2)
        time.sleep(RIG_WARM_S if chosen.net else WARM_S)
        rounds, spoken = [], []
        for _ in range(chosen.rounds):
            message = alert()
            sent_s = send(station, message)
            time.sleep(random.uniform(PAUSE_S, PAUSE_S + 0.5))
            ended_s = send(station, alert(end_of=message))
            time.sleep(random.uniform(PAUSE_S, PAUSE_S + 0.5))
            rounds.append((sent_s, ended_s))
        for _ in range(3):
            time.sleep(9)  # the chains go off
            spoken.append(send(station, alert()))
            time.sleep(SPEECH_OFFSET_S + SPEECH_S + 1)
        time.sleep(1)
        return judge(station, rounds, spoken, MOST_NET_MS if chosen.net else MOST_SOUND_MS)


def within_net(source: Path, net: str, seed: int) -> int:
    """This program again, in the server's namespace of the rig's network."""
    rig = prepared_rig(source)
    rig_module = runpy.run_path(str(rig / "rig.py"))
    network = rig_module["Net"](len(RECEIVERS), rig_module["NETS"][net], str(rig), seed)
    try:
        command = ["ip", "netns", "exec", "sr-srv", sys.executable, "-m", "benchmarks.emergency", *sys.argv[1:]]
        return subprocess.run(command, env={**os.environ, "LOA_BENCH_IN_NET": "1"}, check=False).returncode
    finally:
        network.down()


def judge(station: BenchStation, rounds: list[tuple[float, float]], spoken: list[float], most_ms: float) -> int:
    """Prints the figures. Returns the exit status."""
    sound_ms: dict[str, list[float]] = {name: [] for name in RECEIVERS}
    cancel_ms: dict[str, list[float]] = {name: [] for name in RECEIVERS}
    chain_ms, words_lost, horns = [], 0, []
    for name, (lead_ms, path_ms) in RECEIVERS.items():
        recording = CardRecording(station.folder / name / "card")
        for sent_s, ended_s in rounds:
            first_s, last_s = sounding(recording, sent_s, ended_s + PAUSE_S - 0.05)
            sound_ms[name].append((first_s - sent_s) * 1e3 + path_ms)
            cancel_ms[name].append((last_s - ended_s) * 1e3 + path_ms)
        at_horn = []
        for sent_s in spoken:
            ends_s = sent_s + SPEECH_OFFSET_S + SPEECH_S + 0.9
            instants = instants_of(station.speech, recording.between(sent_s + 1, ends_s)) + path_ms / 1e3
            on_s = switched_on_s(station.folder / name, sent_s)
            chain_ms.append((on_s - sent_s) * 1e3)
            words_lost += missing_windows(instants) + int(np.sum(instants < on_s + (lead_ms + path_ms) / 1e3))
            at_horn.append(instants)
        horns.append(np.concatenate(at_horn))
    apart = skew(horns)
    figures = {
        "rounds": len(rounds),
        "sound_ms": {name: percentiles(values) for name, values in sound_ms.items()},
        "cancel_ms": {name: percentiles(values) for name, values in cancel_ms.items()},
        "chain_ms": percentiles(chain_ms),
        "speech_skew_ms_p99": round(apart.p99_ms, 3),
        "words_lost": words_lost,
        "reports": len({report.report for report in station.reports}),
        "alert": compact_costs(station),
    }
    print(json.dumps(figures), flush=True)
    held = [
        *(percentiles(values)["p99"] <= most_ms for values in [*sound_ms.values(), *cancel_ms.values()]),
        max(chain_ms) <= (MOST_CHAIN_MS if most_ms == MOST_SOUND_MS else most_ms),
        apart.p99_ms <= MOST_SKEW_MS,
        words_lost == 0,
    ]
    return 0 if all(held) else 1


if __name__ == "__main__":
    sys.exit(main())
