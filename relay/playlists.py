"""Playlists of stations: HLS (RFC 8216) by the library m3u8, and the short lists .m3u and .pls. Pure: no I/O.

Playlists of live streams reset, skip and stop. `SegmentQueue` decides which segments are new, whatever they do.
"""

import re
from collections import deque
from dataclasses import dataclass
from urllib.parse import urljoin

import m3u8

from runtime.refusal import N_, Refusal

MOST_PLAYLIST_BYTES = 256_000
MOST_ENTRIES = 500
#: From the end of the playlist, as players do (RFC 8216 §6.3.3).
_SEGMENTS_BEFORE_END = 3
#: Enough for speech and music in mono.
_LEAST_BIT_RATE = 40_000
#: How far back a playlist may reach that a cache kept for too long.
_STALE_SEGMENTS = 10
_HLS_TYPES = ("application/vnd.apple.mpegurl", "application/x-mpegurl", "audio/mpegurl", "audio/x-mpegurl")
_PLS_FILE = re.compile(r"(?im)^File\d+\s*=\s*(\S+)")


@dataclass(frozen=True)
class Segment:
    """A part of an HLS stream. header_url: of what a decoder needs before it, "" for nothing.

    restarts: whether a new decoder is needed: the stream is another one from here on.
    """

    url: str
    header_url: str = ""
    restarts: bool = False


@dataclass(frozen=True)
class MediaPlaylist:
    """segments: of numbers first, first + 1, … ends: whether no more will come."""

    first: int
    segments: list[Segment]
    target_duration_s: float
    ends: bool


def looks_like_playlist(content_type: str, beginning: bytes) -> bool:
    text = beginning.lstrip(b"\xef\xbb\xbf \r\n\t")
    return (
        text.startswith(b"#EXTM3U")
        or text[:10].lower() == b"[playlist]"
        or (content_type in (*_HLS_TYPES, "audio/x-scpls") and text.isascii())
    )


def listed_addresses(text: str, url: str) -> list[str] | None:
    """The addresses in a short list of stations; None when it is an HLS playlist. Raises Refusal."""
    _check_size(text)
    if "#EXT-X-" in text:
        return None
    if text.lstrip("\ufeff \r\n\t")[:10].lower() == "[playlist]":
        names = _PLS_FILE.findall(text)
    else:
        names = [
            line.strip() for line in text.splitlines() if line.strip() and not line.lstrip("\ufeff").startswith("#")
        ]
    if not names:
        raise Refusal(N_("This playlist is empty. Check the address."))
    return [urljoin(url, name) for name in names]


def variant_url(text: str, url: str) -> str:
    """The playlist to play of a list of variants: the smallest that is good enough. "" when it is no such list."""
    parsed = _parsed(text, url)
    if not parsed.is_variant:
        return ""
    by_rate = sorted(parsed.playlists, key=lambda p: p.stream_info.bandwidth or 0)
    if not by_rate:
        raise Refusal(N_("This playlist is empty. Check the address."))
    chosen = next((p for p in by_rate if (p.stream_info.bandwidth or 0) >= _LEAST_BIT_RATE), by_rate[-1])
    sound_only = [m for m in chosen.media if m.type == "AUDIO" and m.uri]
    return str(sound_only[0].absolute_uri if sound_only else chosen.absolute_uri)


def media_playlist(text: str, url: str) -> MediaPlaylist:
    """Raises Refusal for one that cannot be read or played."""
    parsed = _parsed(text, url)
    segments, header_before = [], None
    for part in parsed.segments:
        if part.key is not None and part.key.method not in (None, "NONE"):
            raise Refusal(N_("This stream is encrypted, so Loa cannot relay it. Use another address of the station."))
        if part.byterange:
            raise Refusal(N_("This kind of HLS stream (parts of one file) cannot be relayed. Use another address."))
        header = str(part.init_section.absolute_uri) if part.init_section is not None else ""
        restarts = bool(part.discontinuity) or (header_before is not None and header != header_before)
        segments.append(Segment(str(part.absolute_uri), header, restarts))
        header_before = header
    target_s = min(30.0, max(0.5, float(parsed.target_duration or 6)))
    return MediaPlaylist(int(parsed.media_sequence or 0), segments, target_s, bool(parsed.is_endlist))


class SegmentQueue:
    """Which segments of successive versions of a playlist are new, in order."""

    def __init__(self) -> None:
        self._next: int | None = None
        self._taken: deque[str] = deque(maxlen=2 * MOST_ENTRIES)

    def take(self, playlist: MediaPlaylist) -> list[Segment]:
        first, count = playlist.first, len(playlist.segments)
        if not count:
            return []
        if self._next is None or self._was_reset(playlist):
            restarts = self._next is not None
            from_ = 0 if playlist.ends else max(0, count - _SEGMENTS_BEFORE_END)
        else:
            restarts = first > self._next  # skipped: what was between is lost
            from_ = max(0, self._next - first)
        new = playlist.segments[from_:]
        if new and restarts:
            new = [Segment(new[0].url, new[0].header_url, restarts=True), *new[1:]]
        if new:
            self._next = first + count
            self._taken.extend(segment.url for segment in new)
        return new

    def _was_reset(self, playlist: MediaPlaylist) -> bool:
        """Whether the numbers began again: they are far back, or lead to files that were never played."""
        ends_at = playlist.first + len(playlist.segments)
        if self._next is None or ends_at >= self._next:
            return False
        unknown = all(segment.url not in self._taken for segment in playlist.segments)
        return ends_at < self._next - _STALE_SEGMENTS or unknown


def _parsed(text: str, url: str) -> m3u8.M3U8:
    _check_size(text)
    try:
        return m3u8.loads(text, uri=url)
    except Exception as error:  # the library raises many kinds for what others wrote
        raise Refusal(N_("This playlist is damaged. Use another address of the station.")) from error


def _check_size(text: str) -> None:
    entries = sum(1 for line in text.splitlines() if line.strip() and not line.startswith("#"))
    if entries > MOST_ENTRIES:
        raise Refusal(
            N_("This playlist has {n} entries; a radio station's has a few. Loa reads at most {most}."),
            n=entries,
            most=MOST_ENTRIES,
        )
