"""Answers receivers that ask for the time by datagram (docs/decisions/0016)."""

import contextlib
import logging
import socket
from collections import Counter

import msgspec

from devices.downlink import Downlink
from runtime.clock import Clock
from runtime.refusal import N_, Refusal
from transport.datagrams import enable_timestamps, receive
from transport.worker import BackOff, Worker
from wire.time_datagrams import MOST_BYTES, unpack_ask

log = logging.getLogger(__name__)

#: What a flood may take of the controller: each answer is signed, some 60 µs of a processor. Beyond it asks are
#: dropped, and receivers go by the broker.
MOST_A_SECOND = 3000
#: From one address: a commune's receivers behind one router, all at their start. So a flood from one address leaves the
#: others their answers.
MOST_A_SECOND_OF_ONE = 300
#: For datagrams that wait: some 0.1 s of a flood.
_RECEIVE_BUFFER_BYTES = 4_000_000
#: The socket is waited at for so long; `close` ends the wait.
_WAIT_S = 10.0


class TimeServer:
    """One UDP socket and one thread. Nothing that comes can change anything: it tells the time, and to anybody."""

    def __init__(
        self,
        downlink: Downlink,
        clock: Clock,
        *,
        host: str,
        port: int,
        most_a_second: int = MOST_A_SECOND,
        most_a_second_of_one: int = MOST_A_SECOND_OF_ONE,
    ) -> None:
        """port: 0 for any free one. Raises Refusal when it is taken or not ours to take."""
        self._most_a_second, self._most_a_second_of_one = most_a_second, most_a_second_of_one
        self._downlink = downlink
        self._clock = clock
        try:
            self._socket = _bound(host, port)
        except OSError as failure:
            raise Refusal(
                N_(
                    "The time cannot be answered on UDP port {port} of {host}: {why}. LOA_TIME_PORT names another; 0 "
                    "leaves it to the broker."
                ),
                port=port,
                host=host,
                why=failure.strerror or str(failure),
            ) from failure
        self._socket.settimeout(_WAIT_S)
        self.port: int = self._socket.getsockname()[1]
        self.refused: Counter[str] = Counter()
        self._second, self._answered = 0, 0
        self._by_source: Counter[str] = Counter()
        # A datagram that cannot be handled must not delay the answer to the next one.
        self._worker = Worker(self._step, "time", back_off=BackOff(0.0, 0.0), interrupt=self._interrupt)

    def start(self) -> None:
        self._worker.start()

    def _interrupt(self) -> None:
        with contextlib.suppress(OSError):
            self._socket.sendto(b"", self._socket.getsockname())

    def close(self) -> None:
        self._worker.close(5)
        self._socket.close()

    def _step(self) -> float:
        try:
            self._answer_one()
        except OSError as failure:  # none came, or the network to its sender is gone: the next sender may be reached
            log.debug("no time answer sent: %s", failure)
        return 0.0

    def _answer_one(self) -> None:
        packet = receive(self._socket, MOST_BYTES + 1)
        second = packet.arrived_ns // 1_000_000_000
        if not self._source_has_room(second, packet.sender[0]):  # before reading it, which costs more
            self.refused["too_many"] += 1
            return
        try:
            receiver_id, ask = unpack_ask(packet.payload)
        except msgspec.DecodeError:
            self.refused["malformed"] += 1
            return
        if not self._clock.trusted:
            return  # receivers go on by the time that they know
        self._answered += 1
        if self._answered > self._most_a_second:
            self.refused["too_many"] += 1
            return
        heard_at_us = self._clock.at_us(packet.arrived_ns // 1000)
        answer = self._downlink.sealed_time(receiver_id, ask.nonce, ask.asked_local_us, heard_at_us)
        self._socket.sendto(answer, packet.sender)

    def _source_has_room(self, second: int, source: str) -> bool:
        if second != self._second:
            self._second, self._answered = second, 0
            self._by_source.clear()
        self._by_source[source] += 1
        return self._by_source[source] <= self._most_a_second_of_one


def _bound(host: str, port: int) -> socket.socket:
    """Raises OSError."""
    family, kind, protocol, _, address = socket.getaddrinfo(host, port, type=socket.SOCK_DGRAM)[0]
    opened = enable_timestamps(socket.socket(family, kind, protocol))
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _RECEIVE_BUFFER_BYTES)
    try:
        opened.bind(address)
    except OSError:
        opened.close()
        raise
    return opened
