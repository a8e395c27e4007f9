"""UDP datagrams with the instant at which the kernel received each.

The instant at which a program reads a datagram is late by a thread's wake-up; on a quiet network that is more than the
round trip (docs/decisions/0016).
"""

import socket
import struct
import time
from typing import Any, NamedTuple

#: SO_TIMESTAMPNS (socket(7)). The same on every machine that Python runs a receiver on; not in Python's own table.
_SO_TIMESTAMPNS = 35
_TIMESPEC = struct.Struct("@qq")
_ANCILLARY_BYTES = socket.CMSG_SPACE(_TIMESPEC.size)
#: An older timestamp is not used: the wall clock was set in between.
_OLDEST_NS = 900_000_000


class Datagram(NamedTuple):
    """sender: as the socket gives it. arrived_ns: CLOCK_MONOTONIC."""

    payload: bytes
    sender: Any
    arrived_ns: int


def enable_timestamps(udp: socket.socket) -> socket.socket:
    """Have the kernel timestamp each datagram. Returns the same socket."""
    udp.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
    return udp


def receive(udp: socket.socket, most_bytes: int) -> Datagram:
    """The next datagram, cut off after `most_bytes`. udp: after `enable_timestamps`.

    Raises OSError, and TimeoutError or BlockingIOError as the socket is set.
    """
    payload, ancillary, _flags, sender = udp.recvmsg(most_bytes, _ANCILLARY_BYTES)
    tai_ns, now_ns = time.clock_gettime_ns(time.CLOCK_TAI), time.monotonic_ns()
    for level, kind, data in ancillary:
        if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS and len(data) >= _TIMESPEC.size:
            seconds, nanoseconds = _TIMESPEC.unpack_from(data)
            # The timestamp is UTC and the reading TAI: they differ by whole seconds. A program that runs under
            # libfaketime, which changes UTC, still learns the true age of the timestamp.
            age_ns = (tai_ns - seconds * 1_000_000_000 - nanoseconds) % 1_000_000_000
            return Datagram(payload, sender, now_ns - age_ns if age_ns < _OLDEST_NS else now_ns)
    return Datagram(payload, sender, now_ns)
