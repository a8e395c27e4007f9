"""The check of relays: a station is relayed, cut and comes back; the longest silences in the cards' recordings."""

import time
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from demo.browser import Browser
from demo.demo import Demo
from demo.operator_tasks import online_count, sign_in, upload, wait_for
from demo.sample_recording import make_mp3
from demo.sites import SITES
from demo.skew import CardRecording
from demo.speak_check import check_speak

LENGTH_S, CUT_AFTER_S, CUT_S = 45, 12.0, 14.0
MOST_GAP_S, MOST_FALLBACK_S = 0.5, 3.0
#: What was buffered of the station is heard after the cut, and the backup while it is connected again.
_HEARD_AFTER_S = 8.0
_WINDOW, _SILENT_BELOW = 960, 10 ** (-60 / 20)


def check_speak_and_relay(demo: Demo, keep: Path | None) -> tuple[dict[str, Any], list[str]]:
    """A station is relayed, then a person speaks. As the other checks."""
    browser = Browser(demo.url)
    demo.password = sign_in(browser, demo.operator, demo.password)
    wait_for("the receivers online", lambda: online_count(browser) == len(SITES), 30)
    relayed, failed_relay = check_relay(demo, browser)
    figures, failed = check_speak(demo, keep)
    return figures | relayed, failed + failed_relay


def check_relay(demo: Demo, browser: Browser) -> tuple[dict[str, Any], list[str]]:
    """Returns the figures, and a line for each expectation that failed. browser: signed in."""
    sound, backup = demo.folder / "station.mp3", demo.folder / "backup.mp3"
    make_mp3(sound, seconds=60, seed=3)
    make_mp3(backup, seconds=20, seed=9)
    clip, _ = upload(browser, backup)
    demo.station.play(sound, 60)
    source = {"name": "Đài thử", "addresses": [f"http://{demo.station.place}/thu.mp3"]}
    number = browser.api("/relays", source)["relay"]
    asked = {"length_s": LENGTH_S, "targets": {"all": True}, "class": "normal", "backup": clip}
    broadcast = browser.api(f"/relays/{number}/on-air", asked)["broadcast"]
    starts_at = datetime.fromisoformat(browser.api(f"/broadcasts/{broadcast}")["starts_at"])
    starts_s = time.monotonic() + (starts_at - datetime.now(UTC)).total_seconds()
    cut_s = starts_s + CUT_AFTER_S
    _sleep_until(cut_s)
    demo.station.cut()
    _sleep_until(cut_s + CUT_S)
    demo.station.restore()
    shown = "Đài thử" in browser.page("/faults")
    _sleep_until(starts_s + LENGTH_S + 1)
    wait_for("the end of the relay", lambda: not browser.api("/broadcasts")["on_air"], 10)
    gap_s = fallback_s = 0.0
    for site in demo.sites:
        card, lost_until_s = CardRecording(demo.recording(site.receiver_id)), cut_s + CUT_S + _HEARD_AFTER_S
        gap_s = max(gap_s, _silence_s(card.between(starts_s + 0.5, cut_s)))
        gap_s = max(gap_s, _silence_s(card.between(lost_until_s, starts_s + LENGTH_S - 0.5)))
        fallback_s = max(fallback_s, _silence_s(card.between(cut_s, lost_until_s)))
    failed = []
    if gap_s > MOST_GAP_S:
        failed.append(f"the relay was silent for {gap_s:.2f} s while its station played")
    if fallback_s > MOST_FALLBACK_S:
        failed.append(f"the backup recording took the station's place after {fallback_s:.2f} s")
    if not shown:
        failed.append("the station that failed is not among the faults")
    return {"relay_gap_s": round(gap_s, 2), "relay_fallback_s": round(fallback_s, 2)}, failed


def _silence_s(card: CardRecording) -> float:
    """The longest silence; the whole length when nothing was recorded."""
    windows = card.samples[: len(card.samples) // _WINDOW * _WINDOW].reshape(-1, _WINDOW)
    longest = run = 0
    for level in np.sqrt(np.mean(windows**2, axis=1)):
        run = run + 1 if level < _SILENT_BELOW else 0
        longest = max(longest, run)
    return longest * 0.02 if len(windows) else float(LENGTH_S)


def _sleep_until(at_s: float) -> None:
    time.sleep(max(0.0, at_s - time.monotonic()))
