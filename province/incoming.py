"""Messages from the province: each id is carried out once, completely or not at all, and answered.

Used for polled and for posted messages. A refused message is counted, kept with its reason and processed again when it
is sent again; one that was carried out gets the same answer and changes nothing.
"""

import hashlib
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Column, func
from sqlmodel import Field, Session, SQLModel, col, select

from devices.downlink import Downlink
from devices.receivers import Receiver
from province import commands_down, schedules_down
from province.bulletin_checks import check_audio, unknown_code
from province.bulletins import NewBulletin, ProvinceBulletin, add_bulletin
from province.codes import URGENCY, RefusalCode, SendStatus, Unacceptable
from province.links import ProvinceLink, communes_served, is_ending, link_for
from province.message_parser import read
from province.messages import (
    MESSAGES_FROM_PROVINCE,
    Bulletin,
    MessageFromProvince,
    ProvinceAnswer,
    ProvinceCommand,
    ProvinceSchedule,
    ScheduleCancelled,
)
from province.outbox import ANSWER, put
from province.profile import Profile
from province.targets import targets_of
from runtime.clock import Clock
from runtime.database import Database, UtcDateTime, insert_if_absent
from runtime.refusal import N_, Refusal, as_text, from_text

log = logging.getLogger(__name__)

AfterCommit = Callable[[], None]


class ReceivedMessage(SQLModel, table=True):
    """A message that came. id: its MaGoiTin, or kind and id of what it brings, or the digest of what it says.

    taken: it was carried out; else why not, with the code.
    """

    __tablename__ = "provincemessage"

    commune_id: str = Field(primary_key=True, foreign_key="commune.id")
    id: str = Field(primary_key=True)
    kind: str
    received_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    taken: bool = False
    code: int = 0
    why: str = ""
    times: int = 1

    @property
    def refusal(self) -> Refusal | None:
        return from_text(self.why)


@dataclass(frozen=True)
class MessageResult:
    """code: 0 when it was carried out. said: the refusal. again: it had been carried out before."""

    id: str
    code: int
    said: Refusal | None
    again: bool = False

    def answer(self, say: Callable[[Refusal], str]) -> ProvinceAnswer:
        """say: translates the refusal for the province."""
        status = SendStatus.TAKEN if self.said is None else SendStatus.REFUSED
        return ProvinceAnswer(
            TraLoiCho=self.id, TrangThaiGui=status.value, MaLoi=self.code, MoTa=say(self.said) if self.said else ""
        )


class Incoming:
    """Callable from any thread."""

    def __init__(
        self,
        database: Database,
        clock: Clock,
        downlink: Downlink,
        changed: AfterCommit,
        say: Callable[[Refusal], str] = str,
    ) -> None:
        """changed: called after a message was carried out that concerns others: a bulletin, a schedule, a stop.

        say: translates a refusal for the province.
        """
        self._database = database
        self._clock = clock
        self._downlink = downlink
        self._changed = changed
        self._say = say

    def receive_envelope(self, link: ProvinceLink, profile: Profile, raw: Any) -> MessageResult:
        """One of the province's list: {Loai, MaGoiTin, NoiDung}. The answer is put into the outbox."""
        envelope = profile.with_our_names(raw)
        kind = envelope.get("Loai") if isinstance(envelope, dict) else None
        content = envelope.get("NoiDung") if isinstance(envelope, dict) else None
        own_id = str(envelope.get("MaGoiTin") or "") if isinstance(envelope, dict) else ""
        return self.take(link, profile, str(kind), content, own_id=own_id, answer_by_outbox=True)

    def take(
        self,
        link: ProvinceLink,
        profile: Profile,
        kind: str,
        content: Any,
        *,
        own_id: str = "",
        answer_by_outbox: bool = False,
    ) -> MessageResult:
        """kind: a key of `MESSAGES_FROM_PROVINCE`.

        answer_by_outbox: put the answer into the outbox, in the same transaction.
        """
        now = self._clock.now()
        message_id = own_id[:150] or _id_of(kind, profile.with_our_names(content))
        after: list[AfterCommit] = []
        try:
            with self._database.writing() as session:
                mine = link_for(session, link.commune_id) or link  # its commune was merged since it was read
                if is_ending(session, mine.commune_id):
                    raise Refusal(N_("This commune was merged into another one. Send it to the new commune."))
                if not _claim(session, mine.commune_id, message_id, kind, now):
                    return MessageResult(message_id, 0, None, again=True)
                message = _read(kind, content, profile)
                after = self._carry_out(session, mine, message, message_id, now)
                met = MessageResult(message_id, 0, None)
                if answer_by_outbox:
                    _answer(session, mine, met, self._say, now)
        except Refusal as refusal:
            return self._refuse(link, kind, message_id, refusal, now, answer_by_outbox)
        for action in after:
            action()
        self._changed()
        return met

    def _refuse(
        self, link: ProvinceLink, kind: str, message_id: str, refusal: Refusal, now: datetime, answer_by_outbox: bool
    ) -> MessageResult:
        code = refusal.why if isinstance(refusal, Unacceptable) else RefusalCode.RULE
        met = MessageResult(message_id, code.value, refusal)
        with self._database.writing() as session:
            row = session.get(ReceivedMessage, (link.commune_id, message_id))
            if row is None:
                row = ReceivedMessage(
                    commune_id=link.commune_id, id=message_id, kind=kind[:40], received_at=now, times=0
                )
            row.times, row.code, row.why = row.times + 1, code.value, as_text(refusal)
            session.add(row)
            if answer_by_outbox:
                _answer(session, link, met, self._say, now)
        log.warning("refused: %s %s of the province for %s: %s", kind[:40], message_id, link.commune_id, refusal)
        return met

    def _carry_out(
        self, session: Session, link: ProvinceLink, message: MessageFromProvince, message_id: str, now: datetime
    ) -> list[AfterCommit]:
        if isinstance(message, ProvinceSchedule):
            schedules_down.take_schedule(session, link, message, message_id, now)
        elif isinstance(message, Bulletin):
            _take_bulletin(session, link, message, message_id, now)
        elif isinstance(message, ScheduleCancelled):
            schedules_down.cancel(session, link, message.LichPhatID, now)
        elif isinstance(message, ProvinceCommand):
            return commands_down.obey(session, link, message, self._downlink, self._configure, now)
        return []

    def _configure(self, receiver_ids: set[str]) -> None:
        with self._database.session() as session:
            changed = session.exec(select(Receiver).where(col(Receiver.id).in_(receiver_ids)))
            self._downlink.configure_all(session, list(changed))


