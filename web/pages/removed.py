"""Removed items: what was taken out of use, by kind, each with a button to restore it."""

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from runtime.refusal import N_, NotFound
from web.removed_things import KINDS, SHOWN, removed_things
from web.request_context import In, Reading
from web.typed_fields import Count

router = APIRouter(include_in_schema=False)


@router.get("/removed")
def page(frame: In, session: Reading, kind: str = "schedule", page: Count = 0) -> HTMLResponse:
    if kind not in KINDS:
        raise NotFound(N_("This page does not exist. Go back to the home page."))
    if KINDS[kind].table is None:
        frame.need(KINDS[kind].action)
    kinds = {name: k for name, k in KINDS.items() if k.table is not None or frame.may(k.action)}
    rows = removed_things(session, frame.commune_id, frame.standing, kind, page)
    return frame.page("removed.html", kind=kind, kinds=kinds, rows=rows[:SHOWN], page=page, more=len(rows) > SHOWN)
