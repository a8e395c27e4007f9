"""Asks the controller for the time, and takes only the answers to what was asked."""

import json
import secrets
import threading
from collections import Counter
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple

from receiver.store.atomic_file import keep_whole
from receiver.timing.machine_clock import MachineClock
from receiver.timing.station_time import StationTime
from receiver.timing.time_lines import MOST_DRIFT_PPM, USUAL_DRIFT_PPM
from wire.messages import for_receiver
from wire.sealing import PublicKey, Reason, Refused, open_sealed
from wire.time import TimeAsk, TimeTell, exchange

#: Asks that wait for an answer; older ones are given up.
_MOST_WAITING = 64
#: How fast an unwatched clock may wander from what was known, while this program does not run.
_WANDER_PPM = 20.0
#: How fast the crystal of a battery clock may run wrong, in frost and heat.
_BATTERY_CLOCK_PPM = 50.0
#: Nothing is made of what was known longer ago.
_OLDEST_US = 30 * 86_400_000_000
#: With more in doubt nothing planned sounds: rather silence than the wrong minute. 50 ppm reach it in some 13 days.
MOST_ERROR_US = 60_000_000
#: A battery clock further from controller time than this was never set (any zone is nearer). One that begins at the
#: same day at each power-up would look like one that was off for seconds.
_SET_WITHIN_US = 86_400_000_000
#: Written down this often at most: an SD card wears.
_KEEP_EVERY_US = 30_000_000


class Seed(NamedTuple):
    """What was known, as `StationTime.seed` takes it. offset_us: controller less local clock, ± error_us."""

    local_us: int
    offset_us: float
    error_us: float


class TimeAsker:
    """The receiver's half of the exchange. `ask` and `answered` may be called from any thread."""

    def __init__(
        self,
        station: StationTime,
        receiver: str,
        keys: Mapping[str, PublicKey],
        file: Path,
        machine: MachineClock | None = None,
    ) -> None:
        """file: in it station time outlives this program, and a start of the machine with a battery clock."""
        self._machine = machine or MachineClock()
        self._station = station
        self._receiver = receiver
        self._keys = keys
        self._kept = file
        self._kept_at_us = 0
        self._waiting: dict[str, int] = {}
        self._lock = threading.Lock()  # over what waits, and over the estimate's writing
        self.refused: Counter[str] = Counter()

    def next_ask(self) -> int:
        """The local instant at which to ask next; one that is past means now."""
        return self._station.next_ask()

    @property
    def burst_goes_on(self) -> bool:
        """Whether to ask again now that an answer was taken."""
        return self._station.burst_goes_on

    def hurry(self, local_us: int) -> None:
        """The connection is new: ask now, and a first burst."""
        with self._lock:
            self._station.hurry(local_us)

    def ask(self, local_us: int) -> TimeAsk:
        nonce = secrets.token_hex(8)
        with self._lock:
            self._waiting[nonce] = local_us
            while len(self._waiting) > _MOST_WAITING:
                self._waiting.pop(next(iter(self._waiting)))
            self._station.asked(local_us)
        return TimeAsk(nonce=nonce, asked_local_us=local_us)

    def answered(self, payload: bytes, local_us: int) -> bool:
        """An answer came at `local_us`. Gives whether it was taken.

        What was not asked, was asked and answered, is absurd or forged is counted only.
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
                return False
        return True

    def keep(self, local_us: int) -> None:
        """Write down what is known, now and then."""
        if not self._station.locked or local_us - self._kept_at_us < _KEEP_EVERY_US:
            return
        self._kept_at_us = local_us
        controller_us = self._station.to_controller_us(local_us)
        stored = {
            "boot": self._machine.boot_id,
            "rtc_s": self._battery_clock_s(controller_us),
            "local_us": local_us,
            "offset_us": controller_us - local_us,
            "error_us": self._station.error_us(local_us),
            "drift_ppm": self._station.drift_ppm,
            "drift_error_ppm": self._station.drift_error_ppm,
        }
        keep_whole(self._kept, json.dumps(stored).encode())

    def recall(self, local: Callable[[], int], report: Callable[[str], None]) -> None:
        """Restore what was known before this program restarted, with the error that has grown since.

        local: the local clock, µs. The monotonic clock runs on while the machine does. After a start of the machine
        only its battery clock can tell how long it was off; without one only the drift of the crystal is known until
        the network is there. What is rejected at one start is forgotten: the battery clock may be set by a wrong
        system clock before the next.
        """
        try:
            stored = json.loads(self._kept.read_bytes())
            drift_ppm, drift_error_ppm = _drift(stored)
            self._station.recall_drift(drift_ppm, drift_error_ppm)
            same = stored["boot"] == self._machine.boot_id
            estimate = (
                self._by_local_clock(stored, local(), drift_ppm) if same else self._by_battery_clock(stored, local)
            )
            if estimate is None and not same:
                drift = {"boot": None, "rtc_s": None, "drift_ppm": drift_ppm, "drift_error_ppm": drift_error_ppm}
                keep_whole(self._kept, json.dumps(drift).encode())
        except (OSError, ValueError, KeyError, TypeError):
            return
        if estimate is not None:
            self._station.seed(*estimate)
            report(f"station time taken up from before, known to {estimate.error_us / 1000:.1f} ms")

    def _battery_clock_s(self, controller_us: float) -> int | None:
        """What the battery clock shows; None without one that was ever set."""
        seconds = self._machine.seconds()
        was_set = seconds is not None and abs(seconds * 1e6 - controller_us) <= _SET_WITHIN_US
        return seconds if was_set else None

    def _by_local_clock(self, stored: dict[str, Any], local_us: int, drift_ppm: float) -> Seed | None:
        age_us = local_us - int(stored["local_us"])
        if not 0 <= age_us < _OLDEST_US:
            return None
        offset_us = float(stored["offset_us"]) + age_us * drift_ppm * 1e-6
        return Seed(local_us, offset_us, float(stored["error_us"]) + age_us * _WANDER_PPM * 1e-6)

    def _by_battery_clock(self, stored: dict[str, Any], local: Callable[[], int]) -> Seed | None:
        then_s = stored["rtc_s"]
        now_s = None if then_s is None else self._machine.next_second()
        local_us = local()
        # When it was written down the second was under way: half of one is not known.
        age_us = 0 if then_s is None or now_s is None else round((now_s - int(then_s) - 0.5) * 1e6)
        if not 0 < age_us < _OLDEST_US:
            return None  # there is none, or its battery is dead and it restarted
        error_us = float(stored["error_us"]) + 550_000 + age_us * _BATTERY_CLOCK_PPM * 1e-6
        if error_us > MOST_ERROR_US:
            return None
        offset_us = int(stored["local_us"]) + float(stored["offset_us"]) + age_us - local_us
        return Seed(local_us, offset_us, error_us)


def _drift(stored: dict[str, Any]) -> tuple[float, float]:
    """Of the crystal, and its error, ppm. Raises ValueError for what no crystal does."""
    drift_ppm, error_ppm = float(stored["drift_ppm"]), float(stored.get("drift_error_ppm", USUAL_DRIFT_PPM))
    if not abs(drift_ppm) <= MOST_DRIFT_PPM or not error_ppm >= 0:
        raise ValueError(drift_ppm)
    return drift_ppm, error_ppm
