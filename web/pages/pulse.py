"""Pulse: what every open page asks every few seconds, to know that the server is there and how many faults are open."""

from fastapi import APIRouter
from fastapi.responses import JSONResponse

from web.emergency_banner import emergency_banner
from web.request_context import In

router = APIRouter(include_in_schema=False)


@router.get("/pulse")
def pulse(frame: In, commune: str = "") -> JSONResponse:
    """commune: the one that the page shows. same_commune: whether the browser still shows it."""
    return JSONResponse(
        {
            "clock": frame.wording.clock(frame.deps.clock.now()),
            "faults": frame.open_faults,
            "same_commune": commune == frame.commune_id,
            "emergency": emergency_banner(frame),
        }
    )
