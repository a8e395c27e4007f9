"""Opus decoding of a microphone's packets."""

import opuslib_next

from wire.live import RATE

PACKET_SAMPLES = RATE // 50


class BadPacket(Exception):
    """Bytes that are no Opus packet of 20 ms."""


class LiveDecoder:
    """Packets of 20 ms, mono or stereo, to mono 48 kHz S16_LE."""

    def __init__(self) -> None:
        self._decoder = opuslib_next.Decoder(RATE, 1)

    def decode(self, packet: bytes) -> bytes:
        """Exactly 960 samples. Raises BadPacket."""
        try:
            pcm = bytes(self._decoder.decode(packet, PACKET_SAMPLES))
        except opuslib_next.OpusError as error:
            raise BadPacket from error
        if len(pcm) != PACKET_SAMPLES * 2:
            raise BadPacket
        return pcm
