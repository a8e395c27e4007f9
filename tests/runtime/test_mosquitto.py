"""The broker that we start and own."""

import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from runtime.broker import MqttBroker
from runtime.mosquitto import Mosquitto, hash_password
from runtime.mosquitto_configuration import AclRow
from runtime.refusal import Refusal

ROOT = Path(__file__).parent.parent.parent
DEADLINE_S = 10.0


def until(held: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not held():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.01)


def runs(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


@pytest.fixture
def child(tmp_path: Path) -> Iterator[Mosquitto]:
    made = Mosquitto(
        tmp_path / "broker",
        host="127.0.0.1",
        port=0,
        controller_user="controller",
        acl=[AclRow("write", "loa/1/r/%u/heartbeat")],
    )
    made.set_accounts({"controller": hash_password("secret")})
    yield made
    made.stop()


def test_it_listens_when_started_and_is_gone_when_stopped(child: Mosquitto) -> None:
    child.start()
    pid = child.pid
    assert pid is not None
    socket.create_connection(("127.0.0.1", child.port), 1).close()
    child.stop()
    assert not runs(pid)
    assert child.pid is None


def test_it_is_started_again_when_it_dies(child: Mosquitto, caplog: pytest.LogCaptureFixture) -> None:
    child.start()
    first = child.pid
    assert first is not None
    os.kill(first, signal.SIGKILL)
    until(lambda: child.pid not in (None, first))
    until(lambda: "the broker is back" in caplog.text)


def test_nobody_comes_in_without_an_account_and_a_new_one_counts_at_once(child: Mosquitto) -> None:
    child.start()
    client = MqttBroker(child.url, user="tt-1", password="secret", client_id="tt-1", clean=True)
    try:
        time.sleep(0.3)  # long enough for the refusal; there is nothing to wait for
        assert not client.connected
        child.set_accounts({"controller": hash_password("secret"), "tt-1": hash_password("secret")})
        until(lambda: client.connected)
    finally:
        client.close()


def test_what_it_is_told_stays_with_its_owner(child: Mosquitto, tmp_path: Path) -> None:
    child.start()
    files = {
        name: (tmp_path / "broker" / name).stat().st_mode & 0o777 for name in ("accounts", "acl", "mosquitto.conf")
    }
    assert set(files.values()) == {0o600}
    assert (tmp_path / "broker").stat().st_mode & 0o777 == 0o700


def test_a_taken_port_is_one_sentence(tmp_path: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        other = Mosquitto(tmp_path, host="127.0.0.1", port=port, controller_user="controller", acl=[])
        with pytest.raises(Refusal, match=rf"cannot listen on 127\.0\.0\.1, port {port}.*LOA_BROKER_PORT"):
            other.start()


def test_a_broker_that_is_not_installed_is_one_sentence(child: Mosquitto, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("runtime.mosquitto.shutil.which", lambda *_, **__: None)
    with pytest.raises(Refusal, match=r"not installed.*make setup"):
        child.start()


def test_it_ends_with_us_also_when_we_are_killed(tmp_path: Path) -> None:
    program = (
        "import sys, time\nfrom pathlib import Path\nfrom runtime.mosquitto import Mosquitto\n"
        "child = Mosquitto(Path(sys.argv[1]), host='127.0.0.1', port=0, controller_user='controller', acl=[])\n"
        "child.start()\nprint(child.pid, flush=True)\ntime.sleep(60)\n"
    )
    with subprocess.Popen(
        [sys.executable, "-c", program, str(tmp_path / "b")], stdout=subprocess.PIPE, cwd=ROOT, text=True
    ) as parent:
        assert parent.stdout is not None
        pid = int(parent.stdout.readline())
        assert runs(pid)
        parent.kill()
    until(lambda: not runs(pid))


@pytest.mark.parametrize("url", ["http://host:1883", "mqtt://", "host:1883", ""])
def test_an_address_that_is_no_brokers_is_refused(url: str) -> None:
    with pytest.raises(Refusal, match="no broker address"):
        MqttBroker(url)
