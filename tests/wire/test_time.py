"""The time exchange: four instants, two clocks."""

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.messages import decode, encode
from wire.time import TimeAsk, TimeTell, exchange

OFFSET_US = 1_764_000_000_000_000
WAYS = st.integers(0, 2_000_000)


def tell_of(asked_local_us: int, way_there_us: int, work_us: int, offset_us: int = OFFSET_US) -> TimeTell:
    heard_at_us = asked_local_us + way_there_us + offset_us
    return TimeTell(
        to="r/thon-1",
        revision=1,
        issued_at_us=heard_at_us,
        expires_at_us=heard_at_us + 1,
        nonce="0" * 16,
        asked_local_us=asked_local_us,
        heard_at_us=heard_at_us,
        told_at_us=heard_at_us + work_us,
    )


@pytest.mark.parametrize(
    ("there_us", "work_us", "back_us", "offset_us", "delay_us"),
    [
        (1000, 0, 1000, OFFSET_US, 2000),
        (1000, 5000, 1000, OFFSET_US, 2000),  # the controller's own work is in neither
        (3000, 0, 1000, OFFSET_US + 1000, 4000),  # a slower way there looks like a later controller
        (1000, 0, 3000, OFFSET_US - 1000, 4000),
        (0, 0, 0, OFFSET_US, 0),
    ],
)
def test_what_an_answer_says(there_us: int, work_us: int, back_us: int, offset_us: int, delay_us: int) -> None:
    found = exchange(tell_of(7_000_000, there_us, work_us), 7_000_000 + there_us + work_us + back_us)
    assert found.offset_us == offset_us
    assert found.delay_us == delay_us
    assert found.local_us == 7_000_000 + (there_us + work_us + back_us) // 2


@given(
    asked_us=st.integers(0, 10**13), there_us=WAYS, work_us=WAYS, back_us=WAYS, offset_us=st.integers(-(10**15), 10**16)
)
def test_the_truth_is_never_further_than_half_the_delay(
    asked_us: int, there_us: int, work_us: int, back_us: int, offset_us: int
) -> None:
    tell = tell_of(asked_us, there_us, work_us, offset_us)
    found = exchange(tell, asked_us + there_us + work_us + back_us)
    assert found.delay_us == there_us + back_us
    assert abs(found.offset_us - offset_us) <= found.delay_us / 2 + 1  # a double holds µs since 1970 to a quarter


@pytest.mark.parametrize("nonce", ["0" * 15, "0" * 33, "A" * 16, "g" * 16, ""])
def test_a_nonce_is_16_to_32_lower_case_hex_digits(nonce: str) -> None:
    with pytest.raises(msgspec.ValidationError):
        decode(msgspec.json.encode({"nonce": nonce, "asked_local_us": 1}), TimeAsk)


@pytest.mark.parametrize("nonce", ["0" * 16, "0123456789abcdef" * 2])
def test_an_ask_comes_as_it_went(nonce: str) -> None:
    ask = TimeAsk(nonce=nonce, asked_local_us=-5)
    assert decode(encode(ask), TimeAsk) == ask
