"""The rehearsal of a merger: everything before and after, what must be decided, and nothing is changed."""

from typing import Annotated

from fastapi import APIRouter, Depends
from fastapi.responses import HTMLResponse

from mergers.actions import check_communes
from mergers.rehearsals import rehearse
from people.rights import Action
from web.merger_form import Sent, decided, sent_from
from web.rehearsal_view import rehearsal_page
from web.request_context import In, changes

router = APIRouter(include_in_schema=False)


@router.post("/mergers/rehearsal", dependencies=[changes(Action.MERGERS)])
def show(frame: In, sent: Annotated[Sent, Depends(sent_from)]) -> HTMLResponse:
    """What the plan would do with these decisions."""
    check_communes(frame.actor, sent.plan)
    now = frame.deps.clock.now()
    with frame.deps.database.session() as session:
        rehearsal = rehearse(session, sent.plan, now, sent.decisions, hooks=frame.deps.merger_hooks)
        decisions = decided(rehearsal, sent.decisions, sent.all_alike)
        if decisions != sent.decisions:
            rehearsal = rehearse(session, sent.plan, now, decisions, hooks=frame.deps.merger_hooks)
    return rehearsal_page(frame, rehearsal, decisions)
