"""Dates: "ngày 2/9", "15/8/2026", "1-5/9", "8/2026"; and when two numbers around a slash are a date at all."""

import re

from speech.numbers import cardinal, day, denominator, month, number
from speech.reading import Line, Piece, PieceKind, begins_with, ends_with
from speech.rules.quantities import unit_at
from speech.tables import words

_DAYS_IN_MONTH = (31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)
#: Days that every notice knows: written so, they are dates.
_FEASTS = frozenset(
    {
        (30, 4),
        (1, 5),
        (2, 9),
        (8, 3),
        (20, 10),
        (20, 11),
        (27, 7),
        (19, 5),
        (22, 12),
        (1, 6),
        (10, 3),
        (3, 2),
        (26, 3),
        (19, 8),
        (1, 1),
        (27, 2),
        (21, 6),
        (13, 10),
        (9, 1),
        (25, 12),
        (18, 11),
        (28, 6),
        (12, 9),
        (10, 10),
    }
)
#: Fractions that are so common that without any sign of a date they are none.
_COMMON_FRACTIONS = frozenset({(1, 2), (1, 3), (2, 3), (1, 4), (3, 4)})

_ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?![\d-])")
_FULL = re.compile(
    r"(\d{1,2})\s?([/.-])\s?(\d{1,2})\s?\2\s?(\d{4}|\d{2})(?![\d]|[/-](?!\d{1,2}[/.-]\d{1,2}[/.-]\d{4})[\dA-ZĐ]|[.,]\d)"
)
_RANGE = re.compile(
    r"(\d{1,2})\s*(?:[-–—]|đến|tới)\s*(\d{1,2})/(\d{1,2})(?:/(\d{4}))?(?![\d/]|[.,]\d)"
)  # the days of one month
_TWO = re.compile(r"(\d{1,2})([/.-])(\d{1,2})(?![\d]|[/-][A-ZĐ]|/\d|-\d(?!\d?/\d{1,2}(?:/\d{4})?(?![\d/]))|[.,]\d)")
_MONTH = re.compile(r"(0?[1-9]|1[0-2])\s?[/-]\s?(\d{4})(?![\d/]|-[A-ZĐ])")
_PART = re.compile(r"(\d+|[IVX]+)\s?/\s?((?:19|20|21)\d\d)(?![\d/]|-[A-ZĐ])")
_MONTHS = re.compile(r"(\d{1,2})T(?:/((?:19|20)\d\d)(?![\d/])|(?=\s(?:đầu|cuối|năm)(?!\w)))")  # 9T/2026
_TWO_YEARS = re.compile(r"((?:19|20)\d\d)\s?/\s?((?:19|20)\d\d)(?![\d/])")
_DAY_ALONE = re.compile(r"(\d{1,2})(?=(?:,\d{1,2})+(?:/\d| tháng))|(\d{1,2})(?![\d/%°]|[.,]\d|\w)")

_DAY_WORD = ends_with("ngày|mùng|mồng|ngày mùng|ngày mồng")
_FIRST_TEN_WORD = ends_with("mùng|mồng")
_DAY_LABEL = re.compile(r"ngày(?: \w+){0,2}\s?[:.]?\s*$")
_DATE_WORDS = ends_with(words("before a date"))
_WEEKDAY = ends_with(r"thứ (?:hai|ba|tư|năm|sáu|bảy|[2-7])|chủ nhật|cn|t[2-7]")
_RATIO_WORDS = ends_with(words("before a fraction"))
_ADDRESS_WORDS = ends_with(r"lớp|số nhà|nhà số|ngõ|hẻm|ngách|kiệt|địa chỉ|thửa(?: đất)?(?: số)?|căn hộ|nhà")
_COUNTED = begins_with(words("counted after a fraction"))
_WHOLE = begins_with(words("a whole after a fraction"))
_NOT_A_DAY = begins_with(words("after a number that is no day"))
_BEFORE_PART = ends_with(words("before a part of a year"))
_ALWAYS_WORDS = re.compile(
    r"(?<!\w)(?:phục vụ|hoạt động|trực|trực ban|hỗ trợ|liên tục|mở cửa|túc trực|tiếp nhận|vận hành|đường dây"
    r"|đường dây nóng|hotline|tổng đài|giám sát|cấp cứu|làm việc|camera|thường trực|tư vấn)(?: \w+){0,2}[ :]*$"
)
_ABOUT = ends_with("hơn|gần|khoảng|quá|trên|dưới|ít nhất|chiếm|tối thiểu")
#: Of a cup: "vòng 1/16".
_ROUND = ends_with("vòng")
_HOURS = re.compile(r"\s?[hH](?!\w)")
_MONTH_WORD = ends_with("tháng")


