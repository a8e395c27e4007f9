"""Live frames: what is signed comes back, everything else is refused."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.live import LiveFrame, open_frame, seal_frame
from wire.sealing import PublicKey, Reason, Refused, SealingKey

KEY = SealingKey(bytes(range(32)))
PUBLIC = PublicKey(KEY.public)
TOPIC = "loa/1/c/thieu-trung/live/00112233aabbccdd"
FRAME = LiveFrame(b"12345678", 7, 1_764_000_000_000_000, (b"abc", b"", b"defg"))


@given(
    index=st.integers(0, 2**32 - 1),
    starts_at_us=st.integers(0, 2**63),
    packets=st.lists(st.binary(max_size=1275), min_size=1, max_size=50),
)
def test_a_frame_comes_back_as_it_went(index: int, starts_at_us: int, packets: list[bytes]) -> None:
    frame = LiveFrame(b"\0" * 8, index, starts_at_us, tuple(packets))
    assert open_frame(seal_frame(frame, TOPIC, KEY), TOPIC, PUBLIC) == frame


def test_every_frame_of_a_stream_says_when_it_began() -> None:
    assert FRAME.stream_starts_at_us == FRAME.starts_at_us - 7 * 20_000


@pytest.mark.parametrize("bit", range(0, 8 * (25 + 6 + 7 + 64), 5))
def test_one_flipped_bit_anywhere_is_refused(bit: int) -> None:
    payload = bytearray(seal_frame(FRAME, TOPIC, KEY))
    payload[bit // 8] ^= 1 << bit % 8
    with pytest.raises(Refused):
        open_frame(bytes(payload), TOPIC, PUBLIC)


def test_a_frame_of_another_broadcast_is_refused() -> None:
    with pytest.raises(Refused) as refused:
        open_frame(seal_frame(FRAME, TOPIC[:-1] + "e", KEY), TOPIC, PUBLIC)
    assert refused.value.reason is Reason.BAD_SIGNATURE


@pytest.mark.parametrize("payload", [b"", b"L1", b"L1" + b"\0" * 200, b"{}", b"\xff" * 70_000])
def test_noise_is_refused(payload: bytes) -> None:
    with pytest.raises(Refused):
        open_frame(payload, TOPIC, PUBLIC)


def test_a_signed_frame_with_wrong_lengths_is_refused() -> None:
    body = seal_frame(FRAME, TOPIC, KEY)[:-64][:-1]  # one byte of the last packet is missing, and signed so
    with pytest.raises(Refused) as refused:
        open_frame(body + KEY.sign(TOPIC.encode() + b"\0" + body), TOPIC, PUBLIC)
    assert refused.value.reason is Reason.MALFORMED


@pytest.mark.parametrize("packets", [(), (b"x" * 1276,), (b"",) * 51])
def test_our_own_frame_past_the_limits_is_a_broken_invariant(packets: tuple[bytes, ...]) -> None:
    with pytest.raises(ValueError, match="live frame"):
        seal_frame(FRAME._replace(packets=packets), TOPIC, KEY)
