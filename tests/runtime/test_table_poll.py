"""A poll of the tables is made only when it can find something that the last one did not."""

from datetime import datetime, timedelta

import pytest
from sqlalchemy.exc import OperationalError

from runtime.clock import ManualClock
from runtime.database import Database
from runtime.table_poll import AT_LEAST_EVERY_S, TablePoll


class CountedPolls:
    """next_at: what each poll names. fails: whether it raises."""

    def __init__(self) -> None:
        self.count = 0
        self.next_at: datetime | None = None
        self.fails = False

    def poll(self) -> datetime | None:
        self.count += 1
        if self.fails:
            raise RuntimeError("the broker is gone")
        return self.next_at


@pytest.fixture
def polls() -> CountedPolls:
    return CountedPolls()


@pytest.fixture
def table_poll(database: Database, clock: ManualClock, polls: CountedPolls) -> TablePoll:
    table_poll = TablePoll(database, clock, polls.poll)
    table_poll.run()
    assert polls.count == 1, "nothing is known at the start"
    return table_poll


def commit(database: Database) -> None:
    with database.writing() as session:
        session.connection().exec_driver_sql("CREATE TABLE IF NOT EXISTS counted (number INTEGER)")
        session.connection().exec_driver_sql("INSERT INTO counted VALUES (1)")


def test_the_tables_are_read_again_only_after_a_commit(
    table_poll: TablePoll, polls: CountedPolls, database: Database
) -> None:
    table_poll.run()
    assert polls.count == 1
    commit(database)
    table_poll.run()
    table_poll.run()
    assert polls.count == 2


def test_a_commit_of_another_process_during_a_poll_is_not_overlooked(database: Database, clock: ManualClock) -> None:
    others = Database(database.engine.url.render_as_string(hide_password=False))
    count = 0

    def poll() -> None:
        nonlocal count
        count += 1
        if count == 1:
            commit(others)

    table_poll = TablePoll(database, clock, poll)
    table_poll.run()
    table_poll.run()
    others.close()
    assert count == 2


def test_a_poll_is_made_when_the_instant_comes_that_the_last_one_named(
    database: Database, clock: ManualClock, polls: CountedPolls
) -> None:
    polls.next_at = clock.now() + timedelta(seconds=10)
    table_poll = TablePoll(database, clock, polls.poll)
    table_poll.run()
    clock.advance(seconds=9.9)
    table_poll.run()
    assert polls.count == 1
    clock.advance(seconds=0.1)
    table_poll.run()
    assert polls.count == 2


def test_a_poll_that_named_the_present_instant_is_made_at_every_call(
    database: Database, clock: ManualClock, polls: CountedPolls
) -> None:
    polls.next_at = clock.now()
    table_poll = TablePoll(database, clock, polls.poll)
    for _ in range(3):
        table_poll.run()
    assert polls.count == 3


def test_a_clock_that_is_set_either_way_makes_a_poll_due(
    database: Database, clock: ManualClock, polls: CountedPolls
) -> None:
    start = clock.now()
    polls.next_at = start + timedelta(hours=1)
    table_poll = TablePoll(database, clock, polls.poll)
    table_poll.run()
    clock.set(start - timedelta(days=1))
    table_poll.run()
    assert polls.count == 2
    clock.set(start + timedelta(days=1))
    table_poll.run()
    assert polls.count == 3


def test_a_poll_that_fails_stays_due(table_poll: TablePoll, polls: CountedPolls, database: Database) -> None:
    polls.fails = True
    commit(database)
    with pytest.raises(RuntimeError):
        table_poll.run()
    polls.fails = False
    table_poll.run()
    table_poll.run()
    assert polls.count == 3


def test_a_reset_makes_the_next_poll_due_whatever_the_tables_say(table_poll: TablePoll, polls: CountedPolls) -> None:
    table_poll.reset()
    assert table_poll.is_due()
    table_poll.run()
    assert polls.count == 2
    assert not table_poll.is_due()


def test_a_poll_is_made_now_and_then_without_any_sign(
    table_poll: TablePoll, polls: CountedPolls, clock: ManualClock
) -> None:
    clock.advance(seconds=AT_LEAST_EVERY_S - 1)
    table_poll.run()
    assert polls.count == 1
    clock.advance(seconds=1)
    table_poll.run()
    assert polls.count == 2


def test_a_database_that_does_not_answer_is_the_polls_own_failure(
    table_poll: TablePoll, monkeypatch: pytest.MonkeyPatch, database: Database
) -> None:

    def gone() -> object:
        raise OperationalError("SELECT", None, Exception("gone"))

    monkeypatch.setattr(database, "data_version", gone)
    assert table_poll.is_due()
