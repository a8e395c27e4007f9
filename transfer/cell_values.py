"""What cells mean: weekdays, kinds, roles, and what `parsing` reads from their text. Each raises Refusal.

Stricter than forms where a spreadsheet can have changed what was typed: four bare digits, years of two digits.
"""

import re
import unicodedata
from datetime import date, datetime, time, timedelta

from devices.stations import StationKind
from parsing.days import parse_day
from parsing.names import folded
from parsing.numbers import parse_number, parse_percent
from parsing.phones import parse_phone
from parsing.times import parse_times
from people.rights import Role
from runtime.refusal import N_, Refusal
from transfer.sheets import CellValue, shown
from wire.broadcasts import BroadcastClass

#: Day 0 of spreadsheets whose dates are shown as plain numbers.
_EXCEL_EPOCH = datetime(1899, 12, 30)  # noqa: DTZ001 - a day of a wall calendar
#: Spreadsheets keep 15 digits of a number.
_FIRST_INEXACT = 10**15
_SHORTENED = re.compile(r"[+-]?[0-9]([.,][0-9]+)?E\+?[0-9]{2,3}", re.IGNORECASE)
#: Of Vietnamese mobile numbers.
_WITHOUT_ZERO, _WITHOUT_PLUS = re.compile(r"[35789][0-9]{8}"), re.compile(r"84[35789][0-9]{8}")
_WEEKDAY = {
    "2": 0,
    "hai": 0,
    "mon": 0,
    "3": 1,
    "ba": 1,
    "tue": 1,
    "4": 2,
    "tu": 2,
    "wed": 2,
    "5": 3,
    "nam": 3,
    "thurs": 3,
    "6": 4,
    "sau": 4,
    "fri": 4,
    "7": 5,
    "bay": 5,
    "sat": 5,
    "8": 6,
    "cn": 6,
    "sun": 6,
}
_DAY_SIGN = re.compile(
    r"\s*(?:(?:thu\s*|th\.?\s*|t\.?\s*)?(2|3|4|5|6|7|8|hai|ba|tu|nam|sau|bay)\b|(cn|mon|tue|wed|thurs|fri|sat|sun)(?:day|sday|nesday|urday)?\b)"
)
_EVERY_DAY = ("hang ngay", "moi ngay", "ca tuan", "tat ca", "daily", "every day", "all", "hang tuan")


def has_lost_digits(value: CellValue) -> bool:
    """Whether a spreadsheet has shortened a long number: it keeps 15 digits, and shows 867123000000000 as 8,67123E+14.

    A text of digits counts when its end is so many zeros that it was such a number before.
    """
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) >= _FIRST_INEXACT:
        return True
    text = shown(value).strip()
    if _SHORTENED.fullmatch(text):
        return True
    zeros = len(text) - len(text.rstrip("0"))
    return text.isdecimal() and ((len(text) >= 14 and zeros >= 8) or (len(text) >= 18 and zeros >= len(text) - 15))


def times(value: CellValue) -> list[time]:
    """Times of the day: 05:00; 17h30; "5 giờ và 17 giờ"; of "05:00–05:30" the first."""
    if isinstance(value, datetime):
        return [value.time().replace(microsecond=0)]
    if isinstance(value, time):
        return [value.replace(microsecond=0)]
    if isinstance(value, float) and 0 <= value < 1:
        return [(_EXCEL_EPOCH + timedelta(seconds=round(value * 86_400))).time()]
    return parse_times(shown(value), ranges=True, four_digits=False)


def weekdays(value: CellValue) -> list[int]:
    """Days of the week, 0 for Monday: "Thứ 2–Thứ 6", "T2, T4, CN", "hằng ngày", "cuối tuần", "Mon-Fri"."""
    normalised = unicodedata.normalize("NFC", shown(value)).lower()
    text = folded(re.sub(r"\btừ\b", " ", normalised)).strip(" .")  # else it would read like "tư", Wednesday
    if text in _EVERY_DAY or "hang ngay" in text or text == "":
        return list(range(7))
    text = text.replace("chu nhat", "cn").replace("cuoi tuan", "7,cn").replace("ngay thuong", "2-6")
    text = re.sub(r"\s*(?:–|—|->|→|~|\bden\b|\btoi\b|\bto\b)\s*", "-", text)
    days: set[int] = set()
    at, last, ranged = 0, None, False
    while at < len(text):
        matched = _DAY_SIGN.match(text, at)
        if matched is not None:
            day = _WEEKDAY[matched[1] or matched[2]]
            days |= set(_run(last, day)) if ranged and last is not None else {day}
            at, last, ranged = matched.end(), day, False
        elif text[at] == "-" and last is not None:
            at, ranged = at + 1, True
        elif text[at] in ",;/&+ .\n" or text.startswith("va", at):
            at += 2 if text.startswith("va", at) else 1
        else:
            days = set()
            break
    if not days or ranged:
        raise Refusal(
            N_("“{text}” names no days of the week. Write T2–T6, or T2, T4, CN, or hằng ngày."), text=normalised[:60]
        )
    return sorted(days)


