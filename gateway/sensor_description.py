"""The sensors of a chain, described as data: amplifier draw, line, supply, modem.

`docs/chains.md` says how to write it.
"""

from collections.abc import Collection
from typing import Annotated

from msgspec import Meta, Struct

#: The mains voltage that equipment must withstand; outside it, equipment switches itself off.
MAINS_LEAST_V, MAINS_MOST_V = 90.0, 240.0


class AmplifierDraw(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Proof that the amplifier works. input: read while sound plays; from `least` on the amplifier draws power."""

    input: str
    least: float


class LineCheck(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Limits of the line's level or impedance. while_sounding: at other times the reading means nothing."""

    input: str
    least: float = float("-inf")
    most: float = float("inf")
    while_sounding: bool = False


class SupplyInputs(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """Power supply and temperature of the receiver. Inputs by name; "" where there is none.

    on_battery: an input that reads 1 or more while it runs on the battery. battery_least: volts below which it is low;
    0: no limit. temperature_most: °C.
    """

    mains: str = ""
    mains_least: float = MAINS_LEAST_V
    mains_most: float = MAINS_MOST_V
    battery: str = ""
    battery_least: Annotated[float, Meta(ge=0)] = 0.0
    on_battery: str = ""
    temperature: str = ""
    temperature_most: float = 75.0

    @property
    def inputs(self) -> dict[str, str]:
        """The inputs that are named, by the field that names them."""
        named = {"mains": self.mains, "battery": self.battery, "on_battery": self.on_battery}
        return {field: name for field, name in {**named, "temperature": self.temperature}.items() if name}


class ModemPort(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A modem that answers AT commands, on a port that nothing else uses."""

    port: str
    baud: Annotated[int, Meta(ge=300, le=4_000_000)] = 115_200


def contradictions(
    inputs: Collection[str], proof: AmplifierDraw | None, line: LineCheck | None, supply: SupplyInputs | None
) -> list[str]:
    """Faults of the description, a sentence each. inputs: the names of the chain's inputs."""
    named = {"proof": proof.input if proof else "", "line": line.input if line else ""}
    named |= {f"supply.{field}": name for field, name in (supply.inputs if supply else {}).items()}
    lines = [
        f"'{where}' reads '{name}', which is not among the inputs"
        for where, name in named.items()
        if name and name not in inputs
    ]
    limits = [("line", line.least, line.most)] if line else []
    limits += [("supply.mains", supply.mains_least, supply.mains_most)] if supply else []
    lines += [
        f"'{w}' can never hold: least {low:g} is more than most {high:g}" for w, low, high in limits if low > high
    ]
    if supply and supply.battery_least and not supply.battery:
        lines.append("'supply.battery_least' is set, and 'supply.battery' names no input")
    return lines


def words(
    proof: AmplifierDraw | None, line: LineCheck | None, supply: SupplyInputs | None, modem: ModemPort | None
) -> list[str]:
    """One line for each sensor, for a technician."""
    lines = (
        [f"while it sounds: {proof.input} proves that the amplifier draws, from {proof.least:g} on"] if proof else []
    )
    if line:
        when = "while it sounds" if line.while_sounding else "always"
        lines.append(f"{when}: {line.input} of the line is from {line.least:g} to {line.most:g}")
    if supply:
        limits = {
            "mains": f"from {supply.mains_least:g} to {supply.mains_most:g} V",
            "battery": f"not below {supply.battery_least:g} V" if supply.battery_least else "shown",
            "on_battery": "below 1, else it runs on the battery",
            "temperature": f"not above {supply.temperature_most:g} °C",
        }
        lines += [f"always: {name} is {limits[field]}" for field, name in supply.inputs.items()]
    return [*lines, f"always: the modem on {modem.port}"] if modem else lines
