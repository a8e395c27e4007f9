"""The check of speaking live: a browser's microphone, found again in the recordings of the virtual cards."""

import time
from pathlib import Path
from typing import Any

import numpy as np

from demo.browser import Browser
from demo.demo import Demo
from demo.microphone_page import Spoken, microphone_page
from demo.operator_tasks import online_count, sign_in, wait_for
from demo.sample_recording import make_mp3
from demo.sites import SITES
from demo.skew import HOP, CardRecording, instants_of, skew

SPEAK_S = 15.0
#: For receivers on a local network.
LEAD_MS, SILENCE_S, LONGEST_MIN = 300, 90, 60
MOST_MOUTH_TO_EAR_MS = 500.0
MOST_SKEW_P99_MS = 5.0
#: A receiver has heard the voice when so much of it is found in its recording.
LEAST_HEARD = 0.9
_TITLE = "Nói trực tiếp"


def check_speak(demo: Demo, keep: Path | None) -> tuple[dict[str, Any], list[str]]:
    """Speak for some seconds; returns the figures, and a line for each expectation that failed. keep: not used."""
    browser = Browser(demo.url)
    password = sign_in(browser, demo.operator, demo.password)
    wait_for("the receivers online", lambda: online_count(browser) == len(SITES), 30)
    rules = {"live_lead_ms": LEAD_MS, "live_silence_s": SILENCE_S, "live_longest_min": LONGEST_MIN}
    browser.send("/settings/live", **{name: str(value) for name, value in rules.items()})
    voice = demo.folder / "voice.mp3"
    make_mp3(voice, seconds=40)
    with microphone_page(demo.url, demo.operator, password, voice) as page:
        page.begin(with_chime=True)
        began_s = time.monotonic()
        wait_for("the sign", lambda: page.is_lit, 10)
        time.sleep(max(0.0, began_s + SPEAK_S - time.monotonic()))
        page.end()
        ended_s = time.monotonic()
        spoken = page.spoken()
    recorded = _recorded(browser)
    return _figures(demo, spoken, began_s, ended_s, recorded)


def _recorded(browser: Browser) -> bool:
    """Whether the recording becomes a clip."""
    clips: list[Any] = []

    def is_there() -> bool:
        clips[:] = [clip for clip in browser.api("/clips") if clip["title"].startswith(_TITLE)]
        return bool(clips)

    wait_for("the recording in the library", is_there, 60)
    return float(clips[0]["length_ms"]) > 0.8 * SPEAK_S * 1000


def _figures(
    demo: Demo, spoken: Spoken, began_s: float, ended_s: float, recorded: bool
) -> tuple[dict[str, Any], list[str]]:
    horns, delays_ms, heard = [], [], 0
    spoken = spoken.between(began_s + 0.5, ended_s - 1.0)
    for site in demo.sites:
        card = CardRecording(demo.recording(site.receiver_id)).between(began_s - 1, ended_s + 2)
        instants = instants_of(spoken.samples, card) + site.path_delay_ms / 1000
        mouth = spoken.instants(HOP, len(instants))
        horns.append(instants)
        found = ~np.isnan(instants)
        heard += found.sum() >= LEAST_HEARD * len(mouth) > 0
        delays_ms.append((instants - mouth)[found] * 1000)
    delays = np.concatenate(delays_ms)
    apart = skew(horns)
    p50, p99 = (float(np.percentile(delays, percent)) for percent in (50, 99)) if len(delays) else (-1.0, -1.0)
    figures = {
        "mouth_to_ear_ms_p50": round(p50, 1),
        "mouth_to_ear_ms_p99": round(p99, 1),
        "skew_ms_p99": round(apart.p99_ms, 4),
        "heard": int(heard),
        "recorded_clip": recorded,
    }
    failed = []
    if heard != len(SITES):
        failed.append(f"the voice was found on {heard} of {len(SITES)} receivers")
    if not 0 < p99 <= MOST_MOUTH_TO_EAR_MS:
        failed.append(f"from mouth to ear it took {p99:.0f} ms (p99), {MOST_MOUTH_TO_EAR_MS:.0f} ms at most are wanted")
    if apart.p99_ms > MOST_SKEW_P99_MS:
        failed.append(f"the receivers were {apart.p99_ms:.3f} ms apart (p99)")
    if not recorded:
        failed.append("the recording in the library lacks a part of what was spoken")
    return figures, failed
