"""Speak live: the microphone of a browser. The page; its sound goes through `web.live_socket`."""

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from broadcast.live_rules import live_rules
from broadcast.on_air import live_in_commune
from web.request_context import In, Reading
from web.targets import target_choice

router = APIRouter(include_in_schema=False)


@router.get("/speak")
def speak_page(frame: In, session: Reading) -> HTMLResponse:
    return frame.page(
        "speak.html",
        targets=target_choice(session, frame.commune_id),
        rules=live_rules(session, frame.commune_id),
        speaking=live_in_commune(session, frame.commune_id, frame.deps.clock.now()),
    )


@router.get("/speak/others")
def speaking_now(frame: In, session: Reading) -> HTMLResponse:
    """Who speaks live, for htmx."""
    return frame.page("_speaking_now.html", speaking=live_in_commune(session, frame.commune_id, frame.deps.clock.now()))
