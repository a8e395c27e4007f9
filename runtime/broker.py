"""Our side of the MQTT broker. The home of paho on the controller."""

import functools
import logging
import os
import queue
import ssl
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol
from urllib.parse import unquote, urlsplit

import paho.mqtt.client as mqtt
from paho.mqtt.reasoncodes import ReasonCode

from runtime.refusal import N_, Refusal
from transport import mqtt_client

log = logging.getLogger(__name__)

#: topic, payload, whether it is a retained one from before the subscription.
Handler = Callable[[str, bytes, bool], None]

KEEPALIVE_S = 30
#: Between attempts to come back: soon at first, and never so rarely that a repaired network is not noticed.
RECONNECT_S = (1, 15)
_SCHEMES = ("mqtt", "mqtts", "unix")
#: unix(7): 108 bytes with the 0 at the end.
_LONGEST_SOCKET_NAME = 107
#: Between two attempts of `end_session`.
_RETRY_S = 0.05


class Delivery(Protocol):
    """One publication under way."""

    def wait(self, timeout_s: float) -> bool:
        """Wait until the broker acknowledged it (QoS 0: until it was sent). False when that did not happen in time."""
        ...


class Broker(Protocol):
    """What the controller asks of an MQTT broker. Callable from any thread."""

    @property
    def connected(self) -> bool:
        """Whether it is connected now."""
        ...

    def publish(self, topic: str, payload: bytes, *, qos: int, retain: bool) -> Delivery:
        """Send, without waiting. While there is no connection, QoS 1 is kept and sent later, QoS 0 is dropped."""
        ...

    def subscribe(self, topic_filter: str, handler: Handler, qos: int = 1) -> None:
        """Hear a filter from now on, also after each reconnection. A handler's error is logged and ends nothing.

        Several handlers of one filter are all called, in their order; the highest qos among them counts.
        """
        ...

    def on_connected(self, handler: Callable[[], None]) -> None:
        """Call `handler` after each connection."""
        ...

    def on_disconnected(self, handler: Callable[[], None]) -> None:
        """Call `handler` when a connection is lost."""
        ...

    def close(self) -> None: ...


class _Sent:
    def __init__(self, info: mqtt.MQTTMessageInfo) -> None:
        self._info = info

    def wait(self, timeout_s: float) -> bool:
        try:
            self._info.wait_for_publish(timeout_s)
            return self._info.is_published()
        except (RuntimeError, ValueError):
            return False


