"""Titles and names as people type them: one line, visible, in composed Unicode (NFC)."""

import unicodedata

from runtime.refusal import N_, Refusal

LONGEST_TITLE = 200
#: Letters to Unicode, blank on every screen: Hangul fillers and the empty Braille cell.
_BLANK = frozenset("\u115f\u1160\u3164\uffa0\u2800")
#: More marks than this on one letter cover the lines above and below. Vietnamese has two.
_MOST_MARKS = 4


def parse_title(text: str) -> str:
    """The text without blanks around it; "" when nothing is left, for the caller to refuse or to allow. Raises Refusal.

    Refuses invisible characters instead of dropping them: a title that is not what it looks like finds nothing later.
    """
    title = " ".join(unicodedata.normalize("NFC", text).strip(" \t\r\n\xa0\ufeff").replace("\xa0", " ").split(" "))
    if len(title) > LONGEST_TITLE:
        raise Refusal(
            N_("This text has {length} characters. At most {most} are possible."), length=len(title), most=LONGEST_TITLE
        )
    if any(unicodedata.category(c) in ("Cc", "Cf", "Cs", "Co", "Zl", "Zp") or c in _BLANK for c in title):
        raise Refusal(N_("This text contains a line break or an invisible character. Type it again by hand."))
    marks = 0
    for c in title:
        marks = marks + 1 if unicodedata.combining(c) else 0
        if marks > _MOST_MARKS:
            raise Refusal(N_("This text contains a line break or an invisible character. Type it again by hand."))
    return title
