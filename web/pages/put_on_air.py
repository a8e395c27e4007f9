"""Put on air: what, where, as what class, and until when."""

from datetime import timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Form
from fastapi.responses import HTMLResponse, Response
from sqlmodel import Session

from broadcast.clips import clip, clips
from broadcast.modes import IN_STEP, Spread, Spreading
from broadcast.planning import LEAD
from broadcast.programmes import duration_us, items_of, programme, programmes
from parsing.numbers import row_number
from people.rights import Action
from runtime.refusal import N_, Refusal
from usecases.broadcasts import put_on_air
from web.labels.modes import mode_sentence
from web.request_context import In, Reading, back_to, changes, renderer_of
from web.targets import TargetChoice, class_from, spread_from, target_choice, targets_from
from web.typed_fields import RowId
from wire.broadcasts import BroadcastClass

router = APIRouter(include_in_schema=False)


@router.get("/put-on-air")
def put_on_air_page(
    frame: In, session: Reading, programme: RowId | None = None, clip: str | None = None
) -> HTMLResponse:
    """What, where, as what class: the form for putting something on air now."""
    return renderer_of(frame.request).page(
        frame,
        "broadcast_form.html",
        programmes=programmes(session, frame.commune_id),
        clips=clips(session, frame.commune_id),
        chosen=f"programme {programme}" if programme else f"clip {clip}" if clip else "",
        targets=target_choice(session, frame.commune_id),
        spread=IN_STEP,
    )


@router.post("/put-on-air/preview", dependencies=[changes(Action.ON_AIR)])
def preview(
    frame: In,
    session: Reading,
    chosen: Annotated[TargetChoice, Depends(targets_from)],
    spread: Annotated[Spread, Depends(spread_from)],
    what: Annotated[str, Form()] = "",
) -> HTMLResponse:
    """How it would sound, and until when: said before it is put on air."""
    spreading, length_us = Spreading(session, frame.commune_id), _length_us(session, frame.commune_id, what)
    shifts = spreading.shifts(spread, chosen.targets(), length_us)
    ends_at = frame.deps.clock.now() + LEAD + timedelta(microseconds=length_us + shifts.most_us)
    how = mode_sentence(frame.wording, spread, spreading.turn_names(shifts), ends_at) if length_us else ""
    return renderer_of(frame.request).page(frame, "_mode_preview.html", sentence=how)


@router.post("/put-on-air", dependencies=[changes(Action.ON_AIR)])
def do_put_on_air(
    frame: In,
    what: Annotated[str, Form()],
    chosen: Annotated[TargetChoice, Depends(targets_from)],
    class_: Annotated[BroadcastClass, Depends(class_from)],
    spread: Annotated[Spread, Depends(spread_from)],
) -> Response:
    kind, _, ident = what.partition(" ")
    programme_id = row_number(ident) if kind == "programme" else None
    if kind not in ("programme", "clip") or (kind == "programme" and programme_id is None):
        raise Refusal(N_("Choose a programme or a recording to put on air."))
    put_on_air(
        frame.deps.services,
        frame.actor,
        frame.commune_id,
        targets=chosen.targets(),
        class_=class_,
        programme_id=programme_id,
        clip_id=ident if kind == "clip" else None,
        spread=spread,
    )
    return back_to(frame.request, "/")


def _length_us(session: Session, commune_id: str, what: str) -> int:
    """Of what the form names; 0 for nothing, or nothing of this commune."""
    kind, _, ident = what.partition(" ")
    number = row_number(ident) if kind == "programme" else None
    if number is not None and programme(session, number).commune_id == commune_id:
        return duration_us(items_of(session, number))
    if kind == "clip" and (row := clip(session, ident)).commune_id == commune_id:
        return row.duration_us
    return 0
