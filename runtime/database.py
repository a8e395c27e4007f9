"""The database: SQLite on one machine, PostgreSQL beyond it; the same tables, the same conditional writes."""

import sqlite3
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import sqlalchemy
from sqlalchemy import Index, event
from sqlalchemy.dialects import sqlite
from sqlalchemy.engine import Connection, Dialect, Engine
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import PoolProxiedConnection
from sqlalchemy.types import TypeDecorator
from sqlmodel import Session, SQLModel

from runtime.disk_reserve import DiskReserve
from runtime.fair_slots import FairSlots
from runtime.refusal import N_, Refusal

#: How long a writer waits for another before it gives up. Longer than any transaction of ours lasts.
BUSY_TIMEOUT_MS = 15_000
#: Each of the 40 threads that serve pages opens up to two at once. With fewer, threads that hold one wait for another.
KEPT_CONNECTIONS, MOST_CONNECTIONS = 5, 100


class UtcDateTime(TypeDecorator[datetime]):
    """An instant: written as UTC, read as aware UTC, on every database. Naive ones are refused (ValueError)."""

    impl = sqlalchemy.DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a datetime without a zone is no instant")
        return value.astimezone(UTC).replace(tzinfo=None) if dialect.name == "sqlite" else value.astimezone(UTC)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Database:
    """One database. Threads and processes may share it; each transaction has a session of its own."""

    def __init__(self, url: str) -> None:
        """url: as SQLAlchemy writes it. Raises Refusal when it cannot be opened."""
        self.url = url
        #: Released when a write fails because the disk is full.
        self.reserve: DiskReserve | None = None
        self._watching = threading.Lock()
        self._watcher: PoolProxiedConnection | None = None
        #: Writers of this process on SQLite, in the order in which they came. SQLite gives its lock to the one that
        #: asks at the right moment, so a row of short transactions could hold up all others.
        self._writers = FairSlots(1)
        try:
            if url.startswith("sqlite"):
                self.engine = _sqlite(url)
            else:
                self.engine = sqlalchemy.create_engine(
                    url.replace("postgresql://", "postgresql+psycopg://"), pool_pre_ping=True
                )
            with self.engine.connect():
                pass
        except (OperationalError, sqlalchemy.exc.ArgumentError, sqlite3.Error, OSError) as error:
            raise Refusal(
                N_("The database cannot be opened ({why}). Check LOA_DATABASE_URL and that the database runs."),
                why=str(getattr(error, "orig", error)).splitlines()[0][:200],
            ) from error

    @property
    def is_sqlite(self) -> bool:
        return self.engine.dialect.name == "sqlite"

    @contextmanager
    def session(self) -> Iterator[Session]:
        """For reading: one consistent view, nothing is kept."""
        with Session(self.engine, expire_on_commit=False) as session:
            try:
                yield session
            finally:
                session.expunge_all()  # what was read stays readable after the session is gone
                session.rollback()

    @contextmanager
    def writing(self) -> Iterator[Session]:
        """For writing: committed at the end, rolled back on any error.

        On SQLite the transaction takes the write lock at once (BEGIN IMMEDIATE): one that read first and then wants to
        write would otherwise fail without waiting.
        """
        with self._turn_to_write(), Session(self.engine, expire_on_commit=False) as session:
            if self.is_sqlite:
                session.connection(execution_options={"loa_immediate": True})
            try:
                yield session
                session.commit()
            except OperationalError as error:
                session.rollback()
                if not _is_disk_full(error):
                    raise
                raise self._disk_full() from error
            except BaseException:
                session.rollback()
                raise

    def data_version(self) -> object:
        """Equal to an earlier one only when nobody, in any process, committed anything between the two calls.

        So what is compared every few seconds is read only after a change.
        """
        if not self.is_sqlite:
            with self.engine.connect() as connection:
                return connection.exec_driver_sql("SELECT pg_current_snapshot()::text").scalar()
        with self._watching:
            if self._watcher is None:
                # SQLite counts the commits of other connections: this one never writes.
                self._watcher = self.engine.raw_connection()
            cursor = self._watcher.cursor()
            try:
                return cursor.execute("PRAGMA data_version").fetchone()[0]
            finally:
                cursor.close()

    @contextmanager
    def _turn_to_write(self) -> Iterator[None]:
        if not self.is_sqlite:
            yield
            return
        with ExitStack() as turn:
            try:
                turn.enter_context(self._writers.slot(timeout_s=BUSY_TIMEOUT_MS / 1000))
            except TimeoutError as error:
                locked = sqlite3.OperationalError("database is locked")
                raise OperationalError("BEGIN IMMEDIATE", None, locked) from error
            yield

    def keep_reserve(self) -> None:
        """Write the reserve again where it is missing and there is room."""
        if self.reserve is not None:
            self.reserve.keep()

    def _disk_full(self) -> Refusal:
        if self.reserve is not None and self.reserve.release():
            return Refusal(
                N_("The controller's disk is full. Some reserve was freed: do it again now, then call your technician.")
            )
        return Refusal(N_("The controller's disk is full, so nothing can be saved. Call your technician at once."))

    def close(self) -> None:
        with self._watching:
            if self._watcher is not None:
                self._watcher.close()
                self._watcher = None
        self.engine.dispose()


