"""The migrations create the tables that the code defines: on SQLite and on PostgreSQL."""

import importlib
import threading
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlmodel import SQLModel

import loa
from broadcast.audiences import Audiences
from broadcast.broadcasts import Broadcast
from broadcast.clips import Clip
from broadcast.play_log import fields_in, fields_of
from devices.communes import Commune
from devices.provinces import province_name
from loa.schema import newest_version
from people.operators import Operator, standing_of
from people.rights import Role
from runtime.database import Database, version_of
from runtime.migrations import upgrade
from web.access import WebSession

HOUR_US = 3_600_000_000
PACKAGES = (
    "runtime",
    "devices",
    "acoustics",
    "cap",
    "noise",
    "speech",
    "people",
    "notifications",
    "broadcast",
    "schedules",
    "mergers",
    "transfer",
    "province",
    "web",
)
MIGRATIONS = Path(loa.__file__).parent / "migrations"
ROOT = MIGRATIONS.parent.parent


def _receiver_row(receiver_id: str, created_day: int, retired_day: int | None = None) -> dict[str, object]:
    retired_at = datetime(2026, 10, retired_day, tzinfo=UTC) if retired_day else None
    created_at = datetime(2026, 10, created_day, tzinfo=UTC)
    return {
        "id": receiver_id,
        "commune_id": "hien",
        "station_id": 1,
        "name": receiver_id,
        "created_at": created_at,
        "retired_at": retired_at,
    }


def _broadcast_row(broadcast_id: str, day: datetime) -> dict[str, object]:
    return {
        "id": broadcast_id,
        "commune_id": "hien",
        "starts_at": day,
        "ends_at": day + timedelta(minutes=1),
        "targets": b'{"all":true}',
        "items": b'[{"type":"clip","clip":"c","duration_us":5,"offset_us":0}]',
    }


_COMMUNE_BEFORE_THE_UPGRADE: dict[str, list[dict[str, object]]] = {
    "commune": [{"id": "hien", "name": "Hiền"}],
    "station": [{"id": 1, "commune_id": "hien"}],
    "zone": [{"id": "z", "commune_id": "hien", "name": "Thôn 1"}],
    "receiver": [
        _receiver_row("old", 1),
        _receiver_row("new", 20),
        _receiver_row("gone", 1, 5),
        _receiver_row("left", 1, 20),
        _receiver_row("odd", 20),
    ],
    "zonemember": [{"zone_id": "z", "receiver_id": "old"}],
    "clip": [{"id": "c", "commune_id": "hien", "field": 4}],
    "broadcast": [
        _broadcast_row("00000001aa", datetime(2026, 10, 10, tzinfo=UTC)),
        _broadcast_row("00000001bb", datetime(2226, 10, 10, tzinfo=UTC)),
    ],
    "playreportrow": [{"broadcast_id": "00000001aa", "receiver_id": "odd"}],
}


def _insert(connection: sqlalchemy.Connection, table: str, row: dict[str, object]) -> None:
    """Insert a row; what must not be NULL and is not named is empty."""
    reflected = sqlalchemy.Table(table, sqlalchemy.MetaData(), autoload_with=connection)
    empty_values = {
        column.name: column.type.python_type()
        for column in reflected.columns
        if not column.nullable and column.type.python_type is not datetime
    }
    times = {c.name: datetime(2026, 10, 1) for c in reflected.columns if c.type.python_type is datetime}  # noqa: DTZ001
    required = {name: at for name, at in times.items() if not reflected.columns[name].nullable}
    plain = {name: at.replace(tzinfo=None) if isinstance(at, datetime) else at for name, at in row.items()}
    connection.execute(reflected.insert(), empty_values | required | plain)


# Every module is imported: a table in a module that is not listed here counts too.
for path in sorted(ROOT.glob("*/**/*.py")):
    if path.relative_to(ROOT).parts[0] in PACKAGES and "table=True" in path.read_text():
        importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))


@pytest.fixture(params=["sqlite", "postgresql"])
def empty(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Database]:
    """A database without any table."""
    if request.param == "sqlite":
        opened = Database(f"sqlite:///{tmp_path / 'with 100% of it' / 'loa.db'}")
    else:
        opened = Database(request.getfixturevalue("postgres_server"))
        with opened.engine.begin() as connection:
            connection.exec_driver_sql("DROP SCHEMA public CASCADE")
            connection.exec_driver_sql("CREATE SCHEMA public")
    yield opened
    opened.close()


def table_names(database: Database) -> set[str]:
    return set(sqlalchemy.inspect(database.engine).get_table_names())


def test_what_the_migrations_make_is_what_the_tables_say(empty: Database) -> None:
    upgrade(empty, MIGRATIONS)
    with empty.engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True, "compare_server_default": True})
        assert compare_metadata(context, SQLModel.metadata) == []


def test_the_newest_version_is_known_without_alembic(empty: Database) -> None:
    upgrade(empty, MIGRATIONS)
    with empty.engine.connect() as connection:
        assert (
            version_of(connection) == newest_version() == MigrationContext.configure(connection).get_current_revision()
        )


def test_every_table_of_the_packages_is_there_after_the_upgrade(empty: Database) -> None:
    upgrade(empty, MIGRATIONS)
    assert table_names(empty) == {*SQLModel.metadata.tables, "alembic_version"}


