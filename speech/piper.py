"""Neural voices: Piper models (VITS as ONNX) from a folder that the operator names. Nothing is downloaded.

The library is GPL-3 and Loa is not, so it runs as the program it brings, in a process of its own.
"""

import importlib.util
import subprocess
import sys
import threading
from collections.abc import Sequence
from pathlib import Path

import msgspec

from runtime.refusal import N_, Refusal
from speech.sessions import ANSWER_WITHIN_S, SpeechSession, cannot_speak, start
from speech.voices import Voice

#: Address space; the model itself takes some 300 MB of memory.
_MEMORY_BYTES = 4_000_000_000
#: Of a whole session: 100,000 characters on a slow machine.
_CPU_S = 6 * 3600
_MOST_VOICES = 50
_WROTE = b"Wrote "


class _Audio(msgspec.Struct):
    sample_rate: int


class _Language(msgspec.Struct):
    code: str = ""


class _Espeak(msgspec.Struct):
    voice: str = ""


class _ModelDescription(msgspec.Struct):
    """The file beside a model, as far as Loa needs it."""

    audio: _Audio
    num_symbols: int
    language: _Language = msgspec.field(default_factory=_Language)
    espeak: _Espeak = msgspec.field(default_factory=_Espeak)


class PiperFolder:
    """A folder with `name.onnx` and `name.onnx.json` for each voice."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def voices(self) -> list[Voice]:
        """Raises Refusal when the folder cannot be read, holds no model, or a model without a usable description."""
        try:
            models = sorted(path for path in self.folder.iterdir() if path.suffix == ".onnx")[:_MOST_VOICES]
        except OSError:
            raise Refusal(
                N_("The folder of voices {folder} cannot be read. Name another one in the setting speech_models."),
                folder=self.folder,
            ) from None
        if not models:
            raise Refusal(
                N_(
                    "The folder {folder} holds no voice. A voice is two files, name.onnx and name.onnx.json: put them "
                    "there, or name another folder in the setting speech_models."
                ),
                folder=self.folder,
            )
        return [self._voice(model) for model in models]

    def model(self, voice: Voice) -> Path:
        return self.folder / f"{voice.id.removeprefix('piper:')}.onnx"

    def _voice(self, model: Path) -> Voice:
        description_file = model.with_name(model.name + ".json")
        try:
            description = msgspec.json.decode(description_file.read_bytes(), type=_ModelDescription)
        except (OSError, msgspec.DecodeError):
            raise Refusal(
                N_(
                    "{file} is missing or does not describe a voice. Copy the voice's two files, name.onnx and "
                    "name.onnx.json, from where you got it again."
                ),
                file=description_file.name,
            ) from None
        language = description.language.code or description.espeak.voice
        return Voice(f"piper:{model.stem}", model.stem, is_vietnamese=language.lower().startswith("vi"))


class PiperEngine:
    """One process for a session: loading a model takes a second."""

    def __init__(self, folder: PiperFolder) -> None:
        self._folder = folder

    def voices(self) -> Sequence[Voice]:
        """Raises Refusal for a folder that holds no voices, or when the library is not installed."""
        if importlib.util.find_spec("piper") is None:
            raise Refusal(N_("Neural voices need the extra [voices]. Install it: pip install 'loa[voices]'"))
        return self._folder.voices()

    def session(self, voice: Voice, speed_percent: int, folder: Path) -> SpeechSession:
        command = [sys.executable, "-I", "-m", "piper", "--model", str(self._folder.model(voice))]
        command += ["--length-scale", f"{100 / speed_percent:.3f}", "--output-dir", str(folder)]
        return _PiperSession(command, voice.name)


class _PiperSession:
    def __init__(self, command: list[str], voice: str) -> None:
        self._voice = voice
        self._program = start(
            command,
            memory_bytes=_MEMORY_BYTES,
            cpu_s=_CPU_S,
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
        )

    def say(self, text: str) -> Path:
        """The program writes a file for each line and names it in its log."""
        stdin, log = self._program.stdin, self._program.stderr
        if stdin is None or log is None:
            raise RuntimeError("the program was started without pipes")
        timer = threading.Timer(ANSWER_WITHIN_S, self._program.kill)
        timer.start()
        try:
            stdin.write(" ".join(text.split()).encode() + b"\n")
            stdin.flush()
            for line in log:
                if _WROTE in line:
                    return Path(line.partition(_WROTE)[2].decode().strip())
        except BrokenPipeError:
            pass
        finally:
            timer.cancel()
        raise cannot_speak(self._voice)

    def close(self) -> None:
        self._program.kill()
        self._program.communicate()
