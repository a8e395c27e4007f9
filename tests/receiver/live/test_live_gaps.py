"""A live broadcast whose frames stop coming gives its place back after some seconds, and takes it when they return."""

import numpy as np

from receiver.live.live_gaps import LOST_AFTER_US, LiveGaps
from receiver.live.live_input import LiveInput
from receiver.playout.ladder import Ladder, sounding_share
from receiver.playout.readers import SourceBuffer
from tests.receiver.live.test_live_input import frames
from tests.receiver.plans import KEY, KEYS, NOW_US, SECOND_US, config, manifest
from tests.receiver.playout.test_ladder import there
from wire.broadcasts import LiveItem, Manifest
from wire.live import LiveFrame, seal_frame

TOPIC = "loa/1/c/tt/live/live"
STEP_US = 250_000


def speech(**more: object) -> Manifest:
    item = LiveItem(offset_us=0, duration_us=600 * SECOND_US, buffer_us=SECOND_US)
    return manifest("live", 20, 600, class_="priority", items=[item], **more)


class Loudspeaker:
    """A receiver that plays a recording of ten minutes, and after 20 s a live broadcast over it."""

    def __init__(self) -> None:
        self.live_input = LiveInput(KEYS, lambda: None)
        self.gaps = LiveGaps(self.live_input)
        self.manifests = [manifest("recording", 0, 600), speech()]
        self.changes: list[tuple[float, list[str]]] = []

    def frames(self, sent: list[LiveFrame], now_us: int) -> None:
        for frame in sent:
            self.live_input.take_frame(TOPIC, "live", seal_frame(frame, TOPIC, KEY), now_us)

    def run(self, from_s: float, until_s: float) -> None:
        for now_us in range(NOW_US + round(from_s * SECOND_US), NOW_US + round(until_s * SECOND_US), STEP_US):
            if self.gaps.step(self.manifests, now_us):
                self.changes.append(((now_us - NOW_US) / SECOND_US, self.gaps.lost))

    def ladder(self) -> Ladder:
        return Ladder(self.manifests, config(), there, self.live_input.sound_of, gaps=self.gaps.intervals)

    def plays(self, at_s: float) -> str:
        playing = self.ladder().now(NOW_US + round(at_s * SECOND_US))
        return playing.broadcast if playing else ""


def spoken(from_s: float, seconds: float) -> list[LiveFrame]:
    """Frames of a stream that begins at 20 s, from `from_s` on."""
    start_us, first = NOW_US + 20 * SECOND_US, round((from_s - 20) * 50)
    return [
        frame._replace(first_index=first + k, starts_at_us=start_us + (first + k) * 20_000)
        for k, frame in enumerate(frames(round(seconds * 50)))
    ]


def test_some_seconds_without_a_frame_give_the_place_to_what_waits_below() -> None:
    speaker = Loudspeaker()
    speaker.frames(spoken(20, 5), NOW_US + 20 * SECOND_US)
    speaker.run(0, 40)
    lost_s = 25 + LOST_AFTER_US / SECOND_US
    [(at_s, lost)] = speaker.changes
    assert lost_s < at_s <= lost_s + STEP_US / SECOND_US
    assert lost == ["live"]
    assert [speaker.plays(s) for s in (19, 21, 24.9, 27.9, 28.5, 300)] == [
        "recording",
        "live",
        "live",
        "live",
        "recording",
        "recording",
    ]
    [cue] = speaker.ladder().cues(NOW_US + 30 * SECOND_US, SECOND_US)
    assert (cue.broadcast, cue.starts_at_us) == ("recording", NOW_US), "where it would be had nothing happened"


def test_frames_that_return_take_the_place_again_and_sound_in_step() -> None:
    speaker = Loudspeaker()
    speaker.frames(spoken(20, 5), NOW_US + 20 * SECOND_US)
    speaker.run(0, 60)
    speaker.frames(spoken(61, 10), NOW_US + 60 * SECOND_US)
    speaker.run(60, 70)
    assert [lost for _, lost in speaker.changes] == [["live"], []]
    assert [speaker.plays(s) for s in (28.5, 60.9, 61, 70)] == ["recording", "recording", "live", "live"]
    [cue] = speaker.ladder().cues(NOW_US + 65 * SECOND_US, SECOND_US)
    assert cue.starts_at_us == NOW_US + 20 * SECOND_US
    sound = SourceBuffer(cue).read(45 * 48_000, 48_000)
    assert sound is not None
    assert np.abs(sound).max() > 0.1


def test_a_live_broadcast_of_which_no_frame_ever_came_holds_the_place_for_some_seconds_only() -> None:
    speaker = Loudspeaker()
    speaker.run(0, 30)
    assert speaker.plays(22) == "live"
    assert speaker.plays(24) == "recording"


def test_nothing_is_lost_before_its_start_after_its_stop_or_while_frames_come() -> None:
    speaker = Loudspeaker()
    for second in range(20, 40):
        speaker.frames(spoken(second, 1), NOW_US + (second - 1) * SECOND_US)
        speaker.run(second, second + 1)
    speaker.manifests[1] = speech(stopped_at_us=NOW_US + 40 * SECOND_US)
    speaker.run(0, 1)
    speaker.run(40, 60)
    assert speaker.changes == []


def test_a_stop_ends_the_gap_and_a_forgotten_broadcast_has_none() -> None:
    speaker = Loudspeaker()
    speaker.run(0, 40)
    speaker.manifests[1] = speech(stopped_at_us=NOW_US + 50 * SECOND_US)
    speaker.run(40, 60)
    assert speaker.gaps.lost == []
    due_us, own_us = sounding_share(speaker.manifests[0], speaker.manifests[1:], config(), speaker.gaps.intervals)
    assert due_us == 600 * SECOND_US
    assert due_us - own_us < 4 * SECOND_US, "the recording was interrupted only while the live broadcast held the place"
    speaker.gaps.forget(["live"])
    assert speaker.gaps.intervals == {}


def test_the_amplifier_has_nothing_to_be_on_for_when_nothing_waits_below() -> None:
    speaker = Loudspeaker()
    speaker.manifests = [speech()]
    speaker.run(0, 30)
    assert speaker.ladder().next_manifest(NOW_US + 30 * SECOND_US, 10 * SECOND_US) is None
