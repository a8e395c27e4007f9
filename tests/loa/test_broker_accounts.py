"""Broker accounts follow the tables, whoever changed them, and are read only after a change."""

from collections.abc import Iterator
from unittest.mock import patch

import pytest
from sqlmodel import Session

from devices import enrolment
from devices.receivers import Receiver
from devices.stations import StationKind, add_station
from loa import broker_accounts
from loa.broker_accounts import BrokerAccounts
from runtime.clock import ManualClock
from runtime.database import Database
from runtime.table_poll import TablePoll
from tests.broadcast.studio import Studio
from tests.cast import COMMUNE


@pytest.fixture
def reads() -> Iterator[list[dict[str, str]]]:
    """Each reading of the accounts."""
    made: list[dict[str, str]] = []

    def noted(session: Session) -> dict[str, str]:
        made.append(enrolment.accounts(session))
        return made[-1]

    with patch.object(broker_accounts, "accounts", noted):
        yield made


def add_receiver(studio: Studio, database: Database, receiver_id: str) -> None:
    with database.writing() as session:
        station = add_station(session, COMMUNE, StationKind.IP, receiver_id).number
        session.add(
            Receiver(
                id=receiver_id,
                commune_id=COMMUNE,
                station_id=station,
                name=receiver_id,
                public_key="",
                broker_hash=f"hash of {receiver_id}",
                created_at=studio.now(),
            )
        )


def test_accounts_are_read_after_another_process_wrote_and_not_otherwise(
    database: Database, clock: ManualClock, reads: list[dict[str, str]]
) -> None:
    studio = Studio(clock, database)
    accounts = BrokerAccounts(database, None, "secret")
    accounts.publish()
    changed: list[bool] = []
    poll = TablePoll(database, clock, lambda: changed.append(accounts.publish_if_changed()))
    poll.run()
    reads.clear()
    for _ in range(3):
        poll.run()
    assert reads == []
    other = Database(database.url)
    add_receiver(studio, other, "added")
    other.close()
    poll.run()
    assert reads[-1]["added"] == "hash of added"
    poll.run()
    assert changed == [False, True]
