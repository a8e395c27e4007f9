"""Voices: who speaks, in which dialect."""

from dataclasses import dataclass

from speech.numbers import NORTH, Dialect


@dataclass(frozen=True)
class Voice:
    """id: kept with a recording, unique over all engines. name: message id, or the model's own name."""

    id: str
    name: str
    is_vietnamese: bool = True
    dialect: Dialect = NORTH


#: Of the engine that is always there. It reads the English part of alerts; people do not choose it.
ENGLISH_VOICE = Voice("espeak:en-gb", "English", is_vietnamese=False)
