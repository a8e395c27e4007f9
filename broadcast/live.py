"""A live stream going out: sound in, signed frames out, all on one line of controller time."""

import secrets
from collections import deque
from collections.abc import Callable

from broadcast.live_encoder import LOOKAHEAD_SAMPLES, PACKET_SAMPLES, LiveEncoder
from wire.live import MOST_PACKETS, PACKET_MS, RATE, LiveFrame, seal_frame
from wire.sealing import SealingKey

PACKET_US = PACKET_MS * 1000
#: What lies ahead is sent again no more often than this: after the broker came back, all receivers join at once.
AGAIN_EVERY_US = 200_000


class LiveSender:
    """Packs sound into frames of one stream.

    The line: sample n given to `send` leaves every horn at `starts_at_us` + n/48000 s. Receivers count samples that
    the decoder gives out, which lag by the encoder's look-ahead; the frames' instants are earlier by that much.
    """

    def __init__(
        self,
        publish: Callable[[bytes], object],
        topic: str,
        key: SealingKey,
        encoder: LiveEncoder,
        *,
        starts_at_us: int,
        packets_per_message: int = 2,
        buffer_us: int = 0,
    ) -> None:
        """publish: sends one payload on `topic`, at most once, without waiting. starts_at_us: controller time.

        buffer_us: how long before its sounding a frame is sent; so much is kept, to be sent again.
        packets_per_message: more make fewer messages, and a longer hole when one is lost. Raises ValueError.
        """
        if not 1 <= packets_per_message <= MOST_PACKETS:
            raise ValueError(f"1 to {MOST_PACKETS} packets to a message, not {packets_per_message}")
        self.stream = secrets.token_bytes(8)
        self.starts_at_us = starts_at_us
        self.frames_sent = 0
        self._first_us = starts_at_us - LOOKAHEAD_SAMPLES * 1_000_000 // RATE
        self._publish = publish
        self._topic = topic
        self._key = key
        self._encoder = encoder
        self._packets_per_message = packets_per_message
        self._pending: list[bytes] = []
        self._encoded = 0
        self._left_over = b""
        message_us = packets_per_message * PACKET_US
        self._ahead: deque[bytes] = deque(maxlen=-(-buffer_us // message_us))
        self._again_each = -(-AGAIN_EVERY_US // message_us)
        self._again_asked = False
        self._again_at = 0

    def again(self) -> None:
        """Somebody joined: send what lies ahead once more, with the next frame. From any thread.

        It joins then as soon as it has the time, and not only when the buffer has run through.
        """
        self._again_asked = True

    @property
    def samples(self) -> int:
        """How many samples were taken so far."""
        return self._encoded * PACKET_SAMPLES + len(self._left_over) // 2

    def send(self, pcm: bytes) -> None:
        """Take sound (mono 48 kHz S16_LE, any length); frames go out as they fill."""
        self._left_over += pcm
        size = PACKET_SAMPLES * 2
        while len(self._left_over) >= size:
            self._pending.append(self._encoder.encode(self._left_over[:size]))
            self._left_over = self._left_over[size:]
            self._encoded += 1
            if len(self._pending) == self._packets_per_message:
                self._flush()

    def finish(self) -> None:
        """Send what is left, filled up with silence, and one packet more to bring the look-ahead out."""
        rest = -len(self._left_over) % (PACKET_SAMPLES * 2)
        self.send(b"\0" * (rest + PACKET_SAMPLES * 2))
        if self._pending:
            self._flush()

    def _flush(self) -> None:
        index = self._encoded - len(self._pending)
        frame = LiveFrame(self.stream, index, self._first_us + index * PACKET_US, tuple(self._pending))
        payload = seal_frame(frame, self._topic, self._key)
        self._publish(payload)
        self._pending = []
        self.frames_sent += 1
        self._ahead.append(payload)
        if self._again_asked and self.frames_sent >= self._again_at:
            self._again_asked = False
            self._again_at = self.frames_sent + self._again_each
            for earlier in tuple(self._ahead)[:-1]:
                self._publish(earlier)
