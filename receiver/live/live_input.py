"""Live frames as they arrive: verified, sorted into streams, decoded when the playout asks."""

import threading
from collections import Counter, OrderedDict
from collections.abc import Callable, Mapping

import numpy as np

from receiver.live.live_stream import PACKET_SAMPLES, PACKET_US, LiveCounts, LiveStream
from receiver.playout.cues import Samples
from wire.live import LiveFrame, open_frame
from wire.sealing import PublicKey, Reason, Refused

#: Decoded packets kept, since reading between samples goes back a little: 160 ms.
_DECODED_KEPT = 8


class DecodedStream:
    """A stream as the playout reads it (`playout.cues.LiveSound`). starts_at_us: controller time of its sample 0."""

    def __init__(self, first: LiveFrame) -> None:
        self._lock = threading.Lock()
        self._stream = LiveStream(first)
        self._decoded: OrderedDict[int, Samples] = OrderedDict()
        self.starts_at_us = self._stream.starts_at_us

    def add(self, frame: LiveFrame, now_us: int | None) -> bool:
        """Take a frame; False when it is not of this stream. now_us: controller time, None when not known."""
        sounding = 0 if now_us is None else (now_us - self.starts_at_us) // PACKET_US
        with self._lock:
            return self._stream.add(frame, sounding)

    @property
    def covered_until_us(self) -> int:
        """Controller time at which the newest packet ends."""
        return self.starts_at_us + (self._stream.newest + 1) * PACKET_US

    def packet_from_us(self, from_us: int) -> int | None:
        """Controller time of the first packet held that begins at or after `from_us`; None when there is none."""
        with self._lock:
            index = self._stream.packet_from(-(-(from_us - self.starts_at_us) // PACKET_US))
        return None if index is None else self.starts_at_us + index * PACKET_US

    def of(self, frame: LiveFrame) -> bool:
        """Whether a frame belongs to this stream."""
        return self._stream.fits(frame)

    def read(self, first: int, frames: int) -> Samples:
        """Samples first … first + frames of the stream; before its beginning they are silent."""
        sound = np.zeros(frames, np.float32)
        with self._lock:
            for index in range(max(0, first // PACKET_SAMPLES), max(0, -(-(first + frames) // PACKET_SAMPLES))):
                packet = self._packet(index)
                start = index * PACKET_SAMPLES - first
                taken = packet[max(0, -start) : min(PACKET_SAMPLES, frames - start)]
                sound[max(0, start) : max(0, start) + len(taken)] = taken
        return sound

    @property
    def counts(self) -> LiveCounts:
        return self._stream.counts

    def _packet(self, index: int) -> Samples:
        if index not in self._decoded:
            self._decoded[index] = self._stream.decode(index)
            while len(self._decoded) > _DECODED_KEPT:
                self._decoded.popitem(last=False)
        return self._decoded[index]


class LiveInput:
    """Live frames by broadcast. `take_frame` is the connection's thread's, the rest may be called from any."""

    def __init__(self, keys: Mapping[str, PublicKey], changed: Callable[[], None]) -> None:
        """changed: called when a stream began."""
        self._keys = keys
        self._changed = changed
        self._sounds: dict[str, DecodedStream] = {}
        self._ended: dict[str, LiveCounts] = {}
        self.refused: Counter[str] = Counter()

    def take_frame(self, topic: str, broadcast: str, payload: bytes, now_us: int | None) -> None:
        """Take a payload that came on a live topic. now_us: controller time, None when not known."""
        try:
            frame = self._open(payload, topic)
        except Refused as refused:
            self.refused[refused.reason.value] += 1
            return
        ends_at_us = frame.starts_at_us + len(frame.packets) * frame.packet_ms * 1000
        if now_us is not None and ends_at_us < now_us - 5_000_000:
            self.refused[Reason.EXPIRED.value] += 1  # replayed, or so late that it is of no use
            return
        sound = self._sounds.get(broadcast)
        if sound is not None and sound.of(frame):
            if not sound.add(frame, now_us):
                self.refused[Reason.MALFORMED.value] += 1
            return
        if sound is not None and frame.stream_starts_at_us <= sound.starts_at_us:
            self.refused[Reason.OLD.value] += 1  # of a stream that another has taken the place of
            return
        if sound is not None:
            self._ended[broadcast] = _sum(self._ended.get(broadcast, LiveCounts()), sound.counts)
        self._sounds = {**self._sounds, broadcast: DecodedStream(frame)}
        self._changed()

    def sound_of(self, broadcast: str) -> DecodedStream | None:
        """The newest stream of a broadcast."""
        return self._sounds.get(broadcast)

    def counts(self, broadcast: str | None = None) -> LiveCounts:
        """Packets of one broadcast, or of all, since the start."""
        total = LiveCounts()
        for name in {*self._sounds, *self._ended} if broadcast is None else {broadcast}:
            total = _sum(total, self._ended.get(name, LiveCounts()))
            if name in self._sounds:
                total = _sum(total, self._sounds[name].counts)
        return total

    def forget(self, broadcast: str) -> None:
        """It is over and reported."""
        self._sounds = {name: sound for name, sound in self._sounds.items() if name != broadcast}

    def _open(self, payload: bytes, topic: str) -> LiveFrame:
        for key in self._keys.values():
            try:
                return open_frame(payload, topic, key)
            except Refused as refused:
                if refused.reason is not Reason.BAD_SIGNATURE:
                    raise
        raise Refused(Reason.BAD_SIGNATURE)


def _sum(one: LiveCounts, other: LiveCounts) -> LiveCounts:
    return LiveCounts(*(a + b for a, b in zip(one, other, strict=True)))
