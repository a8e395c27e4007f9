"""The alert book: the sounds and templates of a commune that compact alerts select by number.

controller → the receivers of a commune, retained. Sealed.
"""

from typing import Annotated

from msgspec import Meta

from wire.broadcasts import Microseconds, Rendition
from wire.messages import Message, Sealed

Number = Annotated[int, Meta(ge=1, le=0xFFFF)]
#: Between two repetitions of the speech.
REPEAT_PAUSE_US = 1_500_000


class AlertSound(Message, frozen=True, kw_only=True):
    """A sound on the shelf of every receiver.

    number: by which templates and slots name it; one number has one sound for each language that says the same.
    language: BCP 47; empty: of none, such as a siren. text: what is said, for people.
    duration_us: how long it sounds.
    renditions: the same sound in several encodings, best first.
    """

    number: Number
    language: str = ""
    text: str = ""
    duration_us: Annotated[int, Meta(gt=0)]
    renditions: Annotated[list[Rendition], Meta(min_length=1)]


class AlertPart(Message, frozen=True, kw_only=True):
    """A part of a template's speech: a sound of the book, or the sound that the alert names in one of its slots.

    sound: its number; 0: that of the slot. slot: counted from 0.
    """

    sound: Annotated[int, Meta(ge=0, le=0xFFFF)] = 0
    slot: Annotated[int, Meta(ge=0, le=255)] = 0


class AlertSpeech(Message, frozen=True, kw_only=True):
    """What a template says in one language."""

    language: str
    parts: list[AlertPart]


class AlertTemplate(Message, frozen=True, kw_only=True):
    """What sounds for an alert.

    number: by which an alert names it. title: for people.
    siren: the sound from issued until speech begins, as often as it fits; 0: silence. drill_opening: the sound in place
    of the siren in a drill, once; 0: silence.
    speech: in the order in which the languages follow each other; together they are repeated.
    repeat_pause_us: between two repetitions.
    """

    number: Number
    title: str = ""
    siren: Annotated[int, Meta(ge=0, le=0xFFFF)] = 0
    drill_opening: Annotated[int, Meta(ge=0, le=0xFFFF)] = 0
    speech: list[AlertSpeech]
    repeat_pause_us: Microseconds = REPEAT_PAUSE_US


class LocalTrigger(Message, frozen=True, kw_only=True):
    """What a key switch or contact at the receiver starts, without the controller.

    template, slots, level, repeats, speech_offset_ms, validity_s: as in an alert.
    ends_on_release: whether opening the switch ends it; else it ends as other alerts do.
    """

    template: Number
    slots: list[Number] = []
    level: Annotated[int, Meta(ge=0, le=5)] = 0
    repeats: Annotated[int, Meta(ge=0, le=255)] = 3
    speech_offset_ms: Annotated[int, Meta(ge=0, le=65_535)] = 6_000
    validity_s: Annotated[int, Meta(ge=1, le=86_400)] = 3_600
    ends_on_release: bool = True


class AlertBook(Sealed, frozen=True, kw_only=True, tag="alert_book", tag_field="type"):
    """All sounds and templates of a commune.

    sounds, templates: the receivers keep all the sounds on their shelves, and never evict one.
    local_trigger: what a key switch starts; null: it starts nothing.
    """

    sounds: list[AlertSound] = []
    templates: list[AlertTemplate] = []
    local_trigger: LocalTrigger | None = None

    def template(self, number: int) -> AlertTemplate | None:
        """The template of a number."""
        return next((template for template in self.templates if template.number == number), None)

    def sound(self, number: int, language: str = "") -> AlertSound | None:
        """The sound of a number in a language, else the one of no language, else the first of that number."""
        found = [sound for sound in self.sounds if sound.number == number]
        preferred = sorted(found, key=lambda sound: (sound.language != language, sound.language != ""))
        return preferred[0] if preferred else None
