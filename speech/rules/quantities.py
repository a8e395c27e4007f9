"""Numbers with what they count: units, money, per cent, dimensions; and plain numbers."""

import functools
import re

from speech.numbers import cardinal, number, ordinal
from speech.reading import Line, Piece, PieceKind, begins_with, ends_with
from speech.syllables import spelled
from speech.tables import pairs, words

NUMBER = (
    r"\d{1,3}(?:\.\d{3})+(?!\d)(?:,\d+)?|\d{1,3}(?:,\d{3})+\.\d{1,2}(?!\d)|"
    r"\d{1,3}(?:,\d{3}){2,}(?!\d)(?:\.\d+)?|\d+(?:[.,]\d+)?"
)
_NUMBER = re.compile(NUMBER)
_SPACED = re.compile(
    r"\d{1,3}(?: \d{3})+(?=\s?(?:đồng|đ\b|vn[dđ]|người|hộ|ha|m²|m2|km|kg|tấn|usd|lượt|%))", re.IGNORECASE
)
_ENGLISH_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3})+")
_DOTTED = re.compile(r"\d+(?:\.\d+){2,}(?![\d,])")
_MONEY = re.compile(
    r"\s?(vnđ|vnd|đồng|đ|usd|us\$|\$|euro|eur|€|£|¥|₫|ndt|cny|jpy|k|tr\.?đ|trđ|tr)(?!\w)", re.IGNORECASE
)
_MONEY_WORDS = {
    "vnđ": "đồng",
    "vnd": "đồng",
    "đồng": "đồng",
    "đ": "đồng",
    "₫": "đồng",
    "usd": "đô la Mỹ",
    "us$": "đô la Mỹ",
    "$": "đô la",
    "euro": "ơ rô",
    "eur": "ơ rô",
    "€": "ơ rô",
    "£": "bảng Anh",
    "¥": "yên",
    "ndt": "nhân dân tệ",
    "cny": "nhân dân tệ",
    "jpy": "yên Nhật",
    "k": "nghìn",
    "tr": "triệu",
    "trđ": "triệu đồng",
    "tr.đ": "triệu đồng",
}
_CURRENCY_BEFORE = re.compile(rf"(US\$|\$|€|£|¥|₫)\s?({NUMBER})")
_SCALED = re.compile(r"\s?(nghìn|ngàn|triệu|tỷ|tỉ)(?!\w)", re.IGNORECASE)
_SHORT_MONEY = re.compile(r"(\d+)(tr|triệu|tỷ|k|m)(\d{1,2})(?!\w|[.,]\d)", re.IGNORECASE)
_PER = re.compile(r"\s?/\s?([\w²³]+)(?!\w)")
PER_ONE = frozenset(words("each of").split("|"))
_PRICE_WORDS = re.compile(
    r"(?:giá|phí|tiền|vé|thưởng|phạt|mua|bán|chỉ|lương|trả|nộp|đóng|thu|hỗ trợ|ủng hộ|đồng)\b[^.;]*$"
)
_MARK_WORDS = re.compile(r"điểm(?! bán)[^.;]{0,30}$")
#: "8,75đ", "100đ": of a pupil; no price is that low.
_LONGEST_MARK = 4
_MULTIPLIED = re.compile(r"\s?[xX×*]\s?(?=\d)")
_DECIMAL_POINT_WORDS = ends_with(words("before numbers with points"))
_SCORE_WORDS = re.compile(r"(?:tỷ số|tỉ số|thắng|thua|hòa|hoà|đánh bại|dẫn|kết quả|chung cuộc|gỡ)[^.,;]{0,30}$")
_SCORE = re.compile(r"(\d{1,2})\s?[-–:]\s?(\d{1,2})(?![\d/]|\s?%|\.\d)")
_DASHED = re.compile(r"\d{1,3}(?:[-–]\d{1,3}){2,}(?![\w/]|[.,-]\d)")
_SCALE = re.compile(r"(\d{1,3})\s?[:/]\s?(\d{1,3}(?:\.\d{3})+|\d+)(?![\d/])")
_SCALE_WORDS = ends_with("tỷ lệ|tỉ lệ|bản đồ tỷ lệ|pha|pha theo tỷ lệ|theo tỷ lệ|nồng độ")
_ORDINAL_WORD = ends_with("thứ")
_ORDINAL_LIST = re.compile(r"(?<!\w)thứ \d(?:\s?,\s?\d)*(?:,| và)\s*$")
_RATED = re.compile(r"(\d{1,4}(?:,\d{1,2})?)/(\d{1,4}(?:,\d{1,2})?)")
_SLASHED = re.compile(r"(\d{1,6}[A-E]?)((?:/\d{1,6}[A-E]?)+)(?![\d/]|[A-Z])")
#: "thôn 1,2,5" is a list, not a decimal.
_LISTED = re.compile(r"\d{1,2}(?:,\d{1,2})+(?![\d.,]*\d|\s?%)")
_LIST_WORDS = ends_with(words("before a list of numbers"))
_LETTERED = re.compile(r"(\d{1,4})([A-ZĐ]|[a-e](?![\wÀ-ỹ]))(\d{1,2})?(?!\w)")
_TONNES = re.compile(r"(\d+(?:[.,]\d+)?)\s?T(?!\w)")
_LOAD_WORDS = re.compile(r"(?:tải|tải trọng|xe|trọng lượng|hàng|khối lượng)[^.,;]{0,20}$")
_METRES = re.compile(r"(\d+)m(\d{1,2})(?!\w|[.,]\d)")
_AGES = re.compile(r"(\d{1,2})(t?)\s?[-–]\s?(\d{1,2})t(?!\w)")
_AGED = re.compile(r"(\d{1,3})t(?!\w)")
_AGE_WORDS = re.compile(r"(?:trẻ|người|tuổi|nhóm|em|cháu|cụ|độ|nam|nữ)\b[^.;]{0,30}$")
_COUNTED_AFTER = begins_with(words("counted in whole units"))


