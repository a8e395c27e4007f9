"""The connection to the broker. Home of paho on the receiver."""

import logging
import secrets
import ssl
import time
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, Protocol
from urllib.parse import urlsplit

import paho.mqtt.client as mqtt
from paho.mqtt.reasoncodes import ReasonCode

from receiver.link.identity import CredentialsUnusable, Identity, SessionNumber
from receiver.link.reconnect_pauses import ReconnectPauses
from transport import mqtt_client
from wire import topics
from wire.messages import encode
from wire.reports import Presence
from wire.time import TimeAsk
from wire.topics import Kind

log = logging.getLogger(__name__)

#: Short, so that a dead link is noticed and its will published within seconds, not minutes.
KEEPALIVE_S = 15
RECONNECT_S = (1, 20)
#: Connections closed early in a row, after which the log names the likely cause.
_SUSPICIOUS = 3


class ConnectionHandler(Protocol):
    """Called from the connection's thread; must not block."""

    def connected(self, session: int) -> None: ...

    def disconnected(self) -> None:
        """The connection is lost; it comes back by itself."""
        ...

    def message(self, kind: Kind, topic: topics.Topic, payload: bytes) -> None:
        """A message of one of our topics."""
        ...


class Connection:
    """Connects and reconnects; publishes birth and will with a new session number each time."""

    def __init__(self, identity: Identity, sessions: SessionNumber, handler: ConnectionHandler, version: str) -> None:
        """Raises CredentialsUnusable for an address that is none."""
        parts = urlsplit(identity.broker_url)
        if parts.scheme not in ("mqtt", "mqtts") or not parts.hostname:
            raise CredentialsUnusable("the credentials name no broker address (mqtt://host:port or mqtts://host:port)")
        self._identity = identity
        self._sessions = sessions
        self._handler = handler
        self._version = version
        self._heard: set[tuple[str, int]] = set()  # the filters of communes, each with its QoS
        self._boot = secrets.token_hex(8)
        self._pauses = ReconnectPauses()
        self._connected_at_s: float | None = None  # of time.monotonic(); None while there is no connection
        self._client = mqtt_client.new_client(identity.receiver, clean=False)
        self._client.username_pw_set(identity.receiver, identity.broker_secret)
        if parts.scheme == "mqtts":
            self._client.tls_set_context(ssl.create_default_context(cadata=identity.tls_ca_pem))
        self._client.on_pre_connect = self._new_session
        mqtt_client.on_connection(
            self._client, accepted=self._connected, refused=self._refused, lost=self._disconnected
        )
        self._client.on_message = self._message
        self._address = (parts.hostname, parts.port or mqtt_client.default_port(parts.scheme))

    @property
    def is_connected(self) -> bool:
        """Whether a session is open."""
        return self._client.is_connected()

    def start(self) -> None:
        """Begin to connect; does not wait."""
        self._client.connect_async(*self._address, keepalive=KEEPALIVE_S)
        mqtt_client.start(self._client, RECONNECT_S)

    def close(self, cause: str) -> None:
        """Publish the farewell and disconnect. cause: "stopped" or "reboot"."""
        if self._client.is_connected():
            self.publish(Kind.PRESENCE, self._presence(online=False, cause=cause), qos=1, retain=True).wait_for_publish(
                2
            )
        mqtt_client.stop(self._client)

    def publish(self, kind: Kind, payload: bytes, *, qos: int, retain: bool = False) -> mqtt.MQTTMessageInfo:
        """Send on one of our own topics, without waiting."""
        return self._client.publish(topics.of_receiver(self._identity.receiver, kind), payload, qos, retain)

    def send(self, ask: TimeAsk) -> None:
        """Ask the controller for the time."""
        self.publish(Kind.TIME_ASK, encode(ask), qos=0)

    def listen_to(self, commune: str, former: Mapping[str, bool] = MappingProxyType({})) -> None:
        """Subscribe to this commune's broadcasts and unsubscribe from others. Call it again after each connection.

        former: the communes that the receiver was in before, and whether to keep their live frames.
        """
        wanted = {(heard, 1) for heard in (topics.air_of_commune(commune), *topics.alerts_of_commune(commune))}
        wanted |= {
            (topics.live_of_commune(commune_id), 0)
            for commune_id in (commune, *(c for c, live in former.items() if live))
        }
        # Of the former ones too that were left before a restart: the broker keeps what a session subscribed to.
        every = {heard for heard, _ in self._heard}
        every |= {of(commune_id) for commune_id in former for of in (topics.air_of_commune, topics.live_of_commune)}
        every |= {heard for commune_id in former for heard in topics.alerts_of_commune(commune_id)}
        gone = sorted(every - {heard for heard, _ in wanted})
        self._heard = wanted
        if self._client.is_connected():
            if gone:
                self._client.unsubscribe(gone)
            self._client.subscribe(sorted(wanted))

    def read_retained_again(self) -> None:
        """Subscribe once more, whereupon the broker sends all that it retains."""
        if self._client.is_connected():
            self._client.subscribe([(self._own(Kind.CONFIG), 1), *sorted(self._heard)])

    def _own(self, kind: Kind) -> str:
        return topics.of_receiver(self._identity.receiver, kind)

    def _presence(self, *, online: bool, cause: str = "") -> bytes:
        return encode(
            Presence(
                session=self._sessions.current,
                online=online,
                version=self._version if online else "",
                cause=cause,
                boot=self._boot if online else "",
            )
        )

    def _new_session(self, client: mqtt.Client, _data: Any) -> None:
        self._sessions.next()
        topic = topics.of_receiver(self._identity.receiver, Kind.PRESENCE)
        client.will_set(topic, self._presence(online=False), qos=1, retain=True)

    @staticmethod
    def _refused(reason: ReasonCode) -> None:
        log.error("broker refused this receiver: %s; check that its credentials are still valid", reason)

    def _connected(self) -> None:
        self._connected_at_s = time.monotonic()
        self._client.subscribe([(self._own(Kind.CONFIG), 1), (self._own(Kind.DO), 1), (self._own(Kind.TIME_TELL), 0)])
        # The birth last: the controller answers it with live frames, and by then the subscription exists.
        mqtt_client.guarded("a new connection", self._handler.connected, self._sessions.current)
        self.publish(Kind.PRESENCE, self._presence(online=True), qos=1, retain=True)

    def _disconnected(self, reason: ReasonCode) -> None:
        if reason.is_failure and self._connected_at_s is not None:
            held_s = time.monotonic() - self._connected_at_s
            pause_s = self._pauses.pause_s(held_s, silent=reason.getName() == "Keep alive timeout")
            self._client.reconnect_delay_set(pause_s, max(pause_s, RECONNECT_S[1]))  # type: ignore[arg-type] # only added
            log.warning("connection lost after %.0f s: %s; reconnecting in %.0f s", held_s, reason, pause_s)
            if self._pauses.closed_early >= _SUSPICIOUS:
                log.error(
                    "the broker closed %d connections early: another device may use these credentials",
                    self._pauses.closed_early,
                )
        self._connected_at_s = None
        mqtt_client.guarded("a lost connection", self._handler.disconnected)

    def _message(self, _client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        topic = topics.parse(message.topic)
        if topic is not None:
            arguments = topic.kind, topic, bytes(message.payload)
            mqtt_client.guarded(f"a message on {message.topic}", self._handler.message, *arguments)
