"""What Loa reads of a CAP alert. Plain data: it comes out of the sandboxed child process that read the file."""

from datetime import datetime
from enum import StrEnum

import msgspec


class Status(StrEnum):
    """CAP's status. Only ACTUAL may sound as real."""

    ACTUAL = "Actual"
    EXERCISE = "Exercise"
    SYSTEM = "System"
    TEST = "Test"
    DRAFT = "Draft"


class MessageType(StrEnum):
    """CAP's msgType."""

    ALERT = "Alert"
    UPDATE = "Update"
    CANCEL = "Cancel"
    ACK = "Ack"
    ERROR = "Error"


class Severity(StrEnum):
    """The gravest first, as in the other two."""

    EXTREME = "Extreme"
    SEVERE = "Severe"
    MODERATE = "Moderate"
    MINOR = "Minor"
    UNKNOWN = "Unknown"


class Urgency(StrEnum):
    IMMEDIATE = "Immediate"
    EXPECTED = "Expected"
    FUTURE = "Future"
    PAST = "Past"
    UNKNOWN = "Unknown"


class Certainty(StrEnum):
    OBSERVED = "Observed"
    LIKELY = "Likely"
    POSSIBLE = "Possible"
    UNLIKELY = "Unlikely"
    UNKNOWN = "Unknown"


class MessageKey(msgspec.Struct, frozen=True, order=True):
    """What identifies a message everywhere: CAP's sender, identifier and sent."""

    sender: str
    identifier: str
    sent: datetime


class Reached(msgspec.Struct, frozen=True, kw_only=True):
    """What the areas of one info block reach in a commune.

    codes: (valueName, value) of its geocodes. has_shape: whether there are polygons or circles. is_whole: they cover
    the commune's border. touches: they reach into it, or one of its receivers. receivers: ids of those inside.
    """

    description: str = ""
    codes: tuple[tuple[str, str], ...] = ()
    has_shape: bool = False
    is_whole: bool = False
    touches: bool = False
    receivers: tuple[str, ...] = ()


class Info(msgspec.Struct, frozen=True, kw_only=True):
    """One info block: the alert in one language."""

    language: str
    category: str
    event: str
    severity: Severity
    urgency: Urgency
    certainty: Certainty
    reached: Reached
    response_types: tuple[str, ...] = ()
    effective: datetime | None = None
    expires: datetime | None = None
    sender_name: str = ""
    headline: str = ""
    description: str = ""
    instruction: str = ""


class CapMessage(msgspec.Struct, frozen=True, kw_only=True):
    """A message that was read and found in order.

    references: the messages that an Update or a Cancel is about. origin: of an alert that another Loa passed on, the
    message that it aired. is_signed: by the certificate of its source. digest: of the content without the signature.
    """

    key: MessageKey
    status: Status
    type: MessageType
    is_public: bool
    references: tuple[MessageKey, ...] = ()
    infos: tuple[Info, ...] = ()
    origin: MessageKey | None = None
    is_signed: bool = False
    digest: str = ""


class ReceiverPosition(msgspec.Struct, frozen=True):
    """A receiver with its position, in degrees of WGS 84."""

    id: str
    latitude_deg: float
    longitude_deg: float


class SpokenText(msgspec.Struct, frozen=True):
    """language: a tag, "vi"."""

    language: str
    text: str


class CommunePlaces(msgspec.Struct, frozen=True, kw_only=True):
    """Where a commune is. outline: its border as `devices.outlines` keeps it, None for none."""

    outline: str | None = None
    receivers: tuple[ReceiverPosition, ...] = ()
