"""Mergers: which communes became which; doing it, and taking it back."""

from collections.abc import Iterable
from typing import Annotated

from fastapi import APIRouter, Depends, Form
from fastapi.responses import HTMLResponse, Response
from sqlmodel import Session, select

from broadcast.programmes import programmes
from devices.communes import Commune, communes
from devices.receivers import receivers
from devices.stations import stations
from devices.zones import zones
from mergers.actions import check_communes, may_undo, merge_communes, undo_merger
from mergers.mergers import Merger, merger, mergers
from mergers.plans import Merge, Plan, Translatable, involved
from mergers.rehearsals import counts, rehearse
from mergers.undoing import UndoPreview, undo_preview
from people.operators import operators_of
from people.rights import Action, may
from runtime.refusal import N_, NotFound, Refusal
from web.flash import Flash
from web.labels.mergers import COUNTS, say
from web.merger_form import Sent, decisions_from, mark, sent_from
from web.rehearsal_view import rehearsal_page
from web.request_context import COMMUNE_COOKIE, Frame, In, Reading, back_to, changes
from web.typed_fields import RowId

router = APIRouter(include_in_schema=False)
_YEAR_S = 31_536_000


@router.get("/mergers")
def page(frame: In, session: Reading) -> HTMLResponse:
    """What was merged and split before, and the way to the next."""
    frame.need(Action.MERGERS)
    names = _all_names(session)
    rows = [(m, m.what) for m in mergers(session) if _concerns(frame, m.what)]
    return frame.page(
        "mergers.html",
        rows=rows,
        names=names,
        is_merge=_is_merge,
        mine=_mine(frame),
        named=lambda ids: [names.get(commune_id, commune_id) for commune_id in ids],
    )


@router.get("/mergers/new")
def new_merge(frame: In, session: Reading) -> HTMLResponse:
    """The form: which communes become one."""
    frame.need(Action.MERGERS)
    mine = _mine(frame)
    return frame.page("merge_form.html", mine=mine, sizes={c.id: len(receivers(session, c.id)) for c in mine})


@router.get("/mergers/split")
def new_split(frame: In, session: Reading, commune: str = "") -> HTMLResponse:
    """The form: what of a commune becomes one of its own."""
    frame.need(Action.MERGERS)
    mine = _mine(frame)
    source = next((c for c in mine if c.id == (commune or frame.commune_id)), mine[0])
    return frame.page(
        "split_form.html",
        mine=mine,
        source=source,
        stations=stations(session, source.id),
        zones=zones(session, source.id),
        receivers=receivers(session, source.id),
        programmes=programmes(session, source.id),
        people=[o for o, _ in operators_of(session, source.id)],
    )


@router.post("/mergers", dependencies=[changes(Action.MERGERS)])
def do(frame: In, sent: Annotated[Sent, Depends(sent_from)]) -> Response:
    """Do it, when exactly this was looked at; else show again what it would do now."""
    check_communes(frame.actor, sent.plan)
    now, why = frame.deps.clock.now(), None
    with frame.deps.database.session() as session:
        rehearsal = rehearse(session, sent.plan, now, sent.decisions, hooks=frame.deps.merger_hooks)
        if rehearsal.open(sent.decisions):
            why = Refusal(N_("Some questions are still open. Answer them and review the effect.")).at("decisions")
        elif mark(sent.decisions) != sent.shown:
            why = Refusal(N_("The choices have changed. Review the new result."))
        elif not sent.sure:
            why = Refusal(N_("Tick the box to confirm that you have reviewed everything, then merge.")).at("sure")
        if why is not None:
            return rehearsal_page(frame, rehearsal, sent.decisions, why, 422)
    try:
        result = merge_communes(
            frame.deps.services,
            frame.actor,
            sent.plan,
            sent.decisions,
            fingerprint=sent.fingerprint,
            hooks=frame.deps.merger_hooks,
        )
    except Refusal as refusal:
        with frame.deps.database.session() as session:
            rehearsal = rehearse(session, sent.plan, now, sent.decisions, hooks=frame.deps.merger_hooks)
        return rehearsal_page(frame, rehearsal, sent.decisions, refusal, 422)
    answer = back_to(frame.request, f"/mergers/{result.merger_id}", Flash(N_("The merger is done.")))
    answer.set_cookie(COMMUNE_COOKIE, sent.plan.into, max_age=_YEAR_S, samesite="lax", httponly=True)
    return answer


@router.get("/mergers/{merger_id}")
def one(frame: In, session: Reading, merger_id: RowId) -> HTMLResponse:
    """One merger: what came of it, whether all know of it, and the way back."""
    frame.need(Action.MERGERS)
    return _result(frame, session, merger_id, ())


@router.post("/mergers/{merger_id}/undo", dependencies=[changes(Action.MERGERS)])
def do_undo(
    frame: In,
    merger_id: RowId,
    decisions: Annotated[dict[str, str], Depends(decisions_from)],
    sure: Annotated[str, Form()] = "",
) -> HTMLResponse:
    """Take it back, and say what was made or changed since, and where it is now."""
    with frame.deps.database.session() as session:
        row = merger(session, merger_id)
    if not may_undo(frame.actor, row.what):
        raise NotFound(N_("This merger does not exist."))
    if not sure:
        raise Refusal(N_("Tick the box to confirm, then undo.")).at("sure")
    result = undo_merger(frame.deps.services, frame.actor, merger_id, decisions, hooks=frame.deps.merger_hooks)
    with frame.deps.database.session() as session:
        return _result(frame, session, merger_id, result.notes)


def _mine(frame: Frame) -> list[Commune]:
    return [c for c in frame.communes if may(frame.standing, Action.MERGERS, c.id)]


def _is_merge(plan: Plan) -> bool:
    return isinstance(plan, Merge)


def _concerns(frame: Frame, plan: Plan) -> bool:
    return any(may(frame.standing, Action.MERGERS, c) for c in involved(plan))


def _all_names(session: Session) -> dict[str, str]:
    """Also of those that are parts of others now."""
    return dict(session.exec(select(Commune.id, Commune.name)).all())


def _result(frame: Frame, session: Session, merger_id: int, notes: Iterable[Translatable]) -> HTMLResponse:
    row: Merger = merger(session, merger_id)
    plan, now = row.what, frame.deps.clock.now()
    if not _concerns(frame, plan):
        raise NotFound(N_("This merger does not exist."))
    is_undoable = may_undo(frame.actor, plan) and row.undone_at is None and now < row.undo_until
    preview = undo_preview(session, merger_id, now) if is_undoable else UndoPreview()
    # Not the frame's: an undoing has just brought others to life.
    living = [c.id for c in communes(session) if c.id in involved(plan)]
    return frame.page(
        "merger.html",
        merger=row,
        plan=plan,
        is_merge=isinstance(plan, Merge),
        names=_all_names(session),
        living=living,
        counts=counts(session, living, now),
        rows=COUNTS,
        notes=[say(frame.t, note) for note in notes],
        may_undo=is_undoable,
        undo_questions=preview.questions,
        undo_notes=preview.notes,
        say=lambda text: say(frame.t, text),
        over=now >= row.undo_until,
    )
