"""Play reports: what each receiver reported of each broadcast, and "heard at 48 of 50"."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import BigInteger, Column, ColumnElement, LargeBinary, and_, case, func
from sqlmodel import Field, Session, SQLModel, col, select

from broadcast.audiences import Audiences, MeantReceiver
from broadcast.broadcasts import Broadcast, BroadcastState, state
from devices.presence import PresenceChange
from devices.receivers import Receiver
from devices.uplink import Uplink
from devices.zones import zones_of_all
from runtime.clock import from_us
from runtime.database import UtcDateTime, upsert_many
from wire.reports import AcousticProof, ElectricalProof, Outcome, PlayReport, SubstitutedItem

#: A receiver reports after the end; until this has passed a missing report means nothing.
REPORT_WITHIN = timedelta(seconds=60)
#: Longer than a stop takes to reach a receiver that is connected, and what its card holds.
STOP_TAKES = timedelta(seconds=2)
#: The cause of a receiver that played everything at volume 0.
VOLUME_ZERO = "volume_zero"
#: The causes of a receiver that played it, while meter or microphone shows that nothing was audible.
NO_CURRENT, NOT_HEARD = "no_current", "not_heard"


class PlayReportRow(SQLModel, table=True):
    """What one receiver reported of one broadcast. Times in µs as in the report.

    stood_in: JSON, a list of SubstitutedItem.

    amplifier_drew, microphone_heard: whether these tiers of proof were passed; None where nothing is installed.
    electrical, acoustic: the proofs as JSON, None without.
    """

    broadcast_id: str = Field(primary_key=True)
    receiver_id: str = Field(primary_key=True, index=True)
    report: str
    manifest_revision: int = Field(sa_type=BigInteger)
    outcome: str
    cause: str = ""
    first_frame_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    last_frame_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    frames_played: int = Field(sa_column=Column(BigInteger, nullable=False))
    frames_due: int = Field(sa_column=Column(BigInteger, nullable=False))
    error_p50_us: int = Field(default=0, sa_type=BigInteger)
    error_p99_us: int = Field(default=0, sa_type=BigInteger)
    error_max_us: int = Field(default=0, sa_type=BigInteger)
    late: int = Field(default=0, sa_type=BigInteger)
    lost: int = Field(default=0, sa_type=BigInteger)
    concealed: int = Field(default=0, sa_type=BigInteger)
    underruns: int = Field(default=0, sa_type=BigInteger)
    volume_percent: int = 0
    stood_in: bytes = Field(default=b"", sa_column=Column(LargeBinary, nullable=False))
    amplifier_drew: bool | None = None
    microphone_heard: bool | None = None
    electrical: bytes | None = None
    acoustic: bytes | None = None

    @property
    def electrical_proof(self) -> ElectricalProof | None:
        return msgspec.json.decode(self.electrical, type=ElectricalProof) if self.electrical else None

    @property
    def acoustic_proof(self) -> AcousticProof | None:
        return msgspec.json.decode(self.acoustic, type=AcousticProof) if self.acoustic else None

    @property
    def unproved(self) -> str:
        """The cause when a tier of proof failed, the microphone's first; "" otherwise."""
        if self.frames_played == 0:
            return ""
        if self.microphone_heard is False:
            return NOT_HEARD
        return NO_CURRENT if self.amplifier_drew is False else ""

    def overrun(self, broadcast: Broadcast) -> timedelta:
        """How long it sounded after the stop; zero when the stop reached it in time."""
        if broadcast.stopped_at is None or self.last_frame_at is None:
            return timedelta(0)
        overrun = self.last_frame_at - broadcast.stopped_at
        return overrun if overrun > STOP_TAKES else timedelta(0)

    @property
    def items_stood_in(self) -> list[SubstitutedItem]:
        """The items that a fallback was played for."""
        return msgspec.json.decode(self.stood_in, type=list[SubstitutedItem]) if self.stood_in else []


@dataclass(frozen=True)
class HeardCount:
    """Receivers of one broadcast. heard: where it was heard. reported: how many reported.

    meant: how many it addressed.
    """

    heard: int
    reported: int
    meant: int


@dataclass(frozen=True)
class ReceiverOutcome:
    """One receiver's part in a broadcast. outcome: "" without a report. cause: a cause code, see docs/protocol.md."""

    receiver: MeantReceiver
    outcome: str
    cause: str
    report: PlayReportRow | None
    offline_since: datetime | None = None

    @property
    def heard(self) -> bool:
        """Whether at least a part of it was heard there."""
        sounded = self.outcome in (Outcome.PLAYED, Outcome.PARTLY) and self.cause != VOLUME_ZERO
        return sounded and not (self.report and self.report.unproved)


def was_heard() -> ColumnElement[bool]:
    """SQL condition of a row: at least a part was heard."""
    sounded = col(PlayReportRow.outcome).in_([Outcome.PLAYED.value, Outcome.PARTLY.value])
    return and_(sounded, col(PlayReportRow.cause) != VOLUME_ZERO, not_disproved())


def not_disproved() -> ColumnElement[bool]:
    """SQL condition of a row: no tier of proof failed."""
    drew, heard = col(PlayReportRow.amplifier_drew), col(PlayReportRow.microphone_heard)
    return and_(drew.is_not(False), heard.is_not(False))


def reported_cause() -> ColumnElement[str]:
    """SQL expression of a row: the failed proof, else the cause that the receiver reported."""
    return case(
        (col(PlayReportRow.microphone_heard).is_(False), NOT_HEARD),
        (col(PlayReportRow.amplifier_drew).is_(False), NO_CURRENT),
        else_=col(PlayReportRow.cause),
    )


