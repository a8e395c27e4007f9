"""Programmes: in what order does it sound, and how long?"""

from dataclasses import dataclass
from datetime import timedelta
from typing import Annotated, Literal
from urllib.parse import urlencode

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, Response
from sqlmodel import Session

from broadcast.programmes import (
    Item,
    ItemKind,
    Programme,
    RunningItem,
    duration_us,
    items_of,
    items_of_all,
    programmes,
    relay_length,
)
from broadcast.relay_sources import relay_sources
from parsing.numbers import row_number
from people.rights import Action
from runtime.refusal import N_, Refusal
from usecases.emergency_content import need_for_programme
from usecases.programmes import (
    add_programme,
    change_items,
    programme_of,
    rename_programme,
    restore_programme,
    retire_programme,
    schedules_with,
)
from web.clip_list import MOST_CHOICES, clip_choices, uploads_view
from web.flash import SAVED, Flash
from web.labels.broadcasts import CHIMES, FIELDS, LANGUAGES_SPOKEN
from web.removed_items import RemovedItem, removed_title
from web.removed_things import after_removal
from web.request_context import Frame, In, Reading, back_to, changes
from web.timetable_view import schedule_rows
from web.typed_fields import Count, Decimal, RowId, Seconds

router = APIRouter(include_in_schema=False)
PER_PAGE = 25


@dataclass(frozen=True)
class ProgrammeRow:
    """One programme in the list. Lengths in µs."""

    programme: Programme
    length_us: int
    count: int
    titles: list[str]


def programmes_view(session: Session, commune_id: str, search: str = "", page: int = 0) -> list[ProgrammeRow]:
    """A page of the list, and one row more when another follows. The number of queries does not grow with it."""
    rows = programmes(session, commune_id, search=search, limit=PER_PAGE + 1, offset=page * PER_PAGE)
    items = items_of_all(session, [p.number for p in rows])
    return [
        ProgrammeRow(
            p,
            duration_us(items[p.number]),
            len(items[p.number]),
            [title for i in items[p.number] if (title := _title_of(i))],
        )
        for p in rows
    ]


def _title_of(item: RunningItem) -> str:
    """Empty for chimes and gaps."""
    if item.relay is not None:
        return item.relay.name
    return item.clip.title if item.kind is ItemKind.CLIP and item.clip else ""


async def _instead_from(request: Request) -> dict[int, int]:
    """By the schedule's number: the programme that it plays from now on."""
    form = await request.form()
    sent = {name.removeprefix("instead "): str(value) for name, value in form.items() if name.startswith("instead ")}
    return {row_number(name) or 0: row_number(value) or 0 for name, value in sent.items()}


@router.get("/programmes")
def page(frame: In, session: Reading, q: str = "", page: Count = 0) -> HTMLResponse:
    rows = programmes_view(session, frame.commune_id, q, page)
    part = frame.request.headers.get("hx-target") == "programmes"
    return frame.page(
        "_programme_list.html" if part else "programmes.html",
        rows=rows[:PER_PAGE],
        more=len(rows) > PER_PAGE,
        page=page,
        q=q,
        query=urlencode({"q": q}) if q else "",
    )


@router.post("/programmes", dependencies=[changes(Action.PROGRAMMES)])
def add(frame: In, title: Annotated[str, Form()], chimes: Annotated[str, Form()] = "") -> Response:
    """A new programme, with its chimes when wanted."""
    items = [Item(ItemKind.OPENING_CHIME), Item(ItemKind.CLOSING_CHIME)] if chimes else []
    number = add_programme(frame.deps.services, frame.actor, frame.commune_id, title, items).number
    return back_to(frame.request, f"/programmes/{number}", Flash(N_("Programme created. Add its recordings.")))


@router.get("/programmes/{number}")
def one(frame: In, session: Reading, number: RowId, find: str = "", removed_item: str = "") -> HTMLResponse:
    """One programme: its items in order, with buttons to change it.

    find: recordings to choose from. removed_item: what was just removed from it.
    """
    return _editor(frame, session, number, "programme.html", find, RemovedItem.of(removed_item))


@router.post("/programmes/{number}", dependencies=[changes(Action.PROGRAMMES)])
def change(frame: In, number: RowId, title: Annotated[str, Form()]) -> Response:
    rename_programme(frame.deps.services, frame.actor, frame.commune_id, number, title)
    return back_to(frame.request, f"/programmes/{number}")


@router.post("/programmes/{number}/items", dependencies=[changes(Action.PROGRAMMES)])
def add_item(
    frame: In,
    number: RowId,
    what: Annotated[str, Form()],
    gap_s: Annotated[Seconds, Form()] = 2.0,
    minutes: Annotated[Decimal, Form()] = 25.0,
    backup: Annotated[str, Form()] = "",
) -> Response:
    """Insert an item: a clip, a gap or a relay before the closing chime, an opening chime at the start.

    minutes, backup: of a relay, its length and the recording that sounds while the station fails.
    """
    kind, _, clip_id = what.partition(" ")

    def insert(items: list[Item]) -> None:
        end = len(items) - 1 if items and items[-1].kind is ItemKind.CLOSING_CHIME else len(items)
        if kind == "clip":
            items.insert(end, Item(ItemKind.CLIP, clip_id))
        elif kind == ItemKind.GAP:
            items.insert(end, Item(ItemKind.GAP, gap_ms=round(gap_s * 1000)))
        elif kind == ItemKind.RELAY:
            length_ms = relay_length(minutes) // timedelta(milliseconds=1)
            items.insert(end, Item(ItemKind.RELAY, backup or None, length_ms, relay_source_id=row_number(clip_id)))
        elif kind == ItemKind.OPENING_CHIME:
            items.insert(0, Item(ItemKind.OPENING_CHIME))
        elif kind == ItemKind.CLOSING_CHIME:
            items.append(Item(ItemKind.CLOSING_CHIME))
        else:
            raise Refusal(N_("Choose what to add.")).at("what")

    change_items(frame.deps.services, frame.actor, frame.commune_id, number, insert)
    return _after(frame, number)


