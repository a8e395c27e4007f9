"""Programmes: an ordered list of items (chimes, clips, pauses, relays) with its total duration."""

import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Column, text
from sqlmodel import Field, Session, SQLModel, col, delete, select

from broadcast.clips import Clip, builtin_clip, clip, clips_by_id
from broadcast.relay_sources import RelaySource, relay_source, relay_sources_by_id
from parsing.names import folded
from parsing.titles import parse_title
from runtime.database import UtcDateTime
from runtime.refusal import N_, NotFound, Refusal, at_field
from runtime.rows import NumberedRow, existing
from wire.broadcasts import SoundSource, source_of_lengths

MOST_ITEMS = 100
LONGEST_GAP_MS = 60_000
LEAST_RELAY_MS, LONGEST_RELAY_MS = 10_000, 12 * 3_600_000


class ItemKind(StrEnum):
    OPENING_CHIME = "opening_chime"
    CLIP = "clip"
    GAP = "gap"
    RELAY = "relay"
    CLOSING_CHIME = "closing_chime"


CHIMES = (ItemKind.OPENING_CHIME, ItemKind.CLOSING_CHIME)


class Programme(NumberedRow, table=True):
    commune_id: str = Field(foreign_key="commune.id", index=True)
    title: str
    folded: str = ""
    created_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    created_by: str = ""
    retired_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))


class ProgrammeItem(SQLModel, table=True):
    """position: from 0. gap_ms: the length of a pause or a relay. clip_id: of a clip, or of the recording that sounds
    while a relay fails; chimes refer to the commune's own. relay_source_id: of a relay.

    item_key: names the item in its programme, and stays when items move: a page that is older names the same item.
    """

    programme_id: int = Field(foreign_key="programme.id", primary_key=True)
    position: int = Field(primary_key=True)
    kind: str
    clip_id: str | None = Field(default=None, foreign_key="clip.id", index=True)
    gap_ms: int = 0
    relay_source_id: int | None = Field(default=None, foreign_key="relay_source.id", index=True)
    item_key: str = Field(default_factory=lambda: secrets.token_hex(4), sa_column_kwargs={"server_default": text("''")})


@dataclass(frozen=True)
class Item:
    """An item as an editor submits it. key: of one that is there already, "" for a new one."""

    kind: ItemKind
    clip_id: str | None = None
    gap_ms: int = 0
    key: str = ""
    relay_source_id: int | None = None


@dataclass(frozen=True)
class RunningItem:
    """An item with its running time. offset_us: from the start of the programme. clip: None for a pause or a relay.

    relay: None for what is none. backup: of a relay, the recording that sounds while it fails.
    """

    position: int
    kind: ItemKind
    offset_us: int
    duration_us: int
    clip: Clip | None
    key: str = ""
    relay: RelaySource | None = None
    backup: Clip | None = None


def add_programme(
    session: Session, commune_id: str, title: str, items: Sequence[Item], *, now: datetime, by: str = ""
) -> Programme:
    """Raises Refusal (no title, invalid item), NotFound (no such clip)."""
    programme = Programme(
        commune_id=commune_id, title=_title(title), folded=folded(title), created_at=now, created_by=by
    )
    session.add(programme)
    session.flush()
    replace_items(session, programme.number, items)
    return programme


def rename(session: Session, programme_id: int, title: str) -> Programme:
    """Raises Refusal for an empty title, NotFound."""
    renamed = programme(session, programme_id)
    renamed.title, renamed.folded = _title(title), folded(title)
    session.add(renamed)
    return renamed


def replace_items(session: Session, programme_id: int, items: Sequence[Item]) -> None:
    """Set exactly these items, in this order. Raises Refusal, NotFound.

    The next plan replaces broadcasts that have not begun; one on air continues unchanged.
    """
    owner = programme(session, programme_id)
    if len(items) > MOST_ITEMS:
        raise Refusal(N_("A programme can have at most {most} items. Split it into two programmes."), most=MOST_ITEMS)
    for item in items:
        _check(session, owner.commune_id, item)
    session.exec(delete(ProgrammeItem).where(col(ProgrammeItem.programme_id) == programme_id))
    for position, item in enumerate(items):
        session.add(
            ProgrammeItem(
                programme_id=programme_id,
                position=position,
                kind=item.kind.value,
                clip_id=(item.clip_id or None) if item.kind in (ItemKind.CLIP, ItemKind.RELAY) else None,
                gap_ms=item.gap_ms if item.kind in (ItemKind.GAP, ItemKind.RELAY) else 0,
                relay_source_id=item.relay_source_id if item.kind is ItemKind.RELAY else None,
                **({"item_key": item.key} if item.key else {}),
            )
        )
    session.flush()


def programme(session: Session, programme_id: int) -> Programme:
    """Raises NotFound when no row has this id."""
    return existing(session, Programme, programme_id, N_("This programme no longer exists."))


def programmes(
    session: Session,
    commune_id: str,
    *,
    search: str = "",
    include_retired: bool = False,
    limit: int | None = None,
    offset: int = 0,
) -> list[Programme]:
    """A commune's programmes, newest first. search: words, matched without diacritics."""
    query = select(Programme).where(Programme.commune_id == commune_id)
    for word in folded(search).split():
        query = query.where(col(Programme.folded).contains(word, autoescape=True))
    if not include_retired:
        query = query.where(col(Programme.retired_at).is_(None))
    newest = query.order_by(col(Programme.created_at).desc(), col(Programme.id).desc())
    return list(session.exec(newest.limit(limit).offset(offset)))


