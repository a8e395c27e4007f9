"""Templates: which sounds a prepared message is made of. Computed from hazard and level; communes change the texts."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from alerts import texts
from alerts.hazards import HAZARD_NAMES, LEVELS, Hazard
from alerts.texts import ENGLISH, VIETNAMESE
from runtime.refusal import N_
from wire.alert_books import AlertPart, AlertSpeech, AlertTemplate

#: A drill has templates of its own, in which the words "this is a drill" come first and last.
_DRILL = 1000
_FREE, _CANCEL, _ALL_CLEAR, _DRILL_END, _SILENT_DRILL, _WITHDRAWN = 901, 902, 903, 904, 905, 906
#: The hour stands in the first slot, places in those after it; 0: nothing.
HOUR_SLOT, FIRST_PLACE_SLOT = 0, 1
#: More places are not read out: the message would be too long to be listened to, and too long for one SMS.
MOST_PLACES = 6
#: From the beginning of the siren to the first word: longer than a chain of amplifiers takes to switch on.
SPEECH_OFFSET_MS = 6000
#: From an end to its first word: it is silent at once, and no receiver misses the word.
END_OFFSET_MS = 1500
REPEATS = 3
#: No siren for what develops over days.
_CHIME_ONLY = (Hazard.HEAT, Hazard.EPIDEMIC)


@dataclass(frozen=True)
class AlertMessage:
    """What a person chooses. hazard: None for a free message. level: 0 for none."""

    hazard: Hazard | None
    level: int = 0

    def template(self, *, is_drill: bool) -> int:
        number = _FREE if self.hazard is None else 10 * (self.hazard.position + 1) + self.level
        return number + _DRILL * is_drill

    @property
    def title(self) -> str:
        return N_("Announcement") if self.hazard is None else HAZARD_NAMES[self.hazard]


def messages() -> Iterator[AlertMessage]:
    yield AlertMessage(None)
    for hazard in Hazard:
        for level in (0, *LEVELS[hazard]):
            yield AlertMessage(hazard, level)


class EndKind(StrEnum):
    """Why an alert ends. OVER: it is silent and says nothing, since another one follows or its time is over."""

    CANCEL = "cancel"  # it was a mistake
    ALL_CLEAR = "all_clear"  # the danger is over
    WITHDRAWN = "withdrawn"  # by the authority that gave it
    OVER = "over"


_ENDS = {EndKind.CANCEL: _CANCEL, EndKind.ALL_CLEAR: _ALL_CLEAR, EndKind.WITHDRAWN: _WITHDRAWN}


def end_template(kind: EndKind, *, is_drill: bool) -> int:
    """0 for an end that is silent at once and says nothing."""
    if kind is EndKind.OVER:
        return 0
    return _DRILL_END if is_drill else _ENDS[kind]


SILENT_DRILL = _SILENT_DRILL


def end_kind_of(template: int) -> EndKind:
    """Of the template of an end; a drill's says the same for all."""
    return next((kind for kind, number in _ENDS.items() if number == template), EndKind.OVER)


def message_of(template: int) -> AlertMessage:
    """Raises ValueError for a number that is no message's."""
    for message in messages():
        if template in (message.template(is_drill=False), message.template(is_drill=True)):
            return message
    raise ValueError(f"no message has the template {template}")


def sounds_of(message: AlertMessage, *, is_drill: bool, slots: tuple[int, ...] = ()) -> list[int]:
    """What is said, in order, by number; slots as in the alert."""
    return [
        number
        for part in _parts(message, is_drill=is_drill)
        if (number := part.sound or (slots[part.slot] if part.slot < len(slots) else 0))
    ]


def book_templates(languages: list[str]) -> list[AlertTemplate]:
    made = []
    for message in messages():
        for is_drill in (False, True):
            parts = _parts(message, is_drill=is_drill)
            made.append(_template(message.template(is_drill=is_drill), message, languages, parts))
    for number, sound in (
        (_CANCEL, texts.CANCEL),
        (_ALL_CLEAR, texts.ALL_CLEAR),
        (_DRILL_END, texts.DRILL_END),
        (_WITHDRAWN, texts.WITHDRAWN),
    ):
        made.append(AlertTemplate(number=number, speech=_speech(languages, [AlertPart(sound=sound)])))
    made.append(AlertTemplate(number=_SILENT_DRILL, speech=[]))
    return made


def _template(number: int, message: AlertMessage, languages: list[str], parts: list[AlertPart]) -> AlertTemplate:
    return AlertTemplate(
        number=number,
        title=message.title,
        siren=texts.CHIME if message.hazard in _CHIME_ONLY else texts.SIREN,
        drill_opening=texts.DRILL_OPENING,
        speech=_speech(languages, parts),
    )


def _speech(languages: list[str], parts: list[AlertPart]) -> list[AlertSpeech]:
    ordered = [VIETNAMESE, *(language for language in (ENGLISH,) if language in languages)]
    return [AlertSpeech(language=language, parts=parts) for language in ordered]


def _parts(message: AlertMessage, *, is_drill: bool) -> list[AlertPart]:
    drill = [AlertPart(sound=texts.DRILL)] if is_drill else []
    if message.hazard is None:
        return [*drill, AlertPart(sound=texts.FREE_INTRODUCTION), *drill]
    level = [AlertPart(sound=texts.level_sound(message.level))] if message.level else []
    places = [AlertPart(slot=FIRST_PLACE_SLOT + k) for k in range(MOST_PLACES + 1)]
    hour = [AlertPart(slot=HOUR_SLOT)]
    return [
        *(drill or [AlertPart(sound=texts.ATTENTION)]),
        AlertPart(sound=texts.danger_sound(message.hazard)),
        *level,
        *places,
        *hour,
        AlertPart(sound=texts.advice_sound(message.hazard)),
        *drill,
    ]
