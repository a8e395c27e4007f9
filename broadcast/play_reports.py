"""Play reports: what each receiver says of each broadcast, and "heard at 48 of 50"."""

from bisect import bisect_right
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

import msgspec
from sqlalchemy import BigInteger, Column, ColumnElement, LargeBinary, and_, case, func
from sqlmodel import Field, Session, SQLModel, col, select

from broadcast.broadcasts import Broadcast, BroadcastState, state
from broadcast.on_air import target_receivers
from devices.presence import PresenceChange
from devices.receivers import Reach, Receiver
from devices.succession import moves
from devices.uplink import Uplink
from runtime.clock import from_us
from runtime.database import UtcDateTime, upsert_many
from wire.broadcasts import Targets
from wire.reports import AcousticProof, ElectricalProof, Outcome, PlayReport, StoodIn

#: A receiver reports at the end; before this has passed its silence means nothing.
REPORT_WITHIN = timedelta(seconds=60)
#: The cause of one that sounded all of it, at volume 0: nobody heard it.
VOLUME_ZERO = "volume_zero"
#: The causes of one that played all of it, and a further tier of proof says that nothing was to be heard.
NO_CURRENT, NOT_HEARD = "no_current", "not_heard"


class PlayReportRow(SQLModel, table=True):
    """What one receiver said of one broadcast. Times in µs as in the report. stood_in: JSON, a list of StoodIn.

    amplifier_drew, microphone_heard: whether these tiers of proof were passed; None where nothing is fitted.
    electrical, acoustic: JSON of them, empty for none.
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
        """What the amplifier drew."""
        return msgspec.json.decode(self.electrical, type=ElectricalProof) if self.electrical else None

    @property
    def acoustic_proof(self) -> AcousticProof | None:
        """What the microphone heard."""
        return msgspec.json.decode(self.acoustic, type=AcousticProof) if self.acoustic else None

    @property
    def unproved(self) -> str:
        """The cause when a tier of proof was not passed, the microphone's first; "" otherwise."""
        if self.frames_played == 0:
            return ""
        if self.microphone_heard is False:
            return NOT_HEARD
        return NO_CURRENT if self.amplifier_drew is False else ""

    @property
    def items_stood_in(self) -> list[StoodIn]:
        """The items in whose place something else sounded."""
        return msgspec.json.decode(self.stood_in, type=list[StoodIn]) if self.stood_in else []


@dataclass(frozen=True)
class HeardCount:
    """In how many places a broadcast was to be heard. reported: how many said anything. meant: how many it was for."""

    heard: int
    reported: int
    meant: int


@dataclass(frozen=True)
class ReceiverOutcome:
    """One receiver's part. outcome: "" while nothing was reported. cause: a word, see docs/protocol.md."""

    receiver: Receiver
    outcome: str
    cause: str
    report: PlayReportRow | None
    offline_since: datetime | None = None

    @property
    def heard(self) -> bool:
        """Whether it, or a part of it, was to be heard there."""
        sounded = self.outcome in (Outcome.PLAYED, Outcome.PARTLY) and self.cause != VOLUME_ZERO
        return sounded and not (self.report and self.report.unproved)


def was_heard() -> ColumnElement[bool]:
    """The same of a row, for queries."""
    sounded = col(PlayReportRow.outcome).in_([Outcome.PLAYED.value, Outcome.PARTLY.value])
    return and_(sounded, col(PlayReportRow.cause) != VOLUME_ZERO, not_disproved())


def not_disproved() -> ColumnElement[bool]:
    """Of a row, for queries: no tier of proof that is there failed."""
    drew, heard = col(PlayReportRow.amplifier_drew), col(PlayReportRow.microphone_heard)
    return and_(drew.is_not(False), heard.is_not(False))


def reported_cause() -> ColumnElement[str]:
    """The cause of a row, for queries: what failed of the proof goes before what the receiver said."""
    return case(
        (col(PlayReportRow.microphone_heard).is_(False), NOT_HEARD),
        (col(PlayReportRow.amplifier_drew).is_(False), NO_CURRENT),
        else_=col(PlayReportRow.cause),
    )


def register(uplink: Uplink) -> None:
    """Take play reports from now on."""
    uplink.on_report(PlayReport, take_report)


def take_report(session: Session, receiver_id: str, report: PlayReport) -> None:
    """Write one down. A later report of the same receiver on the same broadcast takes the place of the first."""
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
    """What was said of a broadcast, by receiver."""
    query = select(PlayReportRow).where(PlayReportRow.broadcast_id == broadcast_id)
    return {row.receiver_id: row for row in session.exec(query)}


