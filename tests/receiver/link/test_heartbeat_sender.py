"""When a heartbeat is due."""

from collections import Counter
from typing import Any, cast

from receiver.link.heartbeat_sender import TELL_AFTER_US, HeartbeatSender
from wire.reports import ClockState, Heartbeat

EVERY_S = 20


class Link:
    """What the sender asks of the heartbeats, the connection and the session."""

    current = 1

    def __init__(self) -> None:
        self.sent = 0

    def make(self, session: int, sequence: int, *_: object) -> Heartbeat:
        return Heartbeat(session=session, sequence=sequence, clock=ClockState(locked=False))

    def publish(self, *_: object, **__: object) -> None:
        self.sent += 1


def sender_of(link: Any) -> HeartbeatSender:
    return HeartbeatSender(link, link, link)


def send(sender: HeartbeatSender, now_us: int | None, now_local_us: int, broadcast: str = "") -> None:
    refused = cast("Counter[str]", Counter())
    sender.send(now_us, now_local_us, every_s=EVERY_S, broadcast=broadcast, volume_percent=50, refused=refused)


def test_one_is_due_every_period_and_once_when_the_time_is_known() -> None:
    sender = sender_of(Link())
    send(sender, None, 1)
    assert not sender.is_due(None, 2, "")
    assert sender.is_due(1_000_000, 2, "")
    send(sender, 1_000_000, 2)
    assert not sender.is_due(1_000_001, 3, "")
    assert sender.is_due(1_000_000, EVERY_S * 1_000_000 + 2, "")


def test_another_broadcast_is_told_when_it_has_lasted() -> None:
    sender = sender_of(Link())
    send(sender, 1, 1)
    assert not sender.is_due(1, 2, "")
    assert not sender.is_due(1, 3, "b1")
    assert sender.is_due(1, 2 + TELL_AFTER_US, "b1")
