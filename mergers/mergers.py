"""Mergers: written in one transaction, and reversible for thirty days."""

from collections.abc import Sequence
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import Column, LargeBinary
from sqlmodel import Field, Session, SQLModel, col, select

from devices.communes import Commune
from devices.merger_hooks import MergerHooks
from mergers.hooks import apply_hooks
from mergers.in_flight import broadcasts_in_flight, move_in_flight
from mergers.ledger import LedgerEntry
from mergers.merge_draft import MergeDraft
from mergers.merging import merge_draft
from mergers.plans import Decisions, Merge, MergerResult, Plan, involved, plan_as_text, plan_of_text
from mergers.splitting import split_draft
from people.audit import Deed, note
from runtime.database import UtcDateTime
from runtime.refusal import N_, Refusal
from runtime.rows import NumberedRow, existing
from schedules.freezing import freeze_past

#: So long a merger can be undone.
UNDO_WITHIN = timedelta(days=30)


class Merger(NumberedRow, table=True):
    """A merger or split. plan: JSON. told_at: when the broker had acknowledged every receiver's new config."""

    plan: str
    name: str
    at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    by: str
    undone_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    undone_by: str = ""
    told_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))

    @property
    def what(self) -> Plan:
        return plan_of_text(self.plan)

    @property
    def undo_until(self) -> datetime:
        return self.at + UNDO_WITHIN


class MergerJournal(SQLModel, table=True):
    """What a merger wrote, for the undo. entries: JSON. receivers: JSON, the ids that get new configs."""

    merger_id: int = Field(foreign_key="merger.id", primary_key=True)
    entries: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    receivers: bytes = Field(sa_column=Column(LargeBinary, nullable=False))

    @property
    def what(self) -> list[LedgerEntry]:
        return msgspec.json.decode(self.entries, type=list[LedgerEntry])


def draft_of(session: Session, plan: Plan, decisions: Decisions, now: datetime, hooks: MergerHooks) -> MergeDraft:
    """Raises Refusal for a plan that cannot be carried out."""
    draft = merge_draft(session, plan, decisions, now) if isinstance(plan, Merge) else split_draft(session, plan, now)
    apply_hooks(session, draft, hooks, now)
    return draft


def fingerprint_of(draft: MergeDraft) -> str:
    """Hash of the plan and of all rows that it was computed from."""
    return draft.data.fingerprint(plan_as_text(draft.plan))


def merge(
    session: Session, plan: Plan, decisions: Decisions, now: datetime, by: str, *, fingerprint: str, hooks: MergerHooks
) -> MergerResult:
    """Merge or split in the caller's transaction. fingerprint: of the rehearsal that was shown.

    Raises Refusal when the communes were changed since the rehearsal, or a question is not decided.
    """
    lock_communes(session, plan.sources)
    freeze_past(session, now)
    draft = draft_of(session, plan, decisions, now, hooks)
    if fingerprint_of(draft) != fingerprint:
        raise Refusal(N_("Something was changed in these communes meanwhile. Look at the rehearsal again."))
    undecided = [q for q in draft.questions if decisions.get(q.key) not in {c.value for c in q.choices}]
    if undecided:
        raise Refusal(N_("{count} questions are not decided yet. Answer them first."), count=len(undecided))
    way, names = broadcasts_in_flight(session, draft, now), _names(draft)
    entries = draft.ledger.write(session)
    move_in_flight(session, draft, way, now)
    merger_row = Merger(plan=plan_as_text(plan), name=plan.name.strip(), at=now, by=by)
    session.add(merger_row)
    session.flush()
    receivers = sorted(draft.reconfigured)
    session.add(
        MergerJournal(
            merger_id=merger_row.number, entries=msgspec.json.encode(entries), receivers=msgspec.json.encode(receivers)
        )
    )
    for commune_id in involved(plan):
        note(session, at=now, by=by, commune_id=commune_id, action=Deed.MERGED, detail=names)
    session.flush()
    session.expire_all()
    return MergerResult(merger_row.number, tuple(receivers))


def mergers(session: Session) -> list[Merger]:
    return list(session.exec(select(Merger).order_by(col(Merger.id).desc())))


def merger(session: Session, merger_id: int) -> Merger:
    """Raises NotFound."""
    return existing(session, Merger, merger_id, N_("This merger does not exist."))


def lock_communes(session: Session, commune_ids: Sequence[str]) -> None:
    """Lock the communes' rows: inserting a row that refers to a commune waits for the end of this transaction."""
    session.exec(select(Commune).where(col(Commune.id).in_(commune_ids)).order_by(Commune.id).with_for_update()).all()


def _names(draft: MergeDraft) -> str:
    return " + ".join(c.name for c in draft.data.communes) + f" → {draft.plan.name.strip()}"
