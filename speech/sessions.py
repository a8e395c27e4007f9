"""A session with an engine's program, which runs with limits and is ended when it does not answer."""

import os
import resource
import subprocess
from pathlib import Path
from typing import Protocol

from runtime.refusal import N_, Refusal

#: A sentence of some 400 characters; the slowest engine on the slowest machine needs a tenth of it.
ANSWER_WITHIN_S = 60.0
_NICE = 10


class SpeechSession(Protocol):
    """Speaks with one voice at one speed."""

    def say(self, text: str) -> Path:
        """A new WAV file with the speech of one sentence. text: one line with at least one letter. Raises Refusal."""

    def close(self) -> None:
        """End the program; the files stay."""


def cannot_speak(voice: str) -> Refusal:
    """The refusal for a program that failed, was too slow or reached a limit."""
    return Refusal(
        N_("The voice “{voice}” could not speak this text. Try another voice, or ask your technician."), voice=voice
    )


def start(command: list[str], *, memory_bytes: int, cpu_s: int, **pipes: int) -> "subprocess.Popen[bytes]":
    """Start a program with little priority, limits, and nothing of our environment but the path and a UTF-8 locale."""
    program: subprocess.Popen[bytes] = subprocess.Popen(
        command,
        env={"PATH": os.environ.get("PATH", os.defpath), "LC_ALL": "C.UTF-8", "OMP_NUM_THREADS": "1"},
        start_new_session=True,  # Ctrl-C at the terminal is for the controller alone
        **pipes,  # type: ignore[call-overload]
    )
    try:
        os.setpriority(os.PRIO_PROCESS, program.pid, _NICE)
        for kind, most in ((resource.RLIMIT_AS, memory_bytes), (resource.RLIMIT_CPU, cpu_s), (resource.RLIMIT_CORE, 0)):
            resource.prlimit(program.pid, kind, (most, most))
    except ProcessLookupError:
        pass  # it has ended already, which the caller sees
    return program
