"""The microphone page in a real browser, with a recording in place of the microphone.

The browser's clock is compared with CLOCK_MONOTONIC, by which the virtual sound cards record: mouth and ear have one
clock. A block of the microphone was captured, at the latest, when the quickest of all blocks would have been handed on.
"""

import base64
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from demo.failure import DemoFailed
from demo.skew import RATE, Instants, Samples

CHROMIUM = "/usr/bin/chromium"
TIMEOUT_MS = 30_000
#: Keeps what the microphone gives, beside the page: samples, and the capture time of each block.
_TAP = """
(() => {
  const open = navigator.mediaDevices.getUserMedia.bind(navigator.mediaDevices);
  window.captured = { blocks: [], times: [], given: [], rate: 0 };
  navigator.mediaDevices.getUserMedia = async (wanted) => {
    const stream = await open(wanted);
    const track = stream.getAudioTracks()[0].clone();
    const reader = new MediaStreamTrackProcessor({ track }).readable.getReader();
    (async () => {
      for (;;) {
        const { value, done } = await reader.read();
        if (done) return;
        const samples = new Float32Array(value.numberOfFrames);
        value.copyTo(samples, { planeIndex: 0, format: "f32-planar" });
        window.captured.blocks.push(Int16Array.from(samples, (sample) => sample * 32767));
        window.captured.times.push(value.timestamp / 1000);
        window.captured.given.push(performance.now());
        window.captured.rate = value.sampleRate;
        value.close();
      }
    })();
    return stream;
  };
})();
"""
_GIVE = """
() => {
  const { blocks, times, given, rate } = window.captured;
  const all = new Int16Array(blocks.reduce((sum, block) => sum + block.length, 0));
  let at = 0;
  const starts = blocks.map((block) => {
    all.set(block, at);
    at += block.length;
    return at - block.length;
  });
  const bytes = new Uint8Array(all.buffer);
  let text = "";
  for (let i = 0; i < bytes.length; i += 32768) text += String.fromCharCode(...bytes.subarray(i, i + 32768));
  return { sound: btoa(text), starts, times, given, rate };
}
"""


class Spoken(NamedTuple):
    """What the microphone gave. starts: index of each block's first sample; times_s: when it was captured."""

    samples: Samples
    starts: NDArray[np.float64]
    times_s: NDArray[np.float64]

    def between(self, from_s: float, until_s: float) -> "Spoken":
        """What was captured between two instants."""
        first, last = (int(np.searchsorted(self.times_s, at_s)) for at_s in (from_s, until_s))
        begins = round(self.starts[first])
        ends = round(self.starts[min(last, len(self.starts) - 1)])
        return Spoken(self.samples[begins:ends], self.starts[first:last] - begins, self.times_s[first:last])

    def instants(self, hop: int, count: int) -> Instants:
        """When each window of `hop` samples began to be spoken, CLOCK_MONOTONIC seconds."""
        at = np.arange(count) * hop
        block = np.clip(np.searchsorted(self.starts, at, side="right") - 1, 0, None)
        instants: Instants = self.times_s[block] + (at - self.starts[block]) / RATE
        return instants


