"""A microphone or line-in: captures a few seconds when it is asked, and says when they were."""

import threading
from typing import NamedTuple, Protocol

from receiver.playout.cues import Samples


class MicrophoneFailed(Exception):
    """It could not be opened, or delivers nothing: the message says which and why."""


class Capture(NamedTuple):
    """first_local_us: local monotonic clock at which the first sample was captured. samples: at 48 kHz."""

    first_local_us: float
    samples: Samples


class Microphone(Protocol):
    """Something that listens."""

    def record(self, seconds: float, ending: threading.Event) -> Capture | None:
        """Capture from now on; blocks meanwhile. None when `ending` was set. Raises MicrophoneFailed."""
        ...
