"""Gathering: which faults go into which message. Bursts become one message; quiet hours hold back what is not severe.

For each person a fault is noticed (`FaultNotice`), then told, then its end is noticed and told. A fault that ended
before it was told and lasted shorter than the window is not told: the page has it.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta, tzinfo
from zoneinfo import ZoneInfo

from sqlmodel import Session, col, delete, or_, select

from devices.communes import Commune
from devices.faults import Fault
from devices.receivers import Receiver
from notifications.deliveries import MOST_AN_HOUR, add_delivery, messages_since
from notifications.fault_groups import is_severe
from notifications.news import FaultNews, FaultNewsItem
from notifications.notices import FaultNotice
from notifications.rules import NotificationRule, communes_of, newest_fault, rules_in_force
from people.operators import Operator

#: A burst that does not end is told after so many windows.
_MOST_WINDOWS = 5
_READ_AT_ONCE = 2000
_ZONE = ZoneInfo("Asia/Ho_Chi_Minh")


@dataclass
class _OpenNotice:
    """A notice with what it is about. receiver: None for a fault of a commune itself."""

    notice: FaultNotice
    fault: Fault
    receiver: Receiver | None

    @property
    def commune_id(self) -> str:
        return _commune_of(self.fault, self.receiver)


@dataclass
class _Pending:
    """What one person has not been told."""

    began: list[_OpenNotice] = field(default_factory=list)
    ended: list[_OpenNotice] = field(default_factory=list)

    def noticed_at(self) -> list[datetime]:
        ends = [o.notice.end_noticed_at for o in self.ended if o.notice.end_noticed_at is not None]
        return [*(o.notice.noticed_at for o in self.began), *ends]

    def severe(self) -> "_Pending":
        def only(notices: Sequence[_OpenNotice]) -> list[_OpenNotice]:
            return [o for o in notices if is_severe(o.fault.fault)]

        return _Pending(only(self.began), only(self.ended))


def has_work(session: Session) -> bool:
    """Whether `gather` may have anything to write. Reads little: it is asked every few seconds."""
    rules = rules_in_force(session)
    if not rules:
        return False
    newest = newest_fault(session)
    if any(rule.after_fault_id != newest for rule, _ in rules):
        return True
    untold = select(FaultNotice.fault_id).where(
        or_(col(FaultNotice.told_at).is_(None), col(FaultNotice.end_noticed_at).is_not(None)),
        col(FaultNotice.end_told_at).is_(None),
    )
    ended = (
        select(FaultNotice.fault_id)
        .join(Fault, col(Fault.id) == FaultNotice.fault_id, isouter=True)
        .where(col(FaultNotice.end_told_at).is_(None))
        .where(or_(col(Fault.ended_at).is_not(None), col(Fault.id).is_(None)))
    )
    return any(session.exec(query.limit(1)).first() is not None for query in (untold, ended))


def gather(session: Session, now: datetime, window: timedelta) -> int:
    """Notice new faults and ends, and make the messages that are due. Returns how many deliveries were added."""
    rules = {rule.operator_id: (rule, operator) for rule, operator in rules_in_force(session)}
    communes = _CommunesOf(session, rules)
    _notice_new(session, [rule for rule, _ in rules.values()], communes, now)
    session.flush()
    open_notices: dict[int, list[_OpenNotice]] = {}
    for open_notice in _open_notices(session, window, now):
        operator_id = open_notice.notice.operator_id
        if operator_id in rules and open_notice.commune_id in communes(operator_id):
            open_notices.setdefault(operator_id, []).append(open_notice)
        else:  # not for this person any more
            session.delete(open_notice.notice)
    return sum(
        _tell(session, rules[operator_id][0], mine, communes(operator_id), now, window)
        for operator_id, mine in open_notices.items()
    )


def forget_told(session: Session, before: datetime) -> None:
    session.exec(delete(FaultNotice).where(col(FaultNotice.end_told_at) < before))


class _CommunesOf:
    """The communes of which each operator is told, by id; read when they are needed."""

    def __init__(self, session: Session, rules: Mapping[int, tuple[NotificationRule, Operator]]) -> None:
        self._session, self._rules = session, rules
        self._known: dict[int, dict[str, Commune]] = {}

    def __call__(self, operator_id: int) -> dict[str, Commune]:
        if operator_id not in self._known:
            communes = communes_of(self._session, *self._rules[operator_id])
            self._known[operator_id] = {commune.id: commune for commune in communes}
        return self._known[operator_id]


def _notice_new(
    session: Session,
    rules: Sequence[NotificationRule],
    communes: _CommunesOf,
    now: datetime,
) -> None:
    newest = newest_fault(session)
    for rule in rules:
        # Withdrawn faults give their numbers back.
        rule.after_fault_id = min(rule.after_fault_id, newest)
    lowest = min((rule.after_fault_id for rule in rules), default=newest)
    query = (
        select(Fault, Receiver)
        .join(Receiver, col(Receiver.id) == Fault.receiver_id, isouter=True)
        .where(col(Fault.id) > lowest)
    )
    rows = session.exec(query.order_by(col(Fault.id)).limit(_READ_AT_ONCE)).all()
    read_to = newest if len(rows) < _READ_AT_ONCE else rows[-1][0].id or newest
    for rule in rules:
        for fault, receiver in rows:
            if fault.id is None or fault.id <= rule.after_fault_id or not rule.wants(fault.fault):
                continue
            if _commune_of(fault, receiver) in communes(rule.operator_id):
                session.merge(FaultNotice(operator_id=rule.operator_id, fault_id=fault.id, noticed_at=now))
        rule.after_fault_id = max(rule.after_fault_id, read_to)
        session.add(rule)


def _open_notices(session: Session, window: timedelta, now: datetime) -> list[_OpenNotice]:
    """Those not yet told to the end. Notices of faults that are no more, or were too short, are deleted."""
    query = (
        select(FaultNotice, Fault, Receiver)
        .join(Fault, col(Fault.id) == FaultNotice.fault_id, isouter=True)
        .join(Receiver, col(Receiver.id) == col(Fault.receiver_id), isouter=True)
        .where(col(FaultNotice.end_told_at).is_(None))
        .order_by(col(Fault.began_at), col(Fault.id))
    )
    open_notices = []
    for notice, fault, receiver in session.exec(query):
        if fault is None or _is_gone(fault, receiver):
            session.delete(notice)
            continue
        if fault.ended_at is not None and notice.end_noticed_at is None:
            if notice.told_at is None and fault.ended_at - fault.began_at < window:
                session.delete(notice)
                continue
            notice.end_noticed_at = now
            session.add(notice)
        open_notices.append(_OpenNotice(notice, fault, receiver))
    return open_notices


def _tell(
    session: Session,
    rule: NotificationRule,
    open_notices: Sequence[_OpenNotice],
    communes: Mapping[str, Commune],
    now: datetime,
    window: timedelta,
) -> int:
    pending = _pending(open_notices)
    if rule.is_quiet(now, _zone_of(communes)):
        pending = pending.severe()
    if not _is_due(pending.noticed_at(), now, window) or _is_one_too_many(session, rule, pending, now):
        return 0
    news = FaultNews(
        began=[_item(o, communes) for o in _newest(pending.began)],
        ended=[_item(o, communes) for o in _recovered(pending)],
    )
    for open_notice in pending.began:
        open_notice.notice.told_at = now
        open_notice.notice.end_told_at = now if open_notice.fault.ended_at is not None else None
    for open_notice in pending.ended:
        open_notice.notice.end_told_at = now
    if not news.began and not news.ended:
        return 0
    for channel in rule.channels:
        add_delivery(session, rule.operator_id, channel, rule.language, news, now)
    return len(rule.channels)


def _pending(open_notices: Sequence[_OpenNotice]) -> _Pending:
    return _Pending(
        [o for o in open_notices if o.notice.told_at is None],
        [o for o in open_notices if o.notice.told_at is not None and o.notice.end_noticed_at is not None],
    )


def _is_one_too_many(session: Session, rule: NotificationRule, pending: _Pending, now: datetime) -> bool:
    """Severe faults are not held up by what a loose contact sends."""
    most = 2 * MOST_AN_HOUR if pending.severe().began else MOST_AN_HOUR
    return messages_since(session, rule.operator_id, now - timedelta(hours=1)) >= most


def _newest(began: Sequence[_OpenNotice]) -> list[_OpenNotice]:
    """Of a fault that came several times before it was told, the last time."""
    return list({o.fault.key: o for o in began}.values())


def _recovered(pending: _Pending) -> Iterator[_OpenNotice]:
    """Ends that are told: not those of faults that came again meanwhile."""
    again = {o.fault.key for o in pending.began if o.fault.ended_at is None}
    return (o for o in pending.ended if o.fault.key not in again)


def _commune_of(fault: Fault, receiver: Receiver | None) -> str:
    """ "" when the receiver is unknown."""
    return receiver.commune_id if receiver is not None else fault.commune_id or ""


def _is_gone(fault: Fault, receiver: Receiver | None) -> bool:
    if receiver is None:
        return fault.commune_id is None
    return receiver.retired_at is not None


def _is_due(noticed_at: Sequence[datetime], now: datetime, window: timedelta) -> bool:
    """Whether nothing came for a window, or the first has waited long enough, or the clock was set back."""
    if not noticed_at:
        return False
    return now - max(noticed_at) >= window or now - min(noticed_at) >= _MOST_WINDOWS * window or now < min(noticed_at)


def _zone_of(communes: Mapping[str, Commune]) -> tzinfo:
    return next((commune.zone for commune in communes.values()), _ZONE)


def _item(open_notice: _OpenNotice, communes: Mapping[str, Commune]) -> FaultNewsItem:
    fault, receiver = open_notice.fault, open_notice.receiver
    commune = communes[open_notice.commune_id]
    return FaultNewsItem(
        receiver_id=receiver.id if receiver is not None else "",
        receiver=receiver.name if receiver is not None else "",
        place=receiver.place if receiver is not None else "",
        commune_id=commune.id,
        commune=commune.name,
        commune_zone=commune.time_zone,
        fault=fault.fault,
        detail=fault.detail,
        severe=is_severe(fault.fault),
        began_at=fault.began_at,
        ended_at=fault.ended_at,
        subject=fault.subject,
    )
