"""The engine that is always there: espeak-ng, with the voices of the north, the centre and the south."""

import itertools
import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

from runtime.refusal import N_, Refusal
from speech.numbers import SOUTH
from speech.sessions import ANSWER_WITHIN_S, SpeechSession, cannot_speak, start
from speech.voices import Voice

#: Words a minute at 100 %: the pace of an announcer.
_WORDS_A_MINUTE = 150
_MEMORY_BYTES = 400_000_000
_CPU_S = 30

_VOICES = {
    "vi": Voice("espeak:vi", N_("Northern (simple)")),
    "vi-vn-x-central": Voice("espeak:vi-vn-x-central", N_("Central (simple)")),
    "vi-vn-x-south": Voice("espeak:vi-vn-x-south", N_("Southern (simple)"), dialect=SOUTH),
}


class EspeakEngine:
    """One short process for each sentence."""

    def voices(self) -> Sequence[Voice]:
        """Raises Refusal when espeak-ng is not installed."""
        self._program()
        return list(_VOICES.values())

    def session(self, voice: Voice, speed_percent: int, folder: Path) -> SpeechSession:
        """Raises Refusal when espeak-ng is not installed."""
        words_a_minute = _WORDS_A_MINUTE * speed_percent // 100
        name = voice.id.removeprefix("espeak:")
        return _EspeakSession([self._program(), "-v", name, "-s", str(words_a_minute)], voice.name, folder)

    def _program(self) -> str:
        program = shutil.which("espeak-ng")
        if program is None:
            raise Refusal(N_("The speech engine espeak-ng is not installed. Run: make setup"))
        return program


class _EspeakSession:
    def __init__(self, command: list[str], voice: str, folder: Path) -> None:
        self._command, self._voice, self._folder = command, voice, folder
        self._numbers = itertools.count()

    def say(self, text: str) -> Path:
        path = self._folder / f"sentence-{next(self._numbers)}.wav"
        command = [*self._command, "-b", "1", "-w", str(path), "--stdin"]
        with start(
            command,
            memory_bytes=_MEMORY_BYTES,
            cpu_s=_CPU_S,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        ) as program:
            try:
                program.communicate(text.encode(), timeout=ANSWER_WITHIN_S)
            except (subprocess.TimeoutExpired, BrokenPipeError):
                program.kill()
        if program.returncode != 0 or not path.exists():
            raise cannot_speak(self._voice)
        return path

    def close(self) -> None:
        """Nothing runs between two sentences."""
