"""The two languages of the pages: catalogues read at start, and a translator handed to the code that writes a sentence.

Message ids are English sentences with `{named}` places. `vi.po` translates every one of them (a test sees to that);
English is the message id itself.
"""

import gettext
from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from io import BytesIO
from pathlib import Path

from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

from runtime.refusal import Refusal

LOCALES = Path(__file__).parent / "locales"

#: The languages there are, the default first, each by its own name.
LANGUAGES = {"vi": "Tiếng Việt", "en": "English"}
DEFAULT = "vi"


@dataclass(frozen=True)
class Translator:
    """Says a message id in one language. `language` is a key of `LANGUAGES`."""

    language: str
    catalogue: gettext.NullTranslations

    def __call__(self, message_id: str, /, **values: object) -> str:
        """The sentence, its `{places}` filled. A message id nobody translated is said in English."""
        return _fill(self.catalogue.gettext(message_id), values) if message_id else ""

    def count(self, singular: str, many: str, n: int, /, **values: object) -> str:
        """The sentence for `n` things; `{n}` stands in it."""
        return _fill(self.catalogue.ngettext(singular, many, n), {"n": n, **values})

    def refusal(self, refusal: Refusal) -> str:
        """What a refusal says, to a person."""
        return self(refusal.message_id, **refusal.values)


def _fill(sentence: str, values: Mapping[str, object]) -> str:
    return sentence.format(**values) if values else sentence


def read_catalogue(path: Path) -> gettext.GNUTranslations:
    """Read one `.po` file. Fuzzy entries do not count."""
    with path.open("rb") as file:
        catalogue = read_po(file)
    compiled = BytesIO()
    write_mo(compiled, catalogue)
    compiled.seek(0)
    return gettext.GNUTranslations(compiled)


@cache
def translators() -> dict[str, Translator]:
    """A translator for each language. Reading a catalogue takes half a second, so it is read once."""
    return {
        "vi": Translator("vi", read_catalogue(LOCALES / "vi.po")),
        "en": Translator("en", gettext.NullTranslations()),
    }


def language_asked(cookie: str | None, accept: str | None) -> str:
    """Which language to answer in: the one chosen, else what an API client asks for first, else Vietnamese."""
    if cookie in LANGUAGES:
        return cookie
    first = (accept or "").split(",")[0].split(";")[0].split("-")[0].strip().lower()
    return first if first in LANGUAGES else DEFAULT
