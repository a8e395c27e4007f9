"""Times, lengths and sizes as people say them, in Vietnamese and English.

Pure: `now` and the commune's zone are handed in. The tables are ours because the everyday words ("05:00 sáng mai",
"3 phút trước") are not in any locale database; `tests/web/test_formatting.py` is the same table seen from outside.
"""

from dataclasses import dataclass
from datetime import date, datetime, timedelta
from zoneinfo import ZoneInfo

from web.language import Translator

#: From which hour on a part of the day is called so.
_PARTS_VI = ((0, "rạng sáng"), (5, "sáng"), (11, "trưa"), (13, "chiều"), (18, "tối"), (22, "đêm"))
_PARTS_EN = ((0, "at night"), (5, "in the morning"), (12, "in the afternoon"), (18, "in the evening"), (22, "at night"))
_WEEKDAYS_VI = ("thứ Hai", "thứ Ba", "thứ Tư", "thứ Năm", "thứ Sáu", "thứ Bảy", "Chủ nhật")
_WEEKDAYS_EN = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
_SHORT_VI = ("T2", "T3", "T4", "T5", "T6", "T7", "CN")
_SHORT_EN = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
_MONTHS_EN = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")
_NEAR_VI = {-1: "hôm qua", 0: "nay", 1: "mai"}
_NEAR_EN = {
    -1: ("yesterday", "yesterday morning", "yesterday afternoon", "yesterday evening", "last night"),
    0: ("today", "this morning", "this afternoon", "this evening", "tonight"),
    1: ("tomorrow", "tomorrow morning", "tomorrow afternoon", "tomorrow evening", "tomorrow night"),
}
_PART_NUMBER_EN = {"in the morning": 1, "in the afternoon": 2, "in the evening": 3, "at night": 4}


