"""Binary SMS: through an HTTP gateway, and through the outbox of gammu-smsd."""

import json
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from loa.cli import main
from notifications.channels import DeliveryFailed
from notifications.gammu import GammuSender, gammu_folders
from notifications.sms_gateway import HttpBinarySmsSender, SmsGateway
from runtime.refusal import Refusal
from tests.notifications.servers import HttpServer, http_server

DATA = bytes(range(116, 256))
PHONE, SECRET = "+84912345678", "khoa/bi mat"
BODY = '{"to": "$phone", "type": "binary", "body": "$hex", "id": "$name"}'


@pytest.fixture
def server() -> Iterator[HttpServer]:
    with http_server() as running:
        yield running


def test_a_gateway_gets_the_bytes_as_hexadecimal_digits(server: HttpServer) -> None:
    gateway = SmsGateway(f"http://{server.place}/sms", body=BODY, header="Authorization: Bearer $secret")
    assert HttpBinarySmsSender(gateway, lambda: SECRET).send(PHONE, DATA, "a1-loa-1-alert")
    (request,) = server.requests
    expected = {"to": PHONE, "type": "binary", "body": DATA.hex(), "id": "a1-loa-1-alert"}
    assert json.loads(request.body) == expected
    assert request.headers["authorization"] == f"Bearer {SECRET}"


def test_a_gateway_that_is_away_is_tried_again_and_its_secret_is_not_told(server: HttpServer) -> None:
    gateway = SmsGateway(f"http://{server.place}/sms?key=$secret&to=$phone&udh=&data=$HEX", method="get")
    sender = HttpBinarySmsSender(gateway, lambda: SECRET)
    server.answers.append((503, b"", {}))
    with pytest.raises(DeliveryFailed) as failure:
        sender.send(PHONE, DATA, "a1")
    assert not failure.value.permanent
    assert DATA.hex().upper() in server.requests[0].path
    assert "bi" not in str(failure.value)


@pytest.mark.parametrize(
    ("url", "body", "why"),
    [
        ("gateway.example", BODY, "must begin with http"),
        ("https://gateway.example/sms", '{"to": "$phone", "text": "$text"}', r"must contain \$phone"),
        ("https://gateway.example/sms?data=$hex", "", r"must contain \$phone"),
    ],
)
def test_an_interface_without_number_or_bytes_is_refused(url: str, body: str, why: str) -> None:
    with pytest.raises(Refusal, match=why):
        HttpBinarySmsSender(SmsGateway(url, body=body), lambda: "")


def smsd(folder: Path, *, service: str = "files", errors: str = "error") -> Path:
    """A configuration with a PIN in it, and its folders."""
    for name in ("outbox", "sent", "error", "inbox"):
        (folder / name).mkdir()
    for k in range(6):
        (folder / "dummy" / "sms" / str(k)).mkdir(parents=True)
    file = folder / "smsdrc"
    file.write_text(
        f"[gammu]\nconnection = none\nmodel = dummy\nport = {folder}/dummy\ngammuloc = /dev/null\n"
        f"[smsd]\nservice = {service}\nPIN = 4711\nloopsleep = 1\ncommtimeout = 1\nlogfile = {folder}/log\n"
        f"debuglevel = 255\ninboxpath = {folder}/inbox/\noutboxpath = {folder}/outbox/\n"
        f"sentsmspath = {folder}/sent/\nerrorsmspath = {folder}/{errors}/\n"
    )
    return file


def test_gammu_smsd_is_told_by_a_file_and_says_what_became_of_it(tmp_path: Path) -> None:
    sender = GammuSender(gammu_folders(smsd(tmp_path)))
    assert sender.send(PHONE, DATA, "a1") is False
    (file,) = (tmp_path / "outbox").iterdir()
    assert sender.is_sent(PHONE, "a1") is False
    file.rename(tmp_path / "sent" / file.name)
    assert sender.is_sent(PHONE, "a1") is True
    assert sender.withdraw(PHONE, "a1") is False

    sender.send(PHONE, DATA, "a2")
    file = tmp_path / "outbox" / file.name.replace("a1", "a2")
    file.rename(tmp_path / "error" / file.name)
    with pytest.raises(DeliveryFailed, match="Its log says why"):
        sender.is_sent(PHONE, "a2")
    sender.send(PHONE, DATA, "a2")  # once more
    assert sender.is_sent(PHONE, "a2") is False
    assert sender.withdraw(PHONE, "a2") is True
    assert list((tmp_path / "outbox").iterdir()) == []


def test_what_cannot_be_used_of_gammu_smsd_is_refused_without_its_pin(tmp_path: Path) -> None:
    refusals = []
    for name, options in (("sql", {"service": "sql"}), ("same", {"errors": "outbox"}), ("gone", {"errors": "none"})):
        (tmp_path / name).mkdir()
        with pytest.raises(Refusal) as refused:
            gammu_folders(smsd(tmp_path / name, **options))
        refusals.append(str(refused.value))
    (tmp_path / "broken").write_text("PIN = 4711\n[smsd\n")
    for file in (tmp_path / "broken", tmp_path / "nowhere"):
        with pytest.raises(Refusal, match="cannot be read") as refused:
            gammu_folders(file)
        refusals.append(str(refused.value))
    assert ["service = files" in refusals[0], "another folder" in refusals[1], "not exist" in refusals[2]] == [True] * 3
    assert not any("4711" in refusal for refusal in refusals)


def test_a_real_gammu_smsd_sends_the_bytes_through_its_dummy_device(tmp_path: Path) -> None:
    file = smsd(tmp_path)
    sender = GammuSender(gammu_folders(file))
    sender.send(PHONE, DATA, "a1")
    daemon = subprocess.Popen(["gammu-smsd", "-c", str(file)], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        for _ in range(100):
            if sender.is_sent(PHONE, "a1"):
                break
            with pytest.raises(subprocess.TimeoutExpired):
                daemon.wait(0.1)
    finally:
        daemon.terminate()
        daemon.wait()
    log = (tmp_path / "log").read_text(errors="replace")
    assert f'Recipient number "{PHONE}"' in log
    assert f"8 bit SMS, length {len(DATA)}" in log


def test_the_command_says_what_the_gateway_answered(server: HttpServer, tmp_path: Path) -> None:
    def run(**settings: str) -> tuple[int, str]:
        found = CliRunner().invoke(main, ["alert-sms-test", "0912345678", "--data", str(tmp_path)], env=settings)
        return found.exit_code, found.output

    settings = {"LOA_ALERT_SMS_URL": f"http://{server.place}/sms", "LOA_ALERT_SMS_BODY": BODY}
    assert run(**settings) == (0, "Sent to 0912345678.\n")
    server.answers.append((403, b"", {}))
    code, said = run(**settings)
    assert (code, "HTTP 403" in said) == (1, True)
    code, said = run()
    assert (code, "not set up" in said) == (1, True)
    code, said = run(**settings, LOA_ALERT_SMS_GAMMU="/etc/gammu-smsdrc")
    assert (code, "not both" in said) == (1, True)
