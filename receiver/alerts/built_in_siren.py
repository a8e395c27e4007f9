"""The siren that every receiver has: it sounds when an alert selects what the receiver does not have (yet)."""

import wave
from pathlib import Path

from receiver.store.atomic_file import keep_whole
from receiver.store.shelf import hash_of
from signals.siren import RATE, siren
from wire.alert_books import AlertBook, AlertPart, AlertSound, AlertSpeech, AlertTemplate
from wire.broadcasts import Rendition
from wire.messages import for_commune

_NUMBER = 0xFFFF
#: Of the siren after its opening: half a minute a turn.
_CYCLES = 10


def built_in_siren(file: Path) -> AlertSound:
    """Writes the file when it is not there."""
    if not file.exists():
        part = file.with_suffix(".new")
        with wave.open(str(part), "wb") as sound:
            sound.setnchannels(1)
            sound.setsampwidth(2)
            sound.setframerate(RATE)
            sound.writeframes((siren() * 32767).astype("<i2").tobytes())
        keep_whole(file, part.read_bytes())
        part.unlink()
    rendition = Rendition(sha256=hash_of(file), bytes=file.stat().st_size, codec="wav", path=file.name)
    return AlertSound(number=_NUMBER, duration_us=len(siren()) * 1_000_000 // RATE, renditions=[rendition])


def siren_book(commune: str, template: int, siren_sound: AlertSound) -> AlertBook:
    """One in which the template is the siren and nothing else."""
    cycles = [AlertPart(sound=siren_sound.number)] * _CYCLES
    speech = [AlertSpeech(language="", parts=cycles)]
    return AlertBook(
        to=for_commune(commune),
        revision=0,
        issued_at_us=0,
        expires_at_us=1,
        sounds=[siren_sound],
        templates=[AlertTemplate(number=template, siren=siren_sound.number, speech=speech)],
    )
