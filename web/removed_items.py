"""What was just removed from a programme, as its page offers to put it back."""

from dataclasses import dataclass

from sqlmodel import Session

from broadcast.clips import clips_by_id
from broadcast.programmes import ItemKind
from broadcast.relay_sources import relay_sources_by_id
from parsing.numbers import row_number


@dataclass(frozen=True)
class RemovedItem:
    """What is needed to put an item of a programme back to its place."""

    kind: ItemKind
    clip_id: str
    gap_ms: int
    position: int
    relay: int | None = None

    @property
    def text(self) -> str:
        """For an address and a form."""
        return f"{self.kind.value}.{self.clip_id}.{self.gap_ms}.{self.position}.{self.relay or ''}"

    @classmethod
    def of(cls, text: str) -> "RemovedItem | None":
        """None for a text that says nothing."""
        kind, _, rest = text.partition(".")
        clip_id, _, numbers = rest.partition(".")
        gap_ms, _, numbers = numbers.partition(".")
        position, _, relay = numbers.partition(".")
        if kind not in list(ItemKind):
            return None
        return cls(ItemKind(kind), clip_id, row_number(gap_ms) or 0, row_number(position) or 0, row_number(relay))


def removed_title(session: Session, commune_id: str, removed: RemovedItem) -> str:
    if removed.kind is ItemKind.RELAY:
        source = relay_sources_by_id(session, [removed.relay or 0]).get(removed.relay or 0)
        return source.name if source is not None and source.commune_id == commune_id else ""
    clip = clips_by_id(session, [removed.clip_id]).get(removed.clip_id)
    return clip.title if clip is not None and clip.commune_id == commune_id else ""
