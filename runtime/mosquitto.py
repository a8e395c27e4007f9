"""The embedded broker: a Mosquitto that the controller starts and owns as a child."""

import base64
import contextlib
import ctypes
import hashlib
import logging
import os
import resource
import secrets
import shutil
import signal
import socket
import subprocess
import threading
import time
from collections.abc import Iterable, Mapping
from pathlib import Path
from urllib.parse import quote

from runtime.broker import end_session
from runtime.mosquitto_configuration import AclRow, Tls, acl_of_controller, acl_of_receivers, configuration
from runtime.refusal import N_, Refusal
from transport.worker import BackOff

log = logging.getLogger(__name__)

#: PBKDF2-SHA512 as mosquitto_passwd writes it ("$7$"). Every account is a random secret of 128 bits or more, so a
#: thousand rounds are plenty, and a province of receivers that reconnects at once does not stall the broker.
_ROUNDS = 1000
_PR_SET_PDEATHSIG = 1
_START_TIMEOUT_S = 10.0
_END_SESSIONS_S = 10.0
_SOCKET = "controller.sock"
#: Waits between attempts to bring a dead broker back.
_RESTART = BackOff(0.1, 10.0)
#: Open files that the broker asks for, where the system allows them: one for each receiver, and some.
_MOST_FILES = 65_536
#: Of these, kept free for the controller's listener, the store and the log.
_RESERVED_FILES = 128
#: Its account may do nothing but connect, under any client id: that ends the session of this id (`end_sessions`).
_SESSION_ENDER = "session-ender"
_libc = ctypes.CDLL(None)


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
        """folder: for its configuration, accounts, store and the controller's socket.

        port: for receivers; 0 takes a free one. acl: of receivers.
        controller_user: may read and write everything, through the socket only.
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
        self._ender_password = ""

    @property
    def url(self) -> str:
        """Where it listens for receivers. The client id of a connection there is its user name, whatever it sends."""
        return f"{'mqtts' if self._tls else 'mqtt'}://{self.host}:{self.port}"

    @property
    def controller_url(self) -> str:
        return controller_url(self._folder)

    @property
    def pid(self) -> int | None:
        """Its process id, None when it does not run."""
        return self._process.pid if self._process is not None and self._process.poll() is None else None

    def set_accounts(self, accounts: Mapping[str, str]) -> None:
        """Who may come in: user → hash (see `hash_password`). Takes effect at once, also while it runs."""
        self._ender_password = secrets.token_urlsafe(24)
        receivers = {user: hashed for user, hashed in accounts.items() if user != self._controller_user}
        ours = {user: hashed for user, hashed in accounts.items() if user == self._controller_user}
        ours[_SESSION_ENDER] = hash_password(self._ender_password)
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        _write_private(self._folder / "accounts", _account_lines(receivers))
        _write_private(self._folder / "controller-accounts", _account_lines(ours))
        with self._lock:
            if self._process is not None and self._process.poll() is None:
                self._process.send_signal(signal.SIGHUP)

    def stored_accounts(self) -> dict[str, str]:
        """The receivers' accounts as they were last written, also by an earlier start: user → hash."""
        with contextlib.suppress(FileNotFoundError):
            lines = (self._folder / "accounts").read_text().splitlines()
            return dict(line.split(":", 1) for line in lines if ":" in line)
        return {}

    def end_sessions(self, users: Iterable[str]) -> None:
        """End each receiver's connection and its persistent session, with all that is queued in it.

        Takes effect after the accounts last set. Raises TimeoutError when the broker does not do it in time.
        """
        deadline_s = time.monotonic() + _END_SESSIONS_S
        for user in users:
            # Its password is of this set of accounts: the broker accepts it once it has read them.
            end_session(self.controller_url, user, _SESSION_ENDER, self._ender_password, deadline_s)

    def start(self) -> None:
        """Start it, and return when it listens. Raises Refusal with one sentence when it cannot."""
        program = shutil.which("mosquitto") or shutil.which("mosquitto", path="/usr/sbin:/usr/local/sbin")
        if program is None:
            raise Refusal(N_("The broker Mosquitto is not installed. Run: make setup (or apt-get install mosquitto)."))
        self._folder.mkdir(parents=True, exist_ok=True, mode=0o700)
        (self._folder / "store").mkdir(exist_ok=True, mode=0o700)
        for name in ("accounts", "controller-accounts"):
            if not (self._folder / name).exists():
                _write_private(self._folder / name, "")
        _write_private(self._folder / "acl", acl_of_receivers(self._acl))
        _write_private(self._folder / "controller-acl", acl_of_controller(self._controller_user))
        text = configuration(
            self._folder,
            host=self.host,
            port=self.port,
            socket_name=_SOCKET,
            most_connections=_file_limit() - _RESERVED_FILES,
            tls=self._tls,
        )
        _write_private(self._folder / "mosquitto.conf", text)
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
                cwd=self._folder,  # its socket is named relative to it: an absolute name may have 107 characters only
                start_new_session=True,
                preexec_fn=_prepare_child,
            )
        with self._lock:
            self._process = process
        waited = 0.0
        while waited < _START_TIMEOUT_S:
            if process.poll() is not None:
                break
            if _listens(self.host, self.port) and (self._folder / _SOCKET).exists():
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

    def _last_words(self) -> str:
        file = self._folder / "mosquitto.log"
        lines = file.read_text(errors="replace").strip().splitlines() if file.exists() else []
        return lines[-1] if lines else ""


def controller_url(folder: Path) -> str:
    """Where the controller and `loa live` reach the broker of this folder: a socket that its owner alone can open."""
    return f"unix://{quote(str(folder / _SOCKET))}"


def _prepare_child() -> None:
    """In the child: ask the kernel for a SIGTERM when the thread that started it ends, however it ends (prctl(2))."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)
    resource.setrlimit(resource.RLIMIT_NOFILE, (_file_limit(), resource.getrlimit(resource.RLIMIT_NOFILE)[1]))


def _file_limit() -> int:
    """Files that the broker may open."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    return max(soft, _MOST_FILES if hard == resource.RLIM_INFINITY else min(hard, _MOST_FILES))


def _account_lines(accounts: Mapping[str, str]) -> str:
    return "".join(f"{user}:{hashed}\n" for user, hashed in sorted(accounts.items()))


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
