"""Words: abbreviations, titles before names, Roman numerals, names, foreign words, capitals."""

import functools
import re

from speech.numbers import cardinal, number, ordinal, roman
from speech.reading import Line, Piece, PieceKind, ends_with
from speech.rules.quantities import units
from speech.syllables import LETTERS, eased, is_syllable, spelled, split_toneless
from speech.tables import pairs, rows, words

_WORD = re.compile(r"[^\W\d_]+")
_SQUARE_UNIT = re.compile(r"[a-z]+[23²³](?!\w)")
_COMPOUND = re.compile(r"[A-ZĐƯa-z]+(?:[-&][A-ZĐƯ]+)+(?!\w)")
_APOSTROPHE = re.compile(r"([HhMmKkRrJjXxSsBbYyCcDdĐđGgPpLlNn])['’‘`´ʼ]([^\W\d_]+)")
_APOSTROPHE_SOUND = {"k": "cơ", "j": "giơ", "y": "y", "c": "cơ", "s": "xơ", "x": "xơ"}
_APOSTROPHES = str.maketrans(dict.fromkeys("’‘`´ʼ", "'"))
_ROMAN = re.compile(r"([IVXLC]+)(?!\w)(?!['’])")
_ROMAN_BELOW = re.compile(r"\.(\d{1,2})(?![\d.])")
_ROMAN_YEAR = re.compile(r"\s?/\s?((?:19|20)\d\d)(?![\d/])")
_ORDINAL_WORD = ends_with("thứ")
_ROMAN_WORDS = ends_with(words("before a Roman numeral"))
_SURE_ROMAN = re.compile(r"(?:I{2,3}|I[VX]|V?I{2,3}|VIII|X{1,3}(?:I{2,3}|IV|V?I{2,3}|IX|V)|XI{2,3}|XIV|XV|XXI)$")
_TITLE = re.compile(r"(?:[A-ZĐÔ][A-Za-zđôư]{0,3})\.(?=\s?[A-ZÀ-ỸĐ\d])")
#: "P. CSGT" is an office, "P. Bắc Sơn" a ward.
_OFFICE = re.compile(r"\s?[A-ZĐ]{2,}(?:&[A-ZĐ]+)?(?!\w)")
_UNIT_NUMBER = re.compile(
    r"(TP|TX|TT|KP|TDP|P|Q|H|X|T|Kp|Tp|Tx|kp|tdp|[pq](?=\.))[. ]{0,2}(\d{1,3})([A-Z])?(?![\w]|[./,]\d|[-:]\d)"
)
_UNIT_NAMES = {
    "TP": "thành phố",
    "TX": "thị xã",
    "TT": "thị trấn",
    "KP": "khu phố",
    "TDP": "tổ dân phố",
    "P": "phường",
    "Q": "quận",
    "H": "huyện",
    "X": "xã",
    "T": "tổ",
}
_MOST_WORDS_OF_ENTRY = 3
#: "BMI" is spelled, "KRÔNG" is a name.
_SHORTEST_NAME = 4
_SHORT = re.compile(r"[^\W\d_]+(?:[/.]+[^\W\d_]+)*[.:]?", re.IGNORECASE)


@functools.cache
def abbreviations() -> dict[str, list[tuple[str, re.Pattern[str] | None, re.Pattern[str] | None]]]:
    table: dict[str, list[tuple[str, re.Pattern[str] | None, re.Pattern[str] | None]]] = {}
    for written, spoken, *when in rows("abbreviations"):
        after = re.compile(rf"\s*(?:{when[0]})") if when and when[0] else None
        before = ends_with(when[1]) if len(when) > 1 else None
        table.setdefault(written, []).append((spoken, after, before))
    return table


@functools.cache
def _lexicon() -> dict[str, tuple[str, PieceKind]]:
    """Names and foreign words in lower case."""
    entries = {written.lower(): (spoken, PieceKind.FOREIGN) for written, spoken in rows("foreign")}
    return entries | {written.lower(): (spoken, PieceKind.NAME) for written, spoken in rows("names")}


@functools.cache
def _lexicon_pattern() -> re.Pattern[str]:
    """Entries with blanks, hyphens or apostrophes; single words are looked up."""
    entries = sorted((e for e in _lexicon() if not e.isalpha()), key=len, reverse=True)
    return re.compile(rf"(?:{'|'.join(re.escape(e) for e in entries)})(?!\w)")


@functools.cache
def _compound_starts() -> frozenset[str]:
    return frozenset(re.split(r"\W", entry)[0] for entry in _lexicon() if not entry.isalpha())


