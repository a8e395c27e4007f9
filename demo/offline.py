"""The demo's offline check: receivers play a planned broadcast while controller and broker are down."""

import os
import signal
import time
from pathlib import Path
from typing import Any

from demo.browser import Browser
from demo.check import MOST_SKEW_P99_MS, upload_when_online
from demo.demo import Demo
from demo.failure import DemoFailed
from demo.horn_instants import samples_of, skew_at_horns
from demo.operator_tasks import schedule_once, wait_for, wait_for_reports
from demo.sites import SITES
from demo.skew import CardRecording, times_played

#: From scheduling to the start: time to fetch, to kill, and to restart a receiver.
AHEAD_S = 25
RESTARTED = "fm-hau-hien"


def check_offline(demo: Demo, keep: Path | None) -> tuple[dict[str, Any], list[str]]:
    """Returns the figures, and a line for each expectation that failed.

    keep: a folder for copies of the recordings and the upload.
    """
    browser, uploaded, clip, _ = upload_when_online(demo)
    # 1. Scheduled, announced, and fetched by every receiver.
    programme_form = {"title": "Khi mất mạng", "items": [{"kind": "opening_chime"}, {"kind": "clip", "clip": clip}]}
    programme = browser.api("/programmes", programme_form)["programme"]
    broadcast = schedule_once(browser, programme, time.time() + AHEAD_S)["broadcasts"][0]
    starts_s = time.time() + AHEAD_S
    wait_for("the audio on every receiver", lambda: _all_have(demo, broadcast), AHEAD_S - 8)
    # 2. Controller and broker are killed, and one receiver is restarted.
    broker = broker_pid(demo)
    demo.controller.kill()
    _kill(broker)
    demo.receivers[RESTARTED].kill()
    demo.receivers[RESTARTED].start()
    if time.time() > starts_s - 2:
        raise DemoFailed("controller and broker were not down before the broadcast started")
    # 3. The broadcast plays while only the receivers run.
    time.sleep(max(0.0, starts_s + 28 - time.time()))
    # 4. The controller restarts; each report arrives once.
    demo.controller.start()
    wait_for("the controller", lambda: _answers(demo), 30)
    report = wait_for_reports(browser, broadcast)
    apart = skew_at_horns(demo, uploaded, keep)
    reference = samples_of(demo.folder / "uploaded.wav")
    times = [times_played(reference, CardRecording(demo.recording(site.receiver_id))) for site in SITES]
    played_broadcasts = [b for b in browser.api("/play-log") if b["title"] == "Khi mất mạng"]
    figures = {
        "receivers": len(report["receivers"]),
        "sounded": sum(count >= 1 for count in times),
        "outcomes": {r["receiver"]: r["outcome"] for r in report["receivers"]},
        "skew_ms_p50": round(apart.p50_ms, 4),
        "skew_ms_p99": round(apart.p99_ms, 4),
        "skew_ms_max": round(apart.max_ms, 4),
        "reports_after": report["reported"],
        "doubles": sum(count - 1 for count in times if count > 1) + len(played_broadcasts) - 1,
    }
    return figures, _failures(figures)


def broker_pid(demo: Demo) -> int:
    """The pid of the demo's Mosquitto, by its configuration file. Raises DemoFailed."""
    config = str(demo.folder / "controller" / "broker" / "mosquitto.conf")
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if config in (entry / "cmdline").read_text():
                    return int(entry.name)
            except OSError:
                continue
    raise DemoFailed("the demo's broker is not running")


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return  # the controller's death has ended it already


def _all_have(demo: Demo, broadcast: str) -> bool:
    """Whether every receiver's disk holds the manifest and all audio. Read from the disk, not asked of the receiver."""
    for site in SITES:
        home = demo.folder / "receivers" / site.receiver_id / "data"
        if not (home / "plan" / "air" / f"{broadcast}.jws").exists():
            return False
        if list((home / "shelf").glob("*.part")) or len(list((home / "shelf").glob("*.opus"))) < 2:
            return False
    return True


def _answers(demo: Demo) -> bool:
    if not demo.controller.running:
        raise DemoFailed(demo.controller.ending())
    try:
        return "broker" in Browser(demo.url).page("/health")
    except OSError:
        return False


def _failures(figures: dict[str, Any]) -> list[str]:
    lines = []
    if figures["sounded"] != len(SITES) or set(figures["outcomes"].values()) != {"played"}:
        lines.append(f"not every receiver played all of it: {figures['outcomes']}")
    if figures["reports_after"] != len(SITES):
        lines.append(f"{figures['reports_after']} reports arrived after the restart")
    if figures["doubles"]:
        lines.append(f"{figures['doubles']} broadcasts were played or planned twice")
    if figures["skew_ms_p99"] > MOST_SKEW_P99_MS:
        lines.append(f"the receivers were {figures['skew_ms_p99']} ms apart (p99)")
    return lines
