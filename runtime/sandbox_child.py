"""The child's side of the sandbox: limits first, then one call, then one answer on standard output."""

import importlib
import os
import resource
import sys
from typing import BinaryIO

import msgspec

from runtime.refusal import Refusal
from runtime.sandbox import Answer, Call, Limits, plain_refusal

_MOST_OPEN_FILES = 64


def main() -> None:
    """Answer the call on standard input."""
    call = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Call)
    # What a library prints must not get between the answer.
    answers = os.fdopen(os.dup(1), "wb")
    os.dup2(2, 1)
    _limit(call.limits)
    _write(_answer(call), answers)


def _limit(limits: Limits) -> None:
    os.nice(10)
    for kind, most in (
        (resource.RLIMIT_AS, limits.memory_bytes),
        (resource.RLIMIT_CPU, limits.cpu_s),
        (resource.RLIMIT_FSIZE, 0),
        (resource.RLIMIT_NOFILE, _MOST_OPEN_FILES),
        (resource.RLIMIT_CORE, 0),
    ):
        resource.setrlimit(kind, (most, most))


def _answer(call: Call) -> Answer:
    module, _, name = call.function.partition(":")
    try:
        result = getattr(importlib.import_module(module), name)(*call.arguments)
        return Answer(result=msgspec.Raw(msgspec.msgpack.encode(result, enc_hook=plain_refusal)))
    except Refusal as refusal:
        message_id, values = plain_refusal(refusal)
        return Answer(refusal=(message_id, values))
    except MemoryError:
        return Answer(error="MemoryError")
    except Exception as error:
        return Answer(error=f"{type(error).__name__}: {error}"[:300])


def _write(answer: Answer, into: BinaryIO) -> None:
    into.write(msgspec.msgpack.encode(answer))
    into.flush()
    os._exit(0)  # tidying up gigabytes would only take time
