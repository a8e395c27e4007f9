"""A voice in a real browser is found on every loudspeaker and in the library; stopped or cut off, nothing is left."""

import time
from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import pytest

from demo.browser import Browser
from demo.demo import Demo
from demo.microphone_page import MicrophonePage, Spoken, microphone_page
from demo.operator_tasks import online_count, wait_for
from demo.sites import SITES
from demo.skew import HOP, CardRecording, instants_of
from demo.speak_check import check_speak, lasting
from runtime.mosquitto import free_port
from studio.live_recordings import RESTARTED
from studio.microphone_frames import MicrophoneCodec

LEAD_MS = 1000
#: 1 s is what is wanted. Two processors that run other tests as well keep a process waiting for up to half a second
#: (receivers wake at each 20 ms, the controller answers a request in some milliseconds otherwise).
MOST_STOP_S = 1.0 + 0.5
#: A browser without WebCodecs; what passes its socket is counted.
NO_ENCODER = """
delete window.AudioEncoder;
window.codecs = new Set();
window.monitored = 0;
window.waiting = 0;
Object.defineProperty(WebSocket.prototype, "bufferedAmount", { get: () => window.waiting });
const send = WebSocket.prototype.send;
WebSocket.prototype.send = function (data) {
  if (data instanceof Uint8Array) window.codecs.add(data[0]);
  else this.addEventListener("message", ({ data }) => (window.monitored += typeof data !== "string"));
  window.socket = this;
  return send.call(this, data);
};
"""


class Stage(NamedTuple):
    """A demo after its check of speaking."""

    demo: Demo
    figures: dict[str, Any]
    browser: Browser
    password: str

    def on_air(self) -> list[dict[str, Any]]:
        on_air: list[dict[str, Any]] = self.browser.api("/broadcasts")["on_air"]
        return on_air

    def sounding(self) -> list[str]:
        sounding: list[str] = self.browser.api("/stop-everything")["sounding"]
        return sounding

    def clips(self) -> list[dict[str, Any]]:
        return [clip for clip in self.browser.api("/clips") if clip["title"].startswith("Nói trực tiếp")]

    def silent_after_s(self, instant_s: float) -> list[float]:
        """How long after an instant the last sound left each card."""
        after_s = []
        for site in SITES:
            card = CardRecording(self.demo.recording(site.receiver_id)).between(instant_s - 0.5, instant_s + 30)
            loud = np.flatnonzero(np.abs(card.samples) > 1e-3)
            assert len(loud), "it sounded at that instant"
            after_s.append(card.instant_s(float(loud[-1])) - instant_s)
        return after_s


@pytest.fixture(scope="module")
def stage() -> Iterator[Stage]:
    with Demo(http_port=free_port()) as demo:
        # A longer lead, and a part of the voice, since other tests use the same processors.
        figures, _ = check_speak(demo, None, speak_s=6, lead_ms=LEAD_MS, least_heard=0.3, with_chime=False)
        browser, password = Browser(demo.url), f"{demo.password}-2"
        browser.page("/sign-in")
        browser.send("/sign-in", name=demo.operator, password=password)
        browser.page("/clips")
        yield Stage(demo, figures, browser, password)


def speaking(stage: Stage, page: MicrophonePage) -> None:
    page.begin(with_chime=False)
    wait_for("all receivers", lambda: len(stage.sounding()) == len(SITES), 15)


def found_windows(stage: Stage, spoken: Spoken, until_s: float) -> int:
    """Of the first receiver, whose horn stands at its card."""
    card = CardRecording(stage.demo.recording(SITES[0].receiver_id)).between(spoken.times_s[0], until_s)
    instants = instants_of(spoken.samples, card)
    return int(np.isfinite(lasting(instants, spoken.instants(HOP, len(instants)))).sum())


def test_a_voice_is_found_on_all_receivers_and_its_recording_can_be_aired(stage: Stage) -> None:
    assert stage.figures["heard"] == len(SITES)
    assert stage.figures["recorded_clip"]
    wish = {"clip": stage.clips()[0]["clip"], "targets": {"all": True}, "class": "normal"}
    aired = stage.browser.api("/broadcasts", wish)
    stage.browser.api("/stop-everything", {})
    assert stage.browser.api(f"/broadcasts/{aired['broadcast']}")["state"] == "withdrawn"


