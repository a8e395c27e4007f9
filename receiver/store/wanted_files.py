"""Wanted files: what the plan and the config need on the shelf."""

from collections.abc import Iterable

from receiver.playout.playback_failures import PlaybackFailures
from receiver.store.fetch_times import fetch_at_us, place_of
from receiver.store.shelf import NEEDED_LAST_US, Wanted
from receiver.timing.commune_zone import zone_of
from wire.broadcasts import BroadcastClass, ClipItem, Manifest, Rendition
from wire.commands import Config


def wanted_files(
    manifests: Iterable[Manifest],
    config: Config | None,
    failures: PlaybackFailures,
    now_us: int | None,
    receiver: str = "",
) -> list[Wanted]:
    """Of each recording ahead the first rendition that is not known to be unreadable, and the backup always.

    manifests: those that mean this receiver. now_us: controller time, None when not known. From when each may be
    fetched is said all the same: the shelf waits as soon as the time is known.
    """
    wanted = []
    for manifest in manifests:
        if manifest.withdrawn or (now_us is not None and manifest.sounds_until_us <= now_us):
            continue
        for item in manifest.items:
            recording = item if isinstance(item, ClipItem) else item.backup
            if recording is not None:
                rendition = _readable(recording, failures)
                not_before_us = _fetch_at_us(manifest, rendition, config, receiver)
                wanted.append(Wanted(rendition, manifest.starts_at_us, not_before_us))
    if config is not None and config.backup is not None:
        wanted.append(Wanted(_readable(config.backup, failures), NEEDED_LAST_US))
    return wanted


def wanted_last(rendition: Rendition) -> Wanted:
    """A file that may wait until everything else is there."""
    return Wanted(rendition, NEEDED_LAST_US)


def _readable(item: ClipItem, failures: PlaybackFailures) -> Rendition:
    return next((r for r in item.renditions if not failures.unreadable(r)), item.renditions[0])


def _fetch_at_us(manifest: Manifest, rendition: Rendition, config: Config | None, receiver: str) -> int:
    if config is None or manifest.class_ is BroadcastClass.EMERGENCY:
        return 0
    return fetch_at_us(
        place_of(receiver, rendition.sha256),
        manifest.issued_at_us,
        manifest.starts_at_us,
        config.fetch_from_minute,
        config.fetch_until_minute,
        zone_of(config),
    )
