"""The items of a programme as a manifest lists them."""

from collections.abc import Mapping, Sequence
from datetime import timedelta

from sqlmodel import Session

from broadcast.clips import Clip, clip, renditions_of
from broadcast.modes import Mode, Spread
from broadcast.programmes import ItemKind, RunningItem, check_relay_length
from broadcast.relay_sources import RelaySource
from runtime.refusal import N_, Refusal
from wire.broadcasts import ClipItem, Item, LiveItem, Rendition

#: How far ahead a relay is sent: nobody waits for its answer, and a stop of the station is noticed before it is heard.
RELAY_BUFFER_US = 4_000_000


def recordings_of(items: Sequence[RunningItem]) -> list[Clip]:
    """What receivers have to hold for these items."""
    return [recording for item in items for recording in (item.clip, item.backup) if recording is not None]


def manifest_items(session: Session, items: Sequence[RunningItem]) -> list[Item]:
    """The items in wire form. Raises Refusal when nothing is audible or a clip lacks its renditions."""
    return wire_items(items, renditions_of(session, [recording.id for recording in recordings_of(items)]))


def wire_items(items: Sequence[RunningItem], renditions: Mapping[str, list[Rendition]]) -> list[Item]:
    """As `manifest_items`. renditions: by clip id, at least those of these items."""
    audible = [item for item in items if item.clip is not None or item.kind is ItemKind.RELAY]
    if not audible:
        raise Refusal(N_("This programme has nothing to play. Add a recording first."))
    listed = list[Item]()
    for item in audible:
        if item.kind is ItemKind.RELAY:
            listed.append(_relay_item(item, renditions))
        elif item.clip is None or item.clip.id not in renditions:
            raise Refusal(N_("A recording in this programme is no longer available. Choose another one."))
        else:
            listed.append(_clip_item(item.clip, item.offset_us, renditions))
    return listed


def fetched_recordings(items: Sequence[Item]) -> list[ClipItem]:
    """What receivers fetch for these items: clips, and the backup recordings of relays."""
    recordings = [item.backup if isinstance(item, LiveItem) else item for item in items]
    return [recording for recording in recordings if recording is not None]


def has_live(items: Sequence[Item]) -> bool:
    """Live sound has the times of its frames: it begins everywhere at once."""
    return any(isinstance(item, LiveItem) for item in items)


def check_spread(spread: Spread, has_relay: bool) -> None:
    """Raises Refusal for a relay whose sound would have to be another one in each zone."""
    if has_relay and spread.mode is not Mode.IN_STEP:
        raise Refusal(
            N_(
                "This programme relays a station, which is heard everywhere at the same time. "
                "Choose the mode “in sync”, or take the station out of the programme."
            )
        ).at("mode")


def _clip_item(recording: Clip, offset_us: int, renditions: Mapping[str, list[Rendition]]) -> ClipItem:
    return ClipItem(
        offset_us=offset_us,
        duration_us=recording.duration_us,
        clip=recording.id,
        title=recording.title,
        renditions=renditions[recording.id],
    )


def _relay_item(item: RunningItem, renditions: Mapping[str, list[Rendition]]) -> LiveItem:
    if item.relay is None:
        raise Refusal(N_("A station in this programme is no longer available. Choose another one."))
    has_backup = item.backup is not None and item.backup.id in renditions
    return LiveItem(
        offset_us=item.offset_us,
        duration_us=item.duration_us,
        buffer_us=RELAY_BUFFER_US,
        title=item.relay.name,
        relay=str(item.relay.number),
        backup=_clip_item(item.backup, 0, renditions) if item.backup is not None and has_backup else None,
    )


def wire_items_of_relay(session: Session, source: RelaySource, length: timedelta, backup_clip_id: str) -> list[Item]:
    """A station as the only item of a broadcast. Raises Refusal, NotFound."""
    check_relay_length(length // timedelta(milliseconds=1))
    backup = clip(session, backup_clip_id) if backup_clip_id else None
    length_us = length // timedelta(microseconds=1)
    return manifest_items(session, [RunningItem(0, ItemKind.RELAY, 0, length_us, None, "", source, backup)])


def clip_items(session: Session, clip_id: str) -> list[ClipItem]:
    """A single clip as the only item of a broadcast. Raises Refusal when it lacks its renditions."""
    single = clip(session, clip_id)
    renditions = renditions_of(session, [clip_id])
    if clip_id not in renditions:
        raise Refusal(N_("A recording in this programme is no longer available. Choose another one."))
    return [_clip_item(single, 0, renditions)]
