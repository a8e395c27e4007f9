"""The volume of several receivers at once: choose them, set it, and see what became of each."""

from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse

from devices.zones import zones
from people.rights import Action
from usecases.receiver_volumes import set_volumes
from web.labels.receivers import KINDS, STATES
from web.receiver_query import AskedReceivers, station_choices
from web.receiver_rows import receivers_view
from web.request_context import In, Reading, changes
from web.typed_fields import Whole

router = APIRouter(include_in_schema=False)


@router.get("/volumes")
def page(frame: In, session: Reading, asked: AskedReceivers) -> HTMLResponse:
    """The receivers that the filter finds, all of them chosen."""
    frame.need(Action.RECEIVERS)
    return frame.page(
        "volumes.html",
        rows=sorted(
            asked.matching(receivers_view(session, frame, frame.deps.clock.now())), key=lambda row: row.receiver.name
        ),
        asked=asked,
        states=STATES,
        kinds=KINDS,
        stations=station_choices(session, frame.commune_id),
        zones=zones(session, frame.commune_id),
    )


@router.post("/volumes", dependencies=[changes(Action.RECEIVERS)])
def change(
    frame: In, volume_percent: Annotated[Whole, Form()], receivers: Annotated[list[str] | None, Form()] = None
) -> HTMLResponse:
    """What each receiver is set to now. One that is offline takes it when it is back."""
    results = set_volumes(frame.deps.services, frame.actor, frame.commune_id, receivers or [], volume_percent)
    states = frame.deps.presence.snapshot(frame.deps.clock.now())
    online = {r.receiver_id for r in results if r.receiver_id in states and states[r.receiver_id].state == "online"}
    return frame.page("volumes_set.html", results=results, online=online, wanted=volume_percent)
