"""Live frames: a few Opus packets, the instant at which they sound, and a raw signature.

controller → the receivers of a commune, not retained. Binary, big-endian, since there are many of them:

    offset  bytes  field
    0       2      "L1"
    2       8      stream: random; another run of the sender is another stream
    10      4      index: of the first packet, counted from the stream's start
    14      8      starts_at_us: controller time at which the first packet's first sample leaves the horn
    22      2      packet_ms: length of each packet's sound; 20
    24      1      count: how many packets follow, 1 to 50
    25      2 each length of each packet in bytes (0: the sender had nothing; conceal it)
    …       …      the packets, one after the other (RFC 6716), 48 kHz mono
    last 64        Ed25519 signature over the topic (UTF-8), one zero byte, and all bytes before the signature

Sample n of the decoded stream leaves at starts_at_us + (n − index·48·packet_ms) / 48000 s: within one stream every
frame says the same line, so that any frame is enough to join in.
"""

import struct
from typing import NamedTuple

from wire.sealing import PublicKey, Reason, Refused, SealingKey

_HEAD = struct.Struct(">2s8sIQHB")
_MAGIC = b"L1"
_SIGNATURE = 64
MOST_PACKETS = 50
#: RFC 6716 §3.4: no Opus packet of one frame is longer.
MOST_PACKET_BYTES = 1275
PACKET_MS = 20
RATE = 48_000


class LiveFrame(NamedTuple):
    """Some packets of a stream, one after the other. Units and clocks: as in the table above."""

    stream: bytes
    first_index: int
    starts_at_us: int
    packets: tuple[bytes, ...]
    packet_ms: int = PACKET_MS

    @property
    def stream_starts_at_us(self) -> int:
        """Controller time at which sample 0 of the stream left, or would have."""
        return self.starts_at_us - self.first_index * self.packet_ms * 1000


def seal_frame(frame: LiveFrame, topic: str, key: SealingKey) -> bytes:
    """The frame as it goes on `topic`. Raises ValueError when it breaks the limits above (our own fault)."""
    if not 1 <= len(frame.packets) <= MOST_PACKETS or any(len(p) > MOST_PACKET_BYTES for p in frame.packets):
        raise ValueError("a live frame holds 1 to 50 packets of at most 1275 bytes")
    head = _HEAD.pack(_MAGIC, frame.stream, frame.first_index, frame.starts_at_us, frame.packet_ms, len(frame.packets))
    lengths = struct.pack(f">{len(frame.packets)}H", *map(len, frame.packets))
    body = head + lengths + b"".join(frame.packets)
    return body + key.sign(_signed(topic, body))


def open_frame(payload: bytes, topic: str, key: PublicKey) -> LiveFrame:
    """Read a frame that came on `topic`. Raises `Refused` (malformed, bad signature); nothing unsigned is parsed."""
    if len(payload) < _HEAD.size + 2 + _SIGNATURE or payload[:2] != _MAGIC:
        raise Refused(Reason.MALFORMED, "not a live frame")
    body, signature = payload[:-_SIGNATURE], payload[-_SIGNATURE:]
    if not key.verifies(_signed(topic, body), signature):
        raise Refused(Reason.BAD_SIGNATURE)
    _, stream, index, starts_at_us, packet_ms, count = _HEAD.unpack_from(body)
    if not 1 <= count <= MOST_PACKETS or packet_ms != PACKET_MS or len(body) < _HEAD.size + 2 * count:
        raise Refused(Reason.MALFORMED, "count or packet length")
    lengths = struct.unpack_from(f">{count}H", body, _HEAD.size)
    at = _HEAD.size + 2 * count
    if at + sum(lengths) != len(body) or max(lengths) > MOST_PACKET_BYTES:
        raise Refused(Reason.MALFORMED, "lengths")
    packets = []
    for length in lengths:
        packets.append(body[at : at + length])
        at += length
    return LiveFrame(stream, index, starts_at_us, tuple(packets), packet_ms)


def _signed(topic: str, body: bytes) -> bytes:
    return topic.encode() + b"\0" + body
