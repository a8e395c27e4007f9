"""A backup is made while a controller runs and writes; receivers obey the controller that is restored from it."""

import shutil
from contextlib import ExitStack
from pathlib import Path

import msgspec
import pytest
from sqlmodel import select

from demo.child_processes import ChildProcess
from demo.operator_tasks import wait_for
from devices.communes import add_commune
from devices.heartbeats import LastHeartbeat
from devices.receivers import RESTORE_STEP
from loa.schema import open_database
from runtime.database import Database
from runtime.settings import load_settings
from tests.journeys.test_joining import Alone, loa
from wire.reports import Heartbeat


def config_revision(data: Path) -> int:
    """Of the config that the receiver says it follows."""
    database = Database(f"sqlite:///{data / 'loa.db'}")
    with database.session() as session:
        last = session.exec(select(LastHeartbeat)).first()
    database.close()
    return msgspec.json.decode(last.payload, type=Heartbeat).config_revision if last else 0


def test_restored_elsewhere_the_controller_is_obeyed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOA_HEARTBEAT_S", "1")
    monkeypatch.setenv("LOA_BACKUP_PASSPHRASE", "một câu dài để khóa tệp")
    (tmp_path / "old").mkdir()
    old, new = Alone(tmp_path / "old"), Alone(tmp_path / "new")
    monkeypatch.setenv("LOA_BROKER_PORT", str(old.broker_port))
    data, credentials, archive = old.folder / "data", tmp_path / "r.json", tmp_path / "loa.backup"
    running = ["receiver", "run", "--credentials", str(credentials), "--data", str(tmp_path / "r")]
    receiver = ChildProcess("thon-9", [*running, "--speaker", f"virtual:{tmp_path}/v"], tmp_path / "r.log")
    moved = ["serve", "--data", str(new.folder / "data"), "--http-port", str(new.http_port)]
    new.child = ChildProcess(
        "controller", [*moved, "--broker-port", str(old.broker_port)], new.folder / "controller.log"
    )
    with ExitStack() as closing:
        for child in (old.child, new.child, receiver):
            closing.callback(child.stop)
        old.start()
        database = open_database(load_settings(data_dir=data))
        with database.writing() as session:
            add_commune(session, "tt", "Thiệu Trung")
        database.close()
        added = loa("receiver", "add", "thon-9", "--commune", "tt", "--data", str(data), "--out", str(credentials))
        assert added.returncode == 0, added.stderr
        receiver.start()
        wait_for("a heartbeat with a config", lambda: config_revision(data) > 0, 60)
        made = loa("backup", str(archive), "--data", str(data))
        assert made.returncode == 0, made.stderr
        old.child.stop()
        shutil.rmtree(old.folder)  # the old machine burnt down
        back = loa("restore", str(archive), "--data", str(new.folder / "data"))
        assert back.returncode == 0, back.stderr
        new.start()
        # It takes only what the key that it pinned has sealed, and what is newer than what it holds.
        wait_for("the receiver obeying", lambda: config_revision(new.folder / "data") > RESTORE_STEP, 60)