def register(uplink: Uplink) -> None:
    """Handle play reports from now on."""
    uplink.on_report(PlayReport, take_report)


def take_report(session: Session, receiver_id: str, report: PlayReport) -> None:
    """Store a report; a later one of the same receiver and broadcast replaces it."""
    row = {
        "broadcast_id": report.broadcast,
        "receiver_id": receiver_id,
        "report": report.report,
        "manifest_revision": report.manifest_revision,
        "outcome": report.outcome.value,
        "cause": report.cause[:200],
        "first_frame_at": from_us(report.first_frame_at_us) if report.first_frame_at_us else None,
        "last_frame_at": from_us(report.last_frame_at_us) if report.last_frame_at_us else None,
        "frames_played": report.frames_played,
        "frames_due": report.frames_due,
        "error_p50_us": report.error_p50_us,
        "error_p99_us": report.error_p99_us,
        "error_max_us": report.error_max_us,
        "late": report.late,
        "lost": report.lost,
        "concealed": report.concealed,
        "underruns": report.underruns,
        "volume_percent": report.volume_percent,
        "stood_in": msgspec.json.encode(report.stood_in) if report.stood_in else b"",
        "amplifier_drew": report.electrical.passed if report.electrical else None,
        "microphone_heard": report.acoustic.passed if report.acoustic else None,
        "electrical": msgspec.json.encode(report.electrical) if report.electrical else None,
        "acoustic": msgspec.json.encode(report.acoustic) if report.acoustic else None,
    }
    upsert_many(session, PlayReportRow, [row], ["broadcast_id", "receiver_id"])


def reports_of(session: Session, broadcast_id: str) -> dict[str, PlayReportRow]:
    query = select(PlayReportRow).where(PlayReportRow.broadcast_id == broadcast_id)
    return {row.receiver_id: row for row in session.exec(query)}


def heard_counts(session: Session, broadcasts: Sequence[Broadcast]) -> dict[str, HeardCount]:
    ids = [b.id for b in broadcasts]
    query = (
        select(PlayReportRow.broadcast_id, func.sum(case((was_heard(), 1), else_=0)), func.count())
        .where(col(PlayReportRow.broadcast_id).in_(ids))
        .group_by(col(PlayReportRow.broadcast_id))
    )
    counts = {broadcast_id: (int(heard), reported) for broadcast_id, heard, reported in session.exec(query)}
    audiences = Audiences(session, broadcasts)
    counted = {}
    for b in broadcasts:
        heard, reported = counts.get(b.id, (0, 0))
        counted[b.id] = HeardCount(heard, reported, max(len(audiences(b)), reported))
    return counted


def worst_p99_us(session: Session, broadcast_ids: Sequence[str]) -> dict[str, int]:
    """The largest error_p99_us that a receiver reported, by broadcast id; broadcasts that nobody played are missing."""
    query = (
        select(PlayReportRow.broadcast_id, func.max(PlayReportRow.error_p99_us))
        .where(col(PlayReportRow.broadcast_id).in_(broadcast_ids), col(PlayReportRow.frames_played) > 0)
        .group_by(col(PlayReportRow.broadcast_id))
    )
    return {broadcast_id: int(worst) for broadcast_id, worst in session.exec(query)}


def receiver_outcomes(session: Session, broadcast: Broadcast, now: datetime) -> list[ReceiverOutcome]:
    """One for each addressed or reporting receiver; without a report the cause is the one the controller knows."""
    reports = reports_of(session, broadcast.id)
    addressed = {r.id: r for r in Audiences(session).of(broadcast).receivers}
    joined = sorted(reports.keys() - addressed.keys())  # added while it was on air, for example
    if joined:
        zones = zones_of_all(session, joined)
        unaddressed = select(Receiver).where(col(Receiver.id).in_(joined))
        addressed |= {r.id: MeantReceiver(r.id, r.name, r.place, zones[r.id]) for r in session.exec(unaddressed)}
    offline = _offline_at(session, list(addressed.keys() - reports.keys()), broadcast)
    outcomes = []
    for receiver in addressed.values():
        report = reports.get(receiver.id)
        if report is not None:
            outcomes.append(ReceiverOutcome(receiver, report.outcome, report.unproved or report.cause, report))
        elif state(broadcast, now) in (BroadcastState.WITHDRAWN, BroadcastState.MISSED):
            outcomes.append(ReceiverOutcome(receiver, "", broadcast.cause, None))
        elif now < broadcast.sounds_until + REPORT_WITHIN:
            outcomes.append(ReceiverOutcome(receiver, "", "waiting", None, offline.get(receiver.id)))
        elif receiver.id in offline:
            outcomes.append(ReceiverOutcome(receiver, "", "offline", None, offline[receiver.id]))
        else:
            outcomes.append(ReceiverOutcome(receiver, "", "no_report", None))
    return sorted(outcomes, key=lambda d: (d.heard and d.outcome == Outcome.PLAYED, d.receiver.name))


def _offline_at(session: Session, receiver_ids: list[str], broadcast: Broadcast) -> dict[str, datetime]:
    """Receivers that were offline at the end, and since when. One query."""
    newest = (
        select(func.max(PresenceChange.id))
        .where(col(PresenceChange.receiver_id).in_(receiver_ids), col(PresenceChange.at) <= broadcast.sounds_until)
        .group_by(col(PresenceChange.receiver_id))
    )
    rows = session.exec(select(PresenceChange).where(col(PresenceChange.id).in_(newest)))
    return {row.receiver_id: row.at for row in rows if row.state == "offline"}
