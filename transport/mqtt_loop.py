"""The network thread of an MQTT client, for both ends.

paho's own thread is woken for whatever is published, and tells nobody when the bytes of a message came: on a quiet
network that alone made the time exchange ten times longer than the way itself (docs/decisions/0015). Here what is
published leaves in the publisher's own thread, and each message knows the instant at which it stood at the socket.
"""

import contextlib
import logging
import math
import os
import random
import select
import threading
import time
from typing import Any

import paho.mqtt.client as mqtt

log = logging.getLogger(__name__)

#: Looked at this often without anything happening: keepalive has its seconds.
_LOOK_MS = 1_000
#: What waits may still be sent for so long when leaving.
_LEAVING_S = 2.0


class MqttLoop:
    """Connects a client, serves it, and comes back after each loss. All methods may be called from any thread.

    client: with its callbacks and its address (`connect_async`) set; they are called from the network thread.
    wait_s: between attempts to come back, at first and at most.
    """

    def __init__(self, client: mqtt.Client, *, wait_s: tuple[float, float], name: str) -> None:
        self._client = client
        self._first_wait_s, self._most_wait_s = wait_s
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)
        self._ending = threading.Event()
        # Over what paho itself asks of one thread: reading, and writing from the queue of packets.
        self._sockets = threading.Lock()
        self._woken, self._wake = os.pipe()
        for end in (self._woken, self._wake):
            os.set_blocking(end, False)
        # That it is set tells paho never to write from within `publish`: two threads would cut each other's packets.
        client.on_socket_register_write = _nothing
        #: CLOCK_MONOTONIC, ns, at which the message that is handled now stood at the socket.
        self.arrived_ns = time.monotonic_ns()

    def start(self) -> None:
        """Begin to connect; does not wait."""
        self._thread.start()

    def close(self) -> None:
        """Leave in order, and end the thread. Closing twice does nothing."""
        if self._ending.is_set():
            return
        self._ending.set()
        self._rouse()
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(10)
        if not self._thread.is_alive():
            os.close(self._wake)
            os.close(self._woken)

    def publish(self, topic: str, payload: bytes, qos: int, retain: bool) -> mqtt.MQTTMessageInfo:
        """Send at once, unless another thread is at the sockets: then it sends. Never waits."""
        info = self._client.publish(topic, payload, qos, retain)
        self.flush()
        return info

    def flush(self) -> None:
        """Send what paho has queued: after `subscribe` and `unsubscribe`."""
        if threading.current_thread() is self._thread:
            return  # it writes when it has read
        if self._sockets.acquire(blocking=False):
            try:
                self._client.loop_write()
            finally:
                self._sockets.release()
            if not self._client.want_write() and self._client.socket() is not None:
                return
        self._rouse()

    def _rouse(self) -> None:
        with contextlib.suppress(BlockingIOError, OSError):
            os.write(self._wake, b"1")

    def _run(self) -> None:
        wait_s = self._first_wait_s
        while not self._ending.is_set():
            try:
                with self._sockets:
                    self._client.reconnect()
                if self._serve():
                    wait_s = self._first_wait_s
            except OSError as failure:
                log.debug("no connection: %s", failure)
            except Exception:
                log.exception("the connection failed")
            # Spread, so that a thousand receivers do not come back at one instant.
            self._ending.wait(wait_s * random.uniform(0.75, 1.25))  # noqa: S311 - no secret
            wait_s = min(2 * wait_s, self._most_wait_s)

    def _serve(self) -> bool:
        """Until the connection is lost. Gives whether it ever stood."""
        stood, leave_by_s = False, math.inf
        while (connection := self._client.socket()) is not None and time.monotonic() < leave_by_s:
            if self._ending.is_set() and leave_by_s == math.inf:
                leave_by_s = time.monotonic() + _LEAVING_S
                self._client.disconnect()
            waiting = _pending(connection)
            poll = select.poll()
            poll.register(self._woken, select.POLLIN)
            try:
                poll.register(connection, select.POLLIN | (select.POLLOUT if self._client.want_write() else 0))
                ready = dict(poll.poll(0 if waiting else _LOOK_MS))
                number = connection.fileno()
            except (OSError, ValueError):
                continue  # closed by another thread meanwhile
            self.arrived_ns = time.monotonic_ns()
            with self._sockets:
                if self._woken in ready:
                    with contextlib.suppress(BlockingIOError):
                        os.read(self._woken, 4096)
                if waiting or ready.get(number, 0) & ~select.POLLOUT:
                    self._client.loop_read()
                if self._client.want_write():
                    self._client.loop_write()
                self._client.loop_misc()
            stood = stood or self._client.is_connected()
        return stood


def _pending(connection: Any) -> bool:
    """Whether TLS has bytes that the socket no longer shows."""
    return bool(connection.pending()) if hasattr(connection, "pending") else False


def _nothing(*_: object) -> None:
    """Stands where paho asks for an external loop's function."""
