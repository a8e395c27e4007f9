"""The time by datagram: answered under seal, to whoever asks properly, and no more often than the controller bears."""

import contextlib
import socket
from collections.abc import Iterator

import pytest

from devices.time_server import TimeServer
from runtime.refusal import Refusal
from tests.devices.conftest import KEY, Site
from wire.sealing import PublicKey, open_sealed
from wire.time import TimeAsk, TimeTell
from wire.time_datagrams import MOST_BYTES, pack_ask

ASK = TimeAsk(nonce="0123456789abcdef", asked_local_us=77)


@pytest.fixture
def server(site: Site) -> Iterator[TimeServer]:
    made = TimeServer(site.downlink, site.clock, host="127.0.0.1", port=0, most_a_second=3)
    made.start()
    yield made
    made.close()


@pytest.fixture
def asker(server: TimeServer) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as opened:
        opened.settimeout(5)
        opened.connect(("127.0.0.1", server.port))
        yield opened


def test_an_ask_is_answered_under_seal_with_the_instant_at_which_it_came(site: Site, asker: socket.socket) -> None:
    asker.send(pack_ask("thon-1", ASK))
    keys = {KEY.kid: PublicKey(KEY.public)}
    tell: TimeTell = open_sealed(asker.recv(MOST_BYTES), TimeTell, keys, to="r/thon-1", now_us=site.clock.now_us())
    assert (tell.nonce, tell.asked_local_us) == (ASK.nonce, 77)
    assert tell.told_at_us == site.clock.now_us()


def test_what_is_no_ask_gets_no_answer_and_harms_nobody(server: TimeServer, asker: socket.socket) -> None:
    for nonsense in (b"", b"\xff" * 400, b"thon-1\n{}".ljust(300), b"x" * 5000):
        asker.send(nonsense)
    asker.send(pack_ask("thon-1", ASK))
    assert b"." in asker.recv(MOST_BYTES)
    assert server.refused == {"malformed": 4}


def test_a_flood_is_not_answered_beyond_what_the_controller_bears(server: TimeServer, asker: socket.socket) -> None:
    for _ in range(10):
        asker.send(pack_ask("thon-1", ASK))
    asker.settimeout(1)
    answers = 0
    with contextlib.suppress(TimeoutError):
        while asker.recv(MOST_BYTES):
            answers += 1
    # Seven and not three: a second may have ended among them.
    assert 3 <= answers < 7
    assert answers + server.refused["too_many"] == 10


def test_a_flood_from_one_address_leaves_the_others_their_answers(site: Site) -> None:
    server = TimeServer(site.downlink, site.clock, host="127.0.0.1", port=0, most_a_second=50, most_a_second_of_one=10)
    with (
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as flood,
        socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as honest,
    ):
        flood.bind(("127.0.0.1", 0))
        honest.bind(("127.0.0.2", 0))
        honest.settimeout(10)
        for _ in range(1000):
            flood.sendto(pack_ask("thon-1", ASK), ("127.0.0.1", server.port))
        honest.sendto(pack_ask("thon-2", ASK), ("127.0.0.1", server.port))
        server.start()
        try:
            answer = honest.recv(MOST_BYTES)
        finally:
            server.close()
    assert b"." in answer
    assert server.refused["too_many"] >= 900


def test_a_port_that_is_taken_is_told_with_the_setting_that_names_another(site: Site, server: TimeServer) -> None:
    with pytest.raises(Refusal, match="LOA_TIME_PORT"):
        TimeServer(site.downlink, site.clock, host="127.0.0.1", port=server.port)
