"""Whom a rule is about after a merger, when hours are quiet, and that two controllers send a message once."""

from datetime import datetime, timedelta

import pytest
from sqlmodel import Session

from devices.communes import add_commune, commune
from devices.predecessors import CommuneSuccession
from notifications.channels import Channel, DeliveryFailed
from notifications.deliveries import DeliveryState, NotificationDelivery, add_delivery, claim_next, settle
from notifications.news import FaultNews
from notifications.rules import NotificationRule, communes_of
from people.operators import Operator, appoint
from people.rights import Role
from runtime.clock import ManualClock
from runtime.database import Database
from tests.cast import VIETNAM


@pytest.fixture
def lan(database: Database, clock: ManualClock) -> Operator:
    with database.writing() as session:
        for commune_id in ("thieu-trung", "thieu-van", "hau-hien"):
            add_commune(session, commune_id, commune_id)
        operator = Operator(name="lan", password_hash="-", created_at=clock.now())
        session.add(operator)
        session.flush()
        for commune_id in ("thieu-trung", "hau-hien"):
            appoint(session, operator.number, commune_id, Role.CHAIR)
    return operator


def told_of(session: Session, lan: Operator, chosen: str) -> set[str]:
    return {c.id for c in communes_of(session, NotificationRule(operator_id=lan.number, communes=chosen), lan)}


def test_a_chosen_commune_that_became_part_of_another_stands_for_that_one(
    database: Database, clock: ManualClock, lan: Operator
) -> None:
    with database.writing() as session:
        assert told_of(session, lan, "") == {"thieu-trung", "hau-hien"}
        assert told_of(session, lan, "hau-hien") == {"hau-hien"}
        assert told_of(session, lan, "thieu-van") == set()  # has no role there
        session.add(CommuneSuccession(former_id="thieu-van", successor_id="thieu-trung", at=clock.now()))
        former = commune(session, "thieu-van")
        former.retired_at = clock.now()
        session.add(former)
        session.flush()
        assert told_of(session, lan, "thieu-van") == {"thieu-trung"}


@pytest.mark.parametrize(
    ("start", "end", "hour", "quiet"),
    [
        (21 * 60, 6 * 60, 20, False),
        (21 * 60, 6 * 60, 21, True),
        (21 * 60, 6 * 60, 3, True),
        (21 * 60, 6 * 60, 6, False),
        (12 * 60, 14 * 60, 13, True),
        (12 * 60, 14 * 60, 14, False),
        (0, 1440, 23, True),
        (None, None, 3, False),
    ],
)
def test_quiet_hours_may_cross_midnight(start: int | None, end: int | None, hour: int, quiet: bool) -> None:
    rule = NotificationRule(operator_id=1, quiet_from_minute=start, quiet_until_minute=end)
    assert rule.is_quiet(datetime(2026, 11, 24, hour, tzinfo=VIETNAM), VIETNAM) is quiet


def test_two_controllers_send_a_message_once_and_one_takes_over_from_a_dead_one(
    database: Database, clock: ManualClock, lan: Operator
) -> None:
    now = clock.now()
    with database.writing() as session:
        delivery = add_delivery(session, lan.number, Channel.EMAIL, "vi", FaultNews(), now)
        ident = delivery.id
    with database.writing() as session:
        assert claim_next(session, Channel.SMS, now) is None
        assert claim_next(session, Channel.EMAIL, now) is not None
    with database.writing() as session:
        assert claim_next(session, Channel.EMAIL, now + timedelta(minutes=4)) is None
        assert claim_next(session, Channel.EMAIL, now + timedelta(minutes=6)) is not None
        settle(session, ident, now + timedelta(minutes=6), None)
        settle(session, ident, now + timedelta(minutes=7), DeliveryFailed("late"))  # what the first one says after all
    with database.session() as session:
        kept = session.get(NotificationDelivery, ident)
    assert kept is not None
    assert (kept.state, kept.error) == (DeliveryState.DELIVERED, "")
