"""Interface to the equipment around a receiver: meters, mains, battery, modem."""

from pathlib import Path
from typing import Protocol

#: Where Linux says how hot a board's parts are, in thousandths of a degree.
THERMAL = Path("/sys/class/thermal")


class Sensors(Protocol):
    """Read by a thread of its own; each property gives what was read last, None where nothing is fitted or it fails."""

    @property
    def draw_least(self) -> float | None:
        """From which on the amplifier draws something; None without a meter for it."""
        ...

    @property
    def draw_unit(self) -> str:
        """The unit of what it draws."""
        ...

    @property
    def mains_v(self) -> float | None: ...

    @property
    def battery_v(self) -> float | None: ...

    @property
    def on_battery(self) -> bool | None:
        """Whether it runs on it."""
        ...

    @property
    def temperature_c(self) -> float | None:
        """Of a sensor that is fitted."""
        ...

    @property
    def signal_dbm(self) -> int | None: ...

    @property
    def operator(self) -> str: ...

    @property
    def sim(self) -> str | None:
        """ "ready", "locked", "absent"; "" when the modem did not say; None without a modem."""
        ...

    @property
    def faults(self) -> dict[str, str]:
        """What is not as it should be, by the fault's name."""
        ...

    def hear(self, loud: bool) -> None:
        """Whether something sounds now that an amplifier must draw for."""
        ...

    def draws(self) -> list[float]:
        """What the amplifier drew, read since this was last asked and while it was loud."""
        ...

    def messages(self) -> list[bytes]:
        """Binary short messages that came since this was last asked."""
        ...

    @property
    def trigger_closed(self) -> bool | None:
        """Whether the key switch for emergencies is closed; None without one, and while its readings disagree."""
        ...

    def start(self) -> None: ...

    def close(self) -> None: ...


class NoSensors:
    """A receiver without any (`Sensors`)."""

    trigger_closed = draw_least = mains_v = battery_v = on_battery = temperature_c = signal_dbm = sim = None
    draw_unit = operator = ""

    @property
    def faults(self) -> dict[str, str]:
        return {}

    def hear(self, loud: bool) -> None:
        pass

    def draws(self) -> list[float]:
        return []

    def messages(self) -> list[bytes]:
        return []

    def start(self) -> None:
        pass

    def close(self) -> None:
        pass


def board_temperature_c(folder: Path = THERMAL) -> float | None:
    """The hottest part of the board; None where it says nothing."""
    temperatures = []
    for zone in folder.glob("thermal_zone*/temp"):
        try:
            temperatures.append(int(zone.read_text()) / 1000)
        except (OSError, ValueError):
            continue
    # A zone that is switched off says 0 or less, one without a sensor -274.
    return max((value for value in temperatures if 0 < value < 150), default=None)
