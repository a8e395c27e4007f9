"""On air, the home page: what sounds now and where, is it all right, what comes next."""

from functools import partial
from typing import Any

from fastapi import APIRouter
from fastapi.responses import Response, StreamingResponse

from broadcast.broadcasts import Broadcast
from cap.alerts import waiting_count
from devices.communes import Commune
from devices.receivers import receivers
from people.contacts import full_names
from people.rights import Action, may
from runtime.clock import from_us
from runtime.refusal import N_
from usecases.broadcasts import stop
from web.deps import Deps
from web.flash import Flash
from web.formatting import Wording
from web.labels.stops import who_stopped
from web.language import Translator
from web.live import may_still_see
from web.on_air_view import on_air_view, step_size
from web.rendering import Renderer
from web.request_context import Frame, In, Reading, back_to, changes
from web.shown import ShownRevisions

router = APIRouter(include_in_schema=False)


def _fragment(deps: Deps, renderer: Renderer, commune: Commune, t: Translator, rights: frozenset[str]) -> str:
    now = deps.clock.now()
    with deps.database.session() as session:
        view = on_air_view(session, deps, commune, t, now)
        names = full_names(session) if view.stops else {}
    w = Wording(t, commune.zone)
    values = {"view": view, "t": t, "w": w, "now": now, "from_us": from_us, "step_size": step_size, "rights": rights}
    revisions = ShownRevisions(deps.database)
    return renderer.render("_on_air.html", **values, revision_of=revisions, who_stopped=partial(_who_stopped, names))


def _who_stopped(names: dict[str, str], broadcast: Broadcast) -> str:
    return who_stopped(broadcast, names)


def _rights(frame: Frame, commune_id: str) -> frozenset[str]:
    """Those that buttons on the page need."""
    return frozenset(
        a for a in (Action.ON_AIR, Action.TIMETABLE, Action.RECEIVERS) if may(frame.standing, a, commune_id)
    )


@router.get("/")
def home(frame: In, session: Reading) -> Response:
    """The home page; before there is anything, the first steps."""
    if not frame.commune_id or not receivers(session, frame.commune_id):
        return back_to(frame.request, "/first-steps")
    now = frame.deps.clock.now()
    view = on_air_view(session, frame.deps, frame.commune, frame.t, now)
    rights = _rights(frame, frame.commune_id)
    values: dict[str, Any] = {"view": view, "from_us": from_us, "step_size": step_size, "rights": rights}
    values["outside_alerts"] = waiting_count(session, frame.commune_id)
    return frame.page("on_air.html", **values, who_stopped=partial(_who_stopped, frame.full_names))


@router.get("/live/on-air")
async def watch(frame: In, commune: str = "", language: str = "") -> StreamingResponse:
    """The live part of the home page, sent again whenever it changes.

    commune, language: as the page shows them; another tab may have chosen others since.
    """
    feed, deps = frame.request.app.state.live, frame.deps
    shown = next((c for c in frame.communes if c.id == commune), frame.commune)
    t = feed.renderer.translators.get(language, frame.t)
    rights = _rights(frame, shown.id)
    events = feed.watch(
        f"on-air {shown.id} {t.language} {' '.join(sorted(rights))}",
        "on_air",
        lambda: _fragment(deps, feed.renderer, shown, t, rights),
        may_watch=lambda: may_still_see(deps, frame.token, shown.id),
    )
    return StreamingResponse(events, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


@router.post("/broadcasts/{broadcast_id}/stop", dependencies=[changes(Action.ON_AIR)])
def do_stop(frame: In, broadcast_id: str) -> Response:
    """Silence it now, or before it began, withdraw it."""
    stop(frame.deps.services, frame.actor, frame.commune_id, broadcast_id)
    return back_to(frame.request, "/", Flash(N_("The broadcast has been stopped.")))
