"""The same promises on SQLite and on PostgreSQL."""

import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from sqlalchemy.exc import IntegrityError, StatementError
from sqlmodel import Field, SQLModel, UniqueConstraint, select

from runtime.database import Database, UtcDateTime, insert_if_absent, upsert_many
from runtime.refusal import Refusal
from tests.cast import MORNING


class Claim(SQLModel, table=True):
    """A table of this test's own."""

    __tablename__ = "test_claim"
    __table_args__ = (UniqueConstraint("schedule", "due_at"),)

    id: int | None = Field(default=None, primary_key=True)
    schedule: int
    due_at: datetime = Field(sa_type=UtcDateTime)
    by: str = ""


class Heard(SQLModel, table=True):
    """Another."""

    __tablename__ = "test_heard"

    receiver: str = Field(primary_key=True)
    heard_at: datetime = Field(sa_type=UtcDateTime)


class Child(SQLModel, table=True):
    """One with a foreign key."""

    __tablename__ = "test_child"

    id: int | None = Field(default=None, primary_key=True)
    receiver: str = Field(foreign_key="test_heard.receiver")


OURS = [SQLModel.metadata.tables[name] for name in ("test_claim", "test_heard", "test_child")]


@pytest.fixture(params=["sqlite", "postgresql"])
def database(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    if request.param == "sqlite":
        opened = Database(f"sqlite:///{tmp_path / 'deep' / 'test.db'}")
    else:
        opened = Database(request.getfixturevalue("postgres_server"))
    SQLModel.metadata.drop_all(opened.engine, tables=OURS)
    SQLModel.metadata.create_all(opened.engine, tables=OURS)
    yield opened
    opened.close()


# They are this module's alone: no other test's tables grow by them.
for table in OURS:
    SQLModel.metadata.remove(table)


def test_what_is_written_is_read(database: Database) -> None:
    with database.writing() as session:
        session.add(Heard(receiver="tt-1", heard_at=MORNING))
    with database.session() as session:
        found = session.get(Heard, "tt-1")
    assert found is not None
    assert found.heard_at == MORNING  # readable after its session is gone


def test_an_instant_comes_back_aware_and_in_utc(database: Database) -> None:
    with database.writing() as session:
        session.add(Heard(receiver="tt-1", heard_at=MORNING + timedelta(microseconds=1)))
    with database.session() as session:
        at = session.exec(select(Heard)).one().heard_at
    assert at.utcoffset() == timedelta(0)
    assert at == MORNING + timedelta(microseconds=1)


def test_instants_compare_in_queries_whatever_their_zone(database: Database) -> None:
    with database.writing() as session:
        session.add(Heard(receiver="tt-1", heard_at=MORNING))
    with database.session() as session:
        for at in (MORNING, MORNING.astimezone(UTC)):
            assert len(session.exec(select(Heard).where(Heard.heard_at <= at)).all()) == 1
        assert session.exec(select(Heard).where(Heard.heard_at < MORNING.astimezone(UTC))).all() == []


def test_a_datetime_without_a_zone_is_refused(database: Database) -> None:
    with pytest.raises(StatementError, match="no instant"), database.writing() as session:
        session.add(Heard(receiver="tt-1", heard_at=MORNING.replace(tzinfo=None)))


def test_an_error_takes_everything_back(database: Database) -> None:
    def fail_halfway() -> None:
        with database.writing() as session:
            session.add(Heard(receiver="tt-1", heard_at=MORNING))
            session.flush()
            raise RuntimeError("halfway")

    with pytest.raises(RuntimeError, match="halfway"):
        fail_halfway()
    with database.session() as session:
        assert session.exec(select(Heard)).all() == []


def test_what_is_changed_while_reading_is_not_kept(database: Database) -> None:
    with database.session() as session:
        session.add(Heard(receiver="tt-1", heard_at=MORNING))
        session.flush()
    with database.session() as session:
        assert session.exec(select(Heard)).all() == []


def test_a_foreign_key_is_kept(database: Database) -> None:
    with pytest.raises(IntegrityError), database.writing() as session:
        session.add(Child(receiver="nobody"))


def test_only_the_first_claim_counts(database: Database) -> None:
    row = {"schedule": 1, "due_at": MORNING, "by": "first"}
    with database.writing() as session:
        assert insert_if_absent(session, Claim, row)
        assert not insert_if_absent(session, Claim, {**row, "by": "second"})
        assert insert_if_absent(session, Claim, {**row, "due_at": MORNING + timedelta(minutes=1)})
    with database.session() as session:
        assert session.exec(select(Claim.by).where(Claim.due_at == MORNING)).all() == ["first"]


def test_of_eight_that_claim_at_once_one_wins(database: Database) -> None:
    won: list[int] = []
    ready = threading.Barrier(8)

    def claim(k: int) -> None:
        ready.wait()
        with database.writing() as session:
            # Read first: on SQLite a transaction that only then wants to write would fail, were it not immediate.
            session.exec(select(Claim)).all()
            if insert_if_absent(session, Claim, {"schedule": 1, "due_at": MORNING, "by": str(k)}):
                won.append(k)

    claims = [threading.Thread(target=claim, args=(k,)) for k in range(8)]
    for one in claims:
        one.start()
    for one in claims:
        one.join()
    assert len(won) == 1


def test_many_rows_are_inserted_or_renewed(database: Database) -> None:
    def rows(count: int, at: datetime) -> list[dict[str, object]]:
        return [{"receiver": f"tt-{k}", "heard_at": at} for k in range(count)]

    later = MORNING + timedelta(seconds=20)
    with database.writing() as session:
        upsert_many(session, Heard, rows(200, MORNING), ["receiver"])
        upsert_many(session, Heard, rows(300, later), ["receiver"])
        upsert_many(session, Heard, [], ["receiver"])
    with database.session() as session:
        assert {row.heard_at for row in session.exec(select(Heard))} == {later}
        assert len(session.exec(select(Heard)).all()) == 300


def test_sqlite_outlives_a_power_cut_and_waits_for_its_turn(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'test.db'}")
    with database.engine.connect() as connection:
        values = [
            connection.exec_driver_sql(f"PRAGMA {name}").scalar()
            for name in ("journal_mode", "synchronous", "foreign_keys", "busy_timeout")
        ]
    database.close()
    assert values == ["wal", 2, 1, 15_000]


@pytest.mark.parametrize("url", ["postgresql://loa@127.0.0.1:1/loa", "sqlite:////proc/none/loa.db", "nonsense"])
def test_a_database_that_cannot_be_opened_is_one_sentence(url: str) -> None:
    with pytest.raises(Refusal, match="LOA_DATABASE_URL"):
        Database(url)


def test_the_data_version_changes_with_each_commit_and_with_nothing_else(database: Database) -> None:
    version = database.data_version()
    with database.session() as session:
        session.exec(select(Heard)).all()
    assert database.data_version() == version
    with database.writing() as session:
        session.add(Heard(receiver="tt-1", heard_at=MORNING))
        session.flush()
        if database.is_sqlite:
            assert database.data_version() == version, "not committed yet"
    assert database.data_version() != version


def test_the_data_version_shows_what_another_process_committed(tmp_path: Path) -> None:
    ours, others = (Database(f"sqlite:///{tmp_path / 'test.db'}") for _ in range(2))
    SQLModel.metadata.create_all(ours.engine, tables=OURS)
    version = ours.data_version()
    with others.writing() as session:
        session.add(Heard(receiver="tt-1", heard_at=MORNING))
    assert ours.data_version() != version
    for opened in (ours, others):
        opened.close()


def test_a_row_of_short_transactions_lets_another_writer_in_between(tmp_path: Path) -> None:
    database = Database(f"sqlite:///{tmp_path / 'turns.db'}")
    SQLModel.metadata.create_all(database.engine, tables=OURS)
    begun, done = threading.Event(), threading.Event()
    transactions = 0

    def write_often() -> None:
        nonlocal transactions
        while not done.is_set() and transactions < 200:
            with database.writing() as session:
                session.add(Claim(schedule=1, due_at=MORNING + timedelta(seconds=transactions)))
                session.flush()
                begun.set()
                threading.Event().wait(0.02)  # the work of a transaction
            transactions += 1

    often = threading.Thread(target=write_often)
    often.start()
    assert begun.wait(10)
    before = transactions
    with database.writing() as session:
        session.add(Claim(schedule=2, due_at=MORNING))
        between = transactions - before
    done.set()
    often.join(10)
    database.close()
    assert between <= 2