def heard_counts(
    session: Session, broadcasts: Sequence[Broadcast], meant: Mapping[str, int] | None = None
) -> dict[str, HeardCount]:
    """In how many places each was to be heard. meant: how many each was for, when the caller knows, else looked up."""
    ids = [b.id for b in broadcasts]
    query = (
        select(PlayReportRow.broadcast_id, func.sum(case((was_heard(), 1), else_=0)), func.count())
        .where(col(PlayReportRow.broadcast_id).in_(ids))
        .group_by(col(PlayReportRow.broadcast_id))
    )
    counts = {broadcast_id: (int(heard), reported) for broadcast_id, heard, reported in session.exec(query)}
    who = Audiences(session)
    found = {}
    for b in broadcasts:
        heard, reported = counts.get(b.id, (0, 0))
        total = meant[b.id] if meant is not None else len(who(b))
        found[b.id] = HeardCount(heard, reported, max(total, reported))
    return found


class Audiences:
    """Who is meant by broadcasts, as ids: those of its commune when it began. Looked up once for each."""

    def __init__(self, session: Session) -> None:
        self._session = session
        self._moves = moves(session)
        self._known: dict[tuple[str, int], Reach] = {}

    def __call__(self, b: Broadcast, targets: Targets | None = None) -> frozenset[str]:
        """Their ids. targets: others than its own."""
        # Between two moves the places of all are the same.
        era = bisect_right(self._moves, b.starts_at)
        key = (b.commune_id, era)
        if key not in self._known:
            self._known[key] = Reach(self._session, b.commune_id, b.starts_at if era < len(self._moves) else None)
        return self._known[key](b.audience if targets is None else targets)


def worst_p99_us(session: Session, broadcast_ids: Sequence[str]) -> dict[str, int]:
    """The largest error_p99_us that any receiver with sound told of each, by its id; who has none is not in it."""
    query = (
        select(PlayReportRow.broadcast_id, func.max(PlayReportRow.error_p99_us))
        .where(col(PlayReportRow.broadcast_id).in_(broadcast_ids), col(PlayReportRow.frames_played) > 0)
        .group_by(col(PlayReportRow.broadcast_id))
    )
    return {broadcast_id: int(worst) for broadcast_id, worst in session.exec(query)}


def receiver_outcomes(session: Session, broadcast: Broadcast, now: datetime) -> list[ReceiverOutcome]:
    """Each receiver's part, and for those that said nothing, why as far as we know."""
    said = reports_of(session, broadcast.id)
    meant = {r.id: r for r in target_receivers(session, broadcast)}
    others = select(Receiver).where(col(Receiver.id).in_(sorted(said.keys() - meant.keys())))
    meant |= {r.id: r for r in session.exec(others)}  # retired since, or of another zone now
    away = _offline_at(session, list(meant.keys() - said.keys()), broadcast)
    found = []
    for receiver in meant.values():
        report = said.get(receiver.id)
        if report is not None:
            found.append(ReceiverOutcome(receiver, report.outcome, report.unproved or report.cause, report))
        elif state(broadcast, now) in (BroadcastState.WITHDRAWN, BroadcastState.MISSED):
            found.append(ReceiverOutcome(receiver, "", broadcast.cause, None))
        elif now < broadcast.sounds_until + REPORT_WITHIN:
            found.append(ReceiverOutcome(receiver, "", "waiting", None, away.get(receiver.id)))
        elif receiver.id in away:
            found.append(ReceiverOutcome(receiver, "", "offline", None, away[receiver.id]))
        else:
            found.append(ReceiverOutcome(receiver, "", "no_report", None))
    return sorted(found, key=lambda d: (d.heard and d.outcome == Outcome.PLAYED, d.receiver.name))


def _offline_at(session: Session, receiver_ids: list[str], broadcast: Broadcast) -> dict[str, datetime]:
    """Who was offline when it began, and since when. One query."""
    newest = (
        select(func.max(PresenceChange.id))
        .where(col(PresenceChange.receiver_id).in_(receiver_ids), col(PresenceChange.at) <= broadcast.sounds_until)
        .group_by(col(PresenceChange.receiver_id))
    )
    rows = session.exec(select(PresenceChange).where(col(PresenceChange.id).in_(newest)))
    return {row.receiver_id: row.at for row in rows if row.state == "offline"}
