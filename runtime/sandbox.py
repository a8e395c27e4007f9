"""Sandbox: files that people bring are parsed in a child process with limits.

A file made to cost minutes or gigabytes ends its own child: no transaction, no thread and no memory of the controller
is held by it. The child is a fresh interpreter, since a fork of a process with threads may inherit a held lock; it gets
none of our environment, and what it answers is data of a declared type, never code.
"""

import os
import subprocess
import sys
import threading
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any, TypeVar

import msgspec

from runtime.fair_slots import FairSlots, TooManyWaiting
from runtime.refusal import N_, Refusal

T = TypeVar("T")

#: Children at the same time; the machine of a district has two cores, and the controller needs one. A source has one of
#: them at most, so that it never holds up all others.
_MOST_AT_ONCE, _MOST_OF_ONE = 2, 1
#: Requests that wait, of all and of one source. Each holds a thread of the web server: more are refused at once.
_MOST_WAITING, _MOST_WAITING_OF_ONE = 12, 3

_LONGEST_WAIT_S = 60.0

_START = "from runtime.sandbox_child import main; main()"


@dataclass(frozen=True)
class Limits:
    """What one file may cost. memory_bytes: of address space, about 250 MB of it for interpreter and libraries."""

    cpu_s: int = 20
    wall_s: float = 40
    memory_bytes: int = 800_000_000
    answer_bytes: int = 30_000_000


class Call(msgspec.Struct):
    """What a child is asked for. function: "module:name". arguments: of plain types."""

    function: str
    arguments: list[Any]
    limits: Limits


class Answer(msgspec.Struct):
    """One of: result, encoded; a refusal by the function (message id and values); the class of an error."""

    result: msgspec.Raw = msgspec.Raw(b"\xc0")
    refusal: tuple[str, dict[str, Any]] | None = None
    error: str = ""


class ParserFailed(Exception):
    """The function raised an error that is no Refusal, or its child ended without an answer."""


_slots = FairSlots(
    _MOST_AT_ONCE,
    at_once_of_one=_MOST_OF_ONE,
    most_waiting=_MOST_WAITING,
    most_waiting_of_one=_MOST_WAITING_OF_ONE,
)

#: For what an emergency waits for: no import that is read at the same time holds it up.
_urgent_slots = FairSlots(1, most_waiting=_MOST_WAITING, most_waiting_of_one=_MOST_WAITING_OF_ONE)


def run_in_sandbox(
    function: Callable[..., Any],
    *arguments: Any,
    result: type[T],
    source: str,
    limits: Limits | None = None,
    urgent: bool = False,
) -> T:
    """Call a function of a module in a child process. arguments: bytes, texts, numbers, lists of them.

    source: whose file it is; sources that wait take turns. urgent: an emergency may wait for it.

    Raises the function's own Refusal; Refusal when a limit was reached, or too many files are read at the moment;
    ParserFailed for any other error.
    """
    limits = limits or Limits()
    call = msgspec.msgpack.encode(
        Call(f"{function.__module__}:{function.__qualname__}", list(arguments), limits), enc_hook=plain_refusal
    )
    try:
        with (_urgent_slots if urgent else _slots).slot(source, timeout_s=_LONGEST_WAIT_S):
            answer = _answer(call, limits)
    except (TooManyWaiting, TimeoutError):
        raise _busy() from None
    if answer.refusal is not None:
        raise Refusal(answer.refusal[0], **answer.refusal[1])
    if answer.error == "MemoryError":
        raise too_costly()
    if answer.error:
        raise ParserFailed(answer.error)
    return msgspec.msgpack.decode(answer.result, type=result, dec_hook=_refusal_again)


def too_costly() -> Refusal:
    """The refusal for a file that reached a limit of its child."""
    return Refusal(
        N_(
            "Reading this file takes too much time or memory, so Loa stopped reading it. Save only what is needed in "
            "a new file and choose that one."
        )
    )


def plain_refusal(value: Any) -> Any:
    """For the encoder: a Refusal as data."""
    if isinstance(value, Refusal):
        return [
            value.message_id,
            {name: shown if isinstance(shown, int | float) else str(shown) for name, shown in value.values.items()},
        ]
    raise NotImplementedError(type(value).__name__)


def _refusal_again(kind: type, value: Any) -> Any:
    if issubclass(kind, Refusal):
        return kind(value[0], **value[1])
    raise NotImplementedError(kind.__name__)


def _busy() -> Refusal:
    return Refusal(N_("Many files are being read at the moment. Try again in a minute."))


def _answer(call: bytes, limits: Limits) -> Answer:
    # The parent's environment may hold passwords; the child needs only its modules.
    environment = {
        "PYTHONPATH": os.pathsep.join(path or str(Path.cwd()) for path in sys.path),
        "OPENBLAS_NUM_THREADS": "1",
        "PYTHONDONTWRITEBYTECODE": "1",
        "OPENPYXL_LXML": "False",  # lxml, which python-docx brings, reads what openpyxl's own parser refuses
    }
    with subprocess.Popen(
        [sys.executable, "-c", _START],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        env=environment,
        start_new_session=True,  # Ctrl-C at the terminal is for the controller alone
    ) as child:
        timer = threading.Timer(limits.wall_s, child.kill)
        timer.start()
        try:
            return _talk(child, call, limits)
        finally:
            timer.cancel()
            child.kill()


def _talk(child: "subprocess.Popen[bytes]", call: bytes, limits: Limits) -> Answer:
    if child.stdin is None or child.stdout is None:
        raise RuntimeError("the child was started without pipes")
    try:
        child.stdin.write(call)
        child.stdin.close()
        answer = child.stdout.read(limits.answer_bytes + 1)
    except BrokenPipeError:
        answer = b""
    if len(answer) > limits.answer_bytes:
        raise too_costly()
    try:
        return msgspec.msgpack.decode(answer, type=Answer)
    except msgspec.DecodeError:
        # Killed by a limit of ours or by the system's (memory); the child answers every other error.
        raise too_costly() from None
