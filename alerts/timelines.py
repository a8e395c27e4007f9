"""What an alert plays and when, as the receivers do it: for the play log, the page and the length."""

from collections.abc import Sequence
from dataclasses import dataclass

from sqlmodel import Session

from alerts import texts
from alerts.alert_settings import alert_settings
from alerts.alert_sounds import WantedSound, wanted_sounds
from alerts.templates import SPEECH_OFFSET_MS, AlertMessage, sounds_of
from alerts.texts import ENGLISH, VIETNAMESE
from wire.alert_books import REPEAT_PAUSE_US
from wire.broadcasts import ClipItem


@dataclass(frozen=True)
class AlertTimeline:
    """text: what is said, by the commune's own words. missing: numbers of sounds that are not made yet.

    items: siren and the first turn of the speech. speech_us: of one turn.
    """

    text: str
    missing: list[int]
    items: list[ClipItem]
    speech_us: int

    def lasts_us(self, repeats: int) -> int:
        turns = max(1, repeats)
        return SPEECH_OFFSET_MS * 1000 + turns * self.speech_us + (turns - 1) * REPEAT_PAUSE_US


def timeline(
    session: Session, commune_id: str, message: AlertMessage, slots: Sequence[int], *, is_drill: bool
) -> AlertTimeline:
    known = {(s.number, s.language): s for s in wanted_sounds(session, commune_id)}
    languages = [VIETNAMESE, *([ENGLISH] if ENGLISH in alert_settings(session, commune_id).spoken else [])]
    numbers = sounds_of(message, is_drill=is_drill, slots=tuple(slots))
    first = known[texts.DRILL_OPENING if is_drill else texts.SIREN, ""]
    spoken = [
        sound
        for language in languages
        for number in numbers
        if (sound := known.get((number, language)) or known.get((number, VIETNAMESE))) is not None
    ]
    items = _item(first, 0)
    at_us = SPEECH_OFFSET_MS * 1000
    for sound in spoken:
        items += _item(sound, at_us)
        at_us += sound.row.duration_us if sound.row is not None else 0
    return AlertTimeline(
        " ".join(sound.text for sound in spoken if sound.language == VIETNAMESE),
        [sound.number for sound in (first, *spoken) if not sound.is_made],
        items,
        at_us - SPEECH_OFFSET_MS * 1000,
    )


def _item(sound: WantedSound, offset_us: int) -> list[ClipItem]:
    if sound.row is None or not sound.row.renditions:
        return []
    clip = f"alert-sound-{sound.number}"
    return [
        ClipItem(
            offset_us=offset_us,
            duration_us=sound.row.duration_us,
            clip=clip,
            title=sound.text,
            renditions=sound.row.files,
        )
    ]
