"""Migrations: bring the tables to a version. The home of Alembic, apart from the scripts themselves.

Alembic takes longer to import than the tables take to read: `loa.schema` imports this only where there is something to
migrate.
"""

from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.script import ScriptDirectory

from runtime.database import Database

#: Any number that nobody else in the same PostgreSQL takes.
_UPGRADE_LOCK = 7261


def upgrade(database: Database, scripts: Path, to: str = "head") -> None:
    """Bring the tables to a version, by default the newest, under a lock, so that two controllers may start at once.

    scripts: the folder of the Alembic migrations. to: one that `knows_version` knows.
    """
    config = _config(scripts)
    # One transaction holds the lock and all changes: an upgrade that fails leaves the tables as they were.
    with database.engine.connect().execution_options(loa_immediate=True) as connection, connection.begin():
        if not database.is_sqlite:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_UPGRADE_LOCK})")
        config.attributes["connection"] = connection
        command.upgrade(config, to)


def knows_version(scripts: Path, version: str) -> bool:
    """Whether there is a migration of this version: a newer Loa has more of them."""
    return version in {script.revision for script in ScriptDirectory.from_config(_config(scripts)).walk_revisions()}


def _config(scripts: Path) -> Config:
    config = Config()
    config.set_main_option("script_location", str(scripts).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    return config
