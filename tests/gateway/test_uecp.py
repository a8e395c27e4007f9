"""Frames of UECP, held against frames that others published and against a checksum worked out bit by bit."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from gateway.uecp import FrameDamaged, UecpFrame, decode_frame, encode_frame, find_frames
from tests.gateway.rds_encoder import checksum

#: Frames and their content, from the tests of the free decoder `uecp` 0.4.0; the last three a real encoder said.
PUBLISHED = (
    ("fe 00 00 00 00 7b 3f ff", UecpFrame(0, 0, 0, b"")),
    ("fe 00 00 fd 01 00 4b f1 ff", UecpFrame(0, 0, 0xFE, b"")),
    ("fe 00 00 fd 01 05 01 00 00 00 fd 02 0d 3d ff", UecpFrame(0, 0, 0xFE, bytes.fromhex("01000000ff"))),
    ("fe 00 00 2a 02 18 00 4a b0 ff", UecpFrame(0, 0, 0x2A, bytes.fromhex("1800"))),
    ("fe 00 00 2b 02 1c 02 d0 82 ff", UecpFrame(0, 0, 0x2B, bytes.fromhex("1c02"))),
    ("fe 00 00 c6 02 1c 02 6d ee ff", UecpFrame(0, 0, 0xC6, bytes.fromhex("1c02"))),
)

frames = st.builds(
    UecpFrame, st.integers(0, 0x3FF), st.integers(0, 0x3F), st.integers(0, 0xFF), st.binary(min_size=0, max_size=255)
)


@pytest.mark.parametrize(("line", "content"), PUBLISHED)
def test_frames_are_as_others_published_them(line: str, content: UecpFrame) -> None:
    raw = bytes.fromhex(line)
    assert encode_frame(content.message, site=content.site, encoder=content.encoder, sequence=content.sequence) == raw
    assert find_frames(b"noise\xff" + raw + b"\xfe and more") == [content]


@given(frames)
def test_what_is_framed_comes_out_whole_with_its_special_bytes_at_the_ends_only(content: UecpFrame) -> None:
    raw = encode_frame(content.message, site=content.site, encoder=content.encoder, sequence=content.sequence)
    assert (raw[0], raw[-1]) == (0xFE, 0xFF)
    assert not {0xFE, 0xFF} & set(raw[1:-1])
    assert find_frames(raw) == [content]
    assert find_frames(raw + raw) == [content, content]


@given(frames, st.data())
def test_a_changed_byte_is_never_taken_for_a_frame(content: UecpFrame, data: st.DataObject) -> None:
    raw = bytearray(
        encode_frame(content.message, site=content.site, encoder=content.encoder, sequence=content.sequence)
    )
    at = data.draw(st.integers(1, len(raw) - 2))
    raw[at] ^= data.draw(st.integers(1, 0xFF))
    assert content not in find_frames(bytes(raw))


@given(st.binary(min_size=4, max_size=80))
def test_the_checksum_is_the_standards(content: bytes) -> None:
    message = content[4:]
    raw = encode_frame(message, site=5, encoder=3, sequence=content[0])
    assert decode_frame(raw[1:-1]).message == message
    head = (5 << 6 | 3).to_bytes(2, "big") + bytes([content[0], len(message)])
    summed = checksum(head + message).to_bytes(2, "big")
    stuffed = b"".join(bytes([0xFD, byte - 0xFD]) if byte >= 0xFD else bytes([byte]) for byte in summed)
    assert raw[1:-1].endswith(stuffed)


@pytest.mark.parametrize(
    ("stuffed", "said"),
    [(b"", "no frame"), (b"\x00\x00\x00\xfd\x03", "stuffing"), (b"\x00\x00\x00\xfd", "stuffing"), (b"\xfe", "inside")],
)
def test_what_is_no_frame_is_refused_and_why(stuffed: bytes, said: str) -> None:
    with pytest.raises(FrameDamaged, match=said):
        decode_frame(stuffed)


def test_a_frame_whose_length_lies_is_refused() -> None:
    content = b"\x00\x00\x00\x05\x18\x00"
    with pytest.raises(FrameDamaged, match="says 5 bytes and has 2"):
        decode_frame(content + checksum(content).to_bytes(2, "big"))
