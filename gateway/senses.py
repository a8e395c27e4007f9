"""Reads what a chain's equipment says, in a thread of its own: what the amplifier draws, line, supply, modem.

Each input is read each ten seconds, each two while it sounds where that matters. What is out of its limits, or does not
answer, three times in a row is a fault; three times in order, and it is gone: no fault is later than 40 s for that.
"""

import logging
import math
import threading
import time
from collections.abc import Callable, Mapping
from typing import NamedTuple

from gateway.description import Chain
from gateway.modem import Modem, ModemState
from gateway.runner import Gauge, StepFailed

log = logging.getLogger(__name__)

#: Between readings: while it sounds, else, and of the modem.
SOUNDING_EVERY_S, EVERY_S, MODEM_EVERY_S = 2.0, 10.0, 20.0
#: A reading may be one odd value; so many in a row are a fault, and so many make it go.
IN_A_ROW = 3
#: Readings that nobody took: a receiver whose time is not known takes none.
_MOST_DRAWS = 100
_LOOK_S = 0.25


class _Judged:
    """One fault: comes and goes when that was so `IN_A_ROW` times."""

    def __init__(self) -> None:
        self.there, self.detail, self._against = False, "", 0

    def see(self, wrong: bool, detail: str = "") -> None:
        """wrong: by this reading. detail: what is known of it."""
        if wrong is self.there:
            self._against = 0
        else:
            self._against += 1
            if self._against >= IN_A_ROW:
                self.there, self.detail, self._against = wrong, detail, 0


class _Place(NamedTuple):
    """An input to read. means: what for, and the fault that follows. least, most: within them it is as it should be.

    sounding: read only then. often: read more often while it sounds.
    """

    name: str
    means: str
    least: float
    most: float
    unit: str = ""
    sounding: bool = False
    often: bool = False


class ChainSenses:
    """What the receiver's agent asks (`receiver.sensing.sensors.Senses`). `start` and `close` are mirrored."""

    def __init__(self, chain: Chain, gauges: Mapping[str, Gauge], busy: Callable[[], bool]) -> None:
        """gauges: opened, by name. busy: whether the chain is being switched: then nothing is read."""
        self._chain, self._gauges, self._busy = chain, gauges, busy
        self._modem = Modem(chain.modem) if chain.modem else None
        self._loud = False
        self._draws: list[float] = []
        self._values: dict[str, float] = {}
        self._told = ModemState()
        self._judged: dict[str, _Judged] = {}
        self._silent: dict[str, _Judged] = {}
        self._read_s: dict[str, float] = {}
        self._places = self._described()
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None

    # What the agent asks

    @property
    def draw_least(self) -> float | None:
        """See `Senses`."""
        return self._chain.proof.least if self._chain.proof else None

    @property
    def draw_unit(self) -> str:
        """See `Senses`."""
        source = self._chain.inputs[self._chain.proof.input] if self._chain.proof else None
        return str(getattr(source, "unit", ""))

    @property
    def mains_v(self) -> float | None:
        """See `Senses`."""
        return self._values.get("mains")

    @property
    def battery_v(self) -> float | None:
        """See `Senses`."""
        return self._values.get("battery")

    @property
    def on_battery(self) -> bool | None:
        """See `Senses`."""
        value = self._values.get("on_battery")
        return value > 0.5 if value is not None else None

    @property
    def temperature_c(self) -> float | None:
        """See `Senses`."""
        return self._values.get("temperature")

    @property
    def signal_dbm(self) -> int | None:
        """See `Senses`."""
        return self._told.signal_dbm

    @property
    def operator(self) -> str:
        """See `Senses`."""
        return self._told.operator

    @property
    def sim(self) -> str | None:
        """See `Senses`."""
        return self._told.sim if self._modem else None

    @property
    def faults(self) -> dict[str, str]:
        """See `Senses`. All inputs that do not answer are one fault."""
        found = {name: judged.detail for name, judged in list(self._judged.items()) if judged.there}
        silent = [judged.detail for judged in list(self._silent.values()) if judged.there]
        return {**found, **({"sensor": "; ".join(silent)} if silent else {})}

    def hear(self, loud: bool) -> None:
        """See `Senses`."""
        self._loud = loud

    def draws(self) -> list[float]:
        """See `Senses`."""
        with self._lock:
            taken, self._draws = self._draws, []
        return taken

    def start(self) -> None:
        """See `Senses`."""
        self._ending.clear()
        self._thread = threading.Thread(target=self._run, name="senses", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """See `Senses`. A reading takes up to a second, a modem three."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._ending.set()
            thread.join()
        if self._modem is not None:
            self._modem.close()

    # The thread's

    def turn(self, now_s: float) -> None:
        """Read what is due. now_s: a clock that only runs forward."""
        if self._busy():
            return
        loud = self._loud
        for place in self._places:
            every_s = SOUNDING_EVERY_S if place.often and loud else EVERY_S
            if (loud or not place.sounding) and self._due(place.means, every_s, now_s):
                self._read(place)
        if self._modem is not None and self._due("modem", MODEM_EVERY_S, now_s):
            self._ask(self._modem)

    def _due(self, what: str, every_s: float, now_s: float) -> bool:
        """Whether it is time; from then on it is taken to be read."""
        if now_s - self._read_s.get(what, float("-inf")) < every_s:
            return False
        self._read_s[what] = now_s
        return True

    def _run(self) -> None:
        while not self._ending.wait(_LOOK_S):
            try:
                self.turn(time.monotonic())
            except Exception:
                log.exception("what the equipment says could not be read")

    def _read(self, place: _Place) -> None:
        silent = self._silent.setdefault(place.name, _Judged())
        try:
            value = self._gauges[place.name].read()
        except StepFailed as failure:
            silent.see(True, f"{place.name}: {failure}")
            self._values.pop(place.means, None)
            return
        silent.see(False)
        self._values[place.means] = value
        if place.means != "amplifier":
            judged = self._judged.setdefault(place.means, _Judged())
            # A number with its unit: the same in every language.
            judged.see(not place.least <= value <= place.most, f"{value:.4g} {place.unit}".strip())
        elif self._loud:  # as before it was read: at the edges of a pause it may have been either
            with self._lock:
                self._draws = [*self._draws, value][-_MOST_DRAWS:]

    def _ask(self, modem: Modem) -> None:
        silent, sim = self._silent.setdefault("modem", _Judged()), self._judged.setdefault("sim", _Judged())
        try:
            self._told = modem.read()
        except StepFailed as failure:
            silent.see(True, str(failure))
            self._told = ModemState()
            return
        silent.see(False)
        sim.see(self._told.sim in ("absent", "locked"), self._told.sim)

    def _described(self) -> list[_Place]:
        proof, line, supply = self._chain.proof, self._chain.line, self._chain.supply
        found = []
        if proof is not None:
            found.append(_Place(proof.input, "amplifier", proof.least, math.inf, sounding=True, often=True))
        if line is not None:
            unit, only = self._unit(line.input), line.while_sounding
            found.append(_Place(line.input, "line", line.least, line.most, unit, sounding=only, often=True))
        if supply is not None:
            limits = {
                "mains": (supply.mains_least, supply.mains_most, "V"),
                "battery": (supply.battery_least, math.inf, "V"),
                "on_battery": (-math.inf, 0.5, ""),
                "temperature": (-math.inf, supply.temperature_most, "°C"),
            }
            found += [_Place(name, field, *limits[field]) for field, name in supply.inputs.items()]
        return found

    def _unit(self, name: str) -> str:
        return str(getattr(self._chain.inputs[name], "unit", ""))
