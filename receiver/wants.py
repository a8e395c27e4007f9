"""Wants: which files the plan and the config need on the shelf."""

from collections.abc import Iterable

from receiver.falls import Falls
from receiver.shelf import Wanted
from wire.broadcasts import ClipItem, Manifest, Rendition
from wire.commands import Config

#: What no instant hangs on is fetched after all that an instant hangs on.
_LAST_US = 1 << 62


def wanted_files(
    manifests: Iterable[Manifest], config: Config | None, falls: Falls, now_us: int | None
) -> list[Wanted]:
    """Of each recording ahead the first rendition that is not known to be unreadable, and the backup always.

    manifests: those that mean this receiver. now_us: controller time, None when not known.
    """
    wanted = [
        Wanted(_readable(item, falls), manifest.starts_at_us)
        for manifest in manifests
        if not manifest.withdrawn and (now_us is None or manifest.sounds_until_us > now_us)
        for item in manifest.items
        if isinstance(item, ClipItem)
    ]
    if config is not None and config.backup is not None:
        wanted.append(Wanted(_readable(config.backup, falls), _LAST_US))
    return wanted


def wanted_last(rendition: Rendition) -> Wanted:
    """A file that may wait until everything else is there."""
    return Wanted(rendition, _LAST_US)


def _readable(item: ClipItem, falls: Falls) -> Rendition:
    return next((r for r in item.renditions if not falls.unreadable(r)), item.renditions[0])