@functools.cache
def units() -> dict[str, str]:
    return pairs("units")


@functools.cache
def _unit_pattern() -> re.Pattern[str]:
    names = sorted(units(), key=len, reverse=True)
    return re.compile(rf"(\s?)({'|'.join(map(re.escape, names))})(?![\w²³])", re.IGNORECASE)


def plain_or_measured(line: Line, at: int) -> Piece | None:
    """The last rule for digits: a number with its unit or currency, or alone."""
    match = _SPACED.match(line.text, at) or _NUMBER.match(line.text, at)
    if match is None:
        return None
    text, end = match[0].replace(" ", "."), match.end()
    said, others = number(text, line.dialect, counted=line.after(_COUNTED_AFTER, end))
    kind = PieceKind.NUMBER
    unit = unit_at(line, end)
    money = _MONEY.match(line.text, end)
    if unit and not (money and money.end() >= unit[1]):
        kind, said = PieceKind.QUANTITY, f"{said} {unit[0]}"
        others = tuple(o for o in (f"{other} {unit[0]}" for other in others) if " chấm " not in o)
        end = unit[1]
    elif money:
        kind, said, end = PieceKind.MONEY, f"{said} {_currency(line, at, money)}", money.end()
        others = ()
    elif text.count(".") == 1 and "," not in text and others:
        scaled = _SCALED.match(line.text, end)
        if scaled or (not line.before(_DECIMAL_POINT_WORDS, at) and not text.endswith(".0")):
            others = () if scaled else others
        else:
            said, others = others[0], ()
    if kind is not PieceKind.NUMBER:
        said, end = with_per(line, said, end, is_money=kind is PieceKind.MONEY)
    elif text.isdigit() and (line.before(_ORDINAL_WORD, at) or _ORDINAL_LIST.search(line.lower[:at])):
        said = ordinal(int(text), line.dialect)
    return Piece(at, end, said, kind, others)


