"""Asks for the time by datagram: what is accepted and what is refused."""

import msgspec
import pytest

from wire.time import TimeAsk
from wire.time_datagrams import LEAST_ASK_BYTES, MOST_BYTES, pack_ask, unpack_ask

ASK = TimeAsk(nonce="0123456789abcdef", asked_local_us=5_000_000)


def test_an_ask_comes_out_as_it_went_in_and_is_long_enough_to_flood_nobody() -> None:
    datagram = pack_ask("thon-1", ASK)
    assert len(datagram) == LEAST_ASK_BYTES
    assert unpack_ask(datagram) == ("thon-1", ASK)


@pytest.mark.parametrize(
    "datagram",
    [
        b"",
        pack_ask("thon-1", ASK).rstrip(),
        pack_ask("thon-1", ASK) + b" " * MOST_BYTES,
        pack_ask("Thôn 1", ASK),
        pack_ask("../etc", ASK),
        b"thon-1 " + b"{}".ljust(LEAST_ASK_BYTES),
        b"thon-1\n" + b"{}".ljust(LEAST_ASK_BYTES),
        b"thon-1\n" + b'{"nonce":"x","asked_local_us":1}'.ljust(LEAST_ASK_BYTES),
        b"thon-1\n" + b"[" * LEAST_ASK_BYTES,
    ],
    ids=["empty", "short", "long", "no id", "a path", "no line", "no ask", "bad nonce", "nested"],
)
def test_what_is_no_ask_is_refused(datagram: bytes) -> None:
    with pytest.raises(msgspec.DecodeError):
        unpack_ask(datagram)
