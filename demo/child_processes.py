"""Processes that the demo starts, and why one of them ended."""

import ctypes
import os
import re
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None)
#: The start of a log line as `loa serve` and `loa receiver run` write it. Lines without one continue the line before.
_LOG_LINE = re.compile(r"^\d{4}-\d\d-\d\d [\d:,]+ (?P<level>[A-Z]+) ")
_MOST_ERROR_LINES = 15
#: What `loa serve` prints beside its log, and what is no error.
_GREETINGS = ("First operator: ", "Loa is ready: ")


def _die_with_parent() -> None:
    """In the child: ask the kernel for a SIGTERM when the parent ends, however it ends (prctl(2))."""
    _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


class ChildProcess:
    """One process: `python -m loa …` with its output in a file."""

    def __init__(
        self, name: str, arguments: Sequence[str], log: Path, within: Sequence[str] = (), module: str = "loa"
    ) -> None:
        """within: the command that runs it, such as one that enters a network namespace. module: run in its place."""
        self.name, self._within, self._module = name, within, module
        self.log = log
        self._arguments = arguments
        self._process: subprocess.Popen[bytes] | None = None
        self._log_start = 0  # bytes: what stands before is of an earlier run

    def start(self, environment: Mapping[str, str] | None = None) -> None:
        """Start it in another session: Ctrl-C reaches only the parent, which then stops its children in order.

        environment: added to the parent's. Raises OSError.
        """
        with self.log.open("ab") as output:
            self._log_start = output.tell()
            self._process = subprocess.Popen(
                [*self._within, sys.executable, "-m", self._module, *self._arguments],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=_die_with_parent,
                env={**os.environ, **(environment or {})},
            )

    @property
    def pid(self) -> int:
        """Raises RuntimeError when it was not started."""
        if self._process is None:
            raise RuntimeError(f"{self.name} was not started")
        return self._process.pid

    @property
    def running(self) -> bool:
        """Also reaps the process once it has ended."""
        return self._process is not None and self._process.poll() is None

    def stop(self, patience_s: float = 10.0) -> None:
        """End it with SIGTERM, and with SIGKILL when it still runs after `patience_s`."""
        if self._process is None:
            return
        if self._process.poll() is None:
            self._process.terminate()
            try:
                self._process.wait(patience_s)
            except subprocess.TimeoutExpired:
                self._process.kill()
        self._process.wait()

    def wait(self, timeout_s: float = 30.0) -> None:
        """Wait until it ends. Raises subprocess.TimeoutExpired."""
        if self._process is not None:
            self._process.wait(timeout_s)

    def kill(self) -> None:
        """End it at once (SIGKILL), as a power cut would."""
        if self._process is not None:
            self._process.kill()
            self._process.wait()

    def ending(self) -> str:
        """How it ended, and the errors that it wrote before: "controller was ended by signal SIGKILL"."""
        status = None if self._process is None else self._process.poll()
        if status is None:
            return f"{self.name} has not ended"
        if status < 0:
            how = f"was ended by signal {signal.Signals(-status).name}"
        else:
            how = f"ended with exit status {status}"
        return "\n".join([f"{self.name} {how}", *self.errors()])

    def errors(self) -> list[str]:
        """The last errors in its output since its start, tracebacks included; at most 15 lines."""
        if not self.log.exists():
            return []
        lines = self.log.read_bytes()[self._log_start :].decode(errors="replace").splitlines()
        errors, in_error = [], True  # output before the first log line is not logged: a refusal, a traceback
        for line in lines:
            if (log_line := _LOG_LINE.match(line)) is not None:
                in_error = log_line["level"] in ("ERROR", "CRITICAL")
            elif line.startswith(("Error: ", "Traceback ")):
                in_error = True  # printed when the process ends, after its last log line
            if in_error and not line.startswith(_GREETINGS):
                errors.append(line)
        return errors[-_MOST_ERROR_LINES:]