class MicrophonePage:
    """The page, signed in."""

    def __init__(self, tab: Any) -> None:
        self.tab = tab

    def begin(self, *, with_chime: bool) -> None:
        """Start to speak, hands free, the sound as it is. Raises DemoFailed when the page does not say to speak."""
        page = self.tab
        page.locator("[name=mode][value=hands_free]").check()
        page.locator("[name=noise]").uncheck()
        page.locator("[name=chime]").set_checked(with_chime)
        page.locator("[data-button]").click()
        self.wait_until("speaking")

    def wait_until(self, name: str) -> None:
        """name: of the page's sentences, as data-… holds it. Raises DemoFailed."""
        words = self.tab.locator("[data-speak]").get_attribute(f"data-{name}")
        try:
            self.tab.locator("[data-status]", has_text=words).wait_for(timeout=TIMEOUT_MS)
        except Exception as error:
            raise DemoFailed(f"the page says “{self.status}”, and not “{words}”") from error

    @property
    def status(self) -> str:
        return str(self.tab.locator("[data-status]").inner_text())

    @property
    def is_lit(self) -> bool:
        """Whether receivers report that they sound it."""
        return bool(self.tab.locator("[data-sign].lit").count())

    @property
    def notes(self) -> str:
        return str(self.tab.locator("[data-notes]").inner_text())

    def end(self) -> str:
        """Returns the sentence with which it ended."""
        self.tab.locator("[data-end]").click()
        self.wait_for_end()
        return self.status

    def wait_for_end(self) -> None:
        """Until the page says that the broadcast is over."""
        self.tab.locator("[data-end]").wait_for(state="hidden", timeout=TIMEOUT_MS)

    def evaluate(self, script: str) -> Any:
        """The value of a script in the page."""
        return self.tab.evaluate(script)

    def spoken(self) -> Spoken:
        given = self.tab.evaluate(_GIVE)
        rate, starts = given["rate"], np.array(given["starts"], float)
        block_s = (starts[1] - starts[0]) / rate
        times_s, handed_on_s = np.array(given["times"]) / 1000, np.array(given["given"]) / 1000 + self.origin_s()
        captured_s = times_s + float(np.min(handed_on_s - times_s)) - block_s
        samples = _resampled(base64.b64decode(given["sound"]), rate)
        return Spoken(samples, starts * RATE / rate, captured_s)

    def origin_s(self) -> float:
        """CLOCK_MONOTONIC at the browser's time 0, by the quickest of some exchanges."""
        best_s, origin_s = 1.0, 0.0
        for _ in range(30):
            asked_s = time.monotonic()
            browser_s = self.tab.evaluate("() => performance.now()") / 1000
            took_s = time.monotonic() - asked_s
            if took_s < best_s:
                best_s, origin_s = took_s, asked_s + took_s / 2 - browser_s
        return origin_s


def _resampled(pcm: bytes, rate: int) -> Samples:
    command = ["ffmpeg", "-loglevel", "error", "-f", "s16le", "-ar", str(rate), "-ac", "1", "-i", "pipe:0"]
    command += ["-f", "s16le", "-ar", str(RATE), "pipe:1"]
    sound = subprocess.run(command, input=pcm, capture_output=True, check=True).stdout
    samples: Samples = (np.frombuffer(sound, "<i2") / 32768).astype(np.float32)
    return samples


@contextmanager
def microphone_page(
    url: str, operator: str, password: str, voice: Path, *, chromium: str = CHROMIUM, script: str = ""
) -> Iterator[MicrophonePage]:
    """voice: a recording that the browser takes for its microphone. script: run in each page before its own.

    Raises DemoFailed without a browser.
    """
    try:
        from playwright.sync_api import sync_playwright  # noqa: PLC0415 - what the tests need, not the product
    except ImportError:
        raise DemoFailed("This check needs a browser. Run: scripts/setup --tests") from None
    wav = voice.with_suffix(".microphone.wav")
    command = ["ffmpeg", "-loglevel", "error", "-y", "-i", str(voice), "-ac", "1", "-ar", "48000", str(wav)]
    subprocess.run(command, check=True)
    arguments = [
        "--no-sandbox",
        "--use-fake-device-for-media-stream",
        "--use-fake-ui-for-media-stream",
        f"--use-file-for-fake-audio-capture={wav}",
        f"--unsafely-treat-insecure-origin-as-secure={url}",
    ]
    with sync_playwright() as player:
        browser = player.chromium.launch(executable_path=chromium, args=arguments)
        page = browser.new_context(locale="vi-VN", viewport={"width": 360, "height": 740}).new_page()
        page.set_default_timeout(TIMEOUT_MS)
        page.add_init_script(_TAP)
        page.add_init_script(script)
        page.goto(f"{url}/sign-in")
        page.fill("#name", operator)
        page.fill("#password", password)
        page.click("button.main")
        page.goto(f"{url}/speak")
        try:
            yield MicrophonePage(page)
        finally:
            browser.close()
