"""The path of the time exchange: datagrams to the controller where they get through, else the broker.

A datagram waits neither in the broker nor behind a lost packet. Some networks let no datagram out, so the broker
remains as a fallback (docs/decisions/0016).
"""

import contextlib
import logging
import os
import select
import socket
from collections.abc import Callable
from typing import Protocol
from urllib.parse import urlsplit

from receiver.timing.time_asker import TimeAsker
from transport.datagrams import enable_timestamps, receive
from transport.worker import BackOff, Worker
from wire.time import TimeAsk
from wire.time_datagrams import MOST_BYTES, pack_ask

log = logging.getLogger(__name__)

#: So many datagrams in a row without an answer: asked by the broker, and now and then by datagram again.
SILENT_AFTER = 10
_TRY_EVERY_US = 10_000_000
_LOOK_US = 1_000_000
_WAIT_AFTER_FAILURE_US = 2_000_000


class ByBroker(Protocol):
    """The way through the broker."""

    @property
    def is_connected(self) -> bool:
        """Whether it is open now."""
        ...

    def send(self, ask: TimeAsk) -> None:
        """Send an ask, without waiting."""
        ...


class TimeLink:
    """A thread of its own. Methods may be called from any."""

    def __init__(
        self,
        asker: TimeAsker,
        receiver: str,
        by_broker: ByBroker,
        local_us: Callable[[], int],
        *,
        try_every_us: int = _TRY_EVERY_US,
    ) -> None:
        """local_us: CLOCK_MONOTONIC. try_every_us: how often a datagram is tried while none is answered."""
        self._try_every_us = try_every_us
        self._asker = asker
        self._receiver = receiver
        self._by_broker = by_broker
        self._local_us = local_us
        self._address = ""
        self._socket: socket.socket | None = None
        self._opened_for = ""
        self._open_again_us = 0
        self._unanswered = 0
        self._last_try_us = 0
        self._woken, self._wake = os.pipe()
        for end in (self._woken, self._wake):
            os.set_blocking(end, False)
        self._worker = Worker(self._step, "time", back_off=BackOff(1.0, 5.0), interrupt=self.hurry)

    @property
    def by_datagram(self) -> bool:
        return self._socket is not None and self._unanswered < SILENT_AFTER

    def start(self) -> None:
        self._worker.start()

    def close(self) -> None:
        """Ask no more. Closing twice does nothing."""
        if self._worker.stopping.is_set():
            return
        if self._worker.close(5):
            os.close(self._wake)
            os.close(self._woken)
            if self._socket is not None:
                self._socket.close()

    def set_address(self, address: str) -> None:
        """Where datagrams go from now on, host:port; empty: nowhere."""
        if address != self._address:
            self._address = address
            self.hurry()

    def hurry(self) -> None:
        """Look now whether an ask is due: the plan has changed."""
        with contextlib.suppress(BlockingIOError, OSError):
            os.write(self._wake, b"1")

    def answered_by_broker(self, payload: bytes, arrived_us: int) -> None:
        """Take an answer that came through the broker."""
        if self._asker.answered(payload, arrived_us):
            self._go_on()

    def _go_on(self) -> None:
        if self._asker.burst_goes_on:
            self._ask(self._local_us())

    # -- the thread

    def _step(self) -> float:
        self.turn()
        return 0.0

    def turn(self) -> None:
        """Ask when it is time to, and hear what comes until the next ask; a second at most."""
        self._open_when_told()
        self._ask_when_due()
        self._wait()

    def _open_when_told(self) -> None:
        """Open a socket for the address; a name is looked up here, since that may take long."""
        address, now_us = self._address, self._local_us()
        if address == self._opened_for or now_us < self._open_again_us:
            return
        if self._socket is not None:
            self._socket.close()
            self._socket = None
        if not address:
            self._opened_for = address
            return
        try:
            opened = _connected(address)
        except (OSError, ValueError) as failure:
            log.debug("no datagrams to %s: %s", address, failure)
            self._open_again_us = now_us + self._try_every_us
            return
        self._socket, self._opened_for, self._unanswered = opened, address, 0

    def _ask_when_due(self) -> None:
        now_us = self._local_us()
        if now_us >= self._due_us(now_us):
            self._ask(now_us)

    def _due_us(self, now_us: int) -> int:
        """When to ask next; while nobody answers not in the haste of the first seconds."""
        due_us = self._asker.next_ask()
        if self.by_datagram or self._by_broker.is_connected:
            return due_us
        return max(due_us, self._last_try_us + _WAIT_AFTER_FAILURE_US) if self._socket else now_us + _LOOK_US

    def _ask(self, now_us: int) -> None:
        opened = self._socket
        trying = now_us - self._last_try_us >= self._try_every_us or not self._by_broker.is_connected
        if opened is not None and (self.by_datagram or trying):
            self._last_try_us = now_us
            self._unanswered += 1
            # Stamped last: work done before the ask is sent must not count towards its round-trip time.
            ask = self._asker.ask(self._local_us())
            try:
                opened.send(pack_ask(self._receiver, ask))
            except OSError as failure:
                log.debug("a datagram could not be sent: %s", failure)
                self._unanswered = max(self._unanswered, SILENT_AFTER)
        elif self._by_broker.is_connected:
            self._by_broker.send(self._asker.ask(self._local_us()))

    def _wait(self) -> None:
        now_us = self._local_us()
        wait_us = min(_LOOK_US, max(0, self._due_us(now_us) - now_us))
        poll = select.poll()
        poll.register(self._woken, select.POLLIN)
        if self._socket is not None:
            poll.register(self._socket, select.POLLIN)
        ready = dict(poll.poll(wait_us / 1000))
        if self._woken in ready:
            with contextlib.suppress(BlockingIOError):
                os.read(self._woken, 4096)
        if self._socket is not None and self._socket.fileno() in ready:
            self._hear(self._socket)

    def _hear(self, opened: socket.socket) -> None:
        while True:
            try:
                packet = receive(opened, MOST_BYTES + 1)
            except BlockingIOError:
                return
            except OSError as failure:  # nobody listens there: the other side's machine says so
                log.debug("datagrams are refused: %s", failure)
                self._unanswered = max(self._unanswered, SILENT_AFTER)
                return
            if self._asker.answered(packet.payload, packet.arrived_ns // 1000):
                self._unanswered = 0
                self._go_on()


def _connected(address: str) -> socket.socket:
    """A socket for datagrams to host:port. Raises OSError and ValueError."""
    where = urlsplit("//" + address)
    if not where.hostname or not where.port:
        raise ValueError("it is no host:port")
    family, kind, protocol, _, to = socket.getaddrinfo(where.hostname, where.port, type=socket.SOCK_DGRAM)[0]
    opened = enable_timestamps(socket.socket(family, kind, protocol))
    try:
        opened.setblocking(False)
        # Connected: the kernel drops what comes from anybody else, and tells when nobody is there.
        opened.connect(to)
    except OSError:
        opened.close()
        raise
    return opened
