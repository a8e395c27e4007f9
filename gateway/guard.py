"""The guard of a chain: a small process that switches everything off when the receiver hangs or ends.

    receiver ── fed several times a second ──▶ guard ── not fed for HUNG_S, or the receiver is gone ──▶ everything off

It is fed over a pipe: `+` the receiver is alive and something may be on, `-` it is alive and everything is off, `q` it
has released the chain. A receiver that hangs is killed first: only then are its pins and serial ports free.
Ten seconds hold by arithmetic: HUNG_S to find out, a second to kill and take the lines, `MOST_DROP_MS` for the steps.
"""

import contextlib
import logging
import os
import select
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import msgspec

from gateway.description import Chain, Switch
from gateway.device_description import ChainUnusable, RdsOutput
from gateway.device_factory import load, open_relay
from gateway.ownership import Ownership

log = logging.getLogger(__name__)

#: A receiver feeds four times a second; a slow disk may delay it.
HUNG_S = 4.0
_FED_ON, _FED_OFF, _RELEASED = b"+", b"-", b"q"
#: Least time between two starts of a guard that ends at once.
_RESTART_S = 5.0
#: Within this the kernel has ended a killed process and freed its lines.
_TAKE_S = 1.0
#: How long outputs that do not answer are retried, while no other receiver has taken the chain.
_TRY_S = 600.0
_REST_S = 1.0


class GuardOrder(msgspec.Struct, frozen=True, kw_only=True):
    """What a guard needs to know, sent to it at its start."""

    chain: Chain
    lock: str
    hung_s: float


class HangDetector:
    """Decides when a receiver counts as hung. Times in seconds of a monotonic clock."""

    def __init__(self, hung_s: float, now_s: float) -> None:
        self._hung_s, self._fed_at_s = hung_s, now_s
        self.may_be_on = self.released = False

    def hear(self, received: bytes, now_s: float) -> None:
        """received: the words that came over the pipe, a byte each."""
        self._fed_at_s = now_s
        for word in (received[at : at + 1] for at in range(len(received))):
            self.released = self.released or word == _RELEASED
            self.may_be_on = word == _FED_ON if word in (_FED_ON, _FED_OFF) else self.may_be_on

    def left_s(self, now_s: float) -> float | None:
        """How long the receiver may still be silent; None while everything is off: then without limit."""
        return max(0.0, self._fed_at_s + self._hung_s - now_s) if self.may_be_on else None