def refused_count(session: Session, commune_id: str) -> int:
    """How many messages were refused, each time counted."""
    query = select(func.sum(ReceivedMessage.times)).where(
        ReceivedMessage.commune_id == commune_id, col(ReceivedMessage.taken).is_(False)
    )
    return int(session.exec(query).one() or 0)


def last_refused(session: Session, commune_id: str, limit: int = 20) -> list[ReceivedMessage]:
    """The last that were refused, newest first."""
    query = select(ReceivedMessage).where(
        ReceivedMessage.commune_id == commune_id, col(ReceivedMessage.taken).is_(False)
    )
    return list(session.exec(query.order_by(col(ReceivedMessage.received_at).desc()).limit(limit)))


def _take_bulletin(
    session: Session, link: ProvinceLink, message: Bulletin, message_id: str, now: datetime
) -> ProvinceBulletin:
    check_audio(message)
    new = NewBulletin(
        code=message.BanTinID[:150],
        title=message.TieuDe.strip(),
        class_=URGENCY[message.MucDoUuTien],
        targets=targets_of(session, link, message.DanhSachDiaBanNhan, message.DanhSachThietBi),
        field=message.LoaiLinhVuc,
        summary=message.NoiDungTomTat,
        url=message.NoiDung,
        sender=message.TenNguon,
        message=message_id,
    )
    query = select(ProvinceBulletin).where(
        ProvinceBulletin.commune_id == link.commune_id,
        ProvinceBulletin.code == new.code,
        ProvinceBulletin.schedule_code == "",
    )
    before = session.exec(query).first()
    return before if before is not None else add_bulletin(session, link.commune_id, new, now)


def _claim(session: Session, commune_id: str, message_id: str, kind: str, now: datetime) -> bool:
    """Whether it is to be carried out: it never came, or was refused when it did."""
    formers = communes_served(session, commune_id)[1:]
    for former in formers:
        earlier = session.get(ReceivedMessage, (former, message_id))
        if earlier is not None and earlier.taken:
            return False
    row = {
        "commune_id": commune_id,
        "id": message_id,
        "kind": kind[:40],
        "received_at": now,
        "taken": True,
        "code": 0,
        "why": "",
        "times": 1,
    }
    if insert_if_absent(session, ReceivedMessage, row):
        return True
    before = session.get(ReceivedMessage, (commune_id, message_id))
    if before is None or before.taken:
        return False
    before.taken, before.code, before.why = True, 0, ""
    session.add(before)
    session.flush()
    return True


def _read(kind: str, content: Any, profile: Profile) -> MessageFromProvince:
    if kind not in MESSAGES_FROM_PROVINCE:
        raise unknown_code("Loai", kind[:40])
    return read(MESSAGES_FROM_PROVINCE[kind], profile.to_ours(content))


def _id_of(kind: str, content: Any) -> str:
    """By which a message without an id of its own is known again."""
    if isinstance(content, dict):
        name = {"BanTin": "BanTinID", "LichPhat": "LichPhatID", "HuyLichPhat": "LichPhatID"}.get(kind, "")
        own = content.get(name)
        if isinstance(own, str | int) and str(own):
            return f"{kind}/{str(own)[:150]}"
    canonical = json.dumps(content, sort_keys=True, ensure_ascii=False, default=str)
    return f"{kind[:40]}/{hashlib.sha256(canonical.encode(errors='replace')).hexdigest()[:32]}"


def _answer(
    session: Session, link: ProvinceLink, met: MessageResult, say: Callable[[Refusal], str], now: datetime
) -> None:
    digest = hashlib.sha256(str(met.said or "").encode()).hexdigest()[:12]
    key = f"{link.commune_id}/tra-loi/{met.id}/{met.code}/{digest}"
    put(session, link.commune_id, ANSWER, key, met.answer(say), now)
