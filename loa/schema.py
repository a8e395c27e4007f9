"""The controller's database at the newest version of its tables."""

from pathlib import Path

from loa.installation import close_to_others
from runtime.database import Database, upgrade
from runtime.disk_reserve import DiskReserve
from runtime.settings import Settings

MIGRATIONS = Path(__file__).parent / "migrations"


def open_database(settings: Settings) -> Database:
    """Creates the data folder where it is missing, closes it to others, and migrates the tables. Raises Refusal."""
    close_to_others(settings.data_dir)
    database = Database(settings.database)
    upgrade(database, MIGRATIONS)
    database.reserve = DiskReserve(settings.data_dir)
    database.keep_reserve()
    return database
