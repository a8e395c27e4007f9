"""In which tier each receiver proved that a broadcast was to be heard, and which did not."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import ColumnElement, and_, case, func, not_
from sqlmodel import Session, col, select

from broadcast.play_reports import PlayReportRow, not_disproved, reported_cause, was_heard
from devices.receivers import Receiver

#: Of one broadcast so many receivers are named; the rest are counted.
MOST_NAMED = 20


@dataclass
class ProofSummary:
    """Of one broadcast. by_microphone, by_current: at how many receivers that was the best proof that it was heard.

    unproved: names of receivers that played it although their proof failed, with the cause; more: how many others.
    """

    by_microphone: int = 0
    by_current: int = 0
    unproved: list[tuple[str, str]] = field(default_factory=list)
    more: int = 0


def proof_summaries(session: Session, broadcast_ids: Sequence[str]) -> dict[str, ProofSummary]:
    """Of each, by its id. Two queries, however many there are."""
    found = {broadcast_id: ProofSummary() for broadcast_id in broadcast_ids}
    ours = col(PlayReportRow.broadcast_id).in_(broadcast_ids)
    microphone = col(PlayReportRow.microphone_heard).is_(True)
    current = and_(not_(microphone), col(PlayReportRow.amplifier_drew).is_(True))
    counts = select(PlayReportRow.broadcast_id, _how_many(microphone), _how_many(current)).where(ours, was_heard())
    for broadcast_id, by_microphone, by_current in session.exec(counts.group_by(col(PlayReportRow.broadcast_id))):
        found[broadcast_id].by_microphone, found[broadcast_id].by_current = int(by_microphone), int(by_current)
    failed = (
        select(PlayReportRow.broadcast_id, Receiver.name, reported_cause())
        .join(Receiver, col(Receiver.id) == col(PlayReportRow.receiver_id))
        .where(ours, not_(not_disproved()), col(PlayReportRow.frames_played) > 0)
        .order_by(col(Receiver.name))
    )
    for broadcast_id, name, cause in session.exec(failed):
        proof = found[broadcast_id]
        if len(proof.unproved) < MOST_NAMED:
            proof.unproved.append((name, cause))
        else:
            proof.more += 1
    return found


def _how_many(rows: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((rows, 1), else_=0))