def items_of(session: Session, programme_id: int) -> list[RunningItem]:
    return items_of_all(session, [programme_id])[programme_id]


def items_of_all(session: Session, programme_ids: Sequence[int]) -> dict[int, list[RunningItem]]:
    """By programme id. The number of queries does not grow with the programmes."""
    query = select(ProgrammeItem, Programme.commune_id).join(Programme)
    query = query.where(col(ProgrammeItem.programme_id).in_(programme_ids))
    rows = session.exec(query.order_by(col(ProgrammeItem.programme_id), col(ProgrammeItem.position))).all()
    communes = {commune_id for _, commune_id in rows}
    clips = clips_by_id(session, [row.clip_id for row, _ in rows if row.clip_id])
    relays = relay_sources_by_id(session, [row.relay_source_id for row, _ in rows if row.relay_source_id])
    chimes = _chimes(session, communes) if any(ItemKind(row.kind) in CHIMES for row, _ in rows) else {}
    items_by_programme: dict[int, list[RunningItem]] = {programme_id: [] for programme_id in programme_ids}
    for row, commune_id in rows:
        kind, running = ItemKind(row.kind), items_by_programme[row.programme_id]
        recording = chimes.get((commune_id, row.kind)) if kind in CHIMES else clips.get(row.clip_id or "")
        relay = relays.get(row.relay_source_id or 0) if kind is ItemKind.RELAY else None
        clip_of_item = recording if kind is not ItemKind.RELAY else None
        backup = recording if kind is ItemKind.RELAY else None
        offset_us = running[-1].offset_us + running[-1].duration_us if running else 0
        has_own_length = kind in (ItemKind.GAP, ItemKind.RELAY)
        duration_us = row.gap_ms * 1000 if has_own_length else clip_of_item.duration_us if clip_of_item else 0
        running.append(
            RunningItem(row.position, kind, offset_us, duration_us, clip_of_item, row.item_key, relay, backup)
        )
    return items_by_programme


def duration_us(items: Sequence[RunningItem]) -> int:
    return items[-1].offset_us + items[-1].duration_us if items else 0


def programme_source(items: Sequence[RunningItem]) -> SoundSource:
    """As `wire.broadcasts.source_of` finds it in what is announced: a pause is no item there."""
    return source_of_lengths(
        live_us=0,
        relay_us=sum(item.duration_us for item in items if item.relay is not None),
        recorded_us=sum(item.duration_us for item in items if item.clip is not None),
    )


def used_in(session: Session, clip_ids: Sequence[str]) -> dict[str, list[Programme]]:
    """The programmes that contain each clip. One query."""
    query = select(ProgrammeItem.clip_id, Programme).join(Programme).distinct()
    query = query.where(col(ProgrammeItem.clip_id).in_(clip_ids), col(Programme.retired_at).is_(None))
    programmes_by_clip: dict[str, list[Programme]] = {}
    for clip_id, used in session.exec(query.order_by(Programme.title)):
        if clip_id is not None:
            programmes_by_clip.setdefault(clip_id, []).append(used)
    return programmes_by_clip


def _check(session: Session, commune_id: str, item: Item) -> None:
    if item.kind is ItemKind.CLIP:
        if item.clip_id is None or clip(session, item.clip_id).commune_id != commune_id:
            raise NotFound(N_("This recording no longer exists."))
    elif item.kind is ItemKind.RELAY:
        _check_relay(session, commune_id, item)
    elif item.kind is ItemKind.GAP:
        if not 0 < item.gap_ms <= LONGEST_GAP_MS:
            raise Refusal(N_("A pause lasts up to {most} seconds."), most=LONGEST_GAP_MS // 1000).at("gap_s")
    else:
        builtin_clip(session, commune_id, item.kind.value)


def relay_length(minutes: float) -> timedelta:
    """As people type it. Raises Refusal."""
    if not 0 < minutes <= 24 * 60:
        raise Refusal(N_("Type how many minutes the relay lasts, for example 25.")).at("minutes")
    return timedelta(minutes=minutes)


def check_relay_length(length_ms: int) -> None:
    """Raises Refusal."""
    if not LEAST_RELAY_MS <= length_ms <= LONGEST_RELAY_MS:
        raise Refusal(
            N_("A relay lasts {least} seconds to {most} hours."),
            least=LEAST_RELAY_MS // 1000,
            most=LONGEST_RELAY_MS // 3_600_000,
        ).at("minutes")


def _check_relay(session: Session, commune_id: str, item: Item) -> None:
    if item.relay_source_id is None or relay_source(session, item.relay_source_id).commune_id != commune_id:
        raise NotFound(N_("This relay station no longer exists."))
    check_relay_length(item.gap_ms)
    if item.clip_id and clip(session, item.clip_id).commune_id != commune_id:
        raise NotFound(N_("This recording no longer exists."))


def _chimes(session: Session, communes: set[str]) -> dict[tuple[str, str], Clip]:
    query = select(Clip).where(col(Clip.commune_id).in_(communes), Clip.builtin != "")
    return {(c.commune_id, c.builtin): c for c in session.exec(query)}


def _title(title: str) -> str:
    with at_field("title"):
        parsed = parse_title(title)
    if not parsed:
        raise Refusal(N_("A programme needs a title, for example: Morning bulletin.")).at("title")
    return parsed