def check_button_and_space_bar(page: MicrophonePage) -> None:
    button, tab = page.tab.locator("[data-button]"), page.tab
    place = button.bounding_box()
    assert place["width"] >= 280, "most of a screen of 360 px"
    tab.locator("[name=mode][value=push]").check()
    assert button.get_attribute("aria-pressed") == "false"
    tab.locator("h1").click()
    tab.keyboard.down("Space")
    assert button.get_attribute("aria-pressed") == "true"
    tab.keyboard.up("Space")
    assert button.get_attribute("aria-pressed") == "false"
    tab.locator("[name=mode][value=hands_free]").check()


def check_monitor(page: MicrophonePage) -> None:
    page.tab.locator("[name=monitor]").check()
    wait_for("what goes out", lambda: page.evaluate("() => window.monitored") > 10, 5)


def check_stalled_link(page: MicrophonePage) -> None:
    """What the socket cannot take is dropped by the page, counted, and said."""
    page.evaluate("() => (window.waiting = 1_000_000)")
    time.sleep(0.3)
    page.evaluate("() => (window.waiting = 0)")
    words = page.tab.locator("[data-speak]").get_attribute("data-gone")
    wait_for("the page to say it", lambda: words in page.notes, 5)


def check_lost_link(page: MicrophonePage) -> None:
    page.evaluate("() => window.socket.close()")
    page.wait_until("reconnecting")
    page.wait_until("speaking")


def check_choices_are_remembered(page: MicrophonePage) -> None:
    page.tab.locator("#gain").fill("6")
    page.tab.locator("[name=mode][value=hands_free]").check()
    page.tab.reload()
    assert page.tab.locator("#gain").input_value() == "6"
    assert page.tab.locator("[name=mode][value=hands_free]").is_checked()
    assert not page.tab.locator("[name=noise]").is_checked(), "switched off before"


def check_plain_http_is_explained(page: MicrophonePage) -> None:
    """Browsers say in this way that they give no microphone to a page without HTTPS."""
    other = page.tab.context.new_page()
    other.add_init_script("Object.defineProperty(window, 'isSecureContext', { value: false })")
    other.goto(page.tab.url)
    assert other.locator("[data-status]").inner_text() == other.locator("[data-speak]").get_attribute("data-insecure")
    assert other.locator("[data-trust] a").get_attribute("href") == "/trust"
    assert other.locator("[data-trust]").is_visible()


def test_without_an_encoder_a_voice_is_found_too_and_stop_everything_silences_it_within_a_second(stage: Stage) -> None:
    voice = stage.demo.folder / "voice.wav"
    with microphone_page(stage.demo.url, stage.demo.operator, stage.password, voice, script=NO_ENCODER) as page:
        speaking(stage, page)
        check_button_and_space_bar(page)
        check_monitor(page)
        check_stalled_link(page)
        check_lost_link(page)
        time.sleep(LEAD_MS / 1000 + 2)
        pressed_s = time.monotonic()
        stage.browser.api("/stop-everything", {})
        wait_for("silence, as the receivers say", lambda: not stage.sounding(), 10)
        page.wait_for_end()
        assert page.evaluate("() => [...window.codecs]") == [MicrophoneCodec.PCM]
        spoken = page.spoken()
        check_choices_are_remembered(page)
        check_plain_http_is_explained(page)
    assert max(stage.silent_after_s(pressed_s)) < MOST_STOP_S
    heard_s = pressed_s - LEAD_MS / 1000
    assert found_windows(stage, spoken.between(heard_s - 2, heard_s), pressed_s) > 3
    assert "Không cụm loa nào đang kêu" in stage.browser.page("/stop-everything")


def test_a_controller_that_is_killed_leaves_silence_a_recording_and_nothing_on_air(stage: Stage) -> None:
    recorded = len(stage.clips())
    voice = stage.demo.folder / "voice.wav"
    with microphone_page(stage.demo.url, stage.demo.operator, stage.password, voice) as page:
        speaking(stage, page)
        [live] = stage.on_air()
        time.sleep(LEAD_MS / 1000)
        killed_s = time.monotonic()
        stage.demo.controller.kill()
        stage.demo.controller.start()
        stage.demo.wait_until_up()
        wait_for("the receivers online", lambda: online_count(stage.browser) == len(SITES), 40)
        page.wait_for_end()
    assert stage.on_air() == []
    ended = stage.browser.api(f"/broadcasts/{live['broadcast']}")
    assert (ended["state"], ended["cause"]) == ("stopped", RESTARTED)
    assert max(stage.silent_after_s(killed_s)) < LEAD_MS / 1000 + 1
    wait_for("what was recorded", lambda: len(stage.clips()) > recorded, 30)
    assert stage.sounding() == []
