"""What an entry of the audit is about, in the words of the pages.

The table holds names of the code, and days as 2026-11-25.
"""

import re

from people.audit import Deed
from runtime.refusal import N_
from web.labels.broadcasts import CHIMES
from web.labels.faults import FAULTS
from web.labels.fields import FIELDS
from web.labels.people import ROLE_NAMES
from web.language import Translator

COMMANDS = {
    "identify": N_("says its name"),
    "test-tone": N_("test clicks"),
    "volume": N_("volume"),
    "reboot": N_("restart"),
}
#: What of a receiver is set in a form that has no field of this name.
SETTINGS = {
    "station_id": N_("Station"),
    "alert_phone": N_("Telephone number for alerts"),
    "amplifier_lead_ms": N_("Amplifier lead time (ms)"),
    "latitude_deg": N_("Latitude"),
    "longitude_deg": N_("Longitude"),
}
IMPORTED = {"new": N_("new:"), "changed": N_("changed:"), "same": N_("unchanged:"), "wrong": N_("wrong:")}
KINDS = {"receivers": N_("Receivers"), "schedules": N_("Schedules"), "operators": N_("Operators")}
STANDARD = N_("the standard chime")
LATCHED = {**FAULTS, "link": N_("Connection lost")}
_ISO_DAY = re.compile(r"\b(\d{4})-(\d{2})-(\d{2})\b")
_WORD = re.compile(r"[a-z][a-z_-]*[a-z]")
_BY_DEED: dict[Deed, dict[str, str]] = {
    Deed.RECEIVER_COMMANDED: COMMANDS,
    Deed.FAULT_ACKNOWLEDGED: LATCHED,
    Deed.FAULT_RESET: LATCHED,
    Deed.RECEIVER_CHANGED: {**FIELDS, **SETTINGS},
    Deed.IMPORTED: IMPORTED,
    Deed.OPERATOR_ADDED: {role.value: word for role, word in ROLE_NAMES.items()},
    Deed.OPERATOR_CHANGED: {role.value: word for role, word in ROLE_NAMES.items()},
}


def audit_detail(t: Translator, action: str, detail: str) -> str:
    """The names that people gave, before the colon, stay as they are."""
    shown = _ISO_DAY.sub(r"\3/\2/\1", detail)
    if action == Deed.CHIME_CHANGED:
        kind, _, title = shown.partition(": ")
        return f"{t(CHIMES.get(kind, kind))}: {t(STANDARD) if title == 'standard' else title}"
    words = _BY_DEED.get(Deed(action), {}) if action in set(Deed) else {}
    if not words:
        return shown
    if shown.partition(":")[0] in words:
        return _WORD.sub(lambda found: t(words[found[0]]) if found[0] in words else found[0], shown)
    kind, comma, file = shown.partition(", ")
    if action == Deed.IMPORTED and kind in KINDS:
        shown = f"{t(KINDS[kind])}{comma}{file}"
    name, colon, rest = shown.partition(": ") if ": " in shown else ("", "", shown)
    return name + colon + _WORD.sub(lambda found: t(words[found[0]]) if found[0] in words else found[0], rest)
