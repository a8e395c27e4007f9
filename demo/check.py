"""The demo's check: one broadcast from upload to reports, by HTTP, judged by the recordings of the virtual cards."""

import time
from pathlib import Path
from typing import Any, NamedTuple

from demo.browser import Browser
from demo.demo import Demo
from demo.horn_instants import skew_at_horns
from demo.operator_tasks import online_count, schedule_once, sign_in, upload, wait_for, wait_for_reports
from demo.sample_recording import make_mp3
from demo.sites import SITES

AHEAD_S = 15
MOST_SKEW_P99_MS = 5.0


class UploadedRecording(NamedTuple):
    """clip: its id. ready_s: from the upload to the clip."""

    browser: Browser
    file: Path
    clip: str
    ready_s: float


def upload_when_online(demo: Demo) -> UploadedRecording:
    """Sign in, wait for all receivers, upload a recording. Raises DemoFailed."""
    browser = Browser(demo.url)
    sign_in(browser, demo.operator, demo.password)
    wait_for("three receivers online", lambda: online_count(browser) == len(SITES), 30)
    uploaded = demo.folder / "uploaded.mp3"
    make_mp3(uploaded)
    started_at_s = time.monotonic()
    clip, _ = upload(browser, uploaded)
    return UploadedRecording(browser, uploaded, clip, time.monotonic() - started_at_s)


def check(demo: Demo, keep: Path | None) -> tuple[dict[str, Any], list[str]]:
    """Upload, schedule, play, report. Returns the figures, and a line for each expectation that failed.

    keep: a folder for copies of the recordings and the upload.
    """
    # 1. Three receivers are online. 2. A real recording becomes a clip.
    browser, uploaded, clip, clip_ready_s = upload_when_online(demo)
    # 3. A programme, on the timetable a quarter of a minute ahead.
    programme = browser.api(
        "/programmes",
        {
            "title": "Kiểm tra",
            "items": [{"kind": "opening_chime"}, {"kind": "clip", "clip": clip}, {"kind": "closing_chime"}],
        },
    )["programme"]
    planned = schedule_once(browser, programme, time.time() + AHEAD_S)
    broadcast = planned["broadcasts"][0]
    sequences_before = {r["receiver"]: r["sequence"] for r in browser.api("/receivers")}
    # 4. It plays, and the receivers report.
    report = wait_for_reports(browser, broadcast)
    sequences_after = {r["receiver"]: r["sequence"] for r in browser.api("/receivers")}
    apart = skew_at_horns(demo, uploaded, keep)
    figures = {
        "receivers": len(report["receivers"]),
        "reports": report["reported"],
        "heard": report["heard"],
        "outcomes": {r["receiver"]: r["outcome"] for r in report["receivers"]},
        "clip_ready_s": round(clip_ready_s, 2),
        "skew_ms_p50": round(apart.p50_ms, 4),
        "skew_ms_p99": round(apart.p99_ms, 4),
        "skew_ms_max": round(apart.max_ms, 4),
        "windows": apart.windows,
        "heartbeats": sum((sequences_after[name] or 0) + 1 for name in sequences_after),
        "error_us_p99": {r["receiver"]: r["error_p99_us"] for r in report["receivers"]},
    }
    return figures, failures(figures, sequences_before, sequences_after)


def failures(figures: dict[str, Any], before: dict[str, Any], after: dict[str, Any]) -> list[str]:
    """before, after: heartbeat sequence numbers by receiver."""
    lines = []
    if figures["receivers"] != len(SITES) or figures["reports"] != len(SITES):
        lines.append(f"{figures['reports']} reports of {figures['receivers']} receivers, {len(SITES)} expected")
    if set(figures["outcomes"].values()) != {"played"}:
        lines.append(f"not every receiver played all of it: {figures['outcomes']}")
    if figures["skew_ms_p99"] > MOST_SKEW_P99_MS:
        lines.append(f"the receivers were {figures['skew_ms_p99']} ms apart (p99)")
    if any(after[name] is None or after[name] <= (before[name] or 0) for name in after):
        lines.append("a receiver sent no heartbeat during the broadcast")
    return lines
