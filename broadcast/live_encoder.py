"""Opus encoding for live audio: one packet for each 20 ms, with in-band data to conceal a lost one."""

import opuslib_next

from wire.live import PACKET_MS, RATE

PACKET_SAMPLES = RATE * PACKET_MS // 1000
#: Samples by which the encoder's output lags its input at 48 kHz (OPUS_GET_LOOKAHEAD of libopus: 6.5 ms).
LOOKAHEAD_SAMPLES = 312


class LiveEncoder:
    """Encodes mono 48 kHz S16 in pieces of 20 ms."""

    def __init__(self, bit_rate: int = 32_000) -> None:
        """bit_rate: of the audio, bit/s."""
        self._encoder = opuslib_next.Encoder(RATE, 1, "audio")
        self._encoder.bitrate = bit_rate
        # Every packet also carries the one before, coarsely (RFC 6716 §2.1.7), and depends less on earlier ones.
        self._encoder.inband_fec = 1
        self._encoder.packet_loss_perc = 5

    def encode(self, pcm: bytes) -> bytes:
        """One packet. pcm: exactly 960 samples, S16_LE. Raises ValueError for another length."""
        if len(pcm) != PACKET_SAMPLES * 2:
            raise ValueError(f"a packet is {PACKET_SAMPLES} samples of 2 bytes, not {len(pcm)} bytes")
        return bytes(self._encoder.encode(pcm, PACKET_SAMPLES))