class MqttBroker:
    """A connection to an MQTT 3.1.1 broker, with a thread of its own that comes back by itself."""

    def __init__(
        self,
        url: str,
        *,
        user: str = "",
        password: str = "",
        client_id: str = "loa:controller",
        ca_file: Path | None = None,
        clean: bool = False,
    ) -> None:
        """url: mqtt://host:port, mqtts://host:port or unix:///path of a socket; user and password may stand in it.

        client_id: with a character that no receiver's id has. clean: no persistent session.
        Does not wait for the connection. Raises Refusal for a URL that is none.
        """
        parts = urlsplit(url)
        if parts.scheme not in _SCHEMES or not (parts.path if parts.scheme == "unix" else parts.hostname):
            raise Refusal(
                N_("{url} is no broker address. Write mqtt://host:1883 or mqtts://host:8883."),
                url=parts.hostname or "?",
            )
        self._handlers: list[tuple[str, Handler, int]] = []
        self._on_connected: list[Callable[[], None]] = []
        self._on_disconnected: list[Callable[[], None]] = []
        self._lock = threading.Lock()
        self._client = _client(url, client_id, clean=clean)
        self._client.username_pw_set(unquote(parts.username or user), unquote(parts.password or password))
        if parts.scheme == "mqtts":
            self._client.tls_set_context(ssl.create_default_context(cafile=str(ca_file) if ca_file else None))
        self._client.max_inflight_messages_set(200)
        mqtt_client.on_connection(
            self._client, accepted=self._connected, refused=self._refused, lost=self._disconnected
        )
        self._client.on_message = self._unexpected
        self._client.connect_async(*_address(url), KEEPALIVE_S)
        mqtt_client.start(self._client, RECONNECT_S)

    @property
    def connected(self) -> bool:
        """Whether it is connected now."""
        return self._client.is_connected()

    def publish(self, topic: str, payload: bytes, *, qos: int, retain: bool) -> Delivery:
        info = self._client.publish(topic, payload, qos, retain)
        if qos and info.rc == mqtt.MQTT_ERR_NO_CONN:
            # paho has kept it and sends it later, but its own wait would give up on this code for good.
            info.rc = mqtt.MQTT_ERR_SUCCESS
        return _Sent(info)

    def subscribe(self, topic_filter: str, handler: Handler, qos: int = 1) -> None:

        with self._lock:
            of_filter = [(h, q) for f, h, q in self._handlers if f == topic_filter]
            qos = max([qos, *(q for _, q in of_filter)])
            self._handlers.append((topic_filter, handler, qos))
        handlers = [*(h for h, _ in of_filter), handler]

        def on_message(_client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
            arguments = message.topic, bytes(message.payload), bool(message.retain)
            for each in handlers:
                mqtt_client.guarded(f"a message on {message.topic}", each, *arguments)

        self._client.message_callback_add(topic_filter, on_message)
        if self._client.is_connected():
            self._client.subscribe(topic_filter, qos)

    def on_connected(self, handler: Callable[[], None]) -> None:
        with self._lock:
            self._on_connected.append(handler)

    def on_disconnected(self, handler: Callable[[], None]) -> None:
        with self._lock:
            self._on_disconnected.append(handler)

    def close(self) -> None:
        mqtt_client.stop(self._client)

    @staticmethod
    def _refused(reason: ReasonCode) -> None:
        log.error("the broker refused the controller: %s", reason)

    def _connected(self) -> None:
        log.info("connected to the broker")
        with self._lock:
            handlers, listeners = list(self._handlers), list(self._on_connected)
        for topic_filter, _, qos in handlers:
            self._client.subscribe(topic_filter, qos)
        for listener in listeners:
            mqtt_client.guarded("a new connection", listener)

    def _disconnected(self, reason: ReasonCode) -> None:
        if reason.is_failure:
            log.warning("the connection to the broker is lost (%s); trying again", reason)
        with self._lock:
            listeners = list(self._on_disconnected)
        for listener in listeners:
            mqtt_client.guarded("a lost connection", listener)

    @staticmethod
    def _unexpected(_client: mqtt.Client, _data: Any, message: mqtt.MQTTMessage) -> None:
        log.debug("nobody asked for %s", message.topic)


def end_session(url: str, client_id: str, user: str, password: str, deadline_s: float) -> None:
    """Connect once under a client id, with a clean session: the broker ends the connection and the session it had.

    deadline_s: of time.monotonic(); until then a refusal is answered by another attempt. Raises TimeoutError.
    """
    while not _accepted_once(url, client_id, user, password, deadline_s - time.monotonic()):
        if time.monotonic() > deadline_s:
            raise TimeoutError(f"the broker did not end the session of {client_id}")
        time.sleep(_RETRY_S)


def _accepted_once(url: str, client_id: str, user: str, password: str, within_s: float) -> bool:
    client = _client(url, client_id, clean=True)
    client.username_pw_set(user, password)
    answers: queue.SimpleQueue[bool] = queue.SimpleQueue()
    mqtt_client.on_connection(client, accepted=lambda: answers.put(True), refused=lambda _reason: answers.put(False))
    try:
        client.connect(*_address(url), KEEPALIVE_S)
        client.loop_start()
        return answers.get(timeout=max(0.1, within_s))
    except (OSError, queue.Empty):
        return False
    finally:
        mqtt_client.stop(client)


def _client(url: str, client_id: str, *, clean: bool) -> mqtt.Client:
    return mqtt_client.new_client(client_id, clean=clean, transport="unix" if url.startswith("unix:") else "tcp")


def _address(url: str) -> tuple[str, int]:
    """Host and port as paho takes them; of a socket its name and any number."""
    parts = urlsplit(url)
    if parts.scheme != "unix":
        return parts.hostname or "", parts.port or mqtt_client.default_port(parts.scheme)
    path = Path(unquote(parts.path))
    if len(os.fsencode(path)) > _LONGEST_SOCKET_NAME:
        path = _short_name(path.parent) / path.name
    return str(path), 1


@functools.cache
def _short_name(folder: Path) -> Path:
    """Another name of a folder. Its descriptor stays open as long as this process."""
    return Path(f"/proc/self/fd/{os.open(folder, os.O_PATH | os.O_DIRECTORY)}")
