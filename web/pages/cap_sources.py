"""Sources of alerts: who may send alerts, how they come, and which sound without being asked."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form
from fastapi.responses import HTMLResponse, Response

from cap.signatures import valid_until
from cap.sources import SourceSettings, cap_sources
from devices.zones import zones
from people.rights import Action
from runtime.refusal import N_, from_text
from usecases.cap_sources import (
    add_cap_source,
    cap_source_of,
    change_cap_source,
    new_source_token,
    restore_cap_source,
    retire_cap_source,
)
from web.flash import Flash, saved
from web.labels import cap as labels
from web.removed_things import after_removal
from web.request_context import In, Reading, back_to, changes
from web.typed_fields import RowId

router = APIRouter(include_in_schema=False)


@router.get("/cap/sources")
def page(frame: In, session: Reading) -> HTMLResponse:
    sources = cap_sources(session, frame.commune_id)
    return frame.page(
        "cap_sources.html", sources=sources, labels=labels, zones=zones(session, frame.commune_id), why=from_text
    )


@router.get("/cap/sources/{source_id}")
def one(frame: In, session: Reading, source_id: RowId) -> HTMLResponse:
    source = cap_source_of(session, frame.commune_id, source_id)
    return frame.page(
        "cap_source.html",
        source=source,
        labels=labels,
        zones=zones(session, frame.commune_id),
        error=from_text(source.error),
        door=f"{frame.deps.settings.base_url}/api/v1/cap",
        certificate_until=valid_until(source.certificate) if source.certificate else None,
    )


def settings_from(
    name: Annotated[str, Form()],
    kind: Annotated[str, Form()] = "",
    address: Annotated[str, Form()] = "",
    certificate: Annotated[str, Form()] = "",
    codes: Annotated[str, Form()] = "",
    languages: Annotated[str, Form()] = "vi",
    least_severity: Annotated[str, Form()] = "",
    least_urgency: Annotated[str, Form()] = "",
    least_certainty: Annotated[str, Form()] = "",
    drills: Annotated[str, Form()] = "",
) -> SourceSettings:
    return SourceSettings(
        name,
        kind,
        address,
        certificate,
        codes,
        languages,
        least_severity,
        least_urgency,
        least_certainty,
        bool(drills),
    )


FormSource = Annotated[SourceSettings, Depends(settings_from)]


@router.post("/cap/sources", dependencies=[changes(Action.EXCHANGE)])
def add(frame: In, settings: FormSource) -> Response:
    added = add_cap_source(frame.deps.services, frame.actor, frame.commune_id, settings)
    return back_to(frame.request, f"/cap/sources/{added.number}", Flash(N_("Source added.")))


@router.post("/cap/sources/{source_id}", dependencies=[changes(Action.EXCHANGE)])
def change(frame: In, source_id: RowId, settings: FormSource) -> Response:
    change_cap_source(frame.deps.services, frame.actor, frame.commune_id, source_id, settings)
    return back_to(frame.request, "/cap/sources", saved(settings.name, f"/cap/sources/{source_id}"))


@router.post("/cap/sources/{source_id}/retire", dependencies=[changes(Action.EXCHANGE)])
def do_retire(frame: In, source_id: RowId) -> Response:
    retire_cap_source(frame.deps.services, frame.actor, frame.commune_id, source_id)
    return after_removal(frame, "cap_source", source_id)


@router.post("/cap/sources/{source_id}/restore", dependencies=[changes(Action.EXCHANGE)])
def do_restore(frame: In, source_id: RowId) -> Response:
    restore_cap_source(frame.deps.services, frame.actor, frame.commune_id, source_id)
    return back_to(frame.request, f"/cap/sources/{source_id}", Flash(N_("Source restored.")))


@router.post("/cap/sources/{source_id}/token", dependencies=[changes(Action.EXCHANGE)])
def make_token(frame: In, source_id: RowId) -> HTMLResponse:
    token = new_source_token(frame.deps.services, frame.actor, frame.commune_id, source_id)
    door = f"{frame.deps.settings.base_url}/api/v1/cap"
    return frame.page("cap_token.html", token=token, door=door, number=source_id)
