"""The codes of the provincial exchange: the one table of what its numbers mean to us.

As fielded products write them. A province that writes others says so in its profile (`province.profile`), so that
everything behind it sees only these.
"""

from enum import IntEnum

from runtime.refusal import Refusal
from wire.broadcasts import BroadcastClass


class SendStatus(IntEnum):
    """TrangThaiGui: how a message was met."""

    TAKEN = 0
    REFUSED = 1


#: MucDoUuTien.
URGENCY = {1: BroadcastClass.EMERGENCY, 2: BroadcastClass.PRIORITY, 3: BroadcastClass.NORMAL}
URGENCY_CODES = {class_: code for code, class_ in URGENCY.items()}


class BulletinKind(IntEnum):
    """LoaiBanTin."""

    TEXT = 1
    IMAGE = 2
    AUDIO = 3
    VIDEO = 4
    LIVE = 5


class Activity(IntEnum):
    """TrangThaiHoatDong: what a receiver does."""

    PLAYING = 0
    PAUSED = 1
    STOPPED = 2


class ConnectionStatus(IntEnum):
    """TrangThaiKetNoi: whether we hear a receiver. Not written down anywhere we know; a profile may turn it round."""

    LOST = 0
    CONNECTED = 1


class CommandCode(IntEnum):
    """MaLenh."""

    VOLUME = 0
    AMPLIFIER = 1
    PLAYBACK = 2
    REBOOT = 3


class Playback(IntEnum):
    """ThamSo of MaLenh 2."""

    STOP_ALL = 0
    NEXT = 1
    PAUSE = 2
    RESUME = 3


class RefusalCode(IntEnum):
    """MaLoi, our own: why we refuse a message. Beside it MoTa says it in words."""

    MISSING_FIELD = 1
    WRONG_TYPE = 2
    UNKNOWN_CODE = 3
    UNREADABLE = 4
    NOT_HERE = 5  # meant for a place or a receiver that is not here
    NOT_POSSIBLE = 6  # Loa has no such thing
    RULE = 7  # allowed hours, nobody to hear, a time that has passed
    AUDIO = 8  # gone, too large, no recording
    NOT_AUTHORISED = 9


class Unacceptable(Refusal):
    """A message of the province that we do not take. why: the code that it is told."""

    def __init__(self, why: RefusalCode, message_id: str, **values: object) -> None:
        super().__init__(message_id, **values)
        self.why = why
