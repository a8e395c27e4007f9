"""The time exchange in datagrams: the way beside the broker, and the instants at which the kernel took them in.

What goes through the broker waits for it twice, and for each lost or late packet before it (docs/decisions/0016).
"""

import socket
import struct
import time
from typing import Any, NamedTuple

import msgspec

from wire import topics
from wire.messages import decode, encode
from wire.time import TimeAsk

#: An ask is filled up with spaces to this: nobody can use the answers to flood a third.
LEAST_ASK_BYTES = 256
MOST_BYTES = 1200
#: SO_TIMESTAMPNS (socket(7)); the same on all machines that Python runs a receiver on, and not in Python's own table.
_SO_TIMESTAMPNS = 35
_TIMESPEC = struct.Struct("@qq")
_ROOM = socket.CMSG_SPACE(_TIMESPEC.size)
#: A stamp older than this is none: the wall clock was set meanwhile.
_OLDEST_NS = 900_000_000


class Datagram(NamedTuple):
    """One that came. sender: as the socket gives it. arrived_ns: CLOCK_MONOTONIC."""

    payload: bytes
    sender: Any
    arrived_ns: int


def pack_ask(receiver: str, ask: TimeAsk) -> bytes:
    """The datagram of an ask: who asks, a line's end, the ask."""
    return (receiver.encode() + b"\n" + encode(ask)).ljust(LEAST_ASK_BYTES)


def unpack_ask(datagram: bytes) -> tuple[str, TimeAsk]:
    """Who asks, and what. Raises msgspec.DecodeError."""
    name, line_end, ask = datagram.partition(b"\n")
    receiver = name.decode("ascii", "replace")
    if not line_end or not LEAST_ASK_BYTES <= len(datagram) <= MOST_BYTES or not topics.is_id(receiver):
        raise msgspec.DecodeError("no ask for the time")
    return receiver, decode(ask, TimeAsk)


def stamped(opened: socket.socket) -> socket.socket:
    """Have the kernel note when each datagram came."""
    opened.setsockopt(socket.SOL_SOCKET, _SO_TIMESTAMPNS, 1)
    return opened


def receive(opened: socket.socket) -> Datagram:
    """The next datagram of a socket that is `stamped`. Raises OSError, and TimeoutError as the socket is set."""
    payload, about, _flags, sender = opened.recvmsg(MOST_BYTES + 1, _ROOM)
    wall_ns, now_ns = time.clock_gettime_ns(time.CLOCK_TAI), time.monotonic_ns()
    for level, kind, data in about:
        if level == socket.SOL_SOCKET and kind == _SO_TIMESTAMPNS and len(data) >= _TIMESPEC.size:
            seconds, nanoseconds = _TIMESPEC.unpack_from(data)
            # The stamp is UTC, and the reading TAI: whole seconds apart. Thus a program that is given a false UTC
            # (libfaketime and its like) still learns how old the stamp is, in true time.
            age_ns = (wall_ns - seconds * 1_000_000_000 - nanoseconds) % 1_000_000_000
            return Datagram(payload, sender, now_ns - age_ns if age_ns < _OLDEST_NS else now_ns)
    return Datagram(payload, sender, now_ns)