def version_of(connection: Connection) -> str:
    """The version of the tables, "" where there are none."""
    if not sqlalchemy.inspect(connection).has_table("alembic_version"):
        return ""
    return connection.exec_driver_sql("SELECT version_num FROM alembic_version").scalar() or ""


def insert_if_absent(session: Session, table: type[SQLModel], values: dict[str, Any]) -> bool:
    """Insert one row unless a unique key is there already. True when this call inserted it: then the claim is ours."""
    statement = _insert(session)(table.__table__).values(**values).on_conflict_do_nothing()  # type: ignore[attr-defined]
    # inline: a new id fetched by RETURNING would hide the row count. SQLAlchemy keeps an INSERT's count only on demand;
    # without these PostgreSQL answers -1, and every claim would seem lost.
    statement = statement.inline().execution_options(preserve_rowcount=True)
    return bool(session.connection().execute(statement).rowcount == 1)


def insert_absent(
    session: Session, table: type[SQLModel], rows: Sequence[dict[str, Any]], returning: Sequence[str]
) -> Sequence[Any]:
    """Insert the rows whose unique key is not there. Returns these columns of the rows that this call inserted.

    rows: all with the same columns.
    """
    if not rows:
        return []
    statement = _insert(session)(table.__table__).on_conflict_do_nothing()  # type: ignore[attr-defined]
    columns = [table.__table__.c[name] for name in returning]  # type: ignore[attr-defined]
    return session.connection().execute(statement.returning(*columns), list(rows)).all()


def partial_index(name: str, *columns: str, where: str) -> Index:
    """An index of the rows that meet a condition. Queries have to state the condition literally, without parameters."""
    condition = sqlalchemy.text(where)
    return Index(name, *columns, sqlite_where=condition, postgresql_where=condition)


def upsert_many(
    session: Session, table: type[SQLModel], rows: Sequence[dict[str, Any]], key_columns: Sequence[str]
) -> None:
    """Insert rows, or update those whose key is there. rows: all with the same columns, each key at most once."""
    if not rows:
        return
    statement = _insert(session)(table.__table__)  # type: ignore[attr-defined]
    changed = {name: statement.excluded[name] for name in rows[0] if name not in key_columns}
    if changed:
        statement = statement.on_conflict_do_update(index_elements=list(key_columns), set_=changed)
    else:
        statement = statement.on_conflict_do_nothing()
    session.connection().execute(statement, list(rows))


def _is_disk_full(error: OperationalError) -> bool:
    code = getattr(error.orig, "sqlite_errorcode", None)
    if code is not None:
        return bool(code & 0xFF == sqlite3.SQLITE_FULL or code == sqlite3.SQLITE_IOERR_WRITE)
    return bool(getattr(error.orig, "sqlstate", None) == "53100")


def _insert(session: Session) -> Any:
    if session.get_bind().dialect.name == "sqlite":
        return sqlite.insert
    from sqlalchemy.dialects import postgresql  # noqa: PLC0415 - 0.1 s at each start on SQLite

    return postgresql.insert


def _sqlite(url: str) -> Engine:
    path = url.removeprefix("sqlite:///")
    pool = {}
    if path and path != ":memory:":
        Path(path).parent.mkdir(parents=True, exist_ok=True)
        pool = {"pool_size": KEPT_CONNECTIONS, "max_overflow": MOST_CONNECTIONS - KEPT_CONNECTIONS}
    engine = sqlalchemy.create_engine(
        url,
        **pool,
        connect_args={"check_same_thread": False, "timeout": BUSY_TIMEOUT_MS / 1000},
    )

    @event.listens_for(engine, "connect")
    def prepare(connection: sqlite3.Connection, _: object) -> None:
        # The driver must not begin transactions on its own: `begin` below does, and knows which kind.
        connection.isolation_level = None
        for pragma in (
            "journal_mode=WAL",
            # FULL, not NORMAL: what was acknowledged must outlive a power cut, and we write seldom.
            "synchronous=FULL",
            "foreign_keys=ON",
            f"busy_timeout={BUSY_TIMEOUT_MS}",
        ):
            connection.execute(f"PRAGMA {pragma}").close()

    @event.listens_for(engine, "begin")
    def begin(connection: Connection) -> None:
        immediate = connection.get_execution_options().get("loa_immediate")
        connection.exec_driver_sql("BEGIN IMMEDIATE" if immediate else "BEGIN")

    return engine
