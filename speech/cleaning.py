"""Cleaning: a pasted text without what cannot be read aloud, and what was removed."""

import re
import unicodedata
from dataclasses import dataclass

from runtime.refusal import N_, Refusal

MOST_CHARACTERS = 100_000
#: Marks on one letter; Vietnamese has two.
_MOST_MARKS = 3

_LINE_BREAKS = re.compile("\r\n?|[\x0b\x0c\x85\u2028\u2029]")
_BLANKS = re.compile("[\t\xa0\u1680\u2000-\u200a\u202f\u205f\u3000]")
_PROGRAM = re.compile(r"<(script|style)\b.*?(?:</\1\s*>|$)", re.IGNORECASE | re.DOTALL)
_TAG = re.compile(r"</?[A-Za-z][A-Za-z0-9]{0,19}(?:\s[^<>]{0,1000})?/?>|<!--.*?-->", re.DOTALL)
_ETH = str.maketrans({"ð": "đ", "Ð": "Đ"})
#: Bold and script letters of mathematics, which are pasted from social networks, and full-width letters.
_STYLED = re.compile("[\U0001d400-\U0001d7ff\uff01-\uff5e]")


@dataclass(frozen=True)
class Cleaned:
    """invisible: removed control characters, direction marks and the like. tags: removed tags of a web page."""

    text: str
    invisible: int = 0
    tags: int = 0


def clean(text: str) -> Cleaned:
    """Composed Unicode, plain blanks and line breaks. Raises Refusal for a text that is too long or empty."""
    if len(text) > MOST_CHARACTERS:
        raise Refusal(
            N_("This text has {length} characters. At most {most} can be read: divide it into several texts."),
            length=len(text),
            most=MOST_CHARACTERS,
        )
    text = _LINE_BREAKS.sub("\n", text)
    text, programs = _PROGRAM.subn(" ", text)
    text, tags = _TAG.subn(" ", text)
    text = _BLANKS.sub(" ", _STYLED.sub(lambda match: unicodedata.normalize("NFKC", match[0]), text))
    kept, invisible, marks = [], 0, 0
    for c in unicodedata.normalize("NFC", text).translate(_ETH):
        marks = marks + 1 if unicodedata.combining(c) else 0
        if (c != "\n" and unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Cn")) or marks > _MOST_MARKS:
            invisible += 1
        else:
            kept.append(c)
    # Removing a character may bring a letter and its mark together.
    return Cleaned(unicodedata.normalize("NFC", "".join(kept)), invisible, programs + tags)
