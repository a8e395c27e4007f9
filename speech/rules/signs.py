"""Signs: list marks, dashes, arithmetic, slashes between words, punctuation."""

import re

from speech.numbers import cardinal, roman
from speech.reading import Line, Piece, PieceKind, ends_with
from speech.rules.quantities import PER_ONE, units
from speech.syllables import LETTERS

_BULLET = re.compile(r"\s*(?:[-–—•*+●▪◦‣·✓✔➢➤►»❖◆■□]|o(?=\s))+\s+(?=\S)|\s*[•●▪◦‣✓✔➢➤►❖◆■□]+\s*")
_NUMBERED = re.compile(r"(\s*)(\d{1,2}|[a-zđ]|[IVX]{1,5}|[A-G])(?:[.)/]|\s*-(?=\s+[^\W\d]))\)?(?=\s+\S)")
_SECTION = re.compile(r"(\d{1,2}(?:\.\d{1,2})+)[.)](?=\s+\S)")
_NUMERIC = (
    PieceKind.NUMBER,
    PieceKind.DAY,
    PieceKind.DATE,
    PieceKind.TIME,
    PieceKind.QUANTITY,
    PieceKind.MONEY,
    PieceKind.RATIO,
    PieceKind.ROMAN,
    PieceKind.CODE,
)
_FEAST_WORDS = re.compile(r"(?:lễ|dịp|nghỉ|kỷ niệm|chào mừng)[^.;]*$")
_FROM = ends_with("từ|từ ngày")
_WEEKDAY_END = re.compile(r"thứ (?:hai|ba|tư|năm|sáu|bảy|[2-7])\s*$")
_WEEKDAY_START = re.compile(r"\s*(?:thứ (?:hai|ba|tư|năm|sáu|bảy|[2-7])|chủ nhật|t[2-7](?!\w)|cn(?!\w))")
_DIVIDED = re.compile(r":\s?\d+(?:[.,]\d+)?\s*=")
_PAUSES = {
    ",": ",",
    ";": ";",
    ":": ":",
    ".": ".",
    "!": "!",
    "?": "?",
    "…": ".",
    "(": ",",
    ")": ",",
    "[": ",",
    "]": ",",
    "{": ",",
    "}": ",",
    "|": ",",
    "→": ",",
    "⇒": ",",
}
_SAID = {
    "&": "và",
    "=": "bằng",
    "<": "nhỏ hơn",
    ">": "lớn hơn",
    "≥": "lớn hơn hoặc bằng",
    "≤": "nhỏ hơn hoặc bằng",
    "±": "cộng trừ",
    "≈": "xấp xỉ",
    "×": "nhân",
    "÷": "chia",
    "≠": "khác",
    "√": "căn bậc hai",
    "%": "phần trăm",
    "‰": "phần nghìn",
    "°": "độ",
    "½": "một phần hai",
    "¼": "một phần tư",
    "¾": "ba phần tư",
    "⅓": "một phần ba",
    "⅔": "hai phần ba",
    "²": "bình phương",
    "³": "mũ ba",
    "$": "đô la",
    "€": "ơ rô",
    "₫": "đồng",
    "Ø": "phi",
    "ø": "phi",
    "Φ": "phi",
    "π": "pi",
    "∞": "vô cùng",
    "µ": "mi crô",
    "@": "a còng",
}
_NUMBER_AND_WORD = re.compile(
    r"\d\s+(?:giờ|phút|ngày|tháng|năm|tuần|tuổi|triệu|tỷ|tỉ|nghìn|ngàn|đồng|độ|lít|mét|tấn|tạ|người|hộ)\s*$"
)
_MONEY_END = re.compile(r"(?:triệu|tỷ|tỉ|nghìn|ngàn|đồng)$")
_COUNTED_END = re.compile(r"(?:triệu|tỷ|tỉ|nghìn|ngàn|đồng|tấn|tạ|yến|người|con|cây|lít|hộ|gam|kg|mét)$")
_DASHES = "-–—−‑‒"
_DATE_OF_YEAR = re.compile(r"\s*\d{1,2}[/.-]\d{1,2}[/.-]\d{4}(?!\d)")
_DATE = re.compile(r"\s*\d{1,2}/\d{1,2}(?![\d/]*[A-ZĐ%])")
_YEAR_END = re.compile(r"\d{4}$")
_POST_AFTER = re.compile(r"\s*[Kk][Mm]\s?\d")
_POST = re.compile(r"[Kk][Mm]\s?\d")
#: "250kVA-22/0,4kV": of two voltages.
_RATED = re.compile(r"\s*\d+(?:,\d+)?/\d+(?:,\d+)?\s?[a-zA-Z]")
#: What one unit of time is not divided by.
_MEASURED = re.compile(r"\d+(?:[.,]\d+)?\s?([^\W\d_]+[²³]?)")
_COUNTING = (PieceKind.NUMBER, PieceKind.QUANTITY)
_ENDS = re.compile(r"\s*(?:[,;.)]|$)")
_HOUSEHOLDS = re.compile(r"hộ$")
_HEADS = re.compile(r"[\d.]+\s+(?:nhân\s+)?khẩu|[\d.]+\s+người")
_OF_TIME = ("h", "giờ", "phút", "s", "giây", "ngày", "tháng", "năm", "tuần", "p", "min")