@functools.cache
def _short_forms() -> dict[str, str]:
    return pairs("short_forms")


@functools.cache
def _titles() -> dict[str, list[str]]:
    return {written: said for written, *said in rows("titles")}


def title(line: Line, at: int) -> Piece | None:
    """ "TP. Huế", "P.5", "Q3", "TS. Nguyễn"."""
    match = _UNIT_NUMBER.match(line.text, at)
    if match and not (match[1] == "TT" and match[2][0] == "0"):  # TT09: a circular
        name = _UNIT_NAMES[match[1].upper()]
        if match[1] == "P" and len(match[2]) == 3:
            name = "phòng"
        bare_letter = len(match[1]) == 1 and line.text[at + 1] not in ". " and match[1] in "HXT"
        if not bare_letter and not (match[1] in ("H", "X", "T") and "." not in match[0]):
            letter = f" {spelled(match[3])}" if match[3] else ""
            return Piece(at, match.end(), f"{name} {number(match[2], line.dialect)[0]}{letter}", PieceKind.ABBREVIATION)
    match = _TITLE.match(line.text, at)
    if match is None or match[0] not in _titles():
        return None
    if len(match[0]) == 2 and _is_initial(line, at, match.end()):
        return None
    said, *others = _titles()[match[0]]
    if match[0] == "P." and _OFFICE.match(line.text, match.end()):
        said = "phòng"
    return Piece(at, match.end(), said, PieceKind.ABBREVIATION, tuple(others))


def _is_initial(line: Line, at: int, end: int) -> bool:
    """The initial of a person at the end of a sentence: "ông Nguyễn Văn P. Hôm nay"."""
    name = re.search(r"([^\W\d_])[^\W\d_]+ $", line.text[:at])
    return name is not None and name[1].isupper() and line.text[end : end + 1] == " "


def roman_numeral(line: Line, at: int) -> Piece | None:
    """ "thế kỷ XXI", "lần thứ II", "Quý I/2026"."""
    match = _ROMAN.match(line.text, at)
    value = roman(match[1]) if match else None
    if match is None or value is None or match[1] in ("L", "C"):
        return None
    if line.before(_ORDINAL_WORD, at):
        return Piece(at, match.end(), ordinal(value, line.dialect), PieceKind.ROMAN)
    near = line.before(_ROMAN_WORDS, at)
    last = line.last
    listed = line.before(ends_with(r",|và|đến|-|–"), at) and not (last is not None and last.kind is PieceKind.ROMAN)
    if (not near or listed) and (line.in_capitals or not _SURE_ROMAN.match(match[1])):
        return None
    said, end = cardinal(value, line.dialect), match.end()
    below = _ROMAN_BELOW.match(line.text, end)
    if below:
        return Piece(at, below.end(), f"{said} chấm {number(below[1], line.dialect)[0]}", PieceKind.ROMAN)
    year = _ROMAN_YEAR.match(line.text, end)
    if year:
        said, end = f"{said} năm {number(year[1], line.dialect)[0]}", year.end()
    return Piece(at, end, said, PieceKind.ROMAN)


def abbreviation(line: Line, at: int) -> Piece | None:
    """The longest entry that begins here: "UBND", "GD&ĐT", "KT-XH"."""
    for end in _ends(line, at):
        entries = abbreviations().get(line.text[at:end])
        if entries is None or line.text[end : end + 1].isdigit():
            continue
        if line.in_capitals and is_syllable(line.text[at:end]) and len(entries) == 1:
            continue
        if spoken := expansion(line, at, end):
            others = dict.fromkeys(other for other, *_ in entries if other != spoken)
            # A row that names what follows is sure of itself; the last row is what is left.
            is_sure = spoken != entries[-1][0]
            return Piece(at, end, spoken, PieceKind.ABBREVIATION, () if is_sure else tuple(others))
    return _short_form(line, at)


def expansion(line: Line, at: int, end: int) -> str:
    """What an abbreviation stands for, by what is around it; "" for none."""
    entries = abbreviations().get(line.text[at:end], [])
    return next((spoken for spoken, *when in entries if _fits(line, at, end, *when)), "")


def _fits(line: Line, at: int, end: int, after: re.Pattern[str] | None, before: re.Pattern[str] | None) -> bool:
    return (after is None or after.match(line.lower, end) is not None) and (before is None or line.before(before, at))


