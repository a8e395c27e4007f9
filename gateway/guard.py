"""The guard of a chain: a small process that drops everything when the receiver hangs or ends.

    receiver ── fed several times a second ──▶ guard ── hungry for HUNG_S, or the receiver is gone ──▶ everything off

It is fed over a pipe: `+` the receiver is well and something may be on, `-` it is well and nothing is, `q` it lets go
of the chain in order. A receiver that hangs is killed first: only then are its pins and serial ports free.
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

from gateway.description import Chain, ChainUnusable, RdsOutput, Switch
from gateway.opened import load, open_relay
from gateway.ownership import Ownership

log = logging.getLogger(__name__)

#: A receiver feeds four times a second; a slow disk may hold it up for a while.
HUNG_S = 4.0
_FED_ON, _FED_OFF, _RELEASED = b"+", b"-", b"q"
#: One that ends at once is not started anew more often than this.
_ANEW_S = 5.0
#: Within this the kernel has ended a killed process and freed its lines.
_TAKE_S = 1.0
#: What does not answer is tried again for so long, while no other receiver has taken the chain.
_TRY_S = 600.0
_REST_S = 1.0


class Order(msgspec.Struct, frozen=True, kw_only=True):
    """What a guard is told at its start."""

    chain: Chain
    lock: str
    hung_s: float


class Watch:
    """The rule: when a receiver counts as hung. Times in seconds, of one clock that only runs forward."""

    def __init__(self, hung_s: float, now_s: float) -> None:
        self._hung_s, self._fed_at_s = hung_s, now_s
        self.may_be_on = self.released = False

    def hear(self, said: bytes, now_s: float) -> None:
        """What came over the pipe."""
        self._fed_at_s = now_s
        for word in (said[at : at + 1] for at in range(len(said))):
            self.released = self.released or word == _RELEASED
            self.may_be_on = word == _FED_ON if word in (_FED_ON, _FED_OFF) else self.may_be_on

    def left_s(self, now_s: float) -> float | None:
        """How long it may still be silent; None: as long as it likes, since nothing is on."""
        return max(0.0, self._fed_at_s + self._hung_s - now_s) if self.may_be_on else None


class Guard:
    """The receiver's end: starts the guard, feeds it, and starts another should it be gone."""

    def __init__(self, chain: Chain, lock: Path, hung_s: float = HUNG_S) -> None:
        """lock: the file of the chain's `Ownership`. Raises OSError when no process can be started."""
        self._order = msgspec.msgpack.encode(Order(chain=chain, lock=str(lock.absolute()), hung_s=hung_s))
        self._lock = threading.Lock()
        self._process = self._started()

    def feed(self, *, may_be_on: bool) -> None:
        """The receiver is well. Never waits."""
        with self._lock:
            word = _FED_ON if may_be_on else _FED_OFF
            if self._told(word) or time.monotonic() - self._started_at_s < _ANEW_S:
                return
            log.error("the guard of the chain is gone; another one is started")
            self._process.kill()
            self._process.wait()
            self._close_pipe()
            with contextlib.suppress(OSError):  # no memory: tried again later
                self._process = self._started()
                self._told(word)

    @property
    def gone(self) -> bool:
        """Whether it does not run, or not yet again."""
        return self._process.poll() is not None

    def release(self) -> None:
        """Everything is off and the lines are let go of: the guard ends. Releasing twice does nothing."""
        with self._lock:
            self._told(_RELEASED)
            self._close_pipe()
        with contextlib.suppress(subprocess.TimeoutExpired):
            self._process.wait(2)

    def leave(self) -> None:
        """Not everything could be switched off: from the moment on that the lines are free it is the guard's."""
        with self._lock:
            self._close_pipe()

    def _told(self, word: bytes) -> bool:
        pipe = self._process.stdin
        if pipe is None or pipe.closed or self._process.poll() is not None:
            return False
        try:
            return os.write(pipe.fileno(), word) == 1
        except OSError:  # ended, or so stuck that the pipe is full
            return False

    def _close_pipe(self) -> None:
        if self._process.stdin is not None:
            with contextlib.suppress(OSError):
                self._process.stdin.close()

    def _started(self) -> "subprocess.Popen[bytes]":
        # A session of its own: what stops or interrupts the receiver's does not reach it.
        self._started_at_s = time.monotonic()
        made = subprocess.Popen(
            [sys.executable, "-P", "-m", "gateway.guard"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
            bufsize=0,
        )
        if made.stdin is not None:
            with contextlib.suppress(BrokenPipeError):  # seen with the first feed
                made.stdin.write(len(self._order).to_bytes(4, "big") + self._order)
            os.set_blocking(made.stdin.fileno(), False)
        return made


def watch_over(order: Order, receiver: int) -> str:
    """Live with the receiver. Gives why the chain is to be dropped; "" when it was let go of in order."""
    watch = Watch(order.hung_s, time.monotonic())
    while True:
        ready, _, _ = select.select([0], [], [], watch.left_s(time.monotonic()))
        said = os.read(0, 4096) if ready else b""
        if said:
            watch.hear(said, time.monotonic())
        if watch.released:
            return ""
        if ready and not said:
            return "has ended"
        if watch.left_s(time.monotonic()) == 0:
            if os.getppid() == receiver:
                os.kill(receiver, signal.SIGKILL)
            return f"gave no sign of life for {order.hung_s:g} s and was killed"


def drop(chain: Chain) -> list[str]:
    """Open each relay of the steps off by itself and switch it off, without waiting. Gives what did not answer."""
    said = []
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
            said.append(f"{step.output}: {failure}")
    return said


def take_over(order: Order, receiver: int) -> list[str]:
    """Drop everything, again and again until all of it answered, or another receiver has the chain, which does it too.

    Gives what never answered.
    """
    ends_s, within_s = time.monotonic() + _TRY_S, _TAKE_S
    while True:
        with contextlib.ExitStack() as held:
            try:
                held.callback(Ownership(Path(order.lock), within_s).close)
            except ChainUnusable:
                if os.getppid() != receiver:
                    log.warning("another receiver has the chain by now, and drops it")
                    return []
                log.error("the receiver does not end; what can be switched off beside it is")
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
        signal.signal(number, signal.SIG_IGN)  # it ends with its receiver, and not before everything is off
    logging.basicConfig(level="INFO", format="%(asctime)s %(levelname)s chain guard: %(message)s", stream=sys.stderr)
    length = int.from_bytes(_read(4), "big")
    order = msgspec.msgpack.decode(_read(length), type=Order)
    load(order.chain)  # importing takes seconds on a small computer, and there are none to spare later
    why = watch_over(order, receiver)
    if why:
        log.error("the receiver %s: everything is switched off", why)
        if left := take_over(order, receiver):
            log.error("given up; perhaps still on: %s", "; ".join(left))
            sys.exit(1)


def _read(length: int) -> bytes:
    said = b""
    while len(said) < length:
        piece = os.read(0, length - len(said))
        if not piece:
            sys.exit(1)
        said += piece
    return said


if __name__ == "__main__":
    main()