@dataclass(frozen=True)
class Wording:
    """Says times, lengths and sizes in one language, by the wall clock of `zone`."""

    t: Translator
    zone: ZoneInfo

    @property
    def _vi(self) -> bool:
        return self.t.language == "vi"

    def clock(self, at: datetime) -> str:
        """The time of day: "05:00"."""
        return f"{at.astimezone(self.zone):%H:%M}"

    def clock_with_seconds(self, at: datetime) -> str:
        """The time of day to the second: "05:00:00"."""
        return f"{at.astimezone(self.zone):%H:%M:%S}"

    def when(self, at: datetime, now: datetime) -> str:
        """An instant as one says it on `now`'s day: "05:00 sáng mai", "17:00 chiều thứ Ba 24/11"."""
        local = at.astimezone(self.zone)
        days = (local.date() - now.astimezone(self.zone).date()).days
        return self._when_vi(local, days, now) if self._vi else self._when_en(local, days, now)

    def _when_vi(self, local: datetime, days: int, now: datetime) -> str:
        part = _part(local.hour, _PARTS_VI)
        if days in _NEAR_VI:
            return f"{local:%H:%M} {part} {_NEAR_VI[days]}"
        return f"{local:%H:%M} {part} {self.day(local.date(), now)}"

    def _when_en(self, local: datetime, days: int, now: datetime) -> str:
        part = _part(local.hour, _PARTS_EN)
        if days in _NEAR_EN:
            early = local.hour < 5 and part == "at night"  # 03:15 is not "tonight" in English
            return f"{local:%H:%M} {_NEAR_EN[days][0 if early else _PART_NUMBER_EN[part]]}"
        return f"{local:%H:%M} on {self.day(local.date(), now)}"

    def day(self, day: date, now: datetime) -> str:
        """A date with its weekday; the year only when it is another: "thứ Ba 24/11", "Tuesday 24 Nov"."""
        other_year = day.year != now.astimezone(self.zone).year
        if self._vi:
            return f"{_WEEKDAYS_VI[day.weekday()]} {day.day}/{day.month}{f'/{day.year}' if other_year else ''}"
        year = f" {day.year}" if other_year else ""
        return f"{_WEEKDAYS_EN[day.weekday()]} {day.day} {_MONTHS_EN[day.month - 1]}{year}"

    def typed(self, day: date) -> str:
        """As a field shows it and takes it: "24/11/2026"."""
        return f"{day:%d/%m/%Y}"

    def span(self, first: date, last: date) -> str:
        """A few days: "23/11 – 29/11/2026", "23 Nov – 29 Nov 2026"; the first year only when it is another."""
        if first.year != last.year:
            return f"{self.date(first)} – {self.date(last)}"
        begins = f"{first:%d/%m}" if self._vi else f"{first.day} {_MONTHS_EN[first.month - 1]}"
        return f"{begins} – {self.date(last)}"

    def month(self, day: date) -> str:
        """The month of a day: "Tháng 11/2026", "Nov 2026"."""
        return f"Tháng {day.month}/{day.year}" if self._vi else f"{_MONTHS_EN[day.month - 1]} {day.year}"

    def date(self, day: date) -> str:
        """A bare date: "24/11/2026", "24 Nov 2026"."""
        return f"{day:%d/%m/%Y}" if self._vi else f"{day.day} {_MONTHS_EN[day.month - 1]} {day.year}"

    def weekday(self, number: int) -> str:
        """The name of a weekday, Monday 0: "thứ Hai"."""
        return (_WEEKDAYS_VI if self._vi else _WEEKDAYS_EN)[number]

    def weekday_short(self, number: int) -> str:
        """The short name of a weekday: "T2", "Mon"."""
        return (_SHORT_VI if self._vi else _SHORT_EN)[number]

    def exact(self, at: datetime) -> str:
        """The exact instant, for hovering: "thứ Ba 24/11/2026, 05:00:00 (+07:00)"."""
        local = at.astimezone(self.zone)
        names = _WEEKDAYS_VI if self._vi else _WEEKDAYS_EN
        offset = f"{local:%z}"
        return f"{names[local.weekday()]} {self.date(local.date())}, {local:%H:%M:%S} ({offset[:3]}:{offset[3:]})"

    def printed(self, at: datetime) -> str:
        """An instant for paper: "06:03, 24/11/2026", "06:03, 24 Nov 2026"."""
        local = at.astimezone(self.zone)
        return f"{local:%H:%M}, {self.date(local.date())}"

    def ago(self, at: datetime, now: datetime) -> str:
        """How long since: "vừa xong", "40 giây trước", "3 phút trước"; after a day, when it was."""
        passed = (now - at).total_seconds()
        if passed < 5:
            return self.t("just now")
        if passed < 60:
            return self.t.count("{n} second ago", "{n} seconds ago", int(passed))
        if passed < 3600:
            return self.t.count("{n} minute ago", "{n} minutes ago", int(passed // 60))
        if passed < 86_400:
            return self.t.count("{n} hour ago", "{n} hours ago", int(passed // 3600))
        return self.when(at, now)

    def until(self, at: datetime, now: datetime) -> str:
        """How long to go: "sắp tới ngay", "còn 3 phút"; beyond a day, when it will be."""
        ahead = (at - now).total_seconds()
        if ahead < 5:
            return self.t("any moment")
        if ahead < 60:
            return self.t.count("in {n} second", "in {n} seconds", int(ahead))
        if ahead < 3600:
            return self.t.count("in {n} minute", "in {n} minutes", round(ahead / 60))
        if ahead < 86_400:
            return self.t.count("in {n} hour", "in {n} hours", round(ahead / 3600))
        return self.when(at, now)

    def running(self, duration_us: int) -> str:
        """A position or length as a counter: "12:08", "1:02:03"."""
        seconds = max(0, duration_us) // 1_000_000
        minutes, seconds = divmod(seconds, 60)
        hours, minutes = divmod(minutes, 60)
        return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes:02}:{seconds:02}"

    def length(self, duration_us: int) -> str:
        """A length in words, its two largest units: "1 giờ 5 phút", "12 phút 8 giây", "0,4 giây"."""
        if 0 < duration_us < 1_000_000:
            return self.t("{n} seconds", n=self.number(duration_us / 1_000_000, 1))
        seconds = round(duration_us / 1_000_000)
        amounts = (
            (seconds // 3600, "{n} hour", "{n} hours"),
            (seconds % 3600 // 60, "{n} minute", "{n} minutes"),
            (seconds % 60, "{n} second", "{n} seconds"),
        )
        amounts_in_words = [self.t.count(singular, many, n) for n, singular, many in amounts if n]
        return " ".join(amounts_in_words[:2]) or self.t.count("{n} second", "{n} seconds", 0)

    def milliseconds(self, microseconds: float) -> str:
        """A small error in ms: "0,4 ms"."""
        return f"{self.number(microseconds / 1000, 1 if microseconds >= 100 else 2)} ms"

    def size(self, count: int) -> str:
        """A file's size: "2,4 MB"."""
        for unit, bytes_ in (("GB", 1_000_000_000), ("MB", 1_000_000), ("kB", 1_000)):
            if count >= bytes_:
                return f"{self.number(count / bytes_, 1)} {unit}"
        return f"{count} B"

    def number(self, value: float, places: int = 0) -> str:
        """A number with the language's own decimal sign, without idle zeros: "2,4"."""
        digits = f"{value:,.{places}f}"
        if places:
            digits = digits.rstrip("0").rstrip(".")
        return digits.translate(str.maketrans(",.", ".,")) if self._vi else digits

    def listed(self, parts: list[str]) -> str:
        """A list in a sentence: "Thôn 1, Thôn 2 và Thôn 3"."""
        if len(parts) < 2:
            return "".join(parts)
        return self.t("{most} and {last}", most=", ".join(parts[:-1]), last=parts[-1])


def _part(hour: int, parts: tuple[tuple[int, str], ...]) -> str:
    return next(name for start, name in reversed(parts) if hour >= start)


def monday_of(day: date) -> date:
    """The Monday of a day's week."""
    return day - timedelta(days=day.weekday())
