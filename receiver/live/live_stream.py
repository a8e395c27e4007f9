"""A live stream at a receiver: packets in, samples out in order, lost packets concealed. Home of opuslib."""

from typing import NamedTuple

import numpy as np
import opuslib_next
from numpy.typing import NDArray

from wire.live import PACKET_MS, RATE, LiveFrame

Samples = NDArray[np.float32]

PACKET_SAMPLES = RATE * PACKET_MS // 1000
PACKET_US = PACKET_MS * 1000
#: A decoder that starts in the middle hears some packets first: 80 ms is what RFC 7845 §4.2 asks after a seek.
PRE_ROLL_PACKETS = 4
#: Concealment of a longer hole would be guessing: behind it the decoder restarts. libopus continues a steady sound at
#: nearly its level, so the concealed sound is faded out here, from the first number of packets to the second.
FADE_FROM_PACKETS = 5
LONGEST_HOLE_PACKETS = 25
#: Packets kept that are already decoded, for FEC and for going back a little after a re-anchor: half a second.
KEPT_BEHIND_PACKETS = 25
#: Packets taken ahead of what sounds: 15 s. A sender that runs further ahead is refused: memory has an end.
MOST_AHEAD_PACKETS = 750


class LiveCounts(NamedTuple):
    """Packets since the stream began here. late: came when their place had sounded. lost: never came in time.

    concealed: of the lost, those mended from the next packet's copy (in-band FEC); the others were guessed.
    repeated: came twice. taken: were used.
    """

    taken: int = 0
    late: int = 0
    lost: int = 0
    concealed: int = 0
    repeated: int = 0


class LiveStream:
    """One stream of one sender. Not thread-safe: its caller holds a lock."""

    def __init__(self, first: LiveFrame) -> None:
        """first: any frame of it, for example the first that came."""
        self.stream = first.stream
        self.starts_at_us = first.stream_starts_at_us
        self.counts = LiveCounts()
        self._decoder = opuslib_next.Decoder(RATE, 1)
        self._packets: dict[int, bytes] = {}
        self._next: int | None = None  # the packet to decode next
        self._heard_one = False
        self._hole = 0  # packets lacking in a row, up to the one decoded last
        self.newest = first.first_index
        self.add(first)

    def fits(self, frame: LiveFrame) -> bool:
        """Whether a frame has this stream's id and time line."""
        return frame.stream == self.stream and frame.stream_starts_at_us == self.starts_at_us

    def add(self, frame: LiveFrame, sounding: int = 0) -> bool:
        """Take the packets of a frame. False when it is not of this stream, or absurdly far ahead.

        sounding: the packet whose place sounds now. While the stream does not sound, nothing is decoded.
        """
        ahead_of = max(sounding, self._next if self._next is not None else self.newest)
        if not self.fits(frame) or frame.first_index > ahead_of + MOST_AHEAD_PACKETS:
            return False
        late = repeated = taken = 0
        for index, packet in enumerate(frame.packets, frame.first_index):
            if index in self._packets:
                repeated += 1
            elif self._next is not None and index < self._next:
                late += 1
                self._packets[index] = packet  # it may still be heard after a step back
            elif packet:
                self._packets[index] = packet
                taken += 1
        self.newest = max(self.newest, frame.first_index + len(frame.packets) - 1)
        c = self.counts
        self.counts = c._replace(taken=c.taken + taken, late=c.late + late, repeated=c.repeated + repeated)
        if len(self._packets) > MOST_AHEAD_PACKETS:
            self._forget(sounding - KEPT_BEHIND_PACKETS)
        return True

    @property
    def held(self) -> int:
        """Number of packets in memory."""
        return len(self._packets)

    def packet_from(self, index: int) -> int | None:
        """The first packet held at or after a place; None when there is none."""
        return min((held for held in self._packets if held >= index), default=None)

    def has(self, index: int) -> bool:
        """Whether a packet is there."""
        return index in self._packets

    def decode(self, index: int) -> Samples:
        """The sound of a packet, 960 samples mono float32 in −1…1; silence before the first packet that ever came.

        Call it in order; a jump restarts the decoder with a pre-roll.
        """
        if self._next is None or not self._next <= index <= self._next + LONGEST_HOLE_PACKETS:
            self._restart(index)
        sound = np.zeros(PACKET_SAMPLES, np.float32)
        while self._next is not None and self._next <= index:
            sound = self._decode_next()
        self._forget(index - KEPT_BEHIND_PACKETS)
        return sound

    def _restart(self, index: int) -> None:
        self._decoder.reset_state()
        self._next, self._heard_one, self._hole = index, False, 0
        for earlier in range(max(0, index - PRE_ROLL_PACKETS), index):
            if earlier in self._packets:
                self._decode(self._packets[earlier], fec=False)
                self._heard_one = True

    def _decode_next(self) -> Samples:
        index = self._next
        if index is None:
            raise RuntimeError("the decoder was not started")
        self._next = index + 1
        packet = self._packets.get(index)
        if packet is not None:
            after_long_hole = self._hole > LONGEST_HOLE_PACKETS
            self._heard_one, self._hole = True, 0
            if after_long_hole:
                self._decoder.reset_state()
                return self._decode(packet, fec=False) * np.linspace(0, 1, PACKET_SAMPLES, dtype=np.float32)
            return self._decode(packet, fec=False)
        if not self._heard_one:
            return np.zeros(PACKET_SAMPLES, np.float32)
        self._hole += 1
        silent = self._hole > LONGEST_HOLE_PACKETS
        following = None if silent else self._packets.get(index + 1)
        c = self.counts
        self.counts = c._replace(lost=c.lost + 1, concealed=c.concealed + (following is not None))
        if silent:
            return np.zeros(PACKET_SAMPLES, np.float32)
        return self._decode(following or b"", fec=following is not None) * _concealment_gain(self._hole)

    def _decode(self, packet: bytes, *, fec: bool) -> Samples:
        try:
            raw = self._decoder.decode_float(packet, PACKET_SAMPLES, fec)
        except opuslib_next.OpusError:
            # Signed but not Opus: silence, never noise.
            return np.zeros(PACKET_SAMPLES, np.float32)
        sound = np.frombuffer(raw, np.float32)
        if len(sound) != PACKET_SAMPLES:
            return np.zeros(PACKET_SAMPLES, np.float32)
        return sound

    def _forget(self, before: int) -> None:
        for index in [i for i in self._packets if i < before]:
            del self._packets[index]


def _concealment_gain(hole: int) -> Samples:
    """The gain over the `hole`th packet lacking in a row, counted from 1."""
    fade = LONGEST_HOLE_PACKETS - FADE_FROM_PACKETS
    begins, ends = (LONGEST_HOLE_PACKETS - hole + 1) / fade, (LONGEST_HOLE_PACKETS - hole) / fade
    return np.linspace(min(1.0, begins), min(1.0, ends), PACKET_SAMPLES, dtype=np.float32)
