"""A clip's waveform and the address of its sound, for lists."""

from wire.broadcasts import Rendition

#: Points drawn of a waveform in the list: as many as a phone shows.
POINTS = 160


def thinned(peaks: bytes) -> list[int]:
    """A waveform of at most 160 points."""
    if len(peaks) <= POINTS:
        return list(peaks)
    step = len(peaks) / POINTS
    return [max(peaks[int(k * step) : max(int(k * step) + 1, int((k + 1) * step))]) for k in range(POINTS)]


def listen_url(renditions: list[Rendition]) -> str:
    """MP3, which every browser plays; "" where there is none."""
    return next((f"/media/{r.path}" for r in renditions if r.codec == "mp3"), "")
