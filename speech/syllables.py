"""Vietnamese syllables and letters: is this a word, and how are letters spelled out?"""

import functools
import re
import unicodedata

from speech.tables import rows

LETTERS = {
    "a": "a",
    "ă": "á",
    "â": "ớ",
    "b": "bê",
    "c": "xê",
    "d": "dê",
    "đ": "đê",
    "e": "e",
    "ê": "ê",
    "f": "ép",
    "g": "gờ",
    "h": "hát",
    "i": "i",
    "j": "gi",
    "k": "ca",
    "l": "lờ",
    "m": "mờ",
    "n": "nờ",
    "o": "o",
    "ô": "ô",
    "ơ": "ơ",
    "p": "pê",
    "q": "quy",
    "r": "rờ",
    "s": "ét",
    "t": "tê",
    "u": "u",
    "ư": "ư",
    "v": "vê",
    "w": "vê kép",
    "x": "ích",
    "y": "i",
    "z": "dét",
}
_ONSETS = (
    "ngh",
    "ng",
    "nh",
    "gh",
    "gi",
    "kh",
    "ph",
    "th",
    "tr",
    "ch",
    "qu",
    *"bcdđghklmnprstvx",
)
_RHYMES = frozenset(rhyme for (line,) in rows("rhymes") for rhyme in line.split())
_TONES = "\u0300\u0301\u0303\u0309\u0323"
#: Which one sound is written with.
_TWO_LETTERS = ("ch", "gh", "kh", "ph", "th", "tr")
_STOPS = ("c", "ch", "p", "t")
_SHARP_OR_HEAVY = ("\u0301", "\u0323")


def _parts(word: str) -> tuple[str, str]:
    """The letters without the tone mark, and the tone mark ("" for the level tone)."""
    decomposed = unicodedata.normalize("NFD", word)
    tones = "".join(c for c in decomposed if c in _TONES)
    return unicodedata.normalize("NFC", "".join(c for c in decomposed if c not in _TONES)), tones


def _is_body(letters: str, rhymes: frozenset[str]) -> bool:
    if letters in rhymes:
        return True
    return any(letters.startswith(onset) and letters[len(onset) :] in rhymes for onset in _ONSETS) or letters == "gi"


@functools.lru_cache(maxsize=20_000)
def is_syllable(word: str) -> bool:
    """Whether a word is one Vietnamese syllable, with its tone, in any letter case."""
    letters, tones = _parts(word.lower())
    if len(tones) > 1 or not _is_body(letters, _RHYMES):
        return False
    return not letters.endswith(_STOPS) or tones in _SHARP_OR_HEAVY


@functools.cache
def _toneless_rhymes() -> frozenset[str]:
    return frozenset(_bare(rhyme) for rhyme in _RHYMES)


def _bare(word: str) -> str:
    decomposed = unicodedata.normalize("NFD", word)
    return "".join(c for c in decomposed if not unicodedata.combining(c)).replace("đ", "d")


def split_toneless(word: str) -> list[str] | None:
    """ "dichvucong" as syllables without marks, as few and as long as possible; None when it is not made of such."""
    best: list[tuple[float, list[str]] | None] = [(0, []), *[None] * len(word)]
    for end in range(1, len(word) + 1):
        for start in range(max(0, end - 7), end - 1):
            before, part = best[start], word[start:end]
            if before is None or not _is_body(part, _toneless_rhymes()):
                continue
            cost = before[0] + (1.5 if part[0] in "aeiouy" else 1)
            if start and word[start - 1 : start + 1] in _TWO_LETTERS:
                cost += 0.3  # "xa thieu", not "xat hieu"
            known = best[end]
            if known is None or cost <= known[0]:
                best[end] = cost, [*before[1], part]
    whole = best[len(word)]
    return whole[1] if whole else None


def spelled(text: str) -> str:
    """Letters by their names; digits and signs are left out."""
    return " ".join(LETTERS[c] for c in _parts(text.lower())[0] if c in LETTERS)


@functools.lru_cache(maxsize=5_000)
def eased(word: str) -> str | None:
    """A name with two consonants before the vowel as Vietnamese says it: "Krông" → "cờ rông"; None for no such name."""
    match = re.fullmatch(r"([bcdđghjklmnpqrstvx])([hlrmnjb]\w+)", word.lower())
    if match is None or is_syllable(word):
        return None
    first, rest = match[1], match[2]
    if first + rest[0] in _ONSETS:
        return None
    rest = rest.replace("j", "gi") if rest.startswith("j") else rest
    if not _is_body(_parts(rest)[0], _RHYMES) or rest[0] == first:
        return None
    onset = {"k": "c", "q": "c", "j": "gi", "h": "h"}.get(first, first)
    return f"{onset}ờ {rest}"
