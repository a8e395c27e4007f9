"""How numbers are said in Vietnamese: cardinals, ordinals, days, months, decimals, digit by digit, Roman numerals."""

import re
from dataclasses import dataclass

DIGITS = ("không", "một", "hai", "ba", "bốn", "năm", "sáu", "bảy", "tám", "chín")
#: Beyond this many digits a number is said digit by digit.
_MOST_DIGITS = 15
#: As many decimals are said as one number: "phẩy một trăm hai mươi lăm".
_DECIMALS_AS_NUMBER = 3

_THOUSANDS = re.compile(r"\d{1,3}(?:\.\d{3})+(?:,\d+)?")
_ENGLISH_THOUSANDS = re.compile(r"\d{1,3}(?:,\d{3}){2,}(?:\.\d+)?|\d{1,3}(?:,\d{3})+\.\d+")
_ROMAN = re.compile(r"M{0,3}(CM|CD|D?C{0,3})(XC|XL|L?X{0,3})(IX|IV|V?I{0,3})")
_ROMAN_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}


@dataclass(frozen=True)
class Dialect:
    """Words that differ by region. zero_tens: between hundreds and a single digit."""

    zero_tens: str = "linh"
    thousand: str = "nghìn"


NORTH = Dialect()
SOUTH = Dialect("lẻ", "ngàn")


def digit_by_digit(text: str) -> str:
    """The digits of a text, one after the other; all else is left out."""
    return " ".join(DIGITS[int(c)] for c in text if c.isascii() and c.isdigit())


def cardinal(number: int, dialect: Dialect = NORTH) -> str:
    """A whole number from 0."""
    if number < 1000:
        return _below_thousand(number, dialect, in_full=False)
    billions, rest = divmod(number, 10**9)
    words = [cardinal(billions, dialect), "tỷ"] if billions else []
    for value, name in ((10**6, "triệu"), (1000, dialect.thousand), (1, "")):
        group, rest = divmod(rest, value)
        if group:
            words.append(_below_thousand(group, dialect, in_full=bool(words)))
            words.append(name)
    return " ".join(word for word in words if word)


def _below_thousand(number: int, dialect: Dialect, *, in_full: bool) -> str:
    hundreds, rest = divmod(number, 100)
    tens, ones = divmod(rest, 10)
    words = [DIGITS[hundreds], "trăm"] if hundreds or in_full else []
    if tens == 0:
        if words and ones:
            words.append(dialect.zero_tens)
        if ones or not words:
            words.append(DIGITS[ones])
    elif tens == 1:
        words.append("mười")
        if ones:
            words.append("lăm" if ones == 5 else DIGITS[ones])
    else:
        words += [DIGITS[tens], "mươi"]
        if ones:
            words.append({1: "mốt", 4: "tư", 5: "lăm"}.get(ones, DIGITS[ones]))
    return " ".join(words)


def ordinal(number: int, dialect: Dialect = NORTH) -> str:
    """The number as it is said: What follows "thứ"."""
    return {1: "nhất", 4: "tư"}.get(number) or cardinal(number, dialect)


def month(number: int) -> str:
    """The number as it is said: What follows "tháng"."""
    return "tư" if number == 4 else cardinal(number)


def day(number: int) -> str:
    """A day of the month; the first ten have a word before them."""
    return f"mùng {cardinal(number)}" if number <= 10 else cardinal(number)


def denominator(number: int, dialect: Dialect = NORTH) -> str:
    """The number as it is said: What follows "phần"."""
    return "tư" if number == 4 else cardinal(number, dialect)


def roman(text: str) -> int | None:
    """The value of a Roman numeral in capitals, None when it is not well formed."""
    if not text or not _ROMAN.fullmatch(text):
        return None
    values = [_ROMAN_VALUES[c] for c in text]
    return sum(-v if v < max(values[i + 1 :], default=0) else v for i, v in enumerate(values))


def whole(text: str, dialect: Dialect = NORTH) -> str:
    """Digits without separators. "05" is five; longer ones that begin with zero are codes."""
    if len(text) > _MOST_DIGITS or (len(text) > 2 and text.startswith("0")):
        return digit_by_digit(text)
    return cardinal(int(text), dialect)


def decimals(text: str, dialect: Dialect = NORTH) -> str:
    """The digits after the decimal sign: leading zeros one by one, the rest as a number unless it is long."""
    if len(text) > _DECIMALS_AS_NUMBER:
        return digit_by_digit(text)
    zeros = len(text) - len(text.lstrip("0"))
    rest = text[zeros:]
    return " ".join(["không"] * zeros + ([cardinal(int(rest), dialect)] if rest else []))


def number(text: str, dialect: Dialect = NORTH, *, counted: bool = False) -> tuple[str, tuple[str, ...]]:
    """How a number with separators is said, and how else it might be meant.

    counted: what follows is counted or measured in whole units, so three digits after one comma are thousands.
    """
    if text.isdigit():
        return whole(text, dialect), ()
    if _THOUSANDS.fullmatch(text):
        head, _, tail = text.partition(",")
        said = cardinal(int(head.replace(".", "")), dialect)
        return (f"{said} phẩy {decimals(tail, dialect)}" if tail else said), ()
    if _ENGLISH_THOUSANDS.fullmatch(text):
        head, _, tail = text.partition(".")
        said = cardinal(int(head.replace(",", "")), dialect)
        return (f"{said} phẩy {decimals(tail, dialect)}" if tail else said), ()
    sign = "," if "," in text else "."
    head, _, tail = text.partition(sign)
    as_decimal = f"{whole(head, dialect)} phẩy {decimals(tail, dialect)}"
    if sign == ".":
        return as_decimal, (f"{whole(head, dialect)} chấm {whole(tail, dialect)}",)
    if len(tail) == 3 and 1 <= len(head) <= 3 and not head.startswith("0"):
        as_thousands = cardinal(int(head + tail), dialect)
        if counted or tail == "000":
            return as_thousands, (as_decimal,)
        return as_decimal, (as_thousands,)
    return as_decimal, ()
