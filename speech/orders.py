"""What is asked of an engine: a text, a voice, the speed and the pauses."""

import msgspec

from runtime.refusal import N_, Refusal

SPEEDS_PERCENT = (70, 80, 90, 100, 110, 120, 140)
LONGEST_PAUSE_MS = 10_000


class SpeechOrder(msgspec.Struct, frozen=True):
    """What was asked for, kept with the recording. text: as typed, cleaned. english: said after the text.

    repeats: how often both are said.
    """

    text: str
    voice: str
    speed_percent: int = 100
    sentence_pause_ms: int = 300
    paragraph_pause_ms: int = 800
    english: str = ""
    repeats: int = 1

    def __post_init__(self) -> None:
        if not 50 <= self.speed_percent <= 200:
            raise Refusal(N_("The speed is between 50 and 200 percent."))
        if not all(0 <= pause <= LONGEST_PAUSE_MS for pause in (self.sentence_pause_ms, self.paragraph_pause_ms)):
            raise Refusal(N_("A pause is between 0 and 10 seconds."))
