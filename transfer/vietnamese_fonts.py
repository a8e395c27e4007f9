"""Text that was typed for fonts of before Unicode: VNI (VNI-Times …) and TCVN3, called ABC (.VnTime …).

Such text looks like Latin letters with odd accents until its font is chosen. The sources: TCVN3 is the VN3 set of the
standard TCVN 5712:1993 (the right half of glibc's TCVN5712-1, which a test holds this against); VNI is the table "VNI
Windows" of vietunicode.sourceforge.net/charset, where each letter is a base and, if need be, a tone sign after it.
"""

import re
import unicodedata
from enum import StrEnum

GRAVE, HOOK, TILDE, ACUTE, DOT = "̀", "̉", "̃", "́", "̣"
_BREVE, _CIRCUMFLEX, _HORN = "̆", "̂", "̛"


class Font(StrEnum):
    """For which fonts text was typed."""

    UNICODE = "unicode"
    VNI = "vni"
    TCVN3 = "tcvn3"


def _tcvn3() -> dict[int, str]:
    """One byte a letter, as Latin-1 shows it. The tones stand in the order à ả ã á ạ."""
    letters = dict(zip(range(0xA1, 0xAF), "ĂÂÊÔƠƯĐăâêôơưđ", strict=True))
    tones = (GRAVE, HOOK, TILDE, ACUTE, DOT)
    runs = (
        ("a", (0xB5, 0xB6, 0xB7, 0xB8, 0xB9)),
        ("ă", (0xBB, 0xBC, 0xBD, 0xBE, 0xC6)),
        ("â", (0xC7, 0xC8, 0xC9, 0xCA, 0xCB)),
        ("e", (0xCC, 0xCE, 0xCF, 0xD0, 0xD1)),
        ("ê", (0xD2, 0xD3, 0xD4, 0xD5, 0xD6)),
        ("i", (0xD7, 0xD8, 0xDC, 0xDD, 0xDE)),
        ("o", (0xDF, 0xE1, 0xE2, 0xE3, 0xE4)),
        ("ô", (0xE5, 0xE6, 0xE7, 0xE8, 0xE9)),
        ("ơ", (0xEA, 0xEB, 0xEC, 0xED, 0xEE)),
        ("u", (0xEF, 0xF1, 0xF2, 0xF3, 0xF4)),
        ("ư", (0xF5, 0xF6, 0xF7, 0xF8, 0xF9)),
        ("y", (0xFA, 0xFB, 0xFC, 0xFD, 0xFE)),
    )
    for letter, codes in runs:
        letters |= {code: unicodedata.normalize("NFC", letter + tone) for code, tone in zip(codes, tones, strict=True)}
    return letters


def _vni() -> dict[str, str]:
    """What follows a base letter, and the letters that have a sign of their own."""
    after = {"ù": ACUTE, "ø": GRAVE, "û": HOOK, "õ": TILDE, "ï": DOT}
    hat = {"â": "", "á": ACUTE, "à": GRAVE, "å": HOOK, "ã": TILDE, "ä": DOT}
    breve = {"ê": "", "é": ACUTE, "è": GRAVE, "ú": HOOK, "ü": TILDE, "ë": DOT}
    made: dict[str, str] = {}
    for base in "aeouy":
        made |= {base + sign: base + tone for sign, tone in after.items()}
    for base in "aeo":
        made |= {base + sign: base + _CIRCUMFLEX + tone for sign, tone in hat.items()}
    made |= {"a" + sign: "a" + _BREVE + tone for sign, tone in breve.items()}
    for sign, base in (("ô", "o"), ("ö", "u")):
        made |= {sign: base + _HORN} | {sign + s: base + _HORN + tone for s, tone in after.items()}
    made |= {"í": "í", "ì": "ì", "æ": "ỉ", "ó": "ĩ", "ò": "ị", "î": "ỵ", "ñ": "đ"}
    lower = {key: unicodedata.normalize("NFC", value) for key, value in made.items()}
    upper = {key.upper(): value.upper() for key, value in lower.items()}
    mixed = {key[0].upper() + key[1:]: value.upper() for key, value in lower.items() if len(key) == 2}
    return lower | mixed | upper


_TCVN3 = _tcvn3()
_VNI = _vni()
#: The longest first: "ôù" is one letter, not two.
_VNI_SIGNS = re.compile("|".join(sorted(map(re.escape, _VNI), key=len, reverse=True)))


def to_unicode(text: str, font: Font) -> str:
    """Text as it was meant, in composed form (NFC). Text that was Unicode already is only composed."""
    if font is Font.TCVN3:
        text = text.translate(_TCVN3)
    elif font is Font.VNI:
        text = _VNI_SIGNS.sub(lambda match: _VNI[match[0]], text)
    return unicodedata.normalize("NFC", text)


def plausible(text: str) -> int:
    """How much a text reads like Vietnamese: words with signs that are syllables, less those that are none."""
    score = 0
    for word in _WORD.findall(unicodedata.normalize("NFC", text)):
        if not word.isascii():
            score += 1 if _is_syllable(word) else -1
    return score


def likely_font(text: str) -> Font:
    """For which fonts a text was typed, by which reading makes the most syllables of it; Unicode when it is even.

    A font needs evidence: an × or £ in a text without diacritics would make a syllable of its neighbours too.
    """
    fonts = [font for font in Font if font is Font.UNICODE or is_evident(text, font)]
    return max(fonts, key=lambda font: (plausible(to_unicode(text, font)), font is Font.UNICODE))


def is_evident(text: str, font: Font) -> bool:
    """Whether a reading makes syllables of at least three letters from two different signs, or, from one, a syllable
    of four letters around it.
    """
    signs = set[str]()
    for token in text.split():
        if token.isascii():
            continue
        for word in _WORD.findall(to_unicode(token, font)):
            if len(word) < 3 or word.isascii() or not _is_syllable(word):
                continue
            if len(word) > 3 and word[0].isascii() and word[-1].isascii():
                return True
            signs |= {c for c in token if not c.isascii()}
    return len(signs) > 1


_WORD = re.compile(r"[^\W\d_]+")
_TONES = str.maketrans("", "", GRAVE + HOOK + TILDE + ACUTE + DOT)
_SYLLABLE = re.compile(
    r"(ngh|ng|nh|gh|gi|kh|ph|th|tr|ch|qu|[bcdđghklmnprstvx])?"
    r"(oai|oay|oeo|uây|uôi|ươi|ươu|iêu|yêu|uya|uyê|uyu|oa|oă|oe|oo|uâ|uê|uơ|uy|uô|ươ|ưa|ua|ia|iê|yê|ya|ai|ao|au|ay|âu|ây"
    r"|eo|êu|iu|oi|ôi|ơi|ui|ưi|ưu|a|ă|â|e|ê|i|o|ô|ơ|u|ư|y)"
    r"(ch|nh|ng|[cmnpt])?"
)


def _is_syllable(word: str) -> bool:
    bare = unicodedata.normalize("NFC", unicodedata.normalize("NFD", word.lower()).translate(_TONES))
    return _SYLLABLE.fullmatch(bare) is not None
