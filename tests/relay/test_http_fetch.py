"""Where a relay connects to: never into the local network, whatever a name leads to today."""

import socket

import pytest

from relay.http_fetch import HttpFetch
from runtime.refusal import Refusal


def refusal_of(url: str) -> str:
    with pytest.raises(Refusal) as refused, HttpFetch(set()).get(url):
        pass
    return str(refused.value)


@pytest.mark.parametrize("host", ["192.168.1.9", "10.0.0.5", "[fd00::2]", "100.64.0.1", "[::ffff:172.16.0.1]"])
def test_an_address_of_the_local_network_is_refused(host: str) -> None:
    assert "is in the local network" in refusal_of(f"http://{host}/live.mp3")


def test_a_name_is_looked_up_for_each_request_and_what_was_checked_is_connected_to(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    leads_to, connected = "93.184.216.34", list[str]()

    def looked_up(_host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (leads_to, port))]

    def connect(_url: str, address: str) -> None:
        connected.append(address)
        raise OSError("no network in this test")

    monkeypatch.setattr(socket, "getaddrinfo", looked_up)
    monkeypatch.setattr("relay.http_fetch.pinned", connect)
    assert "no network in this test" in refusal_of("http://radio.example.vn/live.mp3")
    leads_to = "192.168.1.9"
    assert "is in the local network" in refusal_of("http://radio.example.vn/live.mp3")
    assert connected == ["93.184.216.34"]
