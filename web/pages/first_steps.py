"""First minutes: name the commune, add a receiver, bring a recording, hear it. Each can be left and found again."""

from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import HTMLResponse, Response

from broadcast.clips import clips
from broadcast.play_log import play_log
from devices.receivers import receivers
from people.rights import Action
from runtime.refusal import N_
from usecases.communes import add_commune
from web.flash import Flash
from web.request_context import COMMUNE_COOKIE, In, Reading, back_to, changes

router = APIRouter(include_in_schema=False)


@router.get("/first-steps")
def page(frame: In, session: Reading, needed: str = "") -> HTMLResponse:
    """The four steps, with what is done already. needed: something was asked that needs a commune."""
    commune_id = frame.commune_id
    return frame.page(
        "first_steps.html",
        needed=bool(needed),
        may_add=frame.standing.admin or frame.standing.province_id is not None,
        has_commune=bool(commune_id),
        has_receiver=bool(commune_id and receivers(session, commune_id)),
        has_clip=bool(commune_id and clips(session, commune_id, limit=1)),
        has_sounded=bool(commune_id and play_log(session, commune_id, frame.deps.clock.now(), limit=1)),
    )


@router.post("/communes", dependencies=[changes(Action.COMMUNES, new_commune=True)])
def add(
    frame: In,
    name: Annotated[str, Form()],
    commune_id: Annotated[str, Form()] = "",
    province: Annotated[str, Form()] = "",
) -> Response:
    """The first commune, or one more; its chimes are made at once."""
    added = add_commune(frame.deps.services, frame.actor, frame.deps.media, commune_id, name, province=province)
    answer = back_to(frame.request, "/first-steps", Flash(N_("{commune} has been added."), {"commune": added.name}))
    answer.set_cookie(COMMUNE_COOKIE, added.id, max_age=31_536_000, samesite="lax", httponly=True)
    return answer
