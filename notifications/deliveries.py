"""Deliveries: one message to one person through one channel, kept until it is delivered or given up."""

import uuid
from collections.abc import Sequence
from datetime import datetime, timedelta
from enum import StrEnum

from sqlalchemy import Column, ColumnElement, LargeBinary, func, or_, update
from sqlmodel import Field, Session, SQLModel, col, delete, select

from notifications.channels import Channel, DeliveryFailed
from notifications.news import FaultNews, decoded, encoded
from runtime.database import UtcDateTime
from runtime.refusal import N_, Refusal, as_text, from_text
from transport.worker import BackOff

BACK_OFF = BackOff(30.0, 3600.0, jitter=True)
#: Who was told nothing for a day looks at the page.
GIVE_UP_AFTER = timedelta(hours=24)
#: How long one attempt may last before another controller tries.
_HELD_FOR = timedelta(minutes=5)
KEPT_FOR = timedelta(days=30)
#: Messages to one person in an hour; what comes beyond waits for the next one. A loose contact must not send hundreds.
MOST_AN_HOUR = 6
MOST_TESTS, TESTS_WITHIN = 5, timedelta(minutes=10)


class DeliveryState(StrEnum):
    WAITING = "waiting"
    DELIVERED = "delivered"
    FAILED = "failed"


class NotificationDelivery(SQLModel, table=True):
    """content: of `notifications.news`. error: of the last attempt, as `runtime.refusal.as_text`.

    held_until: until then one controller tries. is_test: sent by hand; tried once.
    """

    __tablename__ = "notification_delivery"

    id: str = Field(primary_key=True)
    operator_id: int = Field(foreign_key="operator.id", index=True)
    channel: str
    language: str
    content: bytes = Field(sa_column=Column(LargeBinary, nullable=False))
    is_test: bool = False
    state: str = Field(default=DeliveryState.WAITING, index=True)
    attempts: int = 0
    error: str = ""
    created_at: datetime = Field(sa_column=Column(UtcDateTime, nullable=False, index=True))
    not_before: datetime = Field(sa_column=Column(UtcDateTime, nullable=False))
    held_until: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))
    tried_at: datetime | None = Field(default=None, sa_column=Column(UtcDateTime))

    @property
    def news(self) -> FaultNews:
        return decoded(self.content)

    @property
    def why(self) -> Refusal | None:
        """Why the last attempt failed."""
        return from_text(self.error)


def add_delivery(
    session: Session, operator_id: int, channel: Channel, language: str, news: FaultNews, now: datetime
) -> NotificationDelivery:
    """A test is held by the caller, who sends it at once. Raises Refusal for too many tests."""
    if news.is_test:
        _check_tests(session, operator_id, now)
    delivery = NotificationDelivery(
        id=uuid.uuid4().hex,
        operator_id=operator_id,
        channel=channel,
        language=language,
        content=encoded(news),
        is_test=news.is_test,
        created_at=now,
        not_before=now,
        held_until=now + _HELD_FOR if news.is_test else None,
    )
    session.add(delivery)
    return delivery


def claim_next(session: Session, channel: Channel, now: datetime) -> NotificationDelivery | None:
    """The oldest one that is due, held for one attempt; None when there is none, or another controller was faster."""
    row, due = NotificationDelivery, _due(channel, now)
    delivery = session.exec(select(row).where(*due).order_by(col(row.not_before), row.id).limit(1)).first()
    if delivery is None:
        return None
    held = update(row).where(col(row.id) == delivery.id, *due).values(held_until=now + _HELD_FOR)
    if session.connection().execute(held).rowcount != 1:
        return None
    session.refresh(delivery)
    return delivery


def is_any_due(session: Session, channel: Channel, now: datetime) -> bool:
    return session.exec(select(NotificationDelivery.id).where(*_due(channel, now)).limit(1)).first() is not None


def is_any_waiting(session: Session, channel: Channel) -> bool:
    """Whether one is still to be delivered, now or later."""
    row = NotificationDelivery
    query = select(row.id).where(col(row.channel) == channel, col(row.state) == DeliveryState.WAITING).limit(1)
    return session.exec(query).first() is not None


def _due(channel: Channel, now: datetime) -> tuple[ColumnElement[bool], ...]:
    row = NotificationDelivery
    return (
        col(row.channel) == channel,
        col(row.state) == DeliveryState.WAITING,
        or_(col(row.not_before) <= now, col(row.not_before) > now + timedelta(hours=2)),  # the clock was set back
        or_(col(row.held_until).is_(None), col(row.held_until) < now, col(row.held_until) > now + 2 * _HELD_FOR),
    )


def settle(session: Session, delivery_id: str, now: datetime, failure: DeliveryFailed | None) -> None:
    """Record how an attempt went. A failed one is tried again, unless that would not help or a day has passed."""
    delivery = session.get(NotificationDelivery, delivery_id)
    if delivery is None or delivery.state != DeliveryState.WAITING:
        return
    delivery.attempts, delivery.tried_at, delivery.held_until = delivery.attempts + 1, now, None
    delivery.error = as_text(failure) if failure is not None else ""
    if failure is None:
        delivery.state = DeliveryState.DELIVERED
    elif failure.permanent or delivery.is_test or now - delivery.created_at >= GIVE_UP_AFTER:
        delivery.state = DeliveryState.FAILED
    else:
        delivery.not_before = now + timedelta(seconds=BACK_OFF.wait_s(delivery.attempts))
    session.add(delivery)


def latest(session: Session, operator_id: int, limit: int = 10) -> Sequence[NotificationDelivery]:
    """An operator's deliveries, newest first."""
    row = NotificationDelivery
    query = select(row).where(row.operator_id == operator_id)
    return session.exec(query.order_by(col(row.created_at).desc(), col(row.id)).limit(limit)).all()


def messages_since(session: Session, operator_id: int, since: datetime) -> int:
    """Messages, each counted once however many channels it went through."""
    row = NotificationDelivery
    query = select(func.count(func.distinct(row.created_at))).where(
        row.operator_id == operator_id, col(row.is_test).is_(False), col(row.created_at) > since
    )
    return session.exec(query).one()


def forget_old(session: Session, now: datetime) -> None:
    settled = col(NotificationDelivery.state) != DeliveryState.WAITING
    session.exec(delete(NotificationDelivery).where(settled, col(NotificationDelivery.created_at) < now - KEPT_FOR))


def _check_tests(session: Session, operator_id: int, now: datetime) -> None:
    row = NotificationDelivery
    query = select(func.count()).where(
        row.operator_id == operator_id, col(row.is_test).is_(True), col(row.created_at) > now - TESTS_WITHIN
    )
    if session.exec(query).one() >= MOST_TESTS:
        raise Refusal(N_("Five test messages were sent in the last ten minutes. Wait a few minutes, then try again."))
