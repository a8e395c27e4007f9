"""The undo of a merger: its check, its preview and its execution. The rows come from `mergers.undo_draft`."""

from dataclasses import dataclass
from datetime import datetime

import msgspec
from sqlmodel import Session, col, delete

from broadcast.broadcasts import Broadcast
from devices.merger_hooks import MergerHooks
from devices.predecessors import CommuneSuccession
from mergers.hooks import revert_hooks
from mergers.in_flight import broadcasts_in_flight, move_in_flight
from mergers.mergers import Merger, MergerJournal, lock_communes, merger, mergers
from mergers.plans import Decisions, Merge, MergerResult, Plan, Question, Translatable, involved
from mergers.undo_draft import UndoDraft
from people.audit import Deed, note
from runtime.refusal import N_, Refusal
from schedules.freezing import freeze_past
from usecases.actors import CONTROLLER
from usecases.broadcasts import withdraw_in


def undo(
    session: Session, merger_id: int, now: datetime, by: str, *, hooks: MergerHooks, decisions: Decisions | None = None
) -> MergerResult:
    """Undo a merger in the caller's transaction. decisions: of `undo_preview`; None for all as suggested.

    Raises Refusal, NotFound.
    """
    row = merger(session, merger_id)
    plan = row.what
    _check(session, row, now)
    lock_communes(session, involved(plan))
    freeze_past(session, now)
    journal = session.get_one(MergerJournal, merger_id)
    undoing = UndoDraft(session, plan, row, journal.what, now, decisions or {})
    draft = undoing.draft()
    if decisions is not None and any(q.key not in decisions for q in draft.questions):
        raise Refusal(N_("More was changed since the merger. Decide about each item, then undo.")).at("decisions")
    revert_hooks(session, draft, journal.what, hooks, now)
    way = broadcasts_in_flight(session, draft, now)
    draft.ledger.write(session)
    _forget_succession(session, plan)
    parts = [(b.id, b.replaces) for b in way.planned if b.replaces and b.commune_id == plan.into]
    move_in_flight(session, draft, way, now)
    session.expire_all()
    if not isinstance(plan, Merge):
        _take_parts_back(session, parts, now, by)
    row = session.get_one(Merger, merger_id)
    row.undone_at, row.undone_by, row.told_at = now, by, None
    journal = session.get_one(MergerJournal, merger_id)
    receivers = sorted(draft.reconfigured)
    journal.receivers = msgspec.json.encode(receivers)
    session.add_all([row, journal])
    for commune_id in involved(plan):
        note(session, at=now, by=by, commune_id=commune_id, action=Deed.MERGER_UNDONE, detail=row.name)
    session.flush()
    return MergerResult(merger_id, tuple(receivers), (*undoing.outcomes, *draft.notes))


@dataclass(frozen=True)
class UndoPreview:
    """What an undo asks, and what it reports without asking."""

    questions: tuple[Question, ...] = ()
    notes: tuple[Translatable, ...] = ()


def undo_preview(session: Session, merger_id: int, now: datetime, decisions: Decisions | None = None) -> UndoPreview:
    """Only reads. Empty for a merger that cannot be undone."""
    row = merger(session, merger_id)
    try:
        _check(session, row, now)
    except Refusal:
        return UndoPreview()
    journal = session.get_one(MergerJournal, merger_id)
    with session.no_autoflush:
        draft = UndoDraft(session, row.what, row, journal.what, now, decisions or {}).draft()
    return UndoPreview(tuple(draft.questions), tuple(draft.notes))


def _check(session: Session, row: Merger, now: datetime) -> None:
    if row.undone_at is not None:
        raise Refusal(N_("This merger was undone already."))
    if now >= row.undo_until:
        raise Refusal(N_("A merger can be undone for 30 days; these are over. Split the commune instead."))
    for later in mergers(session):
        is_later = later.number > row.number and later.undone_at is None
        if is_later and not set(involved(later.what)).isdisjoint(involved(row.what)):
            raise Refusal(
                N_("These communes were merged or split again since ({name}). Undo that first."), name=later.name
            )


def _forget_succession(session: Session, plan: Plan) -> None:
    session.exec(
        delete(CommuneSuccession).where(
            col(CommuneSuccession.successor_id) == plan.into, col(CommuneSuccession.former_id).in_(plan.sources)
        )
    )


def _take_parts_back(session: Session, parts: list[tuple[str, str]], now: datetime, by: str) -> None:
    """A split made a broadcast of a part of another: withdraw it, the other broadcast replaces it."""
    for part_id, whole_id in parts:
        part, whole = session.get_one(Broadcast, part_id), session.get(Broadcast, whole_id)
        if whole is not None and whole.withdrawn_at is None and part.withdrawn_at is None:
            withdraw_in(session, CONTROLLER.named(by), part, now, cause="merger")
            whole.replaces, whole.revision = part_id, whole.revision + 1
            session.add(whole)