def list_mark(line: Line, at: int) -> Piece | None:
    """At the start of a line: bullets are silent, numbers and letters are said, with a pause."""
    if line.is_begun or line.text[:at].strip():
        return None
    match = _BULLET.match(line.text, at)
    if match:
        return Piece(at, match.end(), "", PieceKind.SILENT)
    section = _SECTION.match(line.text, at)
    if section:
        said = " chấm ".join(cardinal(int(part), line.dialect) for part in section[1].split("."))
        return Piece(at, section.end(), f"{said},", PieceKind.NUMBER)
    match = _NUMBERED.match(line.text, at)
    if match is None or (match[2].isdigit() and re.match(r"\s*\d{1,2}[.]\s*\d", match[0])):
        return None
    mark = match[2]
    if mark.isdigit():
        said = cardinal(int(mark), line.dialect)
    elif (value := roman(mark)) is not None and (len(mark) > 1 or mark in "IVX"):
        said = cardinal(value, line.dialect)
    else:
        said = LETTERS.get(mark.lower(), mark.lower())
    return Piece(at, match.end(), f"{said},", PieceKind.NUMBER)


def dash(line: Line, at: int) -> Piece | None:
    """From one to another, minus, a pause, or nothing."""
    if line.text[at] not in _DASHES:
        return None
    end = at + 1
    while end < len(line.text) and line.text[end] in _DASHES:
        end += 1
    rest, head = line.text[end:], line.text[:at]
    follows = re.match(r"\s*(?:[$€]?\d|[IVX]+(?!\w)|T\d|CN)", rest) is not None
    last = line.last
    touches = last is not None and not head[last.end :].strip()
    if touches and last is not None and follows and last.kind in (*_NUMERIC, PieceKind.PHONE):
        return _between(line, at, end, last)
    if touches and last is not None and _POST.match(line.text, last.start) and _POST_AFTER.match(rest):
        return Piece(at, end, "đến", PieceKind.SIGN)
    if follows and _NUMBER_AND_WORD.search(line.lower[:at]):
        return Piece(at, end, "đến", PieceKind.SIGN)
    if _WEEKDAY_END.search(line.lower[:at]) and _WEEKDAY_START.match(line.lower, end):
        return Piece(at, end, "đến", PieceKind.SIGN)
    if re.match(r"\d", rest) and (not head or head[-1] in " (="):
        if head.strip() or re.match(r"\d+(?:[.,]\d+)?\s?(?:[°º%]|độ)", rest):
            return Piece(at, end, "âm", PieceKind.SIGN)
        return Piece(at, end, "", PieceKind.SILENT)
    spaced = head[-1:].isspace() or rest[:1].isspace()
    if spaced and not re.match(r"\s*[a-zà-ỹđ]", rest):
        return Piece(at, end, ",", PieceKind.PAUSE)
    return Piece(at, end, "", PieceKind.SILENT)


def _between(line: Line, at: int, end: int, last: Piece) -> Piece:
    if last.kind is PieceKind.PHONE:
        return Piece(at, end, ",", PieceKind.PAUSE)
    is_after_letters = last.kind is PieceKind.CODE or line.text[last.start - 1 : last.start].isalpha()
    if is_after_letters and re.match(r"[IVX]+(?!\w)", line.text[end:]):
        return Piece(at, end, "", PieceKind.SILENT)  # RON95-III
    if last.kind is PieceKind.CODE and not re.match(r"\s*\d{1,4}[A-Z](?!\w)|\s*\d{1,3}(?!\d)", line.text[end:]):
        return Piece(at, end, ",", PieceKind.PAUSE)
    if last.kind is PieceKind.QUANTITY and _RATED.match(line.text, end):
        return Piece(at, end, ",", PieceKind.PAUSE)
    if last.kind is PieceKind.DATE and _YEAR_END.search(line.text[: last.end]) and _DATE_OF_YEAR.match(line.text, end):
        return Piece(at, end, "đến", PieceKind.SIGN)
    is_feast = _FEAST_WORDS.search(line.lower[max(0, last.start - 48) : last.start]) is not None
    if last.kind is PieceKind.DATE and is_feast and not line.before(_FROM, last.start):
        return Piece(at, end, ",", PieceKind.PAUSE)
    if last.kind is PieceKind.NUMBER and re.match(r"\s*\d+(?:[.,]\d+)?\s*=", line.text[end:]):
        return Piece(at, end, "trừ", PieceKind.SIGN)
    return Piece(at, end, "đến", PieceKind.SIGN)


