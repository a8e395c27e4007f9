"""Asks the controller for the time, and takes only the answers to what was asked."""

import json
import secrets
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path

from receiver.kept_file import write_whole
from receiver.station_time import StationTime
from wire.messages import encode, for_receiver
from wire.sealing import PublicKey, Reason, Refused, open_sealed
from wire.time import Exchange, TimeAsk, TimeTell, exchange

#: Asks that wait for an answer; older ones are given up.
_MOST_WAITING = 64
#: How fast an unwatched clock may wander from what was known, while this program does not run.
_WANDER_PPM = 20.0
#: Written down this often at most: an SD card wears.
_KEEP_EVERY_US = 30_000_000


class TimeAsker:
    """The receiver's half of the exchange. `answered` is the connection's thread's, the rest the agent's or its."""

    def __init__(self, station: StationTime, receiver: str, keys: Mapping[str, PublicKey], kept: Path) -> None:
        """kept: a file in which station time outlives this program, as long as the machine is not started anew."""
        self._station = station
        self._receiver = receiver
        self._keys = keys
        self._kept = kept
        self._kept_at_us = 0
        self._waiting: dict[str, int] = {}
        self._lock = threading.Lock()  # asks leave from the agent's thread, and from the connection's within a burst
        self.refused: Counter[str] = Counter()

    def ask(self, local_us: int) -> bytes:
        """A new ask, as it goes out now."""
        nonce = secrets.token_hex(8)
        with self._lock:
            self._waiting[nonce] = local_us
            while len(self._waiting) > _MOST_WAITING:
                self._waiting.pop(next(iter(self._waiting)))
            self._station.asked(local_us)
        return encode(TimeAsk(nonce=nonce, asked_local_us=local_us))

    def answered(self, payload: bytes, local_us: int) -> bool:
        """An answer came at `local_us`. Gives whether to ask again at once.

        What was not asked, was asked and answered, or is forged is counted only.
        """
        try:
            tell: TimeTell = open_sealed(payload, TimeTell, self._keys, to=for_receiver(self._receiver), now_us=None)
        except Refused as refused:
            self.refused[refused.reason.value] += 1
            return False
        with self._lock:
            asked_us = self._waiting.pop(tell.nonce, None)
        if asked_us is None or asked_us != tell.asked_local_us:
            self.refused[Reason.OLD.value] += 1
            return False
        if not self._station.add(exchange(tell, local_us)):
            self.refused[Reason.MALFORMED.value] += 1
        return self._station.burst_goes_on

    def keep(self, local_us: int) -> None:
        """Write down what is known, now and then."""
        if not self._station.locked or local_us - self._kept_at_us < _KEEP_EVERY_US:
            return
        self._kept_at_us = local_us
        known = {
            "boot": _boot(),
            "local_us": local_us,
            "offset_us": self._station.to_controller_us(local_us) - local_us,
            "error_us": self._station.error_us(local_us),
            "drift_ppm": self._station.drift_ppm,
        }
        write_whole(self._kept, json.dumps(known).encode())

    def recall(self, local_us: int, told: Callable[[str], None]) -> None:
        """Take up what was known before this program was started anew, with the error that has grown since.

        The monotonic clock runs on while the machine does; after a start of the machine it is another clock, and what
        was known of it is worth nothing.
        """
        try:
            known = json.loads(self._kept.read_bytes())
            if known["boot"] != _boot() or not 0 <= local_us - known["local_us"] < 30 * 86_400_000_000:
                return
            drift_ppm, age_us = float(known["drift_ppm"]), local_us - int(known["local_us"])
            offset_us = float(known["offset_us"]) + age_us * drift_ppm * 1e-6
            error_us = float(known["error_us"]) + age_us * _WANDER_PPM * 1e-6
        except (OSError, ValueError, KeyError, TypeError):
            return
        for k in range(8, 0, -1):
            self._station.add(Exchange(local_us - k * 100_000, offset_us, int(2 * error_us)))
        told(f"station time taken up from before, known to {error_us / 1000:.1f} ms")


def _boot() -> str:
    return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
