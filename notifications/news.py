"""News of faults: what one message tells, as its delivery keeps it, before it is put into words."""

from collections.abc import Sequence
from datetime import datetime

import msgspec


class FaultNewsItem(msgspec.Struct, frozen=True):
    """One fault at one receiver, or of a commune and its subject. commune_zone: by whose clock times are written.

    ended_at: None while it is there.
    """

    receiver_id: str
    receiver: str
    place: str
    commune_id: str
    commune: str
    commune_zone: str
    fault: str
    detail: str
    severe: bool
    began_at: datetime
    ended_at: datetime | None = None
    subject: str = ""

    @property
    def name(self) -> str:
        """What has the fault: the receiver, or the relay station."""
        return self.receiver or self.subject


class FaultNews(msgspec.Struct, frozen=True):
    """began: faults not told before; those with an end came and went during quiet hours. ended: of told ones.

    is_test: sent by hand, to see whether messages arrive.
    """

    began: Sequence[FaultNewsItem] = ()
    ended: Sequence[FaultNewsItem] = ()
    is_test: bool = False


def encoded(news: FaultNews) -> bytes:
    return msgspec.json.encode(news)


def decoded(content: bytes) -> FaultNews:
    return msgspec.json.decode(content, type=FaultNews)
