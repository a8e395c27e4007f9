"""The API's live broadcasts: speak from a browser, and stop everything."""

from typing import Any

from fastapi import APIRouter, WebSocket

from people.rights import Action
from usecases.broadcasts import stop_everything
from web.live_socket import LiveSocket
from web.request_context import In, Reading, changes
from web.still_sounding import still_sounding

router = APIRouter(prefix="/api/v1")


@router.websocket("/live/speak")
async def speak(socket: WebSocket) -> None:
    """A microphone. docs/live.md describes its messages."""
    await LiveSocket(socket).serve()


@router.post("/stop-everything", dependencies=[changes(Action.ON_AIR)])
def stop_all(frame: In) -> dict[str, Any]:
    """Silence the commune. `GET` of the same path says who still sounds."""
    going_on = stop_everything(frame.deps.services, frame.actor, frame.commune_id)
    with frame.deps.database.session() as session:
        return _answer(frame, session) | {"not_allowed": [b.id for b in going_on]}


@router.get("/stop-everything")
def who_sounds(frame: In, session: Reading) -> dict[str, Any]:
    """Receivers that sound, or may still sound after a stop."""
    return _answer(frame, session)


def _answer(frame: In, session: Reading) -> dict[str, Any]:
    sounding = still_sounding(session, frame.deps, frame.commune_id)
    return {
        "sounding": [receiver.id for receiver in sounding.receivers],
        "may_sound_until": sounding.until,
        "on_air": [b.id for b in sounding.on_air],
    }
