"""The JSON API's programmes."""

from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel

from broadcast.programmes import Item, ItemKind, duration_us, items_of_all, programmes
from people.rights import Action
from usecases.programmes import add_programme
from web.request_context import In, Reading, changes
from web.typed_fields import RowId, Whole

router = APIRouter(prefix="/api/v1")


class ItemIn(BaseModel):
    """An item of a programme. kind: opening_chime, clip, gap, relay, closing_chime.

    gap_ms: the length of a gap or a relay. clip: of a relay the recording that sounds while the station fails.
    """

    kind: ItemKind
    clip: str | None = None
    gap_ms: Whole = 0
    relay: RowId | None = None


class ProgrammeIn(BaseModel):
    """A new programme."""

    title: str
    items: list[ItemIn]


@router.get("/programmes")
def list_programmes(frame: In, session: Reading) -> list[dict[str, Any]]:
    """The programmes with their items."""
    rows = programmes(session, frame.commune_id)
    items = items_of_all(session, [p.number for p in rows])
    return [
        {
            "programme": p.number,
            "title": p.title,
            "length_ms": duration_us(items[p.number]) // 1000,
            "items": [
                {
                    "kind": i.kind,
                    "clip": recording.id if (recording := i.clip or i.backup) else None,
                    "relay": i.relay.number if i.relay else None,
                    "offset_ms": i.offset_us // 1000,
                    "length_ms": i.duration_us // 1000,
                }
                for i in items[p.number]
            ],
        }
        for p in rows
    ]


@router.post("/programmes", status_code=201, dependencies=[changes(Action.PROGRAMMES)])
def make_programme(frame: In, body: ProgrammeIn) -> dict[str, int]:
    items = [Item(i.kind, i.clip, i.gap_ms, relay_source_id=i.relay) for i in body.items]
    return {"programme": add_programme(frame.deps.services, frame.actor, frame.commune_id, body.title, items).number}
