"""Empty SQLite databases for tests: the tables are made once a process and copied."""

import sqlite3
import tempfile
from pathlib import Path

from sqlalchemy import event
from sqlmodel import SQLModel

from runtime.database import Database

_made: dict[frozenset[str], bytes] = {}


def empty_database(path: Path) -> Database:
    """A new SQLite file with all tables of the modules imported so far."""
    tables = frozenset(SQLModel.metadata.tables)
    if tables not in _made:
        with tempfile.TemporaryDirectory() as folder:
            file = Path(folder) / "empty.db"
            database = Database(f"sqlite:///{file}")
            SQLModel.metadata.create_all(database.engine)
            database.close()
            _made[tables] = file.read_bytes()
    path.write_bytes(_made[tables])
    database = Database(f"sqlite:///{path}")

    @event.listens_for(database.engine, "connect")
    def no_power_cuts_here(connection: sqlite3.Connection, _: object) -> None:
        connection.execute("PRAGMA synchronous=OFF").close()

    return database
