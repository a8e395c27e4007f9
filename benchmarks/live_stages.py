"""Where the time goes between a browser's microphone and the horns, from recordings and stamps, and what was lost."""

from typing import Any, NamedTuple

import numpy as np

from benchmarks.live_stamps import Stamp
from demo.microphone_page import Spoken
from demo.sites import SITES
from demo.skew import HOP, RATE, CardRecording, Instants, Samples, instants_of, skew
from demo.speak_check import lasting
from studio.microphone_frames import FRAME_SAMPLES

#: Pieces in which the speech is looked for, and the longest delay at which it is found.
PIECE_S, MOST_DELAY_S = 10.0, 4.0
#: A piece of voice, and what is silence beside it in a recording.
_VOICED, _SILENT = 1e-2, 0.05
#: What a stage cannot take less than: the browser hands on sound every 10 ms, a block has 20 ms, Opus looks ahead
#: 6.5 ms; the buffer holds a whole block; a card has two periods of 10 ms.
BROWSER_MS, BUFFER_MS, CARD_MS = 36.5, 20.0, 20.0


class Run(NamedTuple):
    """sent_us: when the browser sent each frame. began_s: CLOCK_MONOTONIC, of what is measured; ended_s."""

    spoken: Spoken
    sent_us: dict[int, float]
    began_s: float
    ended_s: float


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
    run: Run,
    recordings: list[CardRecording],
    stamps: dict[str, list[Stamp]],
    browser_ping_ms: float,
    receivers_ping_ms: float,
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
    receivers = {name: within(stamps[name], run) for name in (site.receiver_id for site in SITES)}
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
        "stages": stages(run, controller, receivers, browser_ping_ms, receivers_ping_ms, delays),
    }


def within(stamps: list[Stamp], run: Run) -> list[Stamp]:
    return [s for s in stamps if run.began_s <= s.at_us / 1e6 <= run.ended_s]


def stages(
    run: Run,
    controller: list[Stamp],
    receivers: dict[str, list[Stamp]],
    browser_ping_ms: float,
    receivers_ping_ms: float,
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
        "socket": (_percentiles(socket_ms), browser_ping_ms / 2),
        "buffer": (_percentiles(held_ms), BUFFER_MS),
        "message": ({"p50": gather_ms}, 0.0),
        "way": (_percentiles(way_ms), receivers_ping_ms / 2),
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
