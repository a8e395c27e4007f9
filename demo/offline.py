"""The demo's check without server and network: planned and fetched, then everything but the receivers is killed."""

import os
import signal
import time
from pathlib import Path
from typing import Any

import numpy as np

from demo.check import (
    MOST_SKEW_P99_MS,
    Browser,
    measure,
    online,
    schedule_once,
    sign_in,
    upload,
    wait_for,
    wait_for_reports,
)
from demo.demo import PLACES, Demo, DemoFailed, make_mp3
from demo.skew import Recording, Samples, times_heard

#: From the schedule to the instant: time to fetch, to kill, and to start a receiver again.
AHEAD_S = 25
RESTARTED = "fm-hau-hien"


def check_offline(demo: Demo, keep: Path | None) -> tuple[dict[str, Any], list[str]]:
    """Do it. Gives the figures, and what did not hold. keep: where recordings and upload stay."""
    browser = Browser(demo.url)
    sign_in(browser, demo)
    wait_for("three receivers online", lambda: online(browser) == len(PLACES), 30)
    uploaded = demo.folder / "uploaded.mp3"
    make_mp3(uploaded)
    clip, _ = upload(browser, uploaded)
    # 1. On the timetable, announced, and fetched by all.
    made = {"title": "Khi mất mạng", "items": [{"kind": "opening_chime"}, {"kind": "clip", "clip": clip}]}
    programme = browser.api("/programmes", made)["programme"]
    broadcast = schedule_once(browser, programme, AHEAD_S)["broadcasts"][0]
    starts_s = time.time() + AHEAD_S
    wait_for("the audio on every receiver", lambda: _all_hold(demo, broadcast), AHEAD_S - 8)
    # 2. Controller and broker die, and one receiver is started anew.
    broker = broker_pid(demo)
    demo.controller.kill()
    _kill(broker)
    demo.receivers[RESTARTED].kill()
    demo.receivers[RESTARTED].start()
    if time.time() > starts_s - 2:
        raise DemoFailed("it took too long to kill everything before the instant")
    # 3. The instant passes, and the broadcast, with nobody there but the receivers.
    time.sleep(max(0.0, starts_s + 28 - time.time()))
    # 4. The controller comes back; the reports arrive, once.
    demo.controller.start()
    wait_for("the controller", lambda: _answers(demo), 30)
    said = wait_for_reports(browser, broadcast)
    apart = measure(demo, uploaded, keep)
    heard = [times_heard(_reference(demo), Recording(demo.recording(place.receiver))) for place in PLACES]
    aired = [b for b in browser.api("/play-log") if b["title"] == "Khi mất mạng"]
    figures = {
        "receivers": len(said["receivers"]),
        "sounded": sum(count >= 1 for count in heard),
        "outcomes": {r["receiver"]: r["outcome"] for r in said["receivers"]},
        "skew_ms_p50": round(apart.p50_ms, 4),
        "skew_ms_p99": round(apart.p99_ms, 4),
        "skew_ms_max": round(apart.max_ms, 4),
        "reports_after": said["reported"],
        "doubles": sum(count - 1 for count in heard if count > 1) + len(aired) - 1,
    }
    return figures, _failings(figures)


def broker_pid(demo: Demo) -> int:
    """The pid of the demo's Mosquitto, by its configuration file. Raises DemoFailed."""
    wanted = str(demo.folder / "controller" / "broker" / "mosquitto.conf")
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            try:
                if wanted in (entry / "cmdline").read_text():
                    return int(entry.name)
            except OSError:
                continue
    raise DemoFailed("the demo's broker does not run")


def _kill(pid: int) -> None:
    try:
        os.kill(pid, signal.SIGKILL)
    except ProcessLookupError:
        return  # it ended with the controller


def _all_hold(demo: Demo, broadcast: str) -> bool:
    """Whether every receiver has the manifest and all audio on its own disk: seen there, not asked."""
    for place in PLACES:
        home = demo.folder / "receivers" / place.receiver / "data"
        if not (home / "plan" / "air" / f"{broadcast}.jws").exists():
            return False
        if list((home / "shelf").glob("*.part")) or len(list((home / "shelf").glob("*.opus"))) < 2:
            return False
    return True


def _answers(demo: Demo) -> bool:
    if not demo.controller.running:
        raise DemoFailed(f"the controller ended:\n{demo.controller.last_words()}")
    try:
        return "broker" in Browser(demo.url).page("/health")
    except OSError:
        return False


def _reference(demo: Demo) -> Samples:
    raw = (demo.folder / "uploaded.wav").read_bytes()[44:]
    sound: Samples = (np.frombuffer(raw, "<i2") / 32768).astype(np.float32)
    return sound


def _failings(figures: dict[str, Any]) -> list[str]:
    said = []
    if figures["sounded"] != len(PLACES) or set(figures["outcomes"].values()) != {"played"}:
        said.append(f"not all of it sounded everywhere: {figures['outcomes']}")
    if figures["reports_after"] != len(PLACES):
        said.append(f"{figures['reports_after']} reports came afterwards")
    if figures["doubles"]:
        said.append(f"{figures['doubles']} times something sounded or was planned twice")
    if figures["skew_ms_p99"] > MOST_SKEW_P99_MS:
        said.append(f"the receivers were {figures['skew_ms_p99']} ms apart (p99)")
    return said
