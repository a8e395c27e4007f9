"""A voice in a real browser is found on every loudspeaker and in the library; aired again, everything is stopped."""

import time
from collections.abc import Iterator

import numpy as np
import pytest

from demo.browser import Browser
from demo.demo import Demo
from demo.operator_tasks import wait_for
from demo.sites import SITES
from demo.skew import CardRecording
from demo.speak_check import check_speak
from runtime.mosquitto import free_port

#: 1 s on a machine that does nothing else (docs/live.md); the tests share theirs.
MOST_STOP_S = 3.0


@pytest.fixture(scope="module")
def demo() -> Iterator[Demo]:
    with Demo(http_port=free_port()) as running:
        yield running


def test_a_voice_is_found_on_all_receivers_and_in_the_library_aired_again_and_stopped(demo: Demo) -> None:
    # A longer lead, and a part of the voice, since other tests use the same processors.
    # 1. Spoken: found in the recordings by correlation, the sign lit by the receivers' reports, recorded as a clip.
    figures, _ = check_speak(demo, None, speak_s=8, lead_ms=2000, least_heard=0.3)
    assert figures["heard"] == len(SITES)
    assert figures["recorded_clip"]
    # 2. The recording is aired again.
    browser = Browser(demo.url)
    browser.page("/sign-in")
    browser.send("/sign-in", name=demo.operator, password=f"{demo.password}-2")
    browser.page("/clips")
    clip = next(clip["clip"] for clip in browser.api("/clips") if clip["title"].startswith("Nói trực tiếp"))
    browser.api("/broadcasts", {"clip": clip, "targets": {"all": True}, "class": "normal"})
    wait_for("all receivers", lambda: len(browser.api("/stop-everything")["sounding"]) == len(SITES), 25)
    # 3. Stop everything: silent at the cards, and nobody sounds by their own reports.
    pressed_s = time.monotonic()
    browser.api("/stop-everything", {})
    wait_for("silence", lambda: not browser.api("/stop-everything")["sounding"], 20)
    for site in demo.sites:
        card = CardRecording(demo.recording(site.receiver_id)).between(pressed_s - 0.5, pressed_s + 30)
        loud = np.flatnonzero(np.abs(card.samples) > 1e-3)
        assert len(loud), "it sounded when the button was pressed"
        assert card.instant_s(float(loud[-1])) - pressed_s < MOST_STOP_S
