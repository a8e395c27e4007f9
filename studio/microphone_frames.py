"""Microphone frames: 20 ms of sound from a browser, as one binary message.

browser → controller, big-endian:

    offset  bytes  field
    0       1      codec: 1 = 16-bit samples, little-endian; 2 = Opus (RFC 6716)
    1       4      number: counted from 0 in one broadcast, on over a reconnection
    5       8      captured_us: when its first sample was captured, by a clock of the browser
    13      …      the sound: 48 kHz, mono
"""

import struct
from enum import IntEnum
from typing import NamedTuple

from runtime.refusal import N_, Refusal
from wire.live import MOST_PACKET_BYTES, RATE

_HEAD = struct.Struct(">BIQ")
FRAME_SAMPLES = RATE // 50
FRAME_US = 20_000
FRAME_BYTES = FRAME_SAMPLES * 2
#: No message of a browser is longer; the server's socket refuses it before it is read.
MOST_MESSAGE_BYTES = 16_384


class MicrophoneCodec(IntEnum):
    PCM = 1
    OPUS = 2


class MicrophoneFrame(NamedTuple):
    codec: MicrophoneCodec
    number: int
    captured_us: int
    sound: bytes


def parse_frame(message: bytes) -> MicrophoneFrame:
    """Raises Refusal for what is not a frame."""
    if len(message) <= _HEAD.size:
        raise not_a_frame()
    codec, number, captured_us = _HEAD.unpack_from(message)
    sound = message[_HEAD.size :]
    if codec == MicrophoneCodec.PCM and len(sound) == FRAME_BYTES:
        return MicrophoneFrame(MicrophoneCodec.PCM, number, captured_us, sound)
    if codec == MicrophoneCodec.OPUS and len(sound) <= MOST_PACKET_BYTES:
        return MicrophoneFrame(MicrophoneCodec.OPUS, number, captured_us, sound)
    raise not_a_frame()


def frame_message(frame: MicrophoneFrame) -> bytes:
    """As a browser sends it."""
    return _HEAD.pack(frame.codec, frame.number, frame.captured_us) + frame.sound


def not_a_frame() -> Refusal:
    return Refusal(N_("The browser sent something that is not sound. Reload the page and start again."))
