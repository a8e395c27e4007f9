"""The report of one emergency or drill, as PDF."""

from fastapi import APIRouter
from fastapi.responses import Response

from web.emergency_view import alert_view
from web.labels.places import PlaceNames
from web.request_context import In, Reading

router = APIRouter(include_in_schema=False)


@router.get("/emergency/alerts/{alert_id}/report.pdf")
def report(frame: In, session: Reading, alert_id: str) -> Response:
    from web.printed_alerts import alert_pdf  # noqa: PLC0415 - 25 MB, for a page that is seldom asked for

    row = frame.deps.desk.alert(frame.commune_id, alert_id)
    view = alert_view(session, frame.deps, frame.t, row)
    where = PlaceNames(session, frame.commune_id).where(frame.t, row.audience, 20)
    today = frame.deps.clock.now().astimezone(frame.commune.zone).date()
    content = alert_pdf(view, frame.commune.name, where, frame.full_names, frame.wording, today)
    name = f"khan-cap-{frame.commune_id}-{row.id}.pdf"
    headers = {"Content-Disposition": f'attachment; filename="{name}"'}
    return Response(content, media_type="application/pdf", headers=headers)