def test_an_upgrade_of_what_is_up_to_date_changes_nothing_and_keeps_the_rows(empty: Database) -> None:
    upgrade(empty, MIGRATIONS)
    with empty.writing() as session:
        session.add(Commune(id="thieu-trung", name="Xã Thiệu Trung"))
    upgrade(empty, MIGRATIONS)
    with empty.session() as session:
        assert session.get(Commune, "thieu-trung") is not None


def test_two_controllers_may_start_at_once(empty: Database) -> None:
    failed: list[BaseException] = []

    def start() -> None:
        try:
            upgrade(empty, MIGRATIONS)
        except BaseException as error:
            failed.append(error)

    starts = [threading.Thread(target=start) for _ in range(3)]
    for one in starts:
        one.start()
    for one in starts:
        one.join()
    assert failed == []
    assert "commune" in table_names(empty)


def test_an_upgrade_that_fails_leaves_nothing_behind(empty: Database, tmp_path: Path) -> None:
    broken = tmp_path / "broken"
    (broken / "versions").mkdir(parents=True)
    (broken / "env.py").write_text((MIGRATIONS / "env.py").read_text())
    (broken / "versions" / "0001_broken.py").write_text(
        "import sqlalchemy as sa\nfrom alembic import op\nrevision = '0001'\ndown_revision = None\n"
        "def upgrade():\n    op.create_table('half', sa.Column('id', sa.Integer(), primary_key=True))\n"
        "    raise RuntimeError('power cut')\n"
    )
    with pytest.raises(RuntimeError, match="power cut"):
        upgrade(empty, broken)
    assert table_names(empty) == set()


def test_four_hours_in_microseconds_fit_into_the_tables(empty: Database) -> None:
    upgrade(empty, MIGRATIONS)
    with empty.writing() as session:
        session.add(Commune(id="thieu-trung", name="Xã Thiệu Trung"))
        session.flush()
        session.add(
            Clip(
                id="c",
                commune_id="thieu-trung",
                title="Dài",
                original_name="d.mp3",
                original_sha256="0" * 64,
                original_bytes=500_000_000,
                original_extension="mp3",
                uploaded_at=datetime(2026, 11, 24, tzinfo=UTC),
                uploaded_by="lan",
                duration_us=4 * HOUR_US,
                trim_silence=True,
                peaks=b"",
                folded="dai",
            )
        )
    with empty.session() as session:
        clip = session.get(Clip, "c")
        assert clip is not None
        assert clip.duration_us == 4 * HOUR_US


def test_operators_of_one_commune_become_its_chairs_and_stay_signed_in(empty: Database, tmp_path: Path) -> None:
    before = tmp_path / "before"
    (before / "versions").mkdir(parents=True)
    (before / "env.py").write_text((MIGRATIONS / "env.py").read_text())
    for path in sorted((MIGRATIONS / "versions").glob("000[1234]_*.py")):
        (before / "versions" / path.name).write_text(path.read_text())
    upgrade(empty, before)
    with empty.engine.begin() as connection:
        for line in (
            "INSERT INTO commune (id, name, province, time_zone, volume_ceiling_percent)"
            " VALUES ('hien', 'Xã Hậu Hiền', 'Thanh Hóa', 'Asia/Ho_Chi_Minh', 100),"
            " ('kim', 'Xã Kim Liên', '', 'Asia/Ho_Chi_Minh', 100)",
            "INSERT INTO operator VALUES (1, 'admin', 'x', false, NULL, '2026-11-24 00:00:00', NULL)",
            "INSERT INTO operator VALUES (2, 'lan', 'y', true, 'hien', '2026-11-24 00:00:00', NULL)",
            "INSERT INTO websession VALUES ('t', 2, '2026-11-24 00:00:00', '2026-11-24 00:00:00')",
        ):
            connection.exec_driver_sql(line)
    upgrade(empty, MIGRATIONS)
    with empty.session() as session:
        lan, admin = session.get(Operator, 2), session.get(Operator, 1)
        assert lan is not None
        assert admin is not None
        assert (admin.admin, lan.admin, lan.name, lan.must_change_password) == (True, False, "lan", True)
        standing, seen = standing_of(session, lan)
        assert dict(standing.roles) == {"hien": Role.CHAIR}
        assert [province_name(session, c.province_id) for c in seen] == ["Thanh Hóa"]
        assert session.get(WebSession, "t") is not None


def test_who_was_meant_by_what_aired_before_the_upgrade_is_computed_once(empty: Database, tmp_path: Path) -> None:
    before = tmp_path / "before"
    (before / "versions").mkdir(parents=True)
    (before / "env.py").write_text((MIGRATIONS / "env.py").read_text())
    for path in sorted((MIGRATIONS / "versions").glob("*.py")):
        if path.name.endswith("_frozen_audiences.py"):
            break
        (before / "versions" / path.name).write_text(path.read_text())
    upgrade(empty, before)
    aired, later = "00000001aa", "00000001bb"
    with empty.engine.begin() as connection:
        for table, rows in _COMMUNE_BEFORE_THE_UPGRADE.items():
            for row in rows:
                _insert(connection, table, row)
    upgrade(empty, MIGRATIONS)
    with empty.session() as session:
        found, planned = session.get_one(Broadcast, aired), session.get_one(Broadcast, later)
        audience = Audiences(session).of(found)
        # "new" was added later, "gone" was retired before, "left" was retired after it, "odd" reported.
        assert [(r.id, r.zones) for r in audience.receivers] == [("left", []), ("odd", []), ("old", ["z"])]
        assert audience.names == {"z": "Thôn 1"}
        assert fields_in(found, fields_of(session, [found])) == [4]
        assert planned.audience_id is None
