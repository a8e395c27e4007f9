"""The inbox: alerts that came from outside to a commune, and what became of each."""

from collections.abc import Sequence
from datetime import datetime
from enum import StrEnum

import msgspec
from sqlalchemy import Column, LargeBinary, Text
from sqlmodel import Field, Session, UniqueConstraint, col, select

from cap.messages import MessageKey, MessageType, SpokenText, Status
from cap.targets import Aim
from runtime.database import UtcDateTime
from runtime.refusal import N_, NotFound, Refusal, from_text
from runtime.rows import NumberedRow
from wire.broadcasts import Targets


class CapAlertState(StrEnum):
    """FILED: it never sounds here, such as a draft or one for elsewhere. ENDED: its time was over while it was on."""

    WAITING = "waiting"
    STARTED = "started"
    ENDED = "ended"
    STOPPED = "stopped"
    DISMISSED = "dismissed"
    CANCELLED = "cancelled"
    REPLACED = "replaced"
    EXPIRED = "expired"
    FILED = "filed"


OPEN = (CapAlertState.WAITING, CapAlertState.STARTED)


class CapAlert(NumberedRow, table=True):
    """One message for one commune. sender, identifier, sent: its key. references: keys as text, one a line.

    texts: JSON of `SpokenText`. targets: JSON as on the wire. aim: of `cap.targets.Aim`.
    in_own_language: whether it came in a language of the commune. automatic: starts without being asked.
    why: why it is not started, as `runtime.refusal.as_text`.
    emergency_id: of its emergency, which waits for a second person while this waits; "" for none.
    """

    __tablename__ = "cap_alert"
    __table_args__ = (UniqueConstraint("commune_id", "sender", "identifier", "sent"),)

    commune_id: str = Field(foreign_key="commune.id", index=True)
    source_id: int = Field(foreign_key="cap_source.id", index=True)
    sender: str
    identifier: str
    sent: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    status: str
    type: str
    references: str = Field(default="", sa_column=Column(Text, nullable=False))
    origin: str = ""
    is_signed: bool = False
    digest: str
    category: str = ""
    event: str = ""
    severity: str = ""
    urgency: str = ""
    certainty: str = ""
    sender_name: str = ""
    area: str = Field(default="", sa_column=Column(Text, nullable=False))
    texts: bytes = Field(default=b"[]", sa_column=Column(LargeBinary, nullable=False))
    targets: bytes = Field(default=b"{}", sa_column=Column(LargeBinary, nullable=False))
    aim: str = Aim.UNCLEAR.value
    in_own_language: bool = True
    automatic: bool = False
    effective_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    expires_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    state: str = Field(index=True)
    why: str = Field(default="", sa_column=Column(Text, nullable=False))
    emergency_id: str = Field(default="", index=True)
    received_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    decided_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    decided_by: str = ""

    @property
    def subject(self) -> str:
        """As forms and the audit name it (`usecases.revisions.Compared`)."""
        return f"cap_alert {self.id}"

    @property
    def settings_shown(self) -> list[object]:
        return [self.digest, self.state, self.targets]

    @property
    def key(self) -> MessageKey:
        return MessageKey(self.sender, self.identifier, self.sent)

    @property
    def spoken(self) -> list[SpokenText]:
        return msgspec.json.decode(self.texts, type=list[SpokenText])

    @property
    def audience(self) -> Targets:
        return msgspec.json.decode(self.targets, type=Targets)

    @property
    def is_drill(self) -> bool:
        return self.status in (Status.EXERCISE, Status.TEST)

    @property
    def title(self) -> str:
        return self.event or self.identifier

    @property
    def refusal(self) -> Refusal | None:
        return from_text(self.why)


def key_text(key: MessageKey) -> str:
    """A key as `CapAlert.references` and `CapAlert.origin` have it."""
    return f"{key.sender},{key.identifier},{key.sent.isoformat()}"


def cap_alert(session: Session, commune_id: str, number: int) -> CapAlert:
    """One of a commune. Raises NotFound."""
    row = session.get(CapAlert, number)
    if row is None or row.commune_id != commune_id:
        raise NotFound(N_("This alert is not there any more."))
    return row