def unit_at(line: Line, end: int) -> tuple[str, int] | None:
    """The unit after a number, and where it ends. A single letter must touch the number, but for m, g and l."""
    match = _unit_pattern().match(line.text, end)
    if match is None:
        return None
    written = match[2]
    spoken = units().get(written) or units().get(written.lower())
    spaced = bool(match[1])
    if spoken is None or (spaced and written in ("s", "h", "V", "W", "N", "J", "L", "in", "min", "ca", "bar")):
        return None
    if spaced and written in ("ca", "°", "º", "˚"):
        return None
    if written.isalpha() and len(written) == 1 and written.isupper() and written not in ("L", "V", "W", "Ω"):
        return None
    return spoken, match.end()


def with_per(line: Line, said: str, end: int, *, is_money: bool) -> tuple[str, int]:
    """km/h, đồng/kg, lần/ngày: "trên" between units, "một" for each of what is counted."""
    while match := _PER.match(line.text, end):
        written = match[1]
        spoken = units().get(written) or units().get(written.lower())
        if spoken is None and not written.isalpha():
            break
        one = is_money or written.lower() in PER_ONE - {"m"}
        said = f"{said} {'một' if one else 'trên'} {spoken or written.lower()}"
        end = match.end()
    return said, end


def price_before(line: Line, at: int) -> Piece | None:
    """Reads for example $5, €20."""
    match = _CURRENCY_BEFORE.match(line.text, at)
    if match is None:
        return None
    end, scale = match.end(), ""
    scaled = _SCALED.match(line.text, end)
    if scaled:
        end, scale = scaled.end(), f" {scaled[1].lower()}"
    said = f"{number(match[2], line.dialect)[0]}{scale} {_MONEY_WORDS[match[1].lower()]}"
    return Piece(at, end, said, PieceKind.MONEY)


def shortened(line: Line, at: int) -> Piece | None:
    """Reads for example 2tr5, 1m65."""
    match = _METRES.match(line.text, at)
    if match and match[2] not in ("2", "3"):
        said = f"{cardinal(int(match[1]), line.dialect)} mét {number(match[2], line.dialect)[0]}"
        return Piece(at, match.end(), said, PieceKind.QUANTITY)
    ages = _AGES.match(line.text, at)
    if ages and (ages[2] or _AGE_WORDS.search(line.lower[max(0, at - 48) : at])):
        said = " đến ".join(cardinal(int(age), line.dialect) for age in (ages[1], ages[3]))
        return Piece(at, ages.end(), f"{said} tuổi", PieceKind.QUANTITY)
    aged = _AGED.match(line.text, at)
    if aged and _AGE_WORDS.search(line.lower[max(0, at - 48) : at]):
        return Piece(at, aged.end(), f"{cardinal(int(aged[1]), line.dialect)} tuổi", PieceKind.QUANTITY)
    match = _SHORT_MONEY.match(line.text, at)
    if match and match[2].lower() != "m":
        name = {"tr": "triệu", "k": "nghìn"}.get(match[2].lower(), match[2].lower())
        said = f"{cardinal(int(match[1]), line.dialect)} {name} {number(match[3], line.dialect)[0]}"
        return Piece(at, match.end(), said, PieceKind.MONEY)
    return None


def listed(line: Line, at: int) -> Piece | None:
    """ "thứ 2,4,6", "thôn 1,2": one by one."""
    match = _LISTED.match(line.text, at)
    if match is None:
        return None
    parts = match[0].split(",")
    after_word = line.before(_LIST_WORDS, at) and unit_at(line, match.end()) is None
    if not after_word and (len(parts) == 2 or _ENGLISH_THOUSANDS.fullmatch(match[0])):
        return None
    say = ordinal if line.before(_ORDINAL_WORD, at) else cardinal
    said = ", ".join(say(int(part), line.dialect) for part in parts)
    others = (number(match[0], line.dialect)[0],) if len(parts) == 2 else ()
    return Piece(at, match.end(), said, PieceKind.NUMBER, others)


