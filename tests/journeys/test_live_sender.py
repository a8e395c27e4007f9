"""kill -9 of `loa live`: the loudspeaker falls silent, what was interrupted goes on, the page says what happened."""

import time
import wave
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from demo.browser import Browser
from demo.child_processes import ChildProcess
from demo.demo import Demo
from demo.operator_tasks import sign_in, upload, wait_for
from demo.sites import SITES
from loa.live_watch import LOST_AFTER_S, SENDER_LOST
from receiver.live.live_gaps import LOST_AFTER_US
from runtime.mosquitto import free_port

RATE = 48_000
SIREN_HZ, BULLETIN_HZ = 440, 1000
BULLETIN_S = 60


class OneLoudspeaker(Demo):
    """The demo with the first of its receivers only."""

    sites = SITES[:1]


def tone(path: Path, hertz: float, seconds: float) -> Path:
    sound = (np.sin(np.arange(int(RATE * seconds)) * 2 * np.pi * hertz / RATE) * 12_000).astype("<i2")
    with wave.open(str(path), "wb") as file:
        file.setparams((1, 2, RATE, 0, "NONE", ""))
        file.writeframes(sound.tobytes())
    return path


class Stage:
    """A bulletin of one tone is on air, and over it a siren of another, sent live."""

    def __init__(self, demo: Demo) -> None:
        self.demo, self.receiver = demo, SITES[0].receiver_id
        self.browser = Browser(demo.url)
        sign_in(self.browser, demo.operator, demo.password)
        wait_for("the receiver", lambda: self.state()["clock_error_us"] is not None, 30)
        clip, _ = upload(self.browser, tone(demo.folder / "bulletin.wav", BULLETIN_HZ, BULLETIN_S))
        targets = {"receivers": [self.receiver]}
        self.bulletin = self.browser.api("/broadcasts", {"clip": clip, "targets": targets, "class": "normal"})
        wait_for("the bulletin", lambda: self.level(BULLETIN_HZ) > 0.05, 20)
        siren = tone(demo.folder / "siren.wav", SIREN_HZ, 120)
        settings = demo.settings
        self.sender = ChildProcess(
            "loa live",
            [
                "live",
                str(siren),
                "--receiver",
                self.receiver,
                "--class",
                "priority",
                "--title",
                "Còi báo",
                "--data",
                str(settings.data_dir),
                "--broker-port",
                str(settings.broker_port),
            ],
            demo.folder / "live.log",
        )
        self.sender.start()
        try:
            wait_for("the siren", lambda: self.level(SIREN_HZ) > 0.05 + 2 * self.level(BULLETIN_HZ), 40)
            wait_for("the siren on air", lambda: "Còi báo" in self.on_air(), 20)
        except BaseException:
            self.sender.stop()
            raise
        self.live = self.on_air()["Còi báo"]

    def on_air(self) -> dict[str, str]:
        """By title, the ids."""
        return {b["title"]: b["broadcast"] for b in self.browser.api("/broadcasts")["on_air"]}

    def state(self) -> dict[str, Any]:
        return next(r for r in self.browser.api("/receivers") if r["receiver"] == self.receiver)

    def broadcast(self, broadcast_id: str) -> dict[str, Any]:
        answer: dict[str, Any] = self.browser.api(f"/broadcasts/{broadcast_id}")
        return answer

    def last(self, seconds: float = 0.25) -> np.ndarray[Any, np.dtype[np.float64]]:
        """What was handed to the card last."""
        audio = (self.demo.recording(self.receiver) / "audio.raw").read_bytes()[-2 * int(RATE * seconds) :]
        return np.frombuffer(audio, "<i2") / 32768

    def level(self, hertz: float) -> float:
        """Amplitude of a tone at the card."""
        sound = self.last()
        turns = np.exp(-2j * np.pi * hertz * np.arange(len(sound)) / RATE)
        return float(2 * np.abs(np.mean(sound * turns))) if len(sound) else 0.0

    def amplifier_is_on(self) -> bool:
        record = self.demo.folder / "receivers" / self.receiver / "data" / "amplifier.csv"
        return record.read_text().splitlines()[-1].endswith(",on")


@pytest.fixture
def stage() -> Iterator[Stage]:
    with OneLoudspeaker(http_port=free_port()) as demo:
        made = Stage(demo)
        yield made
        made.sender.stop()


def test_a_killed_sender_is_silent_at_once_gives_its_place_back_and_is_told_on_the_page(stage: Stage) -> None:
    stage.sender.kill()
    killed_s = time.monotonic()
    wait_for("silence after the second that was sent ahead", lambda: np.abs(stage.last()).max() == 0.0, 3)
    wait_for("the bulletin again", lambda: stage.level(BULLETIN_HZ) > 0.05, LOST_AFTER_US / 1e6 + 2)
    wait_for("the heartbeat", lambda: stage.state()["broadcast"] == stage.bulletin["broadcast"], 3)
    wait_for("the end", lambda: stage.broadcast(stage.live)["state"] == "stopped", LOST_AFTER_S + 8)
    assert time.monotonic() - killed_s < LOST_AFTER_S + 8
    assert stage.broadcast(stage.live)["cause"] == SENDER_LOST
    assert "vì mất nguồn phát trực tiếp" in stage.browser.page("/")
    both = (stage.live, stage.bulletin["broadcast"])
    wait_for("the reports", lambda: all(stage.broadcast(b)["reported"] == 1 for b in both), 60)
    [live], [bulletin] = (stage.broadcast(b)["receivers"] for b in both)
    assert (live["outcome"], live["cause"]) == ("partly", "live_lost")
    assert (bulletin["outcome"], bulletin["cause"]) == ("partly", "cut")
    assert bulletin["frames_played"] > 0.6 * bulletin["frames_due"], "it was taken up again where it would be"
    wait_for("the amplifier off", lambda: not stage.amplifier_is_on(), 10)
