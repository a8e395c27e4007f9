"""Zones: a new one. They are shown with the receivers."""

from typing import Annotated

from fastapi import APIRouter, Form
from fastapi.responses import Response

from people.rights import Action
from usecases.zones import add_zone
from web.flash import saved
from web.request_context import In, back_to, changes

router = APIRouter(include_in_schema=False)


@router.post("/zones", dependencies=[changes(Action.RECEIVERS)])
def add(frame: In, zone_id: Annotated[str, Form()], name: Annotated[str, Form()]) -> Response:
    add_zone(frame.deps.services, frame.actor, frame.commune_id, zone_id.strip(), name)
    return back_to(frame.request, "/receivers", saved(name, "/receivers"))
