"""The province's audio addresses reach nothing inside this machine, however the address is written."""

import gzip

import httpx2
import pytest

from province.connection import ProvinceUnavailable, _json, _read_within
from runtime.checked_address import check_address, pinned
from runtime.refusal import Refusal
from runtime.sandbox import ParserFailed


@pytest.mark.parametrize(
    "host",
    [
        "127.0.0.1",
        "[::1]",
        "[::ffff:127.0.0.1]",
        "[::ffff:7f00:1]",
        "[::ffff:169.254.1.1]",
        "0.0.0.0",  # noqa: S104 - an address to refuse
        "2130706433",
        "127.1",
    ],
)
def test_an_address_inside_this_machine_is_refused(host: str) -> None:
    with pytest.raises(Refusal, match="inside this machine"):
        check_address(f"http://{host}/tin.ogg", set())


def test_a_trusted_host_is_trusted_on_its_own_port_alone() -> None:
    assert check_address("https://127.0.0.1/tin.ogg", {"127.0.0.1"}) == ""
    assert check_address("http://127.0.0.1:8090/tin.ogg", {"127.0.0.1:8090"}) == ""
    for url in ("http://127.0.0.1:1883/", "http://127.0.0.1:8090/", "http://192.0.2.1:22/", "http://192.0.2.1:5432/"):
        with pytest.raises(Refusal):
            check_address(url, {"127.0.0.1"})


def test_the_address_that_was_checked_is_the_one_that_is_asked() -> None:
    address = check_address("https://192.0.2.1/tin.ogg", set())
    target, options = pinned("https://tinh.example:8443/tin.ogg?x=1", address)
    assert target == "https://192.0.2.1:8443/tin.ogg?x=1"
    assert options["headers"]["Host"] == "tinh.example:8443"
    assert options["extensions"] == {"sni_hostname": "tinh.example"}


def test_a_packed_answer_of_a_gigabyte_is_cut_off_at_the_limit() -> None:
    packed = gzip.compress(bytes(200_000_000), 9)
    blocks = (packed[k : k + 1000] for k in range(0, len(packed), 1000))
    request = httpx2.Request("GET", "https://tinh.example")
    answer = httpx2.Response(200, headers={"Content-Encoding": "gzip"}, content=blocks, request=request)
    with pytest.raises(ProvinceUnavailable, match="10 MB"):
        _read_within(answer, 10_000_000)


def test_a_large_answer_is_read_in_a_child_process_within_limits() -> None:
    many = httpx2.Response(200, content=b"[" + b"[]," * 2_000_000 + b"[]]")
    with pytest.raises(ProvinceUnavailable, match="too many values"):
        _json(many)
    deep = httpx2.Response(200, content=b"[" * 400_000)
    with pytest.raises(ParserFailed):
        _json(deep)
    whole = [{"TieuDe": "Bản tin", "NoiDung": "x" * 1000, "SoLuong": 1.5}] * 300
    assert _json(httpx2.Response(200, json=whole)) == whole
