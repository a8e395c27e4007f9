"""Numbers as people type them: decimal comma or point, with or without a unit. Never NaN or infinite."""

import re

from runtime.refusal import N_, Refusal

#: A 32-bit row id, the smallest integer type among the databases; no quantity that people type is larger.
MOST_INTEGER = 2_147_483_647
_NUMBER = re.compile(r"(?P<digits>[-+−]?[0-9]{1,12}(?:[.,][0-9]{1,12})?)\s*(?:ms|s|m|%|°)?")
#: A thousand with its separator, or one with three decimals?
_THOUSANDS = re.compile(r"[-+−]?[1-9][0-9]{0,2}[.,][0-9]{3}")


def parse_number(text: str, *, three_decimals: bool = False) -> float:
    """three_decimals: whether 1.500 can only be one and a half, as in degrees; otherwise refused. Raises Refusal."""
    match = _NUMBER.fullmatch(text.strip())
    if match is None:
        raise Refusal(N_("“{text}” is no number."), text=text[:60])
    if _THOUSANDS.fullmatch(match["digits"]) and not three_decimals:
        raise Refusal(
            N_("“{text}” can be a thousand or a decimal number. Write it without the separator."),
            text=text[:60],
        )
    return float(match["digits"].replace(",", ".").replace("−", "-"))


def parse_whole(text: str) -> int:
    """Raises Refusal."""
    match = re.fullmatch(r"[-+]?[0-9]{1,10}", text.strip())
    if match is None or abs(int(match[0])) > MOST_INTEGER:
        raise Refusal(N_("“{text}” is no whole number."), text=text[:60])
    return int(match[0])


def parse_percent(text: str) -> int:
    """0 to 100: "80", "80 %", "80,0". Raises Refusal."""
    percent = parse_number(text.replace("%", "").strip())
    if not 0 <= percent <= 100:
        raise Refusal(N_("The volume must be between 0 and 100 percent."))
    return round(percent)


def row_number(text: str) -> int | None:
    """The id of a row in a hidden field or an address; None for what can be none."""
    return int(text) if re.fullmatch(r"[0-9]{1,10}", text) and int(text) <= MOST_INTEGER else None
