"""Alerts from outside: which came, and shall they sound?"""

from fastapi import APIRouter
from fastapi.responses import HTMLResponse, Response

from cap.alerts import closed, inbox, replaced_by
from cap.sources import cap_sources
from people.rights import Action
from runtime.refusal import N_
from usecases.cap_alerts import dismiss_alert, request_alert
from web.flash import Flash
from web.labels import cap as labels
from web.labels.places import PlaceNames
from web.request_context import In, Reading, back_to, changes
from web.typed_fields import RowId

router = APIRouter(include_in_schema=False)


@router.get("/cap")
def page(frame: In, session: Reading) -> HTMLResponse:
    """What waits and what is on, then what is over."""
    waiting = inbox(session, frame.commune_id)
    part = frame.request.headers.get("hx-target") == "cap-inbox"
    emergencies = {a.emergency_id: frame.deps.desk.find(a.emergency_id) for a in waiting if a.emergency_id}
    replaced = {a.id: running for a in waiting if (running := replaced_by(waiting, a)) is not None}
    return frame.page(
        "_cap_inbox.html" if part else "cap_inbox.html",
        alerts=waiting,
        over=closed(session, frame.commune_id),
        sources={source.number: source for source in cap_sources(session, frame.commune_id)},
        places=PlaceNames(session, frame.commune_id),
        emergencies=emergencies,
        replaced=replaced,
        labels=labels,
    )


@router.post("/cap/alerts/{cap_alert_id}/start", dependencies=[changes(Action.EMERGENCY)])
def do_start(frame: In, cap_alert_id: RowId) -> Response:
    """A second person confirms it on the page that follows."""
    emergency = request_alert(frame.deps.services, frame.actor, frame.deps.emergencies, frame.commune_id, cap_alert_id)
    return back_to(frame.request, f"/emergency/alerts/{emergency.id}", None)


@router.post("/cap/alerts/{cap_alert_id}/dismiss", dependencies=[changes(Action.EMERGENCY)])
def do_dismiss(frame: In, cap_alert_id: RowId) -> Response:
    dismiss_alert(frame.deps.services, frame.actor, frame.deps.emergencies, frame.commune_id, cap_alert_id)
    return back_to(frame.request, "/cap", Flash(N_("This alert does not sound any more.")))