class Guard:
    """The receiver's side: starts the guard, feeds it, and starts another one when it is gone."""

    def __init__(self, chain: Chain, lock: Path, hung_s: float = HUNG_S) -> None:
        """lock: the file of the chain's `Ownership`. Raises OSError when no process can be started."""
        self._order = msgspec.msgpack.encode(GuardOrder(chain=chain, lock=str(lock.absolute()), hung_s=hung_s))
        self._lock = threading.Lock()
        self._process = self._started()

    def feed(self, *, may_be_on: bool) -> None:
        """Tell the guard that the receiver is alive. Never blocks."""
        with self._lock:
            word = _FED_ON if may_be_on else _FED_OFF
            if self._send(word) or time.monotonic() - self._started_at_s < _RESTART_S:
                return
            log.error("chain guard: process gone; starting another")
            self._process.kill()
            self._process.wait()
            self._close_pipe()
            with contextlib.suppress(OSError):  # no memory: retried at a later feed
                self._process = self._started()
                self._send(word)

    @property
    def gone(self) -> bool:
        """Whether no guard process runs now."""
        return self._process.poll() is not None

    def release(self) -> None:
        """Everything is off and the lines are released: let the guard end. Releasing twice does nothing."""
        with self._lock:
            self._send(_RELEASED)
            self._close_pipe()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(2)

    def leave(self) -> None:
        """Not everything could be switched off: hand the rest to the guard, which acts once the lines are free."""
        with self._lock:
            self._close_pipe()

    def _send(self, word: bytes) -> bool:
        pipe = self._process.stdin
        if pipe is None or pipe.closed or self._process.poll() is not None:
            return False
        try:
            return os.write(pipe.fileno(), word) == 1
        except OSError:  # the guard ended, or hangs and the pipe is full
            return False

    def _close_pipe(self) -> None:
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()

    def _started(self) -> "subprocess.Popen[bytes]":
        # Another session: a signal to the receiver's session does not reach the guard.
        self._started_at_s = time.monotonic()
        process = subprocess.Popen(
            [sys.executable, "-P", "-m", "gateway.guard"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
            bufsize=0,
        )
        if process.stdin is not None:
            with contextlib.suppress(BrokenPipeError):  # seen with the first feed
                process.stdin.write(len(self._order).to_bytes(4, "big") + self._order)
            os.set_blocking(process.stdin.fileno(), False)
        return process


def watch_over(order: GuardOrder, receiver: int) -> str:
    """Wait until the receiver ends, hangs or releases the chain. Returns why to switch off; "" after a release."""
    detector = HangDetector(order.hung_s, time.monotonic())
    while True:
        ready, _, _ = select.select([0], [], [], detector.left_s(time.monotonic()))
        received = os.read(0, 4096) if ready else b""
        if received:
            detector.hear(received, time.monotonic())
        if detector.released:
            return ""
        if ready and not received:
            return "has ended"
        if detector.left_s(time.monotonic()) == 0:
            if os.getppid() == receiver:
                os.kill(receiver, signal.SIGKILL)
            return f"gave no sign of life for {order.hung_s:g} s and was killed"


def drop(chain: Chain) -> list[str]:
    """Open each relay of the steps off separately and switch it off, without waits. Returns a line for each failure."""
    failures = []
    for step in chain.steps_off:
        if not isinstance(step, Switch):
            continue
        output = chain.outputs[step.output]
        if isinstance(output, RdsOutput):
            output = msgspec.structs.replace(output, answers=False)
        try:
            with contextlib.closing(open_relay(output)) as relay:
                relay.switch(False)
        except Exception as failure:  # whatever it is, the others are switched off
            failures.append(f"{step.output}: {failure}")
    return failures


def take_over(order: GuardOrder, receiver: int) -> list[str]:
    """Switch everything off, and retry until all relays answered or another receiver took the chain and does it.

    Returns a line for each relay that never answered.
    """
    ends_s, within_s = time.monotonic() + _TRY_S, _TAKE_S
    while True:
        with contextlib.ExitStack() as held:
            try:
                held.callback(Ownership(Path(order.lock), within_s).close)
            except ChainUnusable:
                if os.getppid() != receiver:
                    log.warning("another receiver has taken the chain and switches it off")
                    return []
                log.error("the receiver does not end; switching off what it does not hold")
            left = drop(order.chain)
        for each in left:
            log.error("not switched off: %s", each)
        if not left or time.monotonic() > ends_s:
            return left
        within_s = 0.0
        time.sleep(_REST_S)


def main() -> None:
    """`python -m gateway.guard`: started by `Guard`, with its order on standard input."""
    receiver = os.getppid()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)  # it ends with its receiver, after everything is off
    logging.basicConfig(level="INFO", format="%(asctime)s %(levelname)s chain guard: %(message)s", stream=sys.stderr)
    length = int.from_bytes(_read(4), "big")
    order = msgspec.msgpack.decode(_read(length), type=GuardOrder)
    load(order.chain)  # importing takes seconds on a small computer, too long after a hang
    why = watch_over(order, receiver)
    if why:
        log.error("the receiver %s: switching everything off", why)
        if left := take_over(order, receiver):
            log.error("given up, perhaps still on: %s", "; ".join(left))
            sys.exit(1)


def _read(length: int) -> bytes:
    received = b""
    while len(received) < length:
        piece = os.read(0, length - len(received))
        if not piece:
            sys.exit(1)
        received += piece
    return received


if __name__ == "__main__":
    main()