def dashed(line: Line, at: int) -> Piece | None:
    """ "NPK 16-16-8", "thứ 2-4-6": three and more are no range."""
    match = _DASHED.match(line.text, at)
    if match is None:
        return None
    say = ordinal if line.before(_ORDINAL_WORD, at) else cardinal
    said = [say(int(part), line.dialect) for part in re.split(r"[-–]", match[0])]
    return Piece(at, match.end(), ", ".join(said), PieceKind.NUMBER)


def score(line: Line, at: int) -> Piece | None:
    """Reads for example  "thắng 2-1"."""
    match = _SCORE.match(line.text, at)
    if match and _SCORE_WORDS.search(line.lower[max(0, at - 48) : at]):
        said = f"{cardinal(int(match[1]), line.dialect)} {cardinal(int(match[2]), line.dialect)}"
        return Piece(at, match.end(), said, PieceKind.RATIO)
    match = _SCALE.match(line.text, at)
    if match and (
        line.before(_SCALE_WORDS, at) or (match[0].startswith("1:") and match[0][2].isdigit() and match[0][2] != "0")
    ):
        said = f"{number(match[1], line.dialect)[0]} trên {number(match[2], line.dialect)[0]}"
        return Piece(at, match.end(), said, PieceKind.RATIO)
    return None


def lettered(line: Line, at: int) -> Piece | None:
    """Reads for example 12A, 6A1, 4G, 2a, and a load of 3,5T."""
    load = _TONNES.match(line.text, at)
    if load and line.before(_LOAD_WORDS, at):
        return Piece(at, load.end(), f"{number(load[1], line.dialect)[0]} tấn", PieceKind.QUANTITY)
    from_letters = _LETTERED.match(line.text, at)
    if from_letters is None or from_letters[2] in "đ":
        return None
    if from_letters[2] in "K" and _is_price(line, at):
        return None
    from_unit = unit_at(line, at + len(from_letters[1]))
    if from_unit and not from_letters[3]:
        return None
    said = f"{number(from_letters[1], line.dialect)[0]} {spelled(from_letters[2])}"
    if from_letters[3]:
        said += f" {number(from_letters[3], line.dialect)[0]}"
    return Piece(at, from_letters.end(), said, PieceKind.CODE)


def dotted(line: Line, at: int) -> Piece | None:
    """2.1.3: parts of a document, a version; 12/3/5: an address."""
    match = _DOTTED.match(line.text, at)
    if match and not re.fullmatch(r"\d{1,3}(?:\.\d{3})+", match[0]):
        return Piece(at, match.end(), " chấm ".join(number(p)[0] for p in match[0].split(".")), PieceKind.CODE)
    rated = _RATED.match(line.text, at)
    if rated and "," in rated[0] and (unit := unit_at(line, rated.end())):
        said = " trên ".join(number(part, line.dialect)[0] for part in rated.groups())
        return Piece(at, unit[1], f"{said} {unit[0]}", PieceKind.RATIO)
    match = _SLASHED.match(line.text, at)
    if match is None:
        return None
    said, end = " trên ".join(_with_letter(line, part) for part in match[0].split("/")), match.end()
    unit = unit_at(line, end)
    if unit:
        said, end = f"{said} {unit[0]}", unit[1]
    return Piece(at, end, said, PieceKind.RATIO, doubtful="/" in match[2][1:])


def _with_letter(line: Line, part: str) -> str:
    digits = part.rstrip("ABCDEFGHIJKLMNOPQRSTUVWXYZ")
    letter = part[len(digits) :]
    return number(digits, line.dialect)[0] + (f" {letter.lower()}" if letter else "")


def _currency(line: Line, at: int, money: re.Match[str]) -> str:
    word = _MONEY_WORDS[money[1].lower()]
    if money[1] == "đ" and money.start() - at <= _LONGEST_MARK and line.before(_MARK_WORDS, at):
        return "điểm"
    if word == "nghìn":
        word = line.dialect.thousand
        return f"{word} đồng" if _is_price(line, at) else word
    if word == "triệu" and _is_price(line, at):
        return "triệu đồng"
    return word


def _is_price(line: Line, at: int) -> bool:
    return _PRICE_WORDS.search(line.lower[max(0, at - 48) : at]) is not None
