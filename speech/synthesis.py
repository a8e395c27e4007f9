"""Synthesis: a reading becomes one sound file, sentence by sentence, with pauses between them."""

import re
import tempfile
import wave
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from runtime.refusal import N_, Refusal
from speech.engines import Engines
from speech.orders import SpeechOrder

#: Longer sentences are spoken in parts: an engine holds a sentence in memory, and progress is told after each.
_LONGEST_SENTENCE = 400
_SENTENCE_END = re.compile(r"(?<=[.!?;])\s+")
_CLAUSE_END = re.compile(r"(?<=[,:])\s+")


class SpeechStopped(Exception):
    """The person or the controller stopped the speaking."""


@dataclass(frozen=True)
class Sentence:
    """pause_ms: of silence after it."""

    text: str
    pause_ms: int


def sentences(spoken: str, order: SpeechOrder) -> list[Sentence]:
    """The sentences of a text as it is spoken. Lines are paragraphs; what has no letter is left out."""
    found: list[Sentence] = []
    for line in spoken.split("\n"):
        parts = [part for part in _parts(line) if any(c.isalpha() for c in part)]
        found += [Sentence(part, order.sentence_pause_ms) for part in parts[:-1]]
        found += [Sentence(part, order.paragraph_pause_ms) for part in parts[-1:]]
    return found


def synthesise(
    engines: Engines,
    order: SpeechOrder,
    spoken: str,
    into: Path,
    *,
    progress: Callable[[float], None] = lambda share: None,
    stopping: Callable[[], bool] = lambda: False,
) -> None:
    """Write the speech as a WAV file. progress: called after each sentence, 0 to 1.

    Raises Refusal when nothing is to be said or the voice fails, SpeechStopped.
    """
    parts = sentences(spoken, order)
    if not parts:
        raise Refusal(N_("There is nothing to read aloud in this text.")).at("text")
    done, total = 0, sum(len(part.text) for part in parts)
    with (
        tempfile.TemporaryDirectory(prefix="loa-speech-") as folder,
        engines.session(order.voice, order.speed_percent, Path(folder)) as session,
        ExitStack() as files,
    ):
        joined: wave.Wave_write | None = None
        for number, part in enumerate(parts):
            if stopping():
                raise SpeechStopped
            path = session.say(part.text)
            with wave.open(str(path), "rb") as sentence:
                if joined is None:
                    joined = files.enter_context(wave.open(str(into), "wb"))
                    joined.setparams(sentence.getparams())
                joined.writeframesraw(_without_silent_end(sentence.readframes(sentence.getnframes())))
            path.unlink()
            if number < len(parts) - 1:
                joined.writeframesraw(bytes(2 * (joined.getframerate() * part.pause_ms // 1000)))
            done += len(part.text)
            progress(done / total)


def _without_silent_end(samples: bytes) -> bytes:
    """16-bit samples without the zeros that an engine adds, so that pauses are as long as asked for."""
    end = len(samples.rstrip(b"\0"))
    return samples[: end + end % 2]


def _parts(line: str) -> Iterator[str]:
    for sentence in _SENTENCE_END.split(line.strip()):
        part = ""
        for clause in _CLAUSE_END.split(sentence):
            if part and len(part) + len(clause) > _LONGEST_SENTENCE:
                yield part
                part = ""
            part = f"{part} {clause}" if part else clause
            while len(part) > _LONGEST_SENTENCE:
                cut = part.rfind(" ", 0, _LONGEST_SENTENCE)
                cut = cut if cut > 0 else _LONGEST_SENTENCE
                yield part[:cut]
                part = part[cut:].strip()
        if part:
            yield part
