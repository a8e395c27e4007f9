"""Telephone numbers as people type them."""

import re

from runtime.refusal import N_, Refusal

_PHONE = re.compile(r"\+?\d{8,15}")


def parse_phone(text: str) -> str:
    """Digits, with a leading + when it was typed so. Blanks, dots, hyphens and brackets between them are dropped."""
    digits = re.sub(r"[\s.\-()\xa0]", "", text)
    if digits and not _PHONE.fullmatch(digits):
        raise Refusal(
            N_("“{text}” is not a telephone number. Write it as 0912 345 678 or +84 912 345 678."), text=text[:40]
        ).at("phone")
    return digits
