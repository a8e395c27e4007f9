"""What every speech engine offers: voices, and a session that speaks one sentence after the other."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from runtime.refusal import N_, Refusal
from speech.espeak import EspeakEngine
from speech.piper import PiperEngine, PiperFolder
from speech.sessions import SpeechSession
from speech.voices import ENGLISH_VOICE, Voice


class Engine(Protocol):
    """A source of voices."""

    def voices(self) -> Sequence[Voice]:
        """Raises Refusal when the engine cannot be used as it is set up."""

    def session(self, voice: Voice, speed_percent: int, folder: Path) -> SpeechSession:
        """folder: where the sentences' files are written. Raises Refusal."""


@dataclass(frozen=True)
class VoiceList:
    """Every voice that can be used, the first being the default. refusals: of engines that cannot be used."""

    voices: tuple[Voice, ...]
    refusals: tuple[Refusal, ...]


class Engines:
    """All engines of this installation."""

    def __init__(self, model_folder: Path | None = None) -> None:
        """model_folder: Piper voices; None for none."""
        self._engines: list[Engine] = [EspeakEngine()]
        if model_folder is not None:
            self._engines.append(PiperEngine(PiperFolder(model_folder)))

    def voices(self) -> VoiceList:
        """Voices that speak Vietnamese first."""
        voices: list[Voice] = []
        refusals: list[Refusal] = []
        for engine in reversed(self._engines):
            try:
                voices += engine.voices()
            except Refusal as refusal:
                refusals.append(refusal)
        return VoiceList(tuple(sorted(voices, key=lambda voice: not voice.is_vietnamese)), tuple(refusals))

    def voice(self, voice_id: str) -> Voice:
        """Raises Refusal when there is no such voice (any more)."""
        return self._of(voice_id)[1]

    @contextmanager
    def session(self, voice_id: str, speed_percent: int, folder: Path) -> Iterator[SpeechSession]:
        """A session, ended with the block. Raises Refusal."""
        engine, voice = self._of(voice_id)
        session = engine.session(voice, speed_percent, folder)
        try:
            yield session
        finally:
            session.close()

    def _of(self, voice_id: str) -> tuple[Engine, Voice]:
        if voice_id == ENGLISH_VOICE.id:
            return self._engines[0], ENGLISH_VOICE
        refusal = Refusal(N_("The chosen voice is not installed any more. Choose another one."))
        for engine in self._engines:
            try:
                voice = next((voice for voice in engine.voices() if voice.id == voice_id), None)
            except Refusal as why:
                refusal = why
                continue
            if voice is not None:
                return engine, voice
        raise refusal.at("voice")
