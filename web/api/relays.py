"""The JSON API's relay stations."""

from datetime import timedelta
from typing import Any

from fastapi import APIRouter
from pydantic import BaseModel, Field

from broadcast.relay_sources import USUAL_SILENCE_DB, USUAL_SILENCE_S, relay_sources
from people.rights import Action
from usecases.relays import (
    RelaySourceSettings,
    add_relay_source,
    change_relay_source,
    put_relay_on_air,
    restore_relay_source,
    retire_relay_source,
)
from web.api.targets import TargetsIn
from web.request_context import In, Reading, changes
from web.typed_fields import RowId, Whole
from wire.broadcasts import BroadcastClass

router = APIRouter(prefix="/api/v1")


class RelayIn(BaseModel):
    """A relay station. addresses: in order of preference. silence_s: 0 when silence is no failure."""

    name: str
    addresses: list[str]
    silence_db: Whole = USUAL_SILENCE_DB
    silence_s: Whole = USUAL_SILENCE_S

    @property
    def settings(self) -> RelaySourceSettings:
        return RelaySourceSettings(self.name, self.addresses, self.silence_db, self.silence_s)


class RelayNowIn(BaseModel):
    """backup: the clip that sounds while the station fails."""

    length_s: Whole
    targets: TargetsIn
    broadcast_class: BroadcastClass = Field(BroadcastClass.NORMAL, alias="class")
    backup: str | None = None


@router.get("/relays")
def list_relays(frame: In, session: Reading) -> list[dict[str, Any]]:
    """The relay stations in use."""
    return [
        {
            "relay": source.number,
            "name": source.name,
            "addresses": source.address_list,
            "silence_db": source.silence_db,
            "silence_s": source.silence_s,
        }
        for source in relay_sources(session, frame.commune_id)
    ]


@router.post("/relays", status_code=201, dependencies=[changes(Action.PROGRAMMES)])
def make_relay(frame: In, body: RelayIn) -> dict[str, int]:
    source = add_relay_source(frame.deps.services, frame.actor, frame.commune_id, body.settings)
    return {"relay": source.number}


@router.put("/relays/{number}", status_code=204, dependencies=[changes(Action.PROGRAMMES)])
def set_relay(frame: In, number: RowId, body: RelayIn) -> None:
    change_relay_source(frame.deps.services, frame.actor, frame.commune_id, number, body.settings)


@router.post("/relays/{number}/on-air", status_code=201, dependencies=[changes(Action.ON_AIR)])
def relay_now(frame: In, number: RowId, body: RelayNowIn) -> dict[str, str]:
    """Relay a station now, for so many seconds."""
    broadcast = put_relay_on_air(
        frame.deps.services,
        frame.actor,
        frame.commune_id,
        number=number,
        targets=body.targets.targets(),
        class_=body.broadcast_class,
        length=timedelta(seconds=body.length_s),
        backup_clip_id=body.backup or "",
    )
    return {"broadcast": broadcast.id}


@router.post("/relays/{number}/retire", status_code=204, dependencies=[changes(Action.PROGRAMMES)])
def remove_relay(frame: In, number: RowId) -> None:
    retire_relay_source(frame.deps.services, frame.actor, frame.commune_id, number)


@router.post("/relays/{number}/restore", status_code=204, dependencies=[changes(Action.PROGRAMMES)])
def bring_back_relay(frame: In, number: RowId) -> None:
    restore_relay_source(frame.deps.services, frame.actor, frame.commune_id, number)
