"""The data folder: closed to others, and never with a new key that its receivers would not obey."""

import os
import resource
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from devices.communes import add_commune
from devices.enrolment import Issuer, enrol, retire_receiver
from devices.stations import StationKind, add_station
from loa.cli import main
from loa.connection_limits import WANTED_FILES
from loa.controller import Controller
from loa.installation import installation_secrets, secrets_folder
from loa.schema import open_database
from runtime.clock import ControllerClock
from runtime.mosquitto import free_port
from runtime.refusal import Refusal
from runtime.settings import Settings, load_settings
from tests.cast import COMMUNE, COMMUNE_NAME
from wire.sealing import PublicKey, SealingKey


@pytest.fixture(autouse=True)
def umask() -> Iterator[None]:
    before = os.umask(0o022)
    yield
    os.umask(before)


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    """An installation with one receiver and its key."""
    made = load_settings(data_dir=tmp_path / "data", http_port=free_port(), broker_port=free_port(), time_port=0)
    database = open_database(made)
    key = SealingKey(installation_secrets(made, database).controller_seed)
    with database.writing() as session:
        add_commune(session, COMMUNE, COMMUNE_NAME)
        station = add_station(session, COMMUNE, StationKind.IP, "Cụm").number
        enrol(
            session,
            Issuer(broker_url="mqtt://127.0.0.1", controller=PublicKey(key.public)),
            receiver_id="thon-1",
            commune_id=COMMUNE,
            station_id=station,
            name="Thôn 1",
            now=ControllerClock().now(),
        )
    database.close()
    return made


def key_file(settings: Settings) -> Path:
    return secrets_folder(settings) / "controller.key"


@pytest.mark.parametrize("all_secrets", [True, False])
def test_a_missing_key_while_receivers_exist_refuses_to_start_and_says_how_to_restore(
    settings: Settings, all_secrets: bool
) -> None:
    for path in secrets_folder(settings).iterdir():
        if all_secrets or path == key_file(settings):
            path.unlink()
    if all_secrets:
        secrets_folder(settings).rmdir()
    with (
        pytest.raises(Refusal, match=r"controller\.key.*missing.*1 receivers.*backup.*loa new-key"),
        Controller(settings),
    ):
        pass
    assert not key_file(settings).exists()


@pytest.mark.parametrize(
    "command",
    [
        ["receiver", "add", "thon-2", "--commune", COMMUNE],
        ["live", "-", "--commune", COMMUNE],
        ["serve", "--http-port", "0", "--broker-port", "0"],
    ],
)
def test_no_command_makes_a_key_while_receivers_pin_another(
    settings: Settings, command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    key_file(settings).unlink()
    monkeypatch.chdir(tmp_path)
    outcome = CliRunner().invoke(main, [*command, "--data", str(settings.data_dir)])
    assert outcome.exit_code == 1
    assert "loa new-key" in outcome.output
    assert not key_file(settings).exists()


def test_a_new_key_is_made_when_somebody_says_so(settings: Settings) -> None:
    before = key_file(settings).read_text()
    key_file(settings).unlink()
    refused = CliRunner().invoke(main, ["new-key", "--data", str(settings.data_dir)], input="n\n")
    assert refused.exit_code == 1
    assert not key_file(settings).exists()
    made = CliRunner().invoke(main, ["new-key", "--data", str(settings.data_dir)], input="y\n")
    assert made.exit_code == 0, made.output
    assert "1 receivers" in made.output
    assert "new credentials" in made.output
    assert key_file(settings).read_text() != before
    assert key_file(settings).stat().st_mode & 0o777 == 0o600
    database = open_database(settings)
    installation_secrets(settings, database)
    database.close()


def test_a_stolen_key_is_replaced(settings: Settings) -> None:
    before = key_file(settings).read_text()
    made = CliRunner().invoke(main, ["new-key", "--data", str(settings.data_dir), "--yes"])
    assert made.exit_code == 0, made.output
    assert key_file(settings).read_text() != before


def test_without_receivers_in_service_a_key_is_made_as_on_the_first_start(settings: Settings) -> None:
    database = open_database(settings)
    with database.writing() as session:
        retire_receiver(session, "thon-1", ControllerClock().now())
    key_file(settings).unlink()
    installation_secrets(settings, database)
    assert key_file(settings).exists()
    database.close()


def open_to(path: Path) -> int:
    return path.stat().st_mode & 0o077


def test_a_data_folder_that_others_could_read_is_closed_at_the_start(tmp_path: Path) -> None:
    data = tmp_path / "data"
    (data / "originals" / "ab").mkdir(parents=True)
    (data / "recordings-to-import").mkdir()
    (data / "recordings-to-import").chmod(0o775)
    (data / "loa.toml").write_text("")
    data.chmod(0o755)
    settings = load_settings(data_dir=data, http_port=free_port(), broker_port=free_port(), time_port=0)
    open_database(settings).close()
    for path in data.iterdir():
        path.chmod(0o755 if path.is_dir() else 0o644)  # as an older Loa left them
    (data / "recordings-to-import").chmod(0o775)
    with Controller(settings):
        open_now = {path.name for path in data.iterdir() if open_to(path)}
        assert open_now == {"recordings-to-import"}
        assert (data / "recordings-to-import").stat().st_mode & 0o777 == 0o775
        assert data.stat().st_mode & 0o007 == 0
        assert {"loa.db", "originals", "broker", "secrets"} <= {path.name for path in data.iterdir()}


def test_a_new_data_folder_is_for_its_owner_alone(tmp_path: Path) -> None:
    settings = load_settings(data_dir=tmp_path / "data", http_port=free_port(), broker_port=free_port(), time_port=0)
    with Controller(settings):
        assert open_to(settings.data_dir) == 0
        assert {path.name for path in settings.data_dir.iterdir() if open_to(path)} == set()


def test_the_broker_is_started_with_the_raised_limit_of_open_files(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("runtime.mosquitto._file_limit", lambda: resource.getrlimit(resource.RLIMIT_NOFILE)[0])
    settings = load_settings(data_dir=tmp_path / "data", http_port=free_port(), broker_port=free_port(), time_port=0)
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (512, before[1]))
    try:
        with Controller(settings) as controller:
            assert controller.mosquitto is not None
            assert controller.mosquitto.pid is not None
            soft, _ = resource.prlimit(controller.mosquitto.pid, resource.RLIMIT_NOFILE)
            assert soft == controller.open_files == min(before[1], WANTED_FILES)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