def alert_with_key(session: Session, commune_id: str, key: MessageKey) -> CapAlert | None:
    query = select(CapAlert).where(CapAlert.commune_id == commune_id, CapAlert.sender == key.sender)
    return session.exec(query.where(CapAlert.identifier == key.identifier, CapAlert.sent == key.sent)).first()


def alert_of_origin(session: Session, commune_id: str, key: MessageKey) -> CapAlert | None:
    """A copy of this message that another Loa passed on."""
    query = select(CapAlert).where(CapAlert.commune_id == commune_id, CapAlert.origin == key_text(key))
    return session.exec(query).first()


def reference_keys(row: CapAlert) -> list[MessageKey]:
    """What an Update or a Cancel is about."""
    keys = (line.rsplit(",", 2) for line in row.references.splitlines())
    return [MessageKey(sender, identifier, datetime.fromisoformat(sent)) for sender, identifier, sent in keys]


def replaced_by(rows: Sequence[CapAlert], row: CapAlert) -> CapAlert | None:
    """The one of them that is on and goes on until this Update starts."""
    keys = set(reference_keys(row)) if row.state == CapAlertState.WAITING else set()
    on = (other for other in rows if other.state == CapAlertState.STARTED)
    return next((other for other in on if other.key in keys and may_end(row, other)), None)


def may_end(row: CapAlert, other: CapAlert) -> bool:
    """Nobody ends an alert of another sender, none that was signed without signing, and a test ends nothing real."""
    status = row.status == other.status or row.status == Status.ACTUAL
    real = row.status in (Status.ACTUAL, Status.EXERCISE, Status.TEST)
    return row.sender == other.sender and (row.is_signed or not other.is_signed) and status and real


def ended_state(row: CapAlert) -> CapAlertState:
    """Of an alert that this message ends."""
    return CapAlertState.CANCELLED if row.type == MessageType.CANCEL else CapAlertState.REPLACED


def referring(session: Session, commune_id: str, key: MessageKey) -> list[CapAlert]:
    """Updates and Cancels of this message by its sender that came before it."""
    query = select(CapAlert).where(
        CapAlert.commune_id == commune_id,
        CapAlert.sender == key.sender,
        col(CapAlert.type).in_([MessageType.UPDATE.value, MessageType.CANCEL.value]),
        col(CapAlert.references).contains(key_text(key), autoescape=True),
    )
    return [row for row in session.exec(query) if key_text(key) in row.references.splitlines()]


def inbox(session: Session, commune_id: str) -> list[CapAlert]:
    """Those that wait and those that are on, the newest first."""
    query = select(CapAlert).where(CapAlert.commune_id == commune_id, col(CapAlert.state).in_([s.value for s in OPEN]))
    return list(session.exec(query.order_by(col(CapAlert.received_at).desc(), col(CapAlert.id).desc()).limit(100)))


def closed(session: Session, commune_id: str, limit: int = 30) -> list[CapAlert]:
    """Those that are over or never sounded, the newest first."""
    query = select(CapAlert).where(
        CapAlert.commune_id == commune_id, col(CapAlert.state).not_in([s.value for s in OPEN])
    )
    return list(session.exec(query.order_by(col(CapAlert.received_at).desc(), col(CapAlert.id).desc()).limit(limit)))


def waiting_count(session: Session, commune_id: str) -> int:
    query = select(CapAlert.id).where(CapAlert.commune_id == commune_id, CapAlert.state == CapAlertState.WAITING.value)
    return len(session.exec(query).all())


def open_alerts(session: Session) -> list[CapAlert]:
    """Those of all communes that wait or are on."""
    query = select(CapAlert).where(col(CapAlert.state).in_([s.value for s in OPEN]))
    return list(session.exec(query.order_by(col(CapAlert.id))))


def alert_of_emergency(session: Session, emergency_id: str) -> CapAlert | None:
    return session.exec(select(CapAlert).where(CapAlert.emergency_id == emergency_id)).first() if emergency_id else None


def end(session: Session, row: CapAlert, state: CapAlertState, now: datetime, by: str) -> None:
    row.state, row.decided_at, row.decided_by, row.automatic = state.value, now, by, False
    session.add(row)
