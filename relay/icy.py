"""Answers of SHOUTcast 1 servers, which begin with "ICY 200 OK": no HTTP, so that no HTTP library reads them. Pure."""

from collections.abc import Iterator
from typing import NamedTuple, Protocol

_MOST_HEADER_BYTES = 16_384
_BEGINNING = b"ICY 200"


class IcyAnswer(NamedTuple):
    content_type: str
    blocks: Iterator[bytes]


class Receiving(Protocol):
    """A socket."""

    def recv(self, most: int, /) -> bytes: ...


def is_icy(failure: Exception) -> bool:
    """Whether the HTTP library has refused such an answer."""
    return "illegal status line" in str(failure) and "ICY " in str(failure)


def request_for(url_path: str, host: str) -> bytes:
    """Such a server sends its web page to browsers, and titles between the sound to those that ask for them."""
    return f"GET {url_path or '/'} HTTP/1.0\r\nHost: {host}\r\nUser-Agent: Loa\r\nAccept: */*\r\n\r\n".encode("ascii")


def answer_of(connected: Receiving, block_bytes: int) -> IcyAnswer:
    """Raises ValueError for what is none."""
    head = b""
    while b"\r\n\r\n" not in head:
        block = connected.recv(block_bytes)
        head += block
        if not block or len(head) > _MOST_HEADER_BYTES or not head.startswith(_BEGINNING[: len(head)]):
            raise ValueError("no answer of a SHOUTcast server")
    head, _, first = head.partition(b"\r\n\r\n")
    fields = dict(line.partition(b":")[::2] for line in head.lower().split(b"\r\n")[1:])
    content_type = fields.get(b"content-type", b"").decode("latin-1").partition(";")[0].strip()
    return IcyAnswer(content_type, _blocks(connected, first, block_bytes))


def _blocks(connected: Receiving, first: bytes, block_bytes: int) -> Iterator[bytes]:
    if first:
        yield first
    while block := connected.recv(block_bytes):
        yield block
