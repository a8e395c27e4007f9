"""A live stream being sent: audio in, signed frames out, on the time line of the controller."""

import secrets
from collections import deque
from collections.abc import Callable

from broadcast.live_encoder import LOOKAHEAD_SAMPLES, PACKET_SAMPLES, LiveEncoder
from wire.live import MOST_PACKETS, PACKET_MS, RATE, LiveFrame, seal_frame
from wire.sealing import SealingKey

PACKET_US = PACKET_MS * 1000
#: The buffered frames are sent again at most this often: after a broker restart all receivers join at once.
AGAIN_EVERY_US = 200_000


class LiveSender:
    """Packs audio into the frames of one stream.

    Time line: sample n given to `send` leaves every horn at `starts_at_us` + n/48000 s. Receivers count the samples
    that the decoder outputs, which lag by the encoder's look-ahead; frame times are earlier by that amount.
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
        """publish: sends one payload on `topic` at most once, without blocking. starts_at_us: controller time.

        buffer_us: how long before playback a frame is sent; that much is kept for sending again.
        packets_per_message: more packets make fewer messages and a longer gap when one is lost. Raises ValueError.
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
        """A receiver joined: send the buffered frames again with the next frame. Safe from any thread.

        It can then start as soon as it has the time, instead of after a whole buffer.
        """
        self._again_asked = True

    @property
    def samples(self) -> int:
        """How many samples were taken."""
        return self._encoded * PACKET_SAMPLES + len(self._left_over) // 2

    def send(self, pcm: bytes) -> None:
        """Take audio (mono 48 kHz S16_LE, any length); frames are sent as they fill."""
        self._left_over += pcm
        size = PACKET_SAMPLES * 2
        while len(self._left_over) >= size:
            self._pending.append(self._encoder.encode(self._left_over[:size]))
            self._left_over = self._left_over[size:]
            self._encoded += 1
            if len(self._pending) == self._packets_per_message:
                self._flush()

    def skip_to(self, sample: int) -> None:
        """Continue at the packet that holds this sample of the time line; what is between is not sent."""
        if self._pending:
            self._flush()
        self._left_over = b""
        self._encoded = max(self._encoded, sample // PACKET_SAMPLES)

    def finish(self) -> None:
        """Send the rest, padded with silence, and one more packet to flush the look-ahead."""
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
