"""Joins the library to the receiver's playout: a programme as a receiver would play it."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from broadcast.media import Media
from runtime.refusal import NotFound
from wire.broadcasts import BroadcastClass, Item, Manifest, Rendition, Targets

#: Any instant will do: items stand relative to it.
_STARTS_AT_US = 1_000_000_000_000


def programme_sound_of(media: Media) -> Callable[[Sequence[Item], int], Iterator[bytes]]:
    def path_of(rendition: Rendition) -> Path | None:
        sha256, _, extension = rendition.path.partition(".")
        try:
            return media.path_of(sha256, extension)
        except NotFound:
            return None

    def sound(items: Sequence[Item], first: int) -> Iterator[bytes]:
        # Imported here: these libraries take memory, and few listen.
        from receiver.playout.ladder import Ladder  # noqa: PLC0415
        from receiver.playout.mixing import rendered  # noqa: PLC0415

        ends_us = max(item.offset_us + item.duration_us for item in items)
        manifest = Manifest(
            to="",
            revision=1,
            issued_at_us=0,
            expires_at_us=_STARTS_AT_US + ends_us,
            broadcast="",
            class_=BroadcastClass.NORMAL,
            targets=Targets(all=True),
            starts_at_us=_STARTS_AT_US,
            ends_at_us=_STARTS_AT_US + ends_us,
            items=list(items),
        )
        ladder = Ladder([manifest], None, path_of, lambda _: None)
        for piece in rendered(ladder, _STARTS_AT_US, first, ends_us * 48 // 1000):
            yield piece.astype("<f4").tobytes()

    return sound
