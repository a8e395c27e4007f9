"""Making the sounds of an alert book: texts are spoken, sirens computed; both are levelled and encoded.

Unlike an upload none of it is measured: the engine's level is known within a decibel. A book has some sixty sounds.
"""

import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from alerts import sirens, texts
from alerts.texts import ENGLISH
from broadcast.audio_short import encode_short, read_short
from broadcast.media import Media
from signals.siren import RATE, Samples, siren
from speech.engines import Engines
from speech.espeak import EspeakEngine
from speech.normaliser import normalise
from speech.orders import SpeechOrder
from speech.synthesis import synthesise
from speech.voices import ENGLISH_VOICE
from wire.broadcasts import Rendition

#: RMS of the loud parts. About −16 LUFS for speech, as recordings have.
_SPEECH_DBFS = -13.0
_GATE = 0.01
_MOST_REMEMBERED = 500


@dataclass(frozen=True)
class MadeSound:
    duration_us: int
    renditions: list[Rendition]


class SoundMaker:
    """Makes one sound at a time. `stopping` is asked before each by the caller."""

    def __init__(self, media: Media, engines: Engines) -> None:
        self._media, self._engines = media, engines
        self._made: dict[tuple[object, ...], MadeSound] = {}

    def make(self, number: int, language: str, text: str, voice: str, corrections: dict[str, str]) -> MadeSound:
        """Or found again: communes share the standard texts. Raises Refusal when the voice is not installed."""
        key = (number, language, text, voice, tuple(sorted(corrections.items())))
        known = self._made.get(key)
        if known is None or not all(self._media.has(*file.path.rsplit(".", 1)) for file in known.renditions):
            if len(self._made) >= _MOST_REMEMBERED:
                self._made.clear()
            known = self._made[key] = self._make(number, language, text, voice, corrections)
        return known

    def _make(self, number: int, language: str, text: str, voice: str, corrections: dict[str, str]) -> MadeSound:
        if number == texts.SIREN:
            return self._encode(siren())
        if number == texts.CHIME:
            return self._encode(sirens.chime())
        if number == texts.DRILL_OPENING:
            pause = np.zeros(RATE // 5, np.float32)
            spoken = self._spoken("vi", text, voice, corrections)
            return self._encode(np.concatenate([sirens.drill_notes(), pause, spoken, pause]))
        # A pause at its end keeps sentences apart, since sounds follow each other without one.
        return self._encode(
            np.concatenate([self._spoken(language, text, voice, corrections), np.zeros(RATE // 3, np.float32)])
        )

    def _spoken(self, language: str, text: str, voice: str, corrections: dict[str, str]) -> Samples:
        with tempfile.TemporaryDirectory(prefix="loa-alert-") as folder:
            wav, pcm = Path(folder) / "spoken.wav", Path(folder) / "spoken.pcm"
            if language == ENGLISH:
                wav = EspeakEngine().session(ENGLISH_VOICE, 100, Path(folder)).say(text)
            else:
                spoken = normalise(text, corrections, self._engines.voice(voice).dialect).spoken
                synthesise(self._engines, SpeechOrder(text, voice), spoken, wav)
            read_short(wav, pcm)
            return _levelled(np.fromfile(pcm, np.float32))

    def _encode(self, samples: Samples) -> MadeSound:
        with tempfile.TemporaryDirectory(prefix="loa-alert-") as folder:
            pcm = Path(folder) / "sound.pcm"
            samples.tofile(pcm)
            renditions = encode_short(pcm, self._media)
        return MadeSound(len(samples) * 1_000_000 // RATE, renditions)


def _levelled(samples: Samples) -> Samples:
    """With the loud parts at one level, and peaks rounded off rather than cut."""
    loud = samples[np.abs(samples) > _GATE]
    if not len(loud):
        return samples
    gain = 10 ** (_SPEECH_DBFS / 20) / float(np.sqrt(np.mean(loud**2)))
    levelled: Samples = np.tanh(samples * gain).astype(np.float32)
    return levelled
