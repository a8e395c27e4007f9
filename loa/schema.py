"""The controller's database at the newest version of its tables."""

from pathlib import Path

from loa.installation import close_to_others
from runtime.database import Database, version_of
from runtime.disk_reserve import DiskReserve
from runtime.settings import Settings

MIGRATIONS = Path(__file__).parent / "migrations"


def open_database(settings: Settings) -> Database:
    """Creates the data folder where it is missing, closes it to others, and migrates the tables. Raises Refusal."""
    close_to_others(settings.data_dir)
    database = Database(settings.database)
    with database.engine.connect() as connection:
        version = version_of(connection)
    if version != newest_version():
        from runtime.migrations import upgrade  # noqa: PLC0415 - 0.4 s at each start, and seldom needed

        upgrade(database, MIGRATIONS)
    database.reserve = DiskReserve(settings.data_dir)
    database.keep_reserve()
    return database


def newest_version() -> str:
    """The version of the last migration, which begins the name of its file."""
    return max(path.name.partition("_")[0] for path in (MIGRATIONS / "versions").glob("[0-9]*_*.py"))
