"""A broker in memory with the behaviour of a real one: retained messages, wildcards, accounts, access lists, wills."""

import logging
from collections.abc import Callable
from dataclasses import dataclass, field

from runtime.broker import Handler
from runtime.mosquitto_configuration import AclRow

log = logging.getLogger(__name__)


def matches(topic_filter: str, topic: str) -> bool:
    """MQTT 3.1.1 §4.7: + is one level, # all that follow."""
    wanted, given = topic_filter.split("/"), topic.split("/")
    for k, part in enumerate(wanted):
        if part == "#":
            return True
        if k >= len(given) or part not in ("+", given[k]):
            return False
    return len(wanted) == len(given)


@dataclass
class Acknowledged:
    """A delivery whose fate is known already."""

    done: bool

    def wait(self, timeout_s: float) -> bool:
        return self.done


@dataclass
class FakeBroker:
    """The controller's own connection, and the place where others connect (`client`)."""

    acl: list[AclRow] = field(default_factory=list)
    retained: dict[str, bytes] = field(default_factory=dict)
    #: all that was published, in order: topic, payload, qos, retain.
    log: list[tuple[str, bytes, int, bool]] = field(default_factory=list)
    up: bool = True
    _clients: list["FakeClient"] = field(default_factory=list)
    _own: "FakeClient | None" = None
    _on_connected: list[Callable[[], None]] = field(default_factory=list)
    _on_disconnected: list[Callable[[], None]] = field(default_factory=list)
    #: what we published at QoS 1 while it was away.
    _waiting: list[tuple[str, bytes, int, bool, Acknowledged]] = field(default_factory=list)

    def __post_init__(self) -> None:
        self._own = self.client("controller", trusted=True)

    @property
    def connected(self) -> bool:
        return self.up

    def client(self, user: str, *, trusted: bool = False) -> "FakeClient":
        """Another connection; not trusted: only what the access list gives it."""
        client = FakeClient(self, user, trusted)
        self._clients.append(client)
        return client

    def publish(self, topic: str, payload: bytes, *, qos: int, retain: bool) -> Acknowledged:
        assert self._own is not None
        sent = self._own.publish(topic, payload, qos=qos, retain=retain)
        if not self.up and qos:
            self._waiting.append((topic, payload, qos, retain, sent))
        return sent

    def subscribe(self, topic_filter: str, handler: Handler, qos: int = 1) -> None:
        assert self._own is not None
        self._own.subscribe(topic_filter, handler, qos)

    def on_connected(self, handler: Callable[[], None]) -> None:
        self._on_connected.append(handler)

    def on_disconnected(self, handler: Callable[[], None]) -> None:
        self._on_disconnected.append(handler)

    def close(self) -> None:
        self.up = False

    def fall(self) -> None:
        """The broker goes away; what is published meanwhile is not acknowledged."""
        self.up = False
        for handler in self._on_disconnected:
            handler()

    def come_back(self) -> None:
        """The broker is there again."""
        self.up = True
        waiting, self._waiting = self._waiting, []
        for topic, payload, qos, retain, sent in waiting:
            self.deliver(topic, payload, qos, retain)
            sent.done = True
        for handler in self._on_connected:
            handler()

    def may(self, user: str, access: str, topic: str) -> bool:
        return any(r.access == access and matches(r.pattern.replace("%u", user), topic) for r in self.acl)

    def deliver(self, topic: str, payload: bytes, qos: int, retain: bool) -> None:
        self.log.append((topic, payload, qos, retain))
        if retain:
            if payload:
                self.retained[topic] = payload
            else:
                self.retained.pop(topic, None)
        for client in list(self._clients):
            client.hear(topic, payload, retained=False)


class FakeClient:
    """One connection to the fake broker."""

    def __init__(self, broker: FakeBroker, user: str, trusted: bool) -> None:
        self._broker, self._user, self._trusted = broker, user, trusted
        self._handlers: list[tuple[str, Handler]] = []
        self._will: tuple[str, bytes] | None = None

    def publish(self, topic: str, payload: bytes, *, qos: int, retain: bool) -> Acknowledged:
        if not self._broker.up:
            return Acknowledged(False)
        # As the real one: what is denied is acknowledged and dropped.
        if self._trusted or self._broker.may(self._user, "write", topic):
            self._broker.deliver(topic, payload, qos, retain)
        return Acknowledged(True)

    def subscribe(self, topic_filter: str, handler: Handler, qos: int = 1) -> None:
        self._handlers.append((topic_filter, handler))
        for topic, payload in list(self._broker.retained.items()):
            if matches(topic_filter, topic) and self._allowed(topic):
                _hand(handler, topic, payload, True)

    def will(self, topic: str, payload: bytes) -> None:
        self._will = (topic, payload)

    def die(self) -> None:
        """Lose the connection without a farewell: the will is sent, retained."""
        self._broker._clients.remove(self)
        if self._will and (self._trusted or self._broker.may(self._user, "write", self._will[0])):
            self._broker.deliver(*self._will, 1, True)

    def hear(self, topic: str, payload: bytes, *, retained: bool) -> None:
        if not self._allowed(topic):
            return
        for topic_filter, handler in self._handlers:
            if matches(topic_filter, topic):
                _hand(handler, topic, payload, retained)

    def _allowed(self, topic: str) -> bool:
        return self._trusted or self._broker.may(self._user, "read", topic)


def _hand(handler: Handler, topic: str, payload: bytes, retained: bool) -> None:
    try:
        handler(topic, payload, retained)
    except Exception:
        log.exception("a message on %s could not be handled", topic)
