"""Put on air: what, where, as what class, and until when."""

from datetime import datetime, timedelta
from typing import Annotated, Any

from fastapi import APIRouter, Depends, Form
from fastapi.responses import HTMLResponse, Response
from sqlmodel import Session

from broadcast.clips import clip
from broadcast.interruptions import interruptions
from broadcast.modes import IN_STEP, Spread, Spreading
from broadcast.planning import LEAD, check_reached
from broadcast.programmes import duration_us, items_of, programme, programme_source, programmes
from devices.receivers import Receiver, reached_by
from noise.noise_rules import check_allowed
from parsing.numbers import row_number
from people.rights import Action
from runtime.refusal import N_, Refusal
from usecases.broadcasts import put_on_air
from web.clip_list import MOST_CHOICES, clip_choices
from web.flash import Flash
from web.labels.modes import mode_sentence
from web.labels.places import PlaceNames
from web.request_context import In, Reading, back_to, changes
from web.targets import TargetChoice, class_from, spread_from, target_choice, targets_from
from web.typed_fields import RowId
from wire.broadcasts import BroadcastClass, SoundSource, Targets

router = APIRouter(include_in_schema=False)


@router.get("/put-on-air")
def put_on_air_page(
    frame: In, session: Reading, programme: RowId | None = None, clip: str | None = None, find: str = ""
) -> HTMLResponse:
    """What, where, as what class: the form for putting something on air now. find: what to choose from."""
    choices = _choices(session, frame.commune_id, find, programme, clip or "")
    if not find and len(choices["programmes"]) + len(choices["clips"]) == 1:  # nothing to choose between
        choices["chosen_programme"] = next((p.number for p in choices["programmes"]), None)
        choices["chosen"] = next((c.id for c in choices["clips"]), "")
    return frame.page(
        "broadcast_form.html",
        **choices,
        searchable=bool(find)
        or max(len(listed) for listed in (choices["clips"], choices["programmes"])) >= MOST_CHOICES,
        targets=target_choice(session, frame.commune_id),
        spread=IN_STEP,
    )


@router.get("/put-on-air/choices")
def content_choices(frame: In, session: Reading, find: str = "") -> HTMLResponse:
    """The options of the form's list, for htmx."""
    return frame.page("_content_choices.html", **_choices(session, frame.commune_id, find, None, ""))


@router.post("/put-on-air/preview", dependencies=[changes(Action.ON_AIR)])
def preview(
    frame: In,
    session: Reading,
    chosen: Annotated[TargetChoice, Depends(targets_from)],
    class_: Annotated[BroadcastClass, Depends(class_from)],
    spread: Annotated[Spread, Depends(spread_from)],
    what: Annotated[str, Form()] = "",
) -> HTMLResponse:
    """What, where, how, what it interrupts, and why it is refused: said, and asked, before it is put on air."""
    title, length_us, source = _content(session, frame.commune_id, what)
    targets, starts_at = chosen.targets(), frame.deps.clock.now() + LEAD
    spreading = Spreading(session, frame.commune_id)
    shifts = spreading.shifts(spread, targets, length_us)
    ends_at = starts_at + timedelta(microseconds=length_us + shifts.most_us)
    reached = reached_by(session, frame.commune_id, targets)
    found = interruptions(session, frame.commune_id, reached, class_, starts_at, ends_at, source)
    return frame.page(
        "_put_on_air_preview.html",
        title=title,
        length_us=length_us,
        emergency=class_ is BroadcastClass.EMERGENCY,
        where=PlaceNames(session, frame.commune_id).where(frame.t, targets),
        receivers=len(reached),
        how=mode_sentence(frame.wording, spread, spreading.turn_names(shifts), ends_at) if length_us else "",
        interrupted=[b.title for b in found.interrupted],
        preferred=[b.title for b in found.preferred],
        refusal=_refusal(session, frame.commune_id, targets, reached, class_, starts_at, ends_at),
    )


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
        raise Refusal(N_("Choose a programme or a recording to put on air.")).at("what")
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
    return back_to(frame.request, "/", Flash(N_("The broadcast begins in a few seconds.")))


def _choices(session: Session, commune_id: str, find: str, programme_id: int | None, clip_id: str) -> dict[str, Any]:
    """The newest programmes and clips that match, and the chosen one."""
    listed = programmes(session, commune_id, search=find, limit=MOST_CHOICES)
    if programme_id and all(choice.id != programme_id for choice in listed):
        own = programme(session, programme_id)
        listed += [own] if own.commune_id == commune_id and own.retired_at is None else []
    return {
        "programmes": listed,
        "clips": clip_choices(session, commune_id, find, clip_id),
        "chosen_programme": programme_id,
        "chosen": clip_id,
        "prefix": "clip ",
        "find": find,
    }


def _refusal(
    session: Session,
    commune_id: str,
    targets: Targets,
    reached: list[Receiver],
    class_: BroadcastClass,
    starts_at: datetime,
    ends_at: datetime,
) -> Refusal | None:
    """What putting it on air would say."""
    try:
        check_reached(reached)
        check_allowed(session, commune_id, targets, class_, starts_at, ends_at)
    except Refusal as refusal:
        return refusal
    return None


def _content(session: Session, commune_id: str, what: str) -> tuple[str, int, SoundSource]:
    """Title, length in microseconds and source of what the form names; "" and 0 for nothing of this commune."""
    kind, _, ident = what.partition(" ")
    number = row_number(ident) if kind == "programme" else None
    if number is not None and (chosen := programme(session, number)).commune_id == commune_id:
        running = items_of(session, number)
        return chosen.title, duration_us(running), programme_source(running)
    if kind == "clip" and (row := clip(session, ident)).commune_id == commune_id:
        return row.title, row.duration_us, SoundSource.RECORDED
    return "", 0, SoundSource.RECORDED
