"""The manifest of a broadcast: all a receiver must know to sound the right sample at the right instant.

controller → receivers of a commune, retained. Sealed.
"""

from collections.abc import Iterable
from enum import StrEnum
from typing import Annotated

from msgspec import Meta, structs

from wire.messages import Message, Sealed

Sha256 = Annotated[str, Meta(pattern=r"^[0-9a-f]{64}$")]
Microseconds = Annotated[int, Meta(ge=0)]


class BroadcastClass(StrEnum):
    """The three legal classes (Circular 39/2020/TT-BTTTT)."""

    NORMAL = "normal"
    PRIORITY = "priority"
    EMERGENCY = "emergency"


class SoundSource(StrEnum):
    """Where the sound of a broadcast comes from."""

    RECORDED = "recorded"
    LIVE = "live"  # a person speaks now
    RELAY = "relay"  # another station, for more than half of its length


def source_of_lengths(*, live_us: int, relay_us: int, recorded_us: int) -> SoundSource:
    """By how long its items of each kind last."""
    if live_us:
        return SoundSource.LIVE
    return SoundSource.RELAY if relay_us > recorded_us else SoundSource.RECORDED


class Rendition(Message, frozen=True, kw_only=True):
    """One encoding of a clip.

    sha256, bytes: of the file; a receiver plays nothing whose hash differs.
    codec: "opus" (in Ogg) or "mp3".
    path: below a media base of the receiver's config.
    """

    sha256: Sha256
    bytes: Annotated[int, Meta(gt=0)]
    codec: str
    path: str


class ClipItem(Message, frozen=True, kw_only=True, tag="clip", tag_field="kind"):
    """A clip within a broadcast.

    offset_us: from the broadcast's start to the clip's first sample.
    duration_us: how long it sounds.
    clip: the clip's id, for reports. title: for people.
    renditions: the same sound in several encodings, best first; a receiver takes the first that it can decode.
    """

    offset_us: Microseconds
    duration_us: Microseconds
    clip: str
    title: str = ""
    renditions: Annotated[list[Rendition], Meta(min_length=1)]


class LiveItem(Message, frozen=True, kw_only=True, tag="live", tag_field="kind"):
    """A live stream within a broadcast; its frames come on the broadcast's live topic.

    offset_us, duration_us: as for a clip; duration is the longest it may last.
    buffer_us: how far ahead of its sounding a frame is sent (LAN short, 4G longer).
    title: for people.
    relay: which outside station the controller sends, for exactly duration_us; empty: a microphone or the like.
    backup: the recording that sounds for a relay while no frames come; without it the config's.
    """

    offset_us: Microseconds
    duration_us: Microseconds
    buffer_us: Microseconds
    title: str = ""
    relay: str = ""
    backup: ClipItem | None = None


Item = ClipItem | LiveItem


def source_of(items: Iterable[Item]) -> SoundSource:
    """The source of a broadcast with these items."""
    lengths_us = dict.fromkeys(SoundSource, 0)
    for item in items:
        if isinstance(item, LiveItem):
            lengths_us[SoundSource.RELAY if item.relay else SoundSource.LIVE] += item.duration_us
        else:
            lengths_us[SoundSource.RECORDED] += item.duration_us
    return source_of_lengths(
        live_us=lengths_us[SoundSource.LIVE],
        relay_us=lengths_us[SoundSource.RELAY],
        recorded_us=lengths_us[SoundSource.RECORDED],
    )


class Targets(Message, frozen=True, kw_only=True):
    """Who sounds: all of the commune, or the receivers named and those in the zones named."""

    all: bool = False
    zones: list[str] = []
    receivers: list[str] = []

    def include(self, receiver: str, zones: list[str] | tuple[str, ...]) -> bool:
        """Whether a receiver that is in `zones` is meant."""
        return self.all or receiver in self.receivers or not set(self.zones).isdisjoint(zones)


class Manifest(Sealed, frozen=True, kw_only=True, tag="manifest", tag_field="type", rename={"class_": "class"}):
    """One airing of a programme.

    broadcast: its id. title: for people.
    class_: "class" on the wire. precedence: within a class, the larger sounds; of equals the one that starts later.
    starts_at_us, ends_at_us: controller time; sample n of the broadcast leaves the horn at starts_at_us + n/48000 s.
    items: in order of offset; what no item covers is silence.
    shifts_us: by receiver: how much later than that it starts, and ends; who is not named, is not shifted.
    stopped_at_us: from this instant on it is silent everywhere, although its end is later.
    withdrawn: it shall not sound at all.
    replaces: the broadcast of a former commune that this one takes the place of; empty: none.
    """

    broadcast: str
    title: str = ""
    class_: BroadcastClass
    precedence: int = 0
    targets: Targets
    starts_at_us: Microseconds
    ends_at_us: Microseconds
    items: list[Item]
    shifts_us: dict[str, Microseconds] = {}
    stopped_at_us: Microseconds | None = None
    withdrawn: bool = False
    replaces: str = ""

    def for_receiver(self, receiver: str) -> "Manifest":
        """As one receiver sounds it: its own shift is in the times, and alone in shifts_us.

        Live sound has the times of its frames, and no shift.
        """
        shift_us = self.shifts_us.get(receiver, 0)
        if any(isinstance(item, LiveItem) for item in self.items):
            shift_us = 0
        return structs.replace(
            self,
            starts_at_us=self.starts_at_us + shift_us,
            ends_at_us=self.ends_at_us + shift_us,
            shifts_us={receiver: shift_us} if shift_us else {},
        )

    @property
    def sounds_until_us(self) -> int:
        """Controller time at which it falls silent: its end, or the stop before it."""
        return self.ends_at_us if self.stopped_at_us is None else min(self.ends_at_us, self.stopped_at_us)
