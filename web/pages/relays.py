"""Relay stations: which outside stations can be relayed, do their addresses work, and relay one now."""

from typing import Annotated

from fastapi import APIRouter, Depends, Form
from fastapi.responses import HTMLResponse, Response

from broadcast.programmes import relay_length
from broadcast.relay_sources import RelaySource, parse_addresses, relay_sources
from people.rights import Action
from relay.station_test import StationTest
from runtime.refusal import N_
from usecases.relays import (
    RelaySourceSettings,
    add_relay_source,
    change_relay_source,
    programmes_with,
    put_relay_on_air,
    relay_source_of,
    restore_relay_source,
    retire_relay_source,
)
from web.clip_list import clip_choices
from web.flash import Flash, saved
from web.removed_things import after_removal
from web.request_context import Frame, In, Reading, back_to, changes
from web.targets import TargetChoice, class_from, target_choice, targets_from
from web.typed_fields import Decimal, RowId, Whole
from wire.broadcasts import BroadcastClass

router = APIRouter(include_in_schema=False)


@router.get("/relays")
def page(frame: In, session: Reading) -> HTMLResponse:
    return frame.page("relays.html", sources=relay_sources(session, frame.commune_id))


@router.get("/relays/{number}")
def one(frame: In, session: Reading, number: RowId, test: str = "") -> HTMLResponse:
    """test: the key of one that was started without script."""
    source = relay_source_of(session, frame.commune_id, number)
    running = frame.deps.station_tests.of(test, number)
    return frame.page(
        "relay.html",
        source=source,
        programmes=programmes_with(session, number),
        key=test,
        test=running,
        level_percent=_level_percent,
    )


def settings_from(
    name: Annotated[str, Form()],
    addresses: Annotated[str, Form()],
    silence_db: Annotated[Whole, Form()] = -50,
    silence_s: Annotated[Whole, Form()] = 20,
) -> RelaySourceSettings:
    """Of a sent form. Raises Refusal."""
    return RelaySourceSettings(name, parse_addresses(addresses), silence_db, silence_s)


FormSource = Annotated[RelaySourceSettings, Depends(settings_from)]


@router.post("/relays", dependencies=[changes(Action.PROGRAMMES)])
def add(frame: In, settings: FormSource) -> Response:
    added = add_relay_source(frame.deps.services, frame.actor, frame.commune_id, settings)
    return back_to(frame.request, f"/relays/{added.number}", Flash(N_("Station added. Test its addresses.")))


@router.post("/relays/{number}", dependencies=[changes(Action.PROGRAMMES)])
def change(frame: In, number: RowId, settings: FormSource) -> Response:
    change_relay_source(frame.deps.services, frame.actor, frame.commune_id, number, settings)
    return back_to(frame.request, "/relays", saved(settings.name, f"/relays/{number}"))


@router.post("/relays/{number}/retire", dependencies=[changes(Action.PROGRAMMES)])
def do_retire(frame: In, number: RowId) -> Response:
    retire_relay_source(frame.deps.services, frame.actor, frame.commune_id, number)
    return after_removal(frame, "relay", number)


@router.post("/relays/{number}/restore", dependencies=[changes(Action.PROGRAMMES)])
def do_restore(frame: In, number: RowId) -> Response:
    restore_relay_source(frame.deps.services, frame.actor, frame.commune_id, number)
    return back_to(frame.request, f"/relays/{number}", Flash(N_("Station restored.")))


@router.post("/relays/{number}/test", dependencies=[changes(Action.PROGRAMMES)])
def start_test(frame: In, session: Reading, number: RowId) -> Response:
    """Connect each address for a few seconds."""
    source = relay_source_of(session, frame.commune_id, number)
    key = frame.deps.station_tests.start(number, source.address_list, source.silence_db)
    if not frame.request.headers.get("hx-request"):
        return back_to(frame.request, f"/relays/{number}?test={key}#test")
    return _test_part(frame, source, key, frame.deps.station_tests.of(key, number))


@router.get("/relays/{number}/test/{key}")
def follow_test(frame: In, session: Reading, number: RowId, key: str) -> HTMLResponse:
    source = relay_source_of(session, frame.commune_id, number)
    return _test_part(frame, source, key, frame.deps.station_tests.of(key, number))


@router.get("/relays/{number}/on-air")
def ask_on_air(frame: In, session: Reading, number: RowId) -> HTMLResponse:
    """Where, as what class, how long."""
    return frame.page(
        "relay_on_air.html",
        source=relay_source_of(session, frame.commune_id, number),
        targets=target_choice(session, frame.commune_id),
        clips=clip_choices(session, frame.commune_id, ""),
        find="",
        chosen="",
        prefix="",
    )


@router.post("/relays/{number}/on-air", dependencies=[changes(Action.ON_AIR)])
def do_on_air(
    frame: In,
    number: RowId,
    minutes: Annotated[Decimal, Form()],
    chosen: Annotated[TargetChoice, Depends(targets_from)],
    class_: Annotated[BroadcastClass, Depends(class_from)],
    backup: Annotated[str, Form()] = "",
) -> Response:
    put_relay_on_air(
        frame.deps.services,
        frame.actor,
        frame.commune_id,
        number=number,
        targets=chosen.targets(),
        class_=class_,
        length=relay_length(minutes),
        backup_clip_id=backup,
    )
    return back_to(frame.request, "/", Flash(N_("The relay begins in about 10 seconds.")))


def _test_part(frame: Frame, source: RelaySource, key: str, test: StationTest | None) -> HTMLResponse:
    return frame.page("_relay_test.html", source=source, key=key, test=test, level_percent=_level_percent)


def _level_percent(level_db: float) -> int:
    """Of the meter, which begins at −60 dB."""
    return round(min(1.0, max(0.0, 1 + level_db / 60)) * 100)