def slash(line: Line, at: int) -> Piece | None:
    """The number as it is said: lần/ngày, nam/nữ."""
    if line.text[at] != "/":
        return None
    last = line.last
    touches = last is not None and last.end == at
    if touches and last is not None and last.kind is PieceKind.TIME and _DATE.match(line.text, at + 1):
        return Piece(at, at + 1, "ngày", PieceKind.SIGN)  # 7h/28/11
    if _HOUSEHOLDS.search(line.lower[:at]) and _HEADS.match(line.lower, at + 1):
        return Piece(at, at + 1, ",", PieceKind.PAUSE)
    if touches and last is not None and last.kind is PieceKind.QUANTITY and _is_measured(line, at + 1):
        return Piece(at, at + 1, ",", PieceKind.PAUSE)  # 220V/50Hz
    if touches and line.text[at - 1].isalpha() and re.match(r"\d", line.text[at + 1 :]):
        return Piece(at, at + 1, "trên", PieceKind.SIGN, doubtful=True)  # 125 con/3 hộ
    if touches and last is not None and last.kind in _NUMERIC and re.match(r"\d", line.text[at + 1 :]):
        return Piece(at, at + 1, "trên", PieceKind.SIGN, doubtful=True)
    unit = re.match(r"([\w²³]+)", line.text[at + 1 :])
    if touches and unit and unit[1] in units() and _COUNTED_END.search(line.lower[:at]):
        word_said = "một" if _MONEY_END.search(line.lower[:at]) else "trên"
        return Piece(at, at + 1 + unit.end(), f"{word_said} {units()[unit[1]]}", PieceKind.QUANTITY)
    word = re.match(r"\s*([^\W\d_]+)", line.lower[at + 1 :])
    one = word is not None and word[1] in PER_ONE and bool(line.pieces)
    return Piece(
        at,
        at + 1,
        "một" if one else "",
        PieceKind.SIGN if one else PieceKind.SILENT,
        doubtful=not one and word is not None,
    )


def _is_measured(line: Line, at: int) -> bool:
    """Whether a number with a unit begins there that is another, and none of time: "mm/24h" is a rate."""
    match = _MEASURED.match(line.text, at)
    if match is None or match[1] in _OF_TIME or line.text[: at - 1].endswith(match[1]):
        return False
    return match[1] in units() or match[1].lower() in units()


def sign(line: Line, at: int) -> Piece | None:
    """The last rule for signs: a pause, a word, or silence."""
    c, text = line.text[at], line.text
    if c == ":" and _DIVIDED.match(text, at) and line.last is not None and line.last.kind is PieceKind.NUMBER:
        return Piece(at, at + 1, "chia", PieceKind.SIGN)
    if c in _PAUSES:
        return Piece(at, at + 1, _PAUSES[c], PieceKind.PAUSE)
    near_digit = re.match(r"\s*[\d(]", text[at + 1 :]) is not None
    last = line.last
    after_number = last is not None and last.kind in _NUMERIC and not text[last.end : at].strip()
    if c == "+" and last is not None and last.end == at and last.kind in _COUNTING and _ENDS.match(text, at + 1):
        return Piece(at, at + 1, "trở lên", PieceKind.SIGN)  # 65+
    if c == "+":
        grade = last is not None and last.end == at and last.kind is PieceKind.SPELLED
        adds = near_digit or grade or (text[at - 1 : at].isalnum() and text[at + 1 : at + 2].isalnum())
        return Piece(at, at + 1, "cộng" if adds else "", PieceKind.SIGN if adds else PieceKind.SILENT)
    if c in "*xX×" and after_number and near_digit:
        return Piece(at, at + 1, "nhân", PieceKind.SIGN)
    if c in "~≈" and near_digit:
        return Piece(at, at + 1, "khoảng", PieceKind.SIGN)
    if c in _SAID:
        return Piece(at, at + 1, _SAID[c], PieceKind.SIGN)
    return Piece(at, at + 1, "", PieceKind.SILENT)


def times_sign(line: Line, at: int) -> Piece | None:
    """3 x 4: the letter between two numbers."""
    if line.text[at] not in "xX" or re.match(r"\s*\d", line.text[at + 1 :]) is None:
        return None
    last = line.last
    if last is None or last.kind not in _NUMERIC or line.text[last.end : at].strip():
        return None
    return Piece(at, at + 1, "nhân", PieceKind.SIGN)
