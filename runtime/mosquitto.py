"""The embedded broker: a Mosquitto that the controller starts and owns as a child."""

import base64
import ctypes
import getpass
import hashlib
import logging
import os
import secrets
import shutil
import signal
import socket
import subprocess
import threading
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Literal, NamedTuple

from runtime.refusal import N_, Refusal
from transport.worker import BackOff

log = logging.getLogger(__name__)

#: PBKDF2-SHA512 as mosquitto_passwd writes it ("$7$"). Every account is a random secret of 128 bits or more, so a
#: thousand rounds are plenty, and a province of receivers that reconnects at once does not stall the broker.
_ROUNDS = 1000
_PR_SET_PDEATHSIG = 1
_START_TIMEOUT_S = 10.0
#: Waits between attempts to bring a dead broker back.
_RESTART = BackOff(0.1, 10.0)
_libc = ctypes.CDLL(None)


class AclRow(NamedTuple):
    """Every receiver may do `access` on `pattern`, where %u stands for its own user name."""

    access: Literal["read", "write"]
    pattern: str


class Tls(NamedTuple):
    """PEM files of the listener."""

    certificate: Path
    key: Path


def hash_password(password: str) -> str:
    """As mosquitto_passwd would write it: $7$rounds$salt$hash (PBKDF2-SHA512)."""
    salt = secrets.token_bytes(12)
    derived = hashlib.pbkdf2_hmac("sha512", password.encode(), salt, _ROUNDS)
    return f"$7${_ROUNDS}${base64.b64encode(salt).decode()}${base64.b64encode(derived).decode()}"


