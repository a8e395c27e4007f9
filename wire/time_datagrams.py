"""The time exchange in datagrams: how an ask is packed. The answer is the sealed `TimeTell` alone.

A datagram waits neither for the broker nor for a packet lost before it (docs/decisions/0016).
"""

import msgspec

from wire import topics
from wire.messages import decode, encode
from wire.time import TimeAsk

#: An ask is padded with spaces to this length. An answer is up to 2.3 times as long: longer asks would cost mobile
#: data. `devices.time_server` limits the answers to one address, so that they are no use for flooding a forged one.
LEAST_ASK_BYTES = 256
MOST_BYTES = 1200


def pack_ask(receiver: str, ask: TimeAsk) -> bytes:
    """The datagram: the receiver's id, a newline, the ask as JSON, padding."""
    return (receiver.encode() + b"\n" + encode(ask)).ljust(LEAST_ASK_BYTES)


def unpack_ask(datagram: bytes) -> tuple[str, TimeAsk]:
    """The receiver's id and the ask. Raises msgspec.DecodeError."""
    name, newline, ask = datagram.partition(b"\n")
    receiver = name.decode("ascii", "replace")
    if not newline or not LEAST_ASK_BYTES <= len(datagram) <= MOST_BYTES or not topics.is_id(receiver):
        raise msgspec.DecodeError("not an ask for the time")
    return receiver, decode(ask, TimeAsk)
