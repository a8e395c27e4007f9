"""What kinds of faults people choose from, and which of them are severe."""

from enum import StrEnum

from devices.faults import LINK, RELAY, SENT_ALONE, SHARED_CREDENTIALS
from devices.self_tests import FAULT as SELF_TEST


class FaultGroup(StrEnum):
    """DEVICE also holds every fault that this version does not know."""

    CONNECTION = "connection"
    POWER = "power"
    SOUND = "sound"
    DEVICE = "device"
    SECURITY = "security"


_GROUPS = {
    LINK: FaultGroup.CONNECTION,
    "sim": FaultGroup.CONNECTION,
    "mains": FaultGroup.POWER,
    "on_battery": FaultGroup.POWER,
    "battery": FaultGroup.POWER,
    "card": FaultGroup.SOUND,
    "chain": FaultGroup.SOUND,
    "amplifier": FaultGroup.SOUND,
    "line": FaultGroup.SOUND,
    "not_heard": FaultGroup.SOUND,
    "media": FaultGroup.SOUND,
    RELAY: FaultGroup.SOUND,
    SELF_TEST: FaultGroup.SOUND,
    SENT_ALONE: FaultGroup.SECURITY,
    SHARED_CREDENTIALS: FaultGroup.SECURITY,
}
#: The receiver cannot sound, is about to be damaged or to go silent, or may be in foreign hands: told at night too.
_SEVERE = frozenset(
    {"mains", "battery", "card", "chain", "amplifier", "line", "temperature", SENT_ALONE, SHARED_CREDENTIALS}
)


def group_of(fault: str) -> FaultGroup:
    return _GROUPS.get(fault, FaultGroup.DEVICE)


def is_severe(fault: str) -> bool:
    return fault in _SEVERE
