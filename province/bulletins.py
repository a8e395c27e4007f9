"""Bulletins of the province: the commune's inbox, from arrival to air, or to the word why not.

fetching → waiting → put on air, taken into a programme, or declined; or failed, when its audio cannot be had. Emergency
goes on air by itself, priority when its turn comes (`province.priority_queue`), normal when the commune says so.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

import msgspec
from sqlalchemy import Column, LargeBinary, func, update
from sqlmodel import Field, Session, UniqueConstraint, col, select

from broadcast.broadcasts import Broadcast
from broadcast.programmes import Item, ItemKind
from province.codes import RefusalCode, SendStatus
from province.messages import ProvinceAnswer
from province.outbox import ANSWER, put
from runtime.database import UtcDateTime
from runtime.refusal import N_, NotFound, Refusal, as_text, from_text
from runtime.rows import NumberedRow
from usecases.actors import CONTROLLER, Actor
from usecases.broadcasts import put_on_air_in
from usecases.clips import retire_clip_in
from usecases.programmes import add_programme_in, change_items_in
from wire.broadcasts import BroadcastClass, Targets

#: An emergency that could not be had for longer than this is news no more: people decide.
EMERGENCY_HOLDS = timedelta(hours=1)


class BulletinState(StrEnum):
    """Where a bulletin stands."""

    FETCHING = "fetching"
    WAITING = "waiting"
    PUT_ON_AIR = "put_on_air"
    TAKEN = "taken"  # into a programme, or onto the timetable
    DECLINED = "declined"
    FAILED = "failed"


class ProvinceBulletin(NumberedRow, table=True):
    """One bulletin for one commune. code: its BanTinID. url: where its audio is; "" when we have it (an operator's).

    targets: JSON as on the wire. turn: order among priority ones, the smaller first;
    ordered: a person has decided it. schedule: JSON of the times it came
    with, b"" for none; schedule_code: their LichPhatID. broadcast_id: of its last airing. message: whose answer tells
    the province when its audio cannot be had. attempts: of fetching. why: as `runtime.refusal.as_text`, or what a
    person wrote when declining.
    """

    __table_args__ = (UniqueConstraint("commune_id", "code", "schedule_code"),)

    commune_id: str = Field(foreign_key="commune.id", index=True)
    code: str
    schedule_code: str = ""
    title: str
    summary: str = ""
    class_: str = Field(sa_column_kwargs={"name": "class"})
    field: int = 1
    url: str = ""
    targets: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    schedule: bytes = Field(default=b"", sa_column=Column(LargeBinary, nullable=False))
    sender: str = ""
    message: str = ""
    state: str = Field(default=BulletinState.FETCHING.value, index=True)
    why: str = ""
    attempts: int = 0
    clip_id: str | None = Field(default=None, foreign_key="clip.id")
    broadcast_id: str | None = Field(default=None, foreign_key="broadcast.id")
    turn: int = 0
    ordered: bool = False
    received_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    decided_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    decided_by: str = ""

    @property
    def broadcast_class(self) -> BroadcastClass:
        return BroadcastClass(self.class_)

    @property
    def audience(self) -> Targets:
        return msgspec.json.decode(self.targets, type=Targets)

    @property
    def refusal(self) -> Refusal | None:
        """Why Loa could not; None for another reason."""
        return from_text(self.why)


@dataclass(frozen=True)
class NewBulletin:
    """A bulletin that comes in. times: JSON, b"" for none."""

    code: str
    title: str
    class_: BroadcastClass
    targets: Targets
    field: int = 1
    summary: str = ""
    url: str = ""
    sender: str = ""
    message: str = ""
    schedule_code: str = ""
    times: bytes = b""
    clip_id: str | None = None


def add_bulletin(session: Session, commune_id: str, new: NewBulletin, now: datetime) -> ProvinceBulletin:
    """Keep one. With audio that is here already it waits, else it is to be fetched."""
    last = session.exec(select(func.max(ProvinceBulletin.turn)).where(ProvinceBulletin.commune_id == commune_id)).one()
    added = ProvinceBulletin(
        commune_id=commune_id,
        code=new.code,
        schedule_code=new.schedule_code,
        title=new.title[:200],
        summary=new.summary[:2000],
        class_=new.class_.value,
        field=new.field,
        url=new.url,
        targets=msgspec.json.encode(new.targets),
        schedule=new.times,
        sender=new.sender[:200],
        message=new.message,
        state=(BulletinState.WAITING if new.clip_id else BulletinState.FETCHING).value,
        clip_id=new.clip_id,
        turn=(last or 0) + 1,
        received_at=now,
    )
    session.add(added)
    session.flush()
    return added


def bulletin(session: Session, commune_id: str, number: int) -> ProvinceBulletin:
    """One of a commune. Raises NotFound."""
    row = session.get(ProvinceBulletin, number)
    if row is None or row.commune_id != commune_id:
        raise NotFound(N_("This bulletin is not there any more."))
    return row


def inbox(session: Session, commune_id: str, limit: int = 100) -> list[ProvinceBulletin]:
    """Those that wait or are on their way, emergencies and priority first in their order, then the newest."""
    query = select(ProvinceBulletin).where(
        ProvinceBulletin.commune_id == commune_id,
        col(ProvinceBulletin.state).in_([BulletinState.FETCHING.value, BulletinState.WAITING.value]),
    )
    rank = {"emergency": 0, "priority": 1, "normal": 2}
    rows = session.exec(query.order_by(col(ProvinceBulletin.turn)).limit(limit))
    return sorted(rows, key=lambda b: (rank[b.class_], b.turn if b.class_ == "priority" else -b.number))


def decided(session: Session, commune_id: str, limit: int = 30) -> list[ProvinceBulletin]:
    """Those that are over, newest first."""
    query = select(ProvinceBulletin).where(
        ProvinceBulletin.commune_id == commune_id,
        col(ProvinceBulletin.state).not_in([BulletinState.FETCHING.value, BulletinState.WAITING.value]),
    )
    return list(session.exec(query.order_by(col(ProvinceBulletin.id).desc()).limit(limit)))


def to_fetch(session: Session) -> list[ProvinceBulletin]:
    """Those whose audio is to be fetched, emergencies first."""
    query = select(ProvinceBulletin).where(ProvinceBulletin.state == BulletinState.FETCHING.value)
    rank = {"emergency": 0, "priority": 1, "normal": 2}
    return sorted(session.exec(query), key=lambda b: (rank[b.class_], b.number))


def decline(session: Session, commune_id: str, number: int, reason: str, *, by: str, now: datetime) -> ProvinceBulletin:
    """The commune will not have it; the province is told why. Raises Refusal without a reason."""
    bulletin = _waiting(session, commune_id, number)
    if not reason.strip():
        raise Refusal(N_("Say why the bulletin is declined; the province is told."))
    _decide(session, bulletin, BulletinState.DECLINED, now, by)
    bulletin.why = reason.strip()[:500]
    if bulletin.clip_id is not None and bulletin.url:
        retire_clip_in(session, CONTROLLER.named(by), commune_id, bulletin.clip_id, now)
    answer(session, bulletin, RefusalCode.RULE, bulletin.why, now)
    return bulletin


def put_bulletin_on_air(
    session: Session,
    bulletin: ProvinceBulletin,
    now: datetime,
    actor: Actor,
    *,
    precedence: int = 0,
) -> Broadcast:
    """Put it on air by its class. Raises NotAllowed, Refusal (allowed hours, noise budget, nobody to hear)."""
    if bulletin.clip_id is None or bulletin.state != BulletinState.WAITING:
        raise Refusal(N_("This bulletin does not wait any more, or its audio is not here yet."))
    broadcast = put_on_air_in(
        session,
        actor,
        bulletin.commune_id,
        targets=bulletin.audience,
        class_=bulletin.broadcast_class,
        now=now,
        clip_id=bulletin.clip_id,
        title=bulletin.title,
        precedence=precedence,
    )
    _decide(session, bulletin, BulletinState.PUT_ON_AIR, now, actor.name)
    bulletin.broadcast_id, bulletin.why = broadcast.id, ""
    return broadcast


def add_to_programme(
    session: Session, actor: Actor, commune_id: str, number: int, programme_id: int | None, now: datetime
) -> int:
    """Append it to a programme, or with None make a new one. Gives the programme's number. Raises Refusal."""
    bulletin = _waiting(session, commune_id, number)
    if bulletin.clip_id is None:
        raise Refusal(N_("This bulletin does not wait any more, or its audio is not here yet."))
    item = Item(ItemKind.CLIP, bulletin.clip_id)
    if programme_id is None:
        programme_id = add_programme_in(session, actor, commune_id, bulletin.title, [item], now).number
    else:
        change_items_in(session, actor, commune_id, programme_id, lambda items: items.append(item), now)
    _decide(session, bulletin, BulletinState.TAKEN, now, actor.name)
    return programme_id


def take(session: Session, bulletin: ProvinceBulletin, now: datetime, *, by: str) -> None:
    """It is on the timetable."""
    _decide(session, bulletin, BulletinState.TAKEN, now, by)


def fail(session: Session, bulletin: ProvinceBulletin, refusal: Refusal, answer_text: str, now: datetime) -> None:
    """Its audio cannot be had; the province is told why, in these words."""
    _decide(session, bulletin, BulletinState.FAILED, now, "")
    bulletin.why = as_text(refusal)
    answer(session, bulletin, RefusalCode.AUDIO, answer_text, now)


def waiting_count(session: Session, commune_id: str) -> int:
    """How many wait for the commune's word."""
    query = select(func.count()).where(
        ProvinceBulletin.commune_id == commune_id, ProvinceBulletin.state == BulletinState.WAITING.value
    )
    return int(session.exec(query).one())


def answer(session: Session, bulletin: ProvinceBulletin, why: RefusalCode, answer_text: str, now: datetime) -> None:
    """Tell the province what became of its message, later than at once."""
    if bulletin.message:
        body = ProvinceAnswer(
            TraLoiCho=bulletin.message, TrangThaiGui=SendStatus.REFUSED.value, MaLoi=why.value, MoTa=answer_text
        )
        put(
            session,
            bulletin.commune_id,
            ANSWER,
            f"{bulletin.commune_id}/tra-loi/{bulletin.number}/{bulletin.state}",
            body,
            now,
        )


def _waiting(session: Session, commune_id: str, number: int) -> ProvinceBulletin:
    row = bulletin(session, commune_id, number)
    if row.state != BulletinState.WAITING:
        raise Refusal(N_("This bulletin does not wait any more, or its audio is not here yet."))
    return row


def _decide(session: Session, bulletin: ProvinceBulletin, into: BulletinState, now: datetime, by: str) -> None:
    """Claimed by a conditional write: two people who press at once do not put it on air twice. Raises Refusal."""
    before = BulletinState.FETCHING if into is BulletinState.FAILED else BulletinState.WAITING
    claimed = session.connection().execute(
        update(ProvinceBulletin)
        .where(col(ProvinceBulletin.id) == bulletin.number, col(ProvinceBulletin.state) == before.value)
        .values(state=into.value)
    )
    if claimed.rowcount != 1:
        raise Refusal(N_("This bulletin does not wait any more, or its audio is not here yet."))
    bulletin.state, bulletin.decided_at, bulletin.decided_by = into.value, now, by
    session.add(bulletin)
    session.flush()
