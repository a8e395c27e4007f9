"""A full disk is said in words, and an emergency can still be written, on a small file system of the test's own."""

import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlmodel import SQLModel

from devices.communes import Commune
from runtime.database import Database
from runtime.disk_reserve import DiskReserve
from runtime.refusal import Refusal


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    subprocess.run(["mount", "-t", "tmpfs", "-o", "size=12m", "tmpfs", str(folder)], check=True)
    yield folder
    subprocess.run(["umount", "-l", str(folder)], check=True)


def fill(folder: Path) -> None:
    with (folder / "films").open("ab", buffering=0) as file:
        for block in (1 << 20, 4096, 1):
            try:
                while file.write(bytes(block)):
                    pass
            except OSError:
                continue


def write(database: Database, commune_id: str) -> None:
    with database.writing() as session:
        session.add(Commune(id=commune_id, name="x" * 200_000))


def test_a_full_disk_is_said_in_words_and_the_second_attempt_is_written(small_disk: Path) -> None:
    database = Database(f"sqlite:///{small_disk / 'loa.db'}")
    SQLModel.metadata.create_all(database.engine)
    reserve = DiskReserve(small_disk, bytes_=3 << 20, room_bytes=1 << 20)
    assert reserve.keep()
    database.reserve = reserve
    fill(small_disk)
    with pytest.raises(Refusal, match="do it again now"):
        write(database, "khan-cap")
    write(database, "khan-cap")
    fill(small_disk)
    with pytest.raises(Refusal, match="Call your technician at once"):
        write(database, "b")
    assert not reserve.keep(), "without room the reserve stays away"
    (small_disk / "films").unlink()
    assert reserve.keep()
    write(database, "c")
    database.close()
