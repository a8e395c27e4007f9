"""The encoded sound of a station's address, whichever way it is served: a continuous stream, a list, or HLS."""

from collections.abc import Callable, Collection, Iterator
from itertools import chain

from relay.frame_sync import FrameSync, begins_in_frames
from relay.http_fetch import HttpAnswer, HttpFetch, Unreachable
from relay.playlists import (
    MOST_PLAYLIST_BYTES,
    MediaPlaylist,
    SegmentQueue,
    listed_addresses,
    looks_like_playlist,
    media_playlist,
    variant_url,
)
from runtime.refusal import N_, Refusal

_MOST_SEGMENT_BYTES = 12_000_000
#: Lists that name lists.
_MOST_LISTS = 3
#: Segments in a row that could not be fetched.
_MOST_LOST_SEGMENTS = 3
#: A playlist without anything new for so many target durations has stopped.
_STOPPED_AFTER_TARGETS = 4
_FIRST_BYTES = 512

#: Waits this many seconds; True when the connection was closed meanwhile.
Wait = Callable[[float], bool]


class StreamEnded(Refusal):
    """The other side has ended it."""

    def __init__(self) -> None:
        super().__init__(N_("The station has ended the stream."))


class StationStream:
    """Fetches one address. `blocks` is for one thread, `close` for any."""

    def __init__(self, url: str, trusted: Collection[str], wait_s: Wait) -> None:
        self._url, self._wait_s = url, wait_s
        self._fetch = HttpFetch(trusted)
        #: The target duration of an HLS stream, whose sound comes in bursts of that length; 0 of a continuous one.
        self.burst_s = 0.0

    def close(self) -> None:
        self._fetch.close()

    def blocks(self) -> Iterator[bytes | None]:
        """None where another stream begins, for which a new decoder is needed. Raises Refusal when it cannot go on."""
        url = self._url
        for _ in range(_MOST_LISTS):
            with self._fetch.get(url) as answer:
                beginning, blocks = _beginning(answer)
                if not looks_like_playlist(answer.content_type, beginning):
                    yield from _stream(answer, beginning, blocks)
                    return
                text = _text(beginning, blocks)
            addresses = listed_addresses(text, answer.url)
            if addresses is None:
                yield from self._hls(text, answer.url)
                return
            url = addresses[0]
        raise Refusal(N_("This address leads on and on to others. Check it in a browser."))

    def _hls(self, text: str, url: str) -> Iterator[bytes | None]:
        if chosen := variant_url(text, url):
            url = chosen
            text, url = self._playlist(url)
            if variant_url(text, url):
                raise Refusal(N_("This playlist is damaged. Use another address of the station."))
        queue, idle_s, header_url = SegmentQueue(), 0.0, ""
        while True:
            playlist = media_playlist(text, url)
            self.burst_s = playlist.target_duration_s
            new = queue.take(playlist)
            for segment in new:
                if segment.restarts:
                    header_url = ""
                    yield None
                if segment.header_url and segment.header_url != header_url:
                    yield self._fetch.read(segment.header_url, _MOST_SEGMENT_BYTES)[1]
                    header_url = segment.header_url
                if body := self._segment(segment.url):
                    yield body
            if playlist.ends:
                raise StreamEnded
            idle_s = 0.0 if new else idle_s
            text, idle_s = self._next_version(url, text, playlist, idle_s)

    def _next_version(self, url: str, text: str, playlist: MediaPlaylist, idle_s: float) -> tuple[str, float]:
        """The playlist's next version, or the same one again while the server fails, and the time without anything new.

        Raises Refusal when it has stopped.
        """
        pause_s = playlist.target_duration_s / 2
        if self._wait_s(pause_s):
            raise StreamEnded
        idle_s += pause_s
        if idle_s > _STOPPED_AFTER_TARGETS * playlist.target_duration_s:
            raise Refusal(N_("The station's playlist no longer grows: the station has stopped sending."))
        try:
            return self._playlist(url)[0], idle_s
        except Unreachable:
            if self._fetch.closed:
                raise
            return text, idle_s

    def _playlist(self, url: str) -> tuple[str, str]:
        answer, body = self._fetch.read(url, MOST_PLAYLIST_BYTES)
        if not looks_like_playlist(answer.content_type, body[:_FIRST_BYTES]):
            _refuse_page(answer, body[:_FIRST_BYTES])
            raise Refusal(N_("This playlist is damaged. Use another address of the station."))
        return body.decode("utf-8", "replace"), answer.url

    def _segment(self, url: str) -> bytes:
        """Empty when it could not be fetched, which happens when the playlist is ahead of the files."""
        try:
            answer, body = self._fetch.read(url, _MOST_SEGMENT_BYTES)
        except Unreachable:
            self._lost_segments += 1
            if self._lost_segments >= _MOST_LOST_SEGMENTS or self._fetch.closed:
                raise
            return b""
        self._lost_segments = 0
        _refuse_page(answer, body[:_FIRST_BYTES])
        return body

    _lost_segments = 0


def _beginning(answer: HttpAnswer) -> tuple[bytes, Iterator[bytes]]:
    beginning = b""
    for block in answer.blocks:
        beginning += block
        if len(beginning) >= _FIRST_BYTES:
            break
    return beginning, answer.blocks


def _stream(answer: HttpAnswer, beginning: bytes, blocks: Iterator[bytes]) -> Iterator[bytes | None]:
    _refuse_page(answer, beginning)
    if not beginning:
        raise StreamEnded
    all_blocks = chain((beginning,), blocks)
    yield from FrameSync().frames(all_blocks) if begins_in_frames(beginning) else all_blocks
    raise StreamEnded


def _text(beginning: bytes, blocks: Iterator[bytes]) -> str:
    body = bytearray(beginning)
    for block in blocks:
        body += block
        if len(body) > MOST_PLAYLIST_BYTES:
            raise Refusal(N_("This playlist is far too long for a radio station's. Use another address."))
    return body.decode("utf-8", "replace")


def _refuse_page(answer: HttpAnswer, beginning: bytes) -> None:
    start = beginning.lstrip(b"\xef\xbb\xbf \r\n\t")[:200].lower()
    if answer.content_type in ("text/html", "application/xhtml+xml") or start.startswith((b"<!doctype", b"<html")):
        raise Refusal(
            N_("This address is a web page, not a stream. Look on the page for the address of the stream itself.")
        )
