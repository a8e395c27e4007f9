"""Reads the sensors of a chain in a thread: amplifier draw, line, supply, modem.

Inputs are read every ten seconds; draw and line every two seconds while sound plays. Three readings in a row out of
limits, or without an answer, raise a fault; three good ones clear it. So a fault is reported within 40 s.
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

#: Between readings: while sound plays, otherwise, and of the modem.
SOUNDING_EVERY_S, EVERY_S, MODEM_EVERY_S = 2.0, 10.0, 20.0
#: Between two looks for short messages: an alert may come by one.
MESSAGES_EVERY_S = 2.0
#: A single reading may be wrong: so many in a row raise a fault, and so many clear it.
IN_A_ROW = 3
#: Readings kept while the agent takes none: it takes them only once its clock is synchronised.
_MOST_DRAWS = 100
_MOST_MESSAGES = 100
_LOOK_S = 0.25
#: A key switch counts when so many readings agree, a quarter of a second apart.
TRIGGER_AGREES = 2


class _FaultLatch:
    """A fault with hysteresis: raised and cleared by `IN_A_ROW` readings that agree."""

    def __init__(self) -> None:
        self.active, self.detail, self._against = False, "", 0

    def update(self, wrong: bool, detail: str = "") -> None:
        """wrong: whether this reading is out of limits. detail: text for the fault."""
        if wrong is self.active:
            self._against = 0
        else:
            self._against += 1
            if self._against >= IN_A_ROW:
                self.active, self.detail, self._against = wrong, detail, 0


class _SensorInput(NamedTuple):
    """An input to read. quantity: what it measures, and the name of its fault. least, most: limits without a fault.

    only_while_sounding: at other times its value means nothing. often: read more often while sound plays.
    """

    name: str
    quantity: str
    least: float
    most: float
    unit: str = ""
    only_while_sounding: bool = False
    often: bool = False


class ChainSensors:
    """Implements `receiver.sensing.sensors` for a chain."""

    def __init__(self, chain: Chain, gauges: Mapping[str, Gauge], busy: Callable[[], bool]) -> None:
        """gauges: opened, by name. busy: whether the chain is being switched; then nothing is read."""
        self._chain, self._gauges, self._busy = chain, gauges, busy
        self._modem = Modem(chain.modem) if chain.modem else None
        self._loud = False
        self._draws: list[float] = []
        self._values: dict[str, float] = {}
        self._modem_state = ModemState()
        self._messages: list[bytes] = []
        self._messages_every_s = MESSAGES_EVERY_S
        self._trigger_readings: list[bool] = []
        self._faults: dict[str, _FaultLatch] = {}
        self._silent: dict[str, _FaultLatch] = {}
        self._read_s: dict[str, float] = {}
        self._inputs = self._sensor_inputs()
        self._lock = threading.Lock()
        self._ending = threading.Event()
        self._thread: threading.Thread | None = None

    @property
    def draw_least(self) -> float | None:
        return self._chain.proof.least if self._chain.proof else None

    @property
    def draw_unit(self) -> str:
        source = self._chain.inputs[self._chain.proof.input] if self._chain.proof else None
        return str(getattr(source, "unit", ""))

    @property
    def mains_v(self) -> float | None:
        return self._values.get("mains")

    @property
    def battery_v(self) -> float | None:
        return self._values.get("battery")

    @property
    def on_battery(self) -> bool | None:
        value = self._values.get("on_battery")
        return value > 0.5 if value is not None else None

    @property
    def temperature_c(self) -> float | None:
        return self._values.get("temperature")

    @property
    def signal_dbm(self) -> int | None:
        return self._modem_state.signal_dbm

    @property
    def operator(self) -> str:
        return self._modem_state.operator

    @property
    def sim(self) -> str | None:
        return self._modem_state.sim if self._modem else None

    @property
    def faults(self) -> dict[str, str]:
        """All inputs that do not answer together are one fault, "sensor"."""
        active = {name: latch.detail for name, latch in list(self._faults.items()) if latch.active}
        silent = [latch.detail for latch in list(self._silent.values()) if latch.active]
        return {**active, **({"sensor": "; ".join(silent)} if silent else {})}

    def hear(self, loud: bool) -> None:
        self._loud = loud

    def draws(self) -> list[float]:
        with self._lock:
            draws, self._draws = self._draws, []
        return draws

    def messages(self) -> list[bytes]:
        with self._lock:
            messages, self._messages = self._messages, []
        return messages

    @property
    def trigger_closed(self) -> bool | None:
        readings = self._trigger_readings
        return readings[-1] if len(readings) == TRIGGER_AGREES and len(set(readings)) == 1 else None

    def start(self) -> None:
        self._ending.clear()
        self._thread = threading.Thread(target=self._run, name="senses", daemon=True)
        self._thread.start()

    def close(self) -> None:
        """Waits for a reading under way: up to a second, of a modem three."""
        thread, self._thread = self._thread, None
        if thread is not None:
            self._ending.set()
            thread.join()
        if self._modem is not None:
            self._modem.close()

    def turn(self, now_s: float) -> None:
        """Read what is due. now_s: of a monotonic clock."""
        if self._modem is not None and self._due("messages", self._messages_every_s, now_s):
            self._read_messages(self._modem)
        if self._busy():
            return
        if self._chain.trigger:
            self._read_trigger(self._chain.trigger)
        loud = self._loud
        for sensor in self._inputs:
            every_s = SOUNDING_EVERY_S if sensor.often and loud else EVERY_S
            if (loud or not sensor.only_while_sounding) and self._due(sensor.quantity, every_s, now_s):
                self._read(sensor)
        if self._modem is not None and self._due("modem", MODEM_EVERY_S, now_s):
            self._ask(self._modem)

    def _due(self, quantity: str, every_s: float, now_s: float) -> bool:
        """Whether a reading is due; if so it counts as read at `now_s`."""
        if now_s - self._read_s.get(quantity, float("-inf")) < every_s:
            return False
        self._read_s[quantity] = now_s
        return True

    def _run(self) -> None:
        while not self._ending.wait(_LOOK_S):
            try:
                self.turn(time.monotonic())
            except Exception as error:
                self._failed("sensors", error)
            else:
                self._silent.setdefault("sensors", _FaultLatch()).update(False)

    def _read(self, sensor: _SensorInput) -> None:
        silent = self._silent.setdefault(sensor.name, _FaultLatch())
        try:
            value = self._gauges[sensor.name].read()
        except StepFailed as failure:
            silent.update(True, f"{sensor.name}: {failure}")
            self._values.pop(sensor.quantity, None)
            return
        except Exception as error:
            self._failed(sensor.name, error)
            self._values.pop(sensor.quantity, None)
            return
        silent.update(False)
        self._values[sensor.quantity] = value
        if sensor.quantity != "amplifier":
            latch = self._faults.setdefault(sensor.quantity, _FaultLatch())
            # A number with its unit needs no translation.
            latch.update(not sensor.least <= value <= sensor.most, f"{value:.4g} {sensor.unit}".strip())
        elif self._loud:  # loud before and after the reading, else the value may be of a pause
            with self._lock:
                self._draws = [*self._draws, value][-_MOST_DRAWS:]

    def _ask(self, modem: Modem) -> None:
        silent, sim = self._silent.setdefault("modem", _FaultLatch()), self._faults.setdefault("sim", _FaultLatch())
        try:
            self._modem_state = modem.read()
        except StepFailed as failure:
            silent.update(True, str(failure))
            self._modem_state = ModemState()
            return
        except Exception as error:
            self._failed("modem", error)
            self._modem_state = ModemState()
            return
        silent.update(False)
        sim.update(self._modem_state.sim in ("absent", "locked"), self._modem_state.sim)

    def _read_trigger(self, name: str) -> None:
        """A contact that bounces, or does not answer, says nothing."""
        silent = self._silent.setdefault(name, _FaultLatch())
        try:
            closed = self._gauges[name].read() > 0.5
        except StepFailed as failure:
            silent.update(True, f"{name}: {failure}")
            self._trigger_readings = []
        else:
            silent.update(False)
            self._trigger_readings = [*self._trigger_readings, closed][-TRIGGER_AGREES:]

    def _read_messages(self, modem: Modem) -> None:
        """A modem that does not answer is reported when it is asked for its signal, and then asked less often."""
        try:
            messages = modem.read_messages()
        except StepFailed as failure:
            log.debug("no short messages: %s", failure)
            self._messages_every_s = MODEM_EVERY_S
            return
        self._messages_every_s = MESSAGES_EVERY_S
        with self._lock:
            self._messages = [*self._messages, *messages][-_MOST_MESSAGES:]

    def _failed(self, name: str, error: Exception) -> None:
        """A driver raised what it should not: reported like a sensor that does not answer."""
        latch = self._silent.setdefault(name, _FaultLatch())
        if not latch.active:
            log.exception("sensor %s: a reading failed", name)
        latch.update(True, f"{name}: {type(error).__name__}: {error}")

    def _sensor_inputs(self) -> list[_SensorInput]:
        proof, line, supply = self._chain.proof, self._chain.line, self._chain.supply
        sensors = []
        if proof is not None:
            sensors.append(
                _SensorInput(proof.input, "amplifier", proof.least, math.inf, only_while_sounding=True, often=True)
            )
        if line is not None:
            unit, only = self._unit(line.input), line.while_sounding
            sensors.append(
                _SensorInput(line.input, "line", line.least, line.most, unit, only_while_sounding=only, often=True)
            )
        if supply is not None:
            limits = {
                "mains": (supply.mains_least, supply.mains_most, "V"),
                "battery": (supply.battery_least, math.inf, "V"),
                "on_battery": (-math.inf, 0.5, ""),
                "temperature": (-math.inf, supply.temperature_most, "°C"),
            }
            sensors += [_SensorInput(name, field, *limits[field]) for field, name in supply.inputs.items()]
        return sensors

    def _unit(self, name: str) -> str:
        return str(getattr(self._chain.inputs[name], "unit", ""))
