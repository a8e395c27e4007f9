"""Codes: vehicle plates, telephone numbers, roads, kilometre posts."""

import re

from speech.numbers import cardinal, digit_by_digit, month, number
from speech.reading import Line, Piece, PieceKind, ends_with
from speech.rules.digits import CODE_WORDS, groups_of_digits
from speech.rules.words import expansion
from speech.syllables import spelled

_PLATE = re.compile(
    r"(\d{2})(?:-(?=[A-ZĐ]\d))?([A-ZĐ]{1,2}\d?)\s?([-–. ])\s?(\d{3}\.\d{2}|\d{5}|\d{4})(?![\d.]\d|\d|/)"
)
_PLATE_WORDS = ends_with(
    r"biển|biển số|biển số xe|biển kiểm soát|biển đăng ký|bks|bsx|xe|số xe|ô tô|xe máy|xe tải|mô tô|\w+ bks"
)
_PHONE = re.compile(
    r"(?:\(?\+84\)?[\s.-]?\d{1,3}|\(0\d{1,3}\)(?:[\s.-]?\d(?=[\s.-]))?|0\d{1,3})(?:[\s.-]?\d{2,4}){2,4}(?!\d|[.,/-]\d)"
)
_PHONE_SHORT = re.compile(r"1[89]00[\s.-]?\d{2,4}(?:[\s.-]?\d{2,4})?(?!\d|[.,/-]\d)")
_ROADS = {
    "QL": "quốc lộ",
    "ĐT": "đường tỉnh",
    "TL": "tỉnh lộ",
    "ĐH": "đường huyện",
    "HL": "hương lộ",
    "ĐX": "đường xã",
    "CT": "cao tốc",
}
_ROAD = re.compile(r"(QL|ĐT|TL|ĐH|HL|ĐX|CT)[. ]{0,2}(\d{1,3})([A-Z]\d?)?(?![\w]|[.,-]\d|/)")
_POST = re.compile(r"[Kk][Mm]\s?(\d+)\s?\+\s?(\d+)(?!\d)")
_POST_ALONE = re.compile(r"(?:KM|Km)\s?(\d+)(?!\d)")
_ALNUM = re.compile(r"([A-ZĐ]{1,4})(-?)(\d+(?:[.,]\d+)?)([A-Z](?:\d{1,2})?)?(?!\w)")
#: Kinds of seed, machines and goods have names of letters that abbreviate nothing.
_NAMED_SO = ends_with(r"giống|lúa|ngô|lạc|đậu|cây|giống lúa|giống ngô|máy|xe|thuốc|loại|hiệu|model|kiểu|dòng")
_BETWEEN_CODES = re.compile(r"^\s*(?:,|;|và|hoặc|-|/)\s*$")
_NAMED_CODE = re.compile(r"(?=[A-ZĐ.-]*\d)[A-ZĐ\d]+(?:[.-][A-ZĐ\d]+)+(?!\w)")
_CODE_SIGNS = {".": "chấm", "-": "gạch ngang"}
_MONTH_OF_YEAR = re.compile(r"T(0?[1-9]|1[0-2])(?:/((?:19|20)\d\d)(?![\d/])|(?=\s?[-–]\s?T\d{1,2}/(?:19|20)\d\d))")
_WEEKDAYS = re.compile(r"T([2-7])(?!\w)")
_WEEKDAY_AFTER = re.compile(r"\s*(?:[-–,]\s*(?:T\d|CN)|\(\d{1,2}/\d)")
_WEEKDAY_NEAR = re.compile(r"(?:chiều|sáng|tối|trưa|lịch|tuần|ngày|từ|đến|[-–,(]|t[2-7]|vào|mỗi|hằng|hàng|các)\s*$")


def plate(line: Line, at: int) -> Piece | None:
    """Reads for example 29A-123.45, 29-H1 123.45."""
    match = _PLATE.match(line.text, at)
    if match is None or not 11 <= int(match[1]) <= 99:
        return None
    if match[3] == " " and not line.before(_PLATE_WORDS, at) and "." not in match[4]:
        return None
    digits = re.sub(r"\D", "", match[4])
    groups = [digits[:3], digits[3:]] if len(digits) == 5 else [digits]
    series = " ".join(digit_by_digit(c) if c.isdigit() else spelled(c) for c in match[2])
    said = f"{digit_by_digit(match[1])} {series}, " + ", ".join(digit_by_digit(group) for group in groups)
    return Piece(at, match.end(), said, PieceKind.CODE)


def phone(line: Line, at: int) -> Piece | None:
    """0912 345 678, (024) 3825 1234, +84 912 345 678, 1900 1234: digit by digit, in groups."""
    match = _PHONE.match(line.text, at)
    if match:
        digits = re.sub(r"\D", "", match[0])
        most = 12 if "+" in match[0] else 11
        if not 9 <= len(digits) <= most or _looks_like_date(match[0]):
            return None
        groups = _groups(match[0], digits)
        plus = "cộng " if "+" in match[0] else ""
        return Piece(at, match.end(), plus + ", ".join(digit_by_digit(group) for group in groups), PieceKind.PHONE)
    match = _PHONE_SHORT.match(line.text, at)
    if match is None:
        return None
    digits = re.sub(r"\D", "", match[0])
    if len(digits) not in (6, 7, 8, 10):
        return None
    rest = digits[4:]
    groups = [digits[:4], rest] if len(rest) <= 4 else [digits[:4], rest[:3], rest[3:]]
    return Piece(at, match.end(), ", ".join(digit_by_digit(group) for group in groups), PieceKind.PHONE)