def full_date(line: Line, at: int) -> Piece | None:
    """Reads for example 15/8/2026, 02-9-1945, 1.5.26, 2026-11-27."""
    iso = _ISO.match(line.text, at)
    match = iso or _FULL.match(line.text, at)
    if match is None:
        return None
    if iso:
        y, m, d = match[1], int(match[2]), int(match[3])
    else:
        d, m, y = int(match[1]), int(match[3]), match[4]
        if match[2] != "/" and len(y) == 2 and not line.before(_DAY_LABEL, at):
            return None
    swapped = m > 12 >= d
    if swapped:
        d, m = m, d
    if not is_date(d, m):
        return None
    return Piece(
        at,
        match.end(),
        f"{_day(line, at, d, named=True)} tháng {month(m)} {_year(line, y)}",
        PieceKind.DATE,
        doubtful=swapped,
    )


def days_of_month(line: Line, at: int) -> Piece | None:
    """1-5/9: from one day to another of the same month."""
    match = _RANGE.match(line.text, at)
    if match is None:
        return None
    first, last, m = int(match[1]), int(match[2]), int(match[3])
    if not (first < last and is_date(first, m) and is_date(last, m)) or line.before(_ADDRESS_WORDS, at):
        return None
    said = f"{_day(line, at, first)} đến {day(last)} tháng {month(m)}"
    if match[4]:
        said += f" {_year(line, match[4])}"
    return Piece(at, match.end(), said, PieceKind.DATE)


def day_and_month(line: Line, at: int) -> Piece | None:
    """2/9: a date, a fraction, or so many of so many, by what stands around it."""
    match = _TWO.match(line.text, at)
    if match is None:
        return None
    a, b, sign, end = int(match[1]), int(match[3]), match[2], match.end()
    as_date = f"{_day(line, at, a)} tháng {month(b)}" if is_date(a, b) else ""
    if sign != "/":
        if as_date and line.before(_DAY_WORD, at) and not (sign == "-" and not _is_single(line, end)):
            return Piece(at, end, as_date, PieceKind.DATE)
        return None
    as_ratio = _ratio(line, a, b, at, end)
    if not as_date or line.before(_ADDRESS_WORDS, at):
        if line.before(_ADDRESS_WORDS, at):
            as_ratio = f"{number(match[1], line.dialect)[0]} trên {number(match[3], line.dialect)[0]}"
            return Piece(at, end, as_ratio, PieceKind.RATIO)
        unit = unit_at(line, end)
        if unit:
            as_ratio, end = f"{as_ratio} {unit[0]}", unit[1]
        hours = _HOURS.match(line.text, end)
        return Piece(at, hours.end() if hours else end, as_ratio + (" giờ" if hours else ""), PieceKind.RATIO)
    if (a, b) == (24, 7) and _ALWAYS_WORDS.search(line.lower[max(0, at - 48) : at]):
        return Piece(at, end, f"{cardinal(24)} trên bảy", PieceKind.RATIO)
    has_zero = match[1][0] == "0" or match[3][0] == "0"
    day_said, ratio_said = line.before(_DAY_WORD, at), line.after(_COUNTED, end)
    if (
        day_said
        or has_zero
        or (line.before(_DATE_WORDS, at) and not ratio_said)
        or (_after_date(line) and not ratio_said)
    ):
        return Piece(at, end, as_date, PieceKind.DATE)
    if ratio_said or line.before(_RATIO_WORDS, at):
        sure = ratio_said or (a, b) not in _FEASTS
        return Piece(at, end, as_ratio, PieceKind.RATIO, () if sure else (as_date,))
    if (a, b) in _FEASTS:
        return Piece(at, end, as_date, PieceKind.DATE)
    if (a, b) in _COMMON_FRACTIONS:
        return Piece(at, end, as_ratio, PieceKind.RATIO, (as_date,))
    return Piece(at, end, as_date, PieceKind.DATE, (as_ratio,))


