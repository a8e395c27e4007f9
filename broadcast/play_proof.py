"""By which tier of proof each broadcast was heard: microphone, amplifier current, or the receiver's own report."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, and_, case, func, not_
from sqlmodel import Session, col, select

from broadcast.audiences import Audiences
from broadcast.broadcasts import Broadcast
from broadcast.play_reports import PlayReportRow, not_disproved, reported_cause, was_heard
from devices.receivers import Receiver

#: Of one broadcast so many receivers are named; the rest are counted.
MOST_NAMED = 20


@dataclass
class ProofSummary:
    """by_microphone, by_current: at how many receivers that was the best proof.

    unproved: names of receivers that played it but failed a proof, with the cause; more: how many others.
    """

    by_microphone: int = 0
    by_current: int = 0
    unproved: list[tuple[str, str]] = field(default_factory=list)
    more: int = 0


def proof_summaries(session: Session, broadcasts: Sequence[Broadcast]) -> dict[str, ProofSummary]:
    """By broadcast id. Receivers are named as they were called then. The number of queries does not grow."""
    broadcast_ids, audiences = [b.id for b in broadcasts], Audiences(session, broadcasts)
    summaries = {broadcast_id: ProofSummary() for broadcast_id in broadcast_ids}
    names = {b.id: {r.id: r.name for r in audiences.of(b).receivers} for b in broadcasts if b.audience_id is not None}
    of_broadcasts = col(PlayReportRow.broadcast_id).in_(broadcast_ids)
    microphone = col(PlayReportRow.microphone_heard).is_(True)
    current = and_(not_(microphone), col(PlayReportRow.amplifier_drew).is_(True))
    counts = select(PlayReportRow.broadcast_id, _how_many(microphone), _how_many(current)).where(
        of_broadcasts, was_heard()
    )
    for broadcast_id, by_microphone, by_current in session.exec(counts.group_by(col(PlayReportRow.broadcast_id))):
        summaries[broadcast_id].by_microphone, summaries[broadcast_id].by_current = int(by_microphone), int(by_current)
    failed = (
        select(PlayReportRow.broadcast_id, Receiver.id, Receiver.name, reported_cause())
        .join(Receiver, col(Receiver.id) == col(PlayReportRow.receiver_id))
        .where(of_broadcasts, not_(not_disproved()), col(PlayReportRow.frames_played) > 0)
        .order_by(col(Receiver.name))
    )
    for broadcast_id, receiver_id, name_now, cause in session.exec(failed):
        summary, name = summaries[broadcast_id], names.get(broadcast_id, {}).get(receiver_id, name_now)
        if len(summary.unproved) < MOST_NAMED:
            summary.unproved.append((name, cause))
        else:
            summary.more += 1
    return summaries


def _how_many(rows: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((rows, 1), else_=0))
