"""A recording is looked through, whatever recorder made it; what is wrong with it is said so that one can mend it."""

from pathlib import Path

import pytest

from acoustics.measuring import MOST_S, MeasuredOffset, measure_offset
from broadcast.audio import Ffmpeg
from broadcast.audio_samples import samples_of
from runtime.refusal import Refusal
from tests.sounds.two_horns import Scene, written


def listen_to(path: Path, one: str, other: str) -> MeasuredOffset:
    """As the page does."""
    return measure_offset(samples_of(path, Ffmpeg(), most_s=MOST_S), one, other)


SCENE = Scene(offset_s=0.1184, echoes=((0.3, 3),))


@pytest.mark.parametrize(
    ("name", "options"),
    [
        ("a.wav", ()),
        ("a.mp3", ("-b:a", "64k")),
        ("a.m4a", ("-c:a", "aac", "-ac", "2")),
        ("a.opus", ("-c:a", "libopus", "-b:a", "24k")),
    ],
)
def test_any_recorder_will_do(tmp_path: Path, name: str, options: tuple[str, ...]) -> None:
    heard = listen_to(written(SCENE, tmp_path / name, *options), "IP", "FM")
    assert heard.offset_us == pytest.approx(118_400, abs=1000)
    assert (heard.agreeing, heard.clipped) == (6, False)


@pytest.mark.parametrize(
    ("scene", "said"),
    [
        (Scene(begins_s=-6), "too short"),
        (Scene(peak=0.0001, silent=(True, True)), "is silent"),
        (Scene(silent=(True, True)), "Neither receiver"),
        (Scene(silent=(False, True)), "Only one receiver"),
        (Scene(signal_to_noise_db=-33, noise="white"), "too much noise|Neither|Only one"),
    ],
)
def test_what_is_wrong_is_said(tmp_path: Path, scene: Scene, said: str) -> None:
    with pytest.raises(Refusal, match=said):
        listen_to(written(scene, tmp_path / "a.wav"), "IP", "FM")


def test_the_receiver_that_is_not_heard_is_named(tmp_path: Path) -> None:
    for silent, name in (((True, False), "IP"), ((False, True), "FM")):
        with pytest.raises(Refusal) as refused:
            listen_to(written(Scene(silent=silent), tmp_path / "a.wav"), "IP", "FM")
        assert refused.value.values == {"receiver": name}


@pytest.mark.parametrize("content", [b"", b"<html>" * 500])
def test_what_is_no_recording_is_refused(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.wav").write_bytes(content)
    with pytest.raises(Refusal, match=r"empty|not a recording"):
        listen_to(tmp_path / "a.wav", "IP", "FM")