def _looks_like_date(text: str) -> bool:
    return re.fullmatch(r"0?\d{1,2}([.-])\d{1,2}\1\d{4}", text) is not None


def _groups(typed: str, digits: str) -> list[str]:
    groups = re.findall(r"\d+", typed)
    if len(groups) > 1 and max(map(len, groups)) <= 4:
        return groups
    if "+" in typed:
        rest = digits[2:]
        return ["84", *_by_three(rest)]
    if len(digits) == 10:
        return [digits[:4], digits[4:7], digits[7:]]
    if len(digits) == 11:
        area = 3 if digits[1:3] in ("24", "28") else 4
        return [digits[:area], digits[area:7], digits[7:]]
    return _by_three(digits)


def _by_three(digits: str) -> list[str]:
    first = len(digits) % 3 or 3
    return [digits[:first], *(digits[i : i + 3] for i in range(first, len(digits), 3))]


def road(line: Line, at: int) -> Piece | None:
    """The number as it is said: QL1A, ĐT.741, Km 12+500."""
    match = _ROAD.match(line.text, at)
    if match and not (match[1] == "CT" and " " in match[0]):
        letter = f" {_code(match[3])}" if match[3] else ""
        said = f"{_ROADS[match[1]]} {number(match[2], line.dialect)[0]}{letter}"
        return Piece(at, match.end(), said, PieceKind.CODE, doubtful=match[1] in ("CT", "ĐH"))
    match = _POST.match(line.text, at)
    if match:
        said = f"ki lô mét {number(match[1], line.dialect)[0]} cộng {number(match[2], line.dialect)[0]}"
        return Piece(at, match.end(), said, PieceKind.CODE)
    match = _POST_ALONE.match(line.text, at)
    if match:
        return Piece(at, match.end(), f"ki lô mét {number(match[1], line.dialect)[0]}", PieceKind.CODE)
    return None


def letters_and_digits(line: Line, at: int) -> Piece | None:
    """H5N1, A4, U23, GD4010123456789: letters by name, digits as a number when there are few."""
    named = _MONTH_OF_YEAR.match(line.text, at)
    if named:
        year = f" năm {number(named[2], line.dialect)[0]}" if named[2] else ""
        return Piece(at, named.end(), f"tháng {month(int(named[1]))}{year}", PieceKind.DATE)
    weekday = _WEEKDAYS.match(line.text, at)
    if weekday and (_WEEKDAY_NEAR.search(line.lower[:at]) or _WEEKDAY_AFTER.match(line.text, weekday.end())):
        name = ("hai", "ba", "tư", "năm", "sáu", "bảy")[int(weekday[1]) - 2]
        return Piece(at, weekday.end(), f"thứ {name}", PieceKind.DATE)
    match = _ALNUM.match(line.text, at)
    if match is None or (match[2] and len(match[3]) > 4):
        return None
    digits = match[3]
    if "," in digits or "." in digits:
        said_digits = number(digits, line.dialect)[0]
    else:
        said_digits = (
            cardinal(int(digits), line.dialect) if len(digits) <= 3 and digits[0] != "0" else groups_of_digits(digits)
        )
    is_name = line.before(_NAMED_SO, at) or _follows_a_code(line, at)
    may_stand_for = len(match[1]) > 1 and len(digits) <= 3 and not is_name
    known = expansion(line, at, match.end(1)) if may_stand_for else ""
    said = f"{known or spelled(match[1])} {said_digits}"
    if match[4]:
        said += f" {_code(match[4])}"
    return Piece(at, match.end(), said, PieceKind.CODE, doubtful=len(match[1]) > 1)


def _follows_a_code(line: Line, at: int) -> bool:
    """ "giống TBR225, BC15": one more of the same kind."""
    for piece in reversed([piece for piece in line.pieces if piece.kind is PieceKind.CODE]):
        if _BETWEEN_CODES.match(line.lower[piece.end : at]) is None:
            return False
        if line.before(_NAMED_SO, piece.start):
            return True
        at = piece.start
    return False


def named_code(line: Line, at: int) -> Piece | None:
    """ "mã hồ sơ H19.25-260115-0001", "mã số thuế 3600123456-001": part by part, with its signs."""
    match = _NAMED_CODE.match(line.text, at)
    if match is None or not (("-" in match[0] or match[0][0].isalpha()) and line.before(CODE_WORDS, at)):
        return None
    said = []
    for part in re.findall(r"[A-ZĐ]+|\d+|[.-]", match[0]):
        if part in _CODE_SIGNS:
            said.append(_CODE_SIGNS[part])
        elif part.isdigit():
            is_short = len(part) <= 2 and part[0] != "0"
            said.append(cardinal(int(part), line.dialect) if is_short else groups_of_digits(part))
        else:
            said.append(spelled(part))
    return Piece(at, match.end(), " ".join(said), PieceKind.CODE)


def _code(text: str) -> str:
    """A letter, and digits after it as a number."""
    digits = text[1:]
    return spelled(text[0]) + (f" {cardinal(int(digits))}" if digits else "")
