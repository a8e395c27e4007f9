"""Who has just come is told; who was there before, or goes, is not."""

from devices.connect_events import on_session_start
from tests.fakes.broker import FakeBroker
from wire.messages import encode
from wire.reports import Presence

TOPIC = "loa/1/r/thon-1/presence"


def test_a_birth_is_told_and_nothing_else() -> None:
    broker, told = FakeBroker(), list[str]()
    broker.publish("loa/1/r/thon-7/presence", encode(Presence(session=4, online=True)), qos=1, retain=True)
    on_session_start(broker, told.append)
    assert told == []  # retained: it came before
    broker.publish(TOPIC, encode(Presence(session=1, online=True)), qos=1, retain=True)
    assert told == ["thon-1"]
    broker.publish(TOPIC, encode(Presence(session=1, online=False)), qos=1, retain=True)
    broker.publish(TOPIC, b"{", qos=1, retain=True)
    assert told == ["thon-1"]