def _run(first: int, last: int) -> list[int]:
    return [day % 7 for day in range(first, last + 1 if last >= first else last + 8)]


def day(value: CellValue) -> date:
    """A day: 25/11/2026, 2026-11-25, or a date of the spreadsheet."""
    if isinstance(value, datetime):
        return value.date()
    if isinstance(value, date):
        return value
    if isinstance(value, int | float) and not isinstance(value, bool) and 30_000 < value < 80_000:
        return (_EXCEL_EPOCH + timedelta(days=int(value))).date()
    return parse_day(shown(value), short_year=False)


def percent(value: CellValue) -> int:
    """0 to 100: 80, "80 %", or the spreadsheet's 0.8."""
    if isinstance(value, int | float) and 0 < value <= 1:
        return round(value * 100)
    return parse_percent(shown(value))


def number(text: str) -> float:
    """A number, with comma or point, with or without its unit."""
    return parse_number(text)


def station_kind(text: str) -> StationKind:
    """Which of the three technologies."""
    words = folded(text)
    if any(word in words for word in ("huu tuyen", "co day", "wired")):
        return StationKind.WIRED
    if any(word in words for word in ("fm", "vo tuyen", "khong day")):
        return StationKind.FM
    if any(word in words for word in ("ip", "4g", "3g", "thong minh", "cntt", "vien thong", "internet")):
        return StationKind.IP
    raise Refusal(N_("“{text}” is no kind of station. Write có dây, FM or IP."), text=text[:60])


def broadcast_class(text: str) -> BroadcastClass:
    """The legal class, in words or by the number of the provincial exchange (1, 2, 3)."""
    words = folded(text)
    if "khan" in words or words in ("1", "emergency"):
        return BroadcastClass.EMERGENCY
    if "thuong" in words or "khong uu tien" in words or words in ("3", "normal"):
        return BroadcastClass.NORMAL
    if "uu tien" in words or words in ("2", "priority"):
        return BroadcastClass.PRIORITY
    raise Refusal(N_("“{text}” is no class. Write khẩn cấp, ưu tiên or thông thường."), text=text[:60])


_ROLES = (
    (Role.CHAIR, ("chu tich", "lanh dao", "phe duyet", "chair")),
    (Role.EMERGENCY_STARTER, ("phat khan cap", "starts emergencies")),
    (Role.EMERGENCY_ENDER, ("ket thuc khan cap", "ends emergencies")),
    (Role.TECHNICIAN, ("ky thuat", "bao tri", "technician")),
    (Role.VIEWER, ("truong thon", "to truong", "chi xem", "xem", "viewer", "village head")),
    (
        Role.OPERATOR,
        ("van hoa", "bien tap", "phat thanh", "truyen thanh", "can bo", "van hanh", "cong chuc", "operator", "culture"),
    ),
)


def role(text: str) -> Role:
    """What a person is in the commune."""
    words = folded(text)
    for candidate, signs in _ROLES:
        if any(sign in words for sign in signs):
            return candidate
    raise Refusal(
        N_("“{text}” is no role that can be imported. Write chủ tịch, cán bộ văn hóa, kỹ thuật or trưởng thôn."),
        text=text[:60],
    )


def words_of(text: str) -> list[str]:
    """Names in one cell, with commas or semicolons between."""
    return [" ".join(part.split()) for part in re.split(r"[,;\n]", text) if part.strip()]


def phone(text: str) -> str:
    """A spreadsheet that takes a number for a quantity drops the 0 or the + in front."""
    if _WITHOUT_ZERO.fullmatch(text.strip()):
        return f"0{text.strip()}"
    return parse_phone(f"+{text.strip()}" if _WITHOUT_PLUS.fullmatch(text.strip()) else text)