def month_and_year(line: Line, at: int) -> Piece | None:
    """8/2026; "quý 3/2026"; "năm học 2025/2026"."""
    years = _TWO_YEARS.match(line.text, at)
    if years:
        said = f"{cardinal(int(years[1]), line.dialect)} đến {cardinal(int(years[2]), line.dialect)}"
        return Piece(at, years.end(), said, PieceKind.DATE)
    months = _MONTHS.match(line.text, at)
    if months:
        year = f" {_year(line, months[2])}" if months[2] else ""
        return Piece(at, months.end(), f"{cardinal(int(months[1]), line.dialect)} tháng{year}", PieceKind.DATE)
    part = _PART.match(line.text, at)
    if part and part[1].isdigit() and line.before(_BEFORE_PART, at):
        return Piece(at, part.end(), f"{number(part[1], line.dialect)[0]} {_year(line, part[2])}", PieceKind.DATE)
    match = _MONTH.match(line.text, at)
    if match is None or not 1900 <= int(match[2]) < 2200:
        return None
    word = "" if line.before(_MONTH_WORD, at) else "tháng "
    return Piece(at, match.end(), f"{word}{month(int(match[1]))} {_year(line, match[2])}", PieceKind.DATE)


def day_alone(line: Line, at: int) -> Piece | None:
    """ "ngày 5", "ngày 1, 2 và 3 tháng 9", "tháng 4"."""
    match = _DAY_ALONE.match(line.text, at)
    if match is None:
        return None
    n, end = int(match[0]), match.end()
    if line.before(_MONTH_WORD, at) and 1 <= n <= 12:
        return Piece(at, end, month(n), PieceKind.NUMBER)
    follows_day = _listed(line, at)
    if not 1 <= n <= 31 or line.after(_NOT_A_DAY, end):
        return None
    if follows_day or line.before(_DAY_WORD, at):
        return Piece(at, end, _day(line, at, n), PieceKind.DAY)
    return None


def is_date(d: int, m: int) -> bool:
    return 1 <= m <= 12 and 1 <= d <= _DAYS_IN_MONTH[m - 1]


_BETWEEN_DAYS = re.compile(r"^\s*(?:,|và|-|–|đến|hoặc|,? ?ngày)\s*$")


def _listed(line: Line, at: int) -> bool:
    """Whether only a comma, "và" or a dash stands since the last day."""
    days = [piece for piece in line.pieces if piece.kind is PieceKind.DAY]
    return bool(days) and _BETWEEN_DAYS.match(line.lower[days[-1].end : at]) is not None


def _after_date(line: Line) -> bool:
    dates = [p for p in line.pieces if p.kind not in (PieceKind.PAUSE, PieceKind.SILENT)][-2:]
    return any(piece.kind in (PieceKind.DATE, PieceKind.DAY) for piece in dates)


def _is_single(line: Line, end: int) -> bool:
    """Whether no other number of a range follows."""
    return not re.match(r"\s*[-–]\s*\d", line.text[end:])


def _day(line: Line, at: int, n: int, *, named: bool = False) -> str:
    """named: with "ngày" before it, unless that was typed."""
    if line.before(_FIRST_TEN_WORD, at):
        return cardinal(n, line.dialect)
    if named and not line.before(_DAY_WORD, at) and not line.before(_DAY_LABEL, at):
        return f"ngày {day(n)}"
    return day(n)


def _year(line: Line, y: str) -> str:
    return f"năm {number(y, line.dialect)[0]}"


def _ratio(line: Line, a: int, b: int, at: int, end: int) -> str:
    above, below = cardinal(a, line.dialect), cardinal(b, line.dialect)
    if a == 1 and line.before(_ROUND, at):
        return f"một phần {denominator(b, line.dialect)}"
    counted = line.after(_COUNTED, end) and not line.after(_WHOLE, end) and not line.before(_ABOUT, at)
    if 0 < a < b <= 10 and not counted:
        return f"{above} phần {denominator(b, line.dialect)}"
    return f"{above} trên {below}"