class Mosquitto:
    """A Mosquitto child: started, watched, started again when it dies, stopped with us however we end."""

    def __init__(
        self,
        folder: Path,
        *,
        host: str,
        port: int,
        controller_user: str,
        acl: Iterable[AclRow],
        tls: Tls | None = None,
    ) -> None:
        """folder: for its configuration, accounts and store. port: 0 takes a free one. acl: of everybody but the
        controller, who may read and write everything.
        """
        self.host = host
        self.port = port or free_port(host)
        self._folder = folder
        self._controller_user = controller_user
        self._acl = list(acl)
        self._tls = tls
        self._process: subprocess.Popen[bytes] | None = None
        self._guard: threading.Thread | None = None
        self._stopping = threading.Event()
        self._lock = threading.Lock()

    @property
    def url(self) -> str:
        """Where it listens, for us."""
        return f"{'mqtts' if self._tls else 'mqtt'}://{self.host}:{self.port}"

    @property
    def pid(self) -> int | None:
        """Its process id, None when it does not run."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def set_accounts(self, accounts: Mapping[str, str]) -> None:
        """Who may come in: user → hash (see `hash_password`). Takes effect at once, also while it runs."""
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        lines = "".join(f"{user}:{hashed}\n" for user, hashed in sorted(accounts.items()))
        _write_private(self._folder / "accounts", lines)
        with self._lock:
            if self._process is not None and self._process.poll() is None:
                self._process.send_signal(signal.SIGHUP)

    def start(self) -> None:
        """Start it, and return when it listens. Raises Refusal with one sentence when it cannot."""
        program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
        if program is None:
            raise Refusal(N_("The broker Mosquitto is not installed. Run: make setup (or apt-get install mosquitto)."))
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (self._folder / "store").mkdir(exist_ok=True, mode=0o700)
        if not (self._folder / "accounts").exists():
            _write_private(self._folder / "accounts", "")
        _write_private(self._folder / "acl", self._acl_text())
        _write_private(self._folder / "mosquitto.conf", self._configuration())
        _refuse_taken_port(self.host, self.port)
        self._stopping.clear()
        self._start_once(program)
        self._guard = threading.Thread(target=self._watch, args=(program,), name="mosquitto-guard", daemon=True)
        self._guard.start()

    def stop(self) -> None:
        """End it in order; it writes its store."""
        self._stopping.set()
        self._end()
        if self._guard is not None:
            self._guard.join(_START_TIMEOUT_S + 5)
            self._guard = None
        self._end()  # the guard may have been bringing a new one up just then

    def _end(self) -> None:
        with self._lock:
            process = self._process
        if process is None or process.poll() is not None:
            return
        process.terminate()
        try:
            process.wait(10)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()

    def _start_once(self, program: str) -> None:
        output = (self._folder / "mosquitto.log").open("ab")
        with output:
            process = subprocess.Popen(
                [program, "-c", str(self._folder / "mosquitto.conf")],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_die_with_parent,
            )
        with self._lock:
            self._process = process
        waited = 0.0
        while waited < _START_TIMEOUT_S:
            if process.poll() is not None:
                break
            if _listens(self.host, self.port):
                return
            waited += 0.05
            self._stopping.wait(0.05)
        process.kill()
        process.wait()
        raise Refusal(
            N_("The broker Mosquitto did not start: {why}. Its log is {log}."),
            why=self._last_words() or "no answer",
            log=str(self._folder / "mosquitto.log"),
        )

    def _watch(self, program: str) -> None:
        attempt = 0
        while not self._stopping.is_set():
            process = self._process
            if process is None:
                return
            process.wait()
            if self._stopping.is_set():
                return
            log.error("the broker died (status %s); starting it again", process.returncode)
            while not self._stopping.wait(_RESTART.wait_s(attempt + 1)):
                try:
                    self._start_once(program)
                except (Refusal, OSError) as error:
                    attempt += 1
                    log.error("the broker did not come back: %s", error)
                else:
                    attempt = 0
                    log.warning("the broker is back")
                    break

    def _configuration(self) -> str:
        lines = [
            "# Written by Loa at each start. Change Loa's settings, not this file.",
            "per_listener_settings false",
            "allow_anonymous false",
            f"password_file {self._folder / 'accounts'}",
            f"acl_file {self._folder / 'acl'}",
            "persistence true",
            f"persistence_location {self._folder / 'store'}/",
            "autosave_interval 30",
            # The files above are for their owner alone, so it stays who we are instead of becoming "mosquitto".
            f"user {getpass.getuser()}",
            "set_tcp_nodelay true",
            "max_queued_messages 20000",
            "max_packet_size 1048576",
            "log_type error",
            "log_type warning",
            "log_type notice",
            "log_dest stdout",
            "connection_messages false",
            f"listener {self.port} {self.host}",
        ]
        if self._tls:
            lines += [f"certfile {self._tls.certificate}", f"keyfile {self._tls.key}", "tls_version tlsv1.2"]
        return "\n".join(lines) + "\n"

    def _acl_text(self) -> str:
        rows = [f"user {self._controller_user}", "topic readwrite #", ""]
        rows += [f"pattern {row.access} {row.pattern}" for row in self._acl]
        return "\n".join(rows) + "\n"

    def _last_words(self) -> str:
        file = self._folder / "mosquitto.log"
        lines = file.read_text(errors="replace").strip().splitlines() if file.exists() else []
        return lines[-1] if lines else ""


def _die_with_parent() -> None:
    """In the child: ask the kernel for a SIGTERM when the thread that started it ends, however it ends (prctl(2))."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def _write_private(path: Path, text: str) -> None:
    """Replace a file in one step; its owner alone may read it."""
    fresh = path.with_name(path.name + ".new")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        file.write(text)
    fresh.replace(path)


def _listens(host: str, port: int) -> bool:
    try:
        with socket.create_connection((_reachable(host), port), timeout=0.5):
            return True
    except OSError:
        return False


def _reachable(host: str) -> str:
    return "127.0.0.1" if host in ("0.0.0.0", "::", "") else host  # noqa: S104 - compared only


def _refuse_taken_port(host: str, port: int) -> None:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
        except OSError as error:
            raise Refusal(
                N_("The broker cannot listen on {host}, port {port}: {why}. Set LOA_BROKER_PORT or LOA_BROKER_HOST."),
                host=host,
                port=port,
                why=error.strerror or str(error),
            ) from error


def free_port(host: str = "127.0.0.1") -> int:
    with socket.socket(socket.AF_INET6 if ":" in host else socket.AF_INET) as probe:
        probe.bind((host, 0))
        return int(probe.getsockname()[1])
