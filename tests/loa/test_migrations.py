"""The migrations create the tables that the code defines: on SQLite and on PostgreSQL."""

import importlib
import threading
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
import sqlalchemy
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlmodel import SQLModel

import loa
from broadcast.clips import Clip
from devices.communes import Commune
from devices.provinces import province_name
from people.operators import Operator, standing_of
from people.rights import Role
from runtime.database import Database, upgrade
from web.access import WebSession

HOUR_US = 3_600_000_000
PACKAGES = (
    "runtime",
    "devices",
    "acoustics",
    "people",
    "broadcast",
    "schedules",
    "mergers",
    "transfer",
    "province",
    "web",
)
MIGRATIONS = Path(loa.__file__).parent / "migrations"
ROOT = MIGRATIONS.parent.parent

# Every module is imported: a table in a module that is not listed here counts too.
for path in sorted(ROOT.glob("*/**/*.py")):
    if path.relative_to(ROOT).parts[0] in PACKAGES and "table=True" in path.read_text():
        importlib.import_module(".".join(path.relative_to(ROOT).with_suffix("").parts))


@pytest.fixture(params=["sqlite", pytest.param("postgresql", marks=pytest.mark.xdist_group("postgres"))])
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
