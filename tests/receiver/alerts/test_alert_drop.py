"""Alerts that other programs of the receiver's machine hand over: by the command, and from a real gammu-smsd."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from click.testing import CliRunner

from loa.cli import main
from receiver.alerts.alert_drop import AlertDrop, drop_folder
from tests.notifications.test_binary_sms import smsd
from tests.receiver.alerts.station import LEAVE, STORM, VILLAGE, Station, alert
from tests.receiver.plans import KEY
from wire.alerts import seal_alert

PAYLOAD = seal_alert(alert(), "tt", KEY)


@pytest.fixture
def drop(tmp_path: Path) -> AlertDrop:
    return AlertDrop(drop_folder(tmp_path / "data"))


def handed_over(data: Path, payload: bytes) -> tuple[int, str]:
    run = CliRunner().invoke(main, ["receiver", "alert", "--data", str(data)], input=payload)
    return run.exit_code, run.output


def test_what_the_command_hands_over_sounds(tmp_path: Path, drop: AlertDrop) -> None:
    assert handed_over(tmp_path / "data", PAYLOAD) == (0, "")
    (message,) = drop.messages()
    assert drop.messages() == []
    station = Station(tmp_path / "station")
    assert station.take(message, 0.0, "sms")
    assert station.heard(4, 8, 1) == [STORM, STORM, VILLAGE, LEAVE]


@pytest.mark.parametrize(
    ("payload", "why"),
    [(b"", "nothing on standard input"), (b"win a prize", "no alert"), (PAYLOAD + b"\0" * 141, "at most 140")],
)
def test_what_is_no_alert_is_not_handed_over(tmp_path: Path, drop: AlertDrop, payload: bytes, why: str) -> None:
    code, said = handed_over(tmp_path / "data", payload)
    assert (code, why in said) == (1, True)
    assert drop.messages() == []


def test_without_a_receiver_it_says_so(tmp_path: Path) -> None:
    code, said = handed_over(tmp_path / "elsewhere", PAYLOAD)
    assert (code, "No receiver keeps its data" in said) == (1, True)


def test_one_that_cannot_be_removed_is_taken_once(
    tmp_path: Path, drop: AlertDrop, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_path: Path, missing_ok: bool = False) -> None:
        raise OSError(30, "Read-only file system")

    handed_over(tmp_path / "data", PAYLOAD)
    monkeypatch.setattr(Path, "unlink", refuse)
    assert [drop.messages(), drop.messages()] == [[PAYLOAD], []]


def test_a_real_gammu_smsd_hands_over_what_its_dummy_device_received(tmp_path: Path, drop: AlertDrop) -> None:
    file, hook = smsd(tmp_path), tmp_path / "hook"
    hook.write_text(
        f'#!/bin/sh\nfor file in "$@"; do\n"{sys.executable}" -m loa receiver alert --data "{tmp_path}/data" '
        f'< "{tmp_path}/inbox/$file"\ndone\n'
    )
    hook.chmod(0o755)
    with file.open("a") as configuration:
        configuration.write(f"runonreceive = {hook}\nreceivefrequency = 1\n")
    (tmp_path / "dummy" / "sms" / "1" / "1").write_text(
        f'[SMSBackup000]\nReceived = 20261128T064000\nState = UnRead\nNumber = "+84912345678"\nCoding = 8bit\n'
        f"Length = {len(PAYLOAD)}\nFolder = 1\nText00 = {PAYLOAD.hex().upper()}\nClass = -1\n"
    )
    daemon = subprocess.Popen(["gammu-smsd", "-c", str(file)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        until_s, messages = time.monotonic() + 20, list[bytes]()
        while not messages and time.monotonic() < until_s:
            messages = drop.messages()
            time.sleep(0.05)
    finally:
        daemon.terminate()
        daemon.wait()
    assert messages == [PAYLOAD]
