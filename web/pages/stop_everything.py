"""Stop everything: asks once, silences the commune, and says who still sounds until nobody does."""

from typing import Any

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response

from people.rights import Action
from runtime.refusal import N_
from usecases.broadcasts import stop_everything
from web.flash import Flash
from web.request_context import Frame, In, Reading, back_to, changes
from web.still_sounding import still_sounding

router = APIRouter(include_in_schema=False)


@router.get("/stop-everything")
def page(frame: In, session: Reading) -> HTMLResponse:
    return frame.page("stop_everything.html", **_view(frame, session))


@router.get("/stop-everything/sounding")
def sounding_part(frame: In, session: Reading) -> HTMLResponse:
    """Who still sounds, for htmx."""
    return frame.page("_still_sounding.html", **_view(frame, session))


@router.post("/stop-everything", dependencies=[changes(Action.ON_AIR)])
def do_stop(frame: In) -> Response:
    going_on = stop_everything(frame.deps.services, frame.actor, frame.commune_id)
    if going_on:
        sentence = N_(
            "An emergency goes on: only the chair, or a person with the right, can end it. All else has been stopped."
        )
        return back_to(frame.request, "/stop-everything?stopped=1", Flash(sentence, is_success=False))
    return back_to(frame.request, "/stop-everything?stopped=1", Flash(N_("Everything has been told to stop.")))


def _view(frame: Frame, session: Reading) -> dict[str, Any]:
    return {
        "view": still_sounding(session, frame.deps, frame.commune_id),
        "stopped": frame.request.query_params.get("stopped") == "1",
    }