@router.post("/programmes/{number}/items/{key}/to", dependencies=[changes(Action.PROGRAMMES)])
def move_to(frame: In, number: RowId, key: str, position: Annotated[Count, Form()]) -> Response:
    """Put an item at a position, from 0; beyond the end is the end."""

    def move_item(items: list[Item]) -> None:
        item = next((item for item in items if item.key == key), None)
        if item is not None:
            items.remove(item)
            items.insert(position, item)

    change_items(frame.deps.services, frame.actor, frame.commune_id, number, move_item)
    return _after(frame, number)


@router.post("/programmes/{number}/items/{key}/{action}", dependencies=[changes(Action.PROGRAMMES)])
def move(frame: In, number: RowId, key: str, action: Literal["up", "down", "remove"]) -> Response:
    """Move an item up or down, or remove it. One that is not there any more stays away."""
    gone: list[RemovedItem] = []

    def move_item(items: list[Item]) -> None:
        position = next((k for k, item in enumerate(items) if item.key == key), None)
        if position is not None:
            item = items.pop(position)
            if action == "up":
                items.insert(max(0, position - 1), item)
            elif action == "down":
                items.insert(position + 1, item)
            else:
                gone.append(RemovedItem(item.kind, item.clip_id or "", item.gap_ms, position, item.relay_source_id))

    change_items(frame.deps.services, frame.actor, frame.commune_id, number, move_item)
    return _after(frame, number, gone[0] if gone else None)


@router.post("/programmes/{number}/put-back", dependencies=[changes(Action.PROGRAMMES)])
def put_back(frame: In, number: RowId, removed_item: Annotated[str, Form()]) -> Response:
    """Undo the removal of an item: it comes back to its place."""
    item = RemovedItem.of(removed_item)
    if item is None:
        raise Refusal(N_("Choose what to add."))

    def insert(items: list[Item]) -> None:
        put_back = Item(item.kind, item.clip_id or None, item.gap_ms, relay_source_id=item.relay)
        items.insert(item.position, put_back)

    change_items(frame.deps.services, frame.actor, frame.commune_id, number, insert)
    return _after(frame, number)


@router.get("/programmes/{number}/retire")
def ask_retire(frame: In, session: Reading, number: RowId) -> HTMLResponse:
    """Which schedules play it, and what each shall play instead."""
    programme = programme_of(session, frame.commune_id, number)
    used = schedules_with(session, frame.commune_id, number)
    return frame.page(
        "programme_retire.html",
        programme=programme,
        rows=schedule_rows(frame, session, used),
        others=[p for p in programmes(session, frame.commune_id) if p.number != number],
    )


@router.post("/programmes/{number}/retire", dependencies=[changes(Action.PROGRAMMES)])
def do_retire(
    frame: In,
    session: Reading,
    number: RowId,
    instead: Annotated[dict[int, int], Depends(_instead_from)],
    asked: Annotated[str, Form()] = "",
) -> Response:
    """asked: the schedules that play it were shown; else they are shown now."""
    need_for_programme(session, frame.actor, frame.commune_id, number)
    if not asked and schedules_with(session, frame.commune_id, number):
        return back_to(frame.request, f"/programmes/{number}/retire")
    session.rollback()  # the read transaction must not block the write
    retire_programme(frame.deps.services, frame.actor, frame.commune_id, number, instead)
    return after_removal(frame, "programme", number)


@router.post("/programmes/{number}/restore", dependencies=[changes(Action.PROGRAMMES)])
def do_restore(frame: In, number: RowId) -> Response:
    restore_programme(frame.deps.services, frame.actor, frame.commune_id, number)
    return back_to(frame.request, f"/programmes/{number}", Flash(N_("Programme restored.")))


def _after(frame: Frame, number: int, removed: RemovedItem | None = None) -> Response:
    """The changed items for htmx, the whole page without script."""
    if not frame.request.headers.get("hx-request"):
        undo = f"?removed_item={removed.text}" if removed else ""
        return back_to(frame.request, f"/programmes/{number}{undo}", None if removed else SAVED)
    with frame.deps.database.session() as session:
        return _editor(frame, session, number, "_programme_items.html", removed=removed)


def _editor(
    frame: Frame, session: Session, number: int, template: str, find: str = "", removed: RemovedItem | None = None
) -> HTMLResponse:
    programme, items = programme_of(session, frame.commune_id, number), items_of(session, number)
    choices = clip_choices(session, frame.commune_id, find)
    gone = removed_title(session, frame.commune_id, removed) if removed else ""
    return frame.page(
        template,
        programme=programme,
        removed=removed,
        removed_title=gone,
        scheduled=bool(schedules_with(session, frame.commune_id, number)),
        items=items,
        length_us=duration_us(items),
        words=CHIMES,
        clips=choices,
        relays=relay_sources(session, frame.commune_id),
        searchable=bool(find) or len(choices) == MOST_CHOICES,
        find=find,
        chosen="",
        prefix="clip ",
        uploads=uploads_view(session, frame.commune_id, frame.deps.clock.now(), frame.operator.name),
        programme_id=number,
        lists=False,
        replaces=None,
        fields=FIELDS,
        spoken=LANGUAGES_SPOKEN,
        limit_mb=frame.deps.settings.max_upload_bytes // 1_000_000,
    )