def _ends(line: Line, at: int) -> list[int]:
    """Where an abbreviation may end that begins here, the longest first."""
    text, ends = line.text, []
    end = at
    for _ in range(5):
        match = _WORD.match(text, end)
        if match is None:
            break
        end = match.end()
        ends.append(end)
        joint = re.compile(r"(?:[-&.]|\. | )(?=[A-ZĐƯ])").match(text, end)
        if joint is None:
            break
        end = joint.end()
    return ends[::-1]


def _short_form(line: Line, at: int) -> Piece | None:
    match = _SHORT.match(line.text, at)
    if match is None:
        return None
    for written in (match[0].lower(), match[0].lower().rstrip(".:")):
        spoken = _short_forms().get(written)
        if spoken is not None and not (line.text[at].isupper() and written.isalpha() and match[0].isupper()):
            return Piece(at, at + len(written), spoken, PieceKind.ABBREVIATION)
    return None


def known_phrase(line: Line, at: int) -> Piece | None:
    """Entries of the tables with a blank, a hyphen or an apostrophe."""
    word = _WORD.match(line.lower, at)
    if word is None or word[0] not in _compound_starts():
        return None
    match = _lexicon_pattern().match(line.lower.translate(_APOSTROPHES), at)
    return None if match is None else Piece(at, match.end(), *_lexicon()[match[0]])


def known_word(line: Line, at: int) -> Piece | None:
    """Names and foreign words of one word, and units that stand alone."""
    word = _WORD.match(line.lower, at)
    if word is None:
        return None
    square = _SQUARE_UNIT.match(line.text, at)
    if square and square[0] in units():
        return Piece(at, square.end(), units()[square[0]], PieceKind.QUANTITY)
    if (
        len(word[0]) > 1
        and not is_syllable(word[0])
        and (unit := units().get(line.text[at : word.end()]) or units().get(word[0]))
    ):
        return Piece(at, word.end(), unit, PieceKind.QUANTITY)
    entry = _lexicon().get(word[0])
    if entry is None or (line.text[word.end() : word.end() + 1] in ("'", "’") and len(word[0]) == 1):
        return None
    if entry[1] is PieceKind.NAME and is_syllable(word[0]) and not line.text[at].isupper():
        return None
    return Piece(at, word.end(), *entry)


def apostrophe(line: Line, at: int) -> Piece | None:
    """H'Hen, M'gar, K'Bang: the consonant with a short vowel, then the rest."""
    match = _APOSTROPHE.match(line.text, at)
    if match is None:
        return None
    first, rest = match[1].lower(), match[2].lower()
    rest = eased(rest) or rest
    if not is_syllable(rest) and is_syllable(rest[:-1]):
        rest = rest[:-1]  # M'gar
    said = f"{_APOSTROPHE_SOUND.get(first, first + 'ơ')} {rest}"
    return Piece(at, match.end(), said, PieceKind.NAME)


def any_word(line: Line, at: int) -> Piece | None:
    """The last rule for letters: a syllable as it is, capitals as a word or letter by letter, else a doubtful word."""
    match = _WORD.match(line.text, at)
    if match is None:
        return None
    word, end = match[0], match.end()
    if len(word) == 1 and word.lower() in LETTERS and _is_letter(line, at, word):
        if word == "C" and line.before(ends_with("độ"), at):
            return Piece(at, end, "xê", PieceKind.QUANTITY)
        return Piece(at, end, LETTERS[word.lower()], PieceKind.SPELLED)
    if is_syllable(word):
        return Piece(at, end, word.lower() if word.isupper() else word, PieceKind.WORD)
    tag = split_toneless(word.lower()) if line.text[at - 1 : at] == "#" else None
    if tag:
        return Piece(at, end, " ".join(tag), PieceKind.WEB, doubtful=True)
    is_short_ascii = word.isascii() and len(word) <= _SHORTEST_NAME and not line.in_capitals
    if word.isupper() and 1 < len(word) <= 8 and (is_short_ascii or not eased(word)):
        return Piece(at, end, spelled(word) or word, PieceKind.SPELLED, doubtful=True)
    easier = eased(word)
    if easier:
        return Piece(at, end, easier, PieceKind.NAME, doubtful=word.islower())
    return Piece(at, end, word.lower() if word.isupper() else word, PieceKind.FOREIGN, doubtful=True)


def _is_letter(line: Line, at: int, word: str) -> bool:
    """A single letter that is said by its name: capitals, and "điểm a", "b)"."""
    if word.lower() in "aăâeêioôơuưy":
        return word.isascii() and word.isupper() and word != "Y"
    return word.isupper() or line.text[at + 1 : at + 2] in (")", ".", ",", "", ";", " ")
