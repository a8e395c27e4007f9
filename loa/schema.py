"""The controller's database at the newest version of its tables."""

from pathlib import Path

from runtime.database import Database, upgrade
from runtime.settings import Settings

MIGRATIONS = Path(__file__).parent / "migrations"


def open_database(settings: Settings) -> Database:
    """Creates the data folder where it is missing, and migrates the tables. Raises Refusal."""
    settings.data_dir.mkdir(parents=True, exist_ok=True, mode=0o700)
    database = Database(settings.database)
    upgrade(database, MIGRATIONS)
    return database
