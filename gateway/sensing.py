"""What is read of a chain's equipment beyond its steps, described as data: draw, line, supply, modem.

`docs/chains.md` says how to write it.
"""

from collections.abc import Collection
from typing import Annotated

from msgspec import Meta, Struct

#: What equipment for the mains must bear; outside it cuts itself off.
MAINS_LEAST_V, MAINS_MOST_V = 90.0, 240.0


class Proof(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the amplifier draws. input: read while it sounds; from `least` on it draws something."""

    input: str
    least: float


class LineCheck(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What must hold of the line: its level, its impedance. while_sounding: only then does it say anything."""

    input: str
    least: float = float("-inf")
    most: float = float("inf")
    while_sounding: bool = False


class SupplyInputs(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What the receiver is fed with, and how warm it is. Inputs by name; "" where there is none.

    on_battery: an input that reads 1 or more while it runs on the battery. battery_least: volts below which it is low;
    0: never said to be. temperature_most: °C.
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
    """A modem that is asked by AT commands, on a port that nothing else speaks on."""

    port: str
    baud: Annotated[int, Meta(ge=300, le=4_000_000)] = 115_200


def contradictions(
    inputs: Collection[str], proof: Proof | None, line: LineCheck | None, supply: SupplyInputs | None
) -> list[str]:
    """What cannot be, a sentence each. inputs: the names that the chain has."""
    named = {"proof": proof.input if proof else "", "line": line.input if line else ""}
    named |= {f"supply.{field}": name for field, name in (supply.inputs if supply else {}).items()}
    said = [
        f"'{where}' reads '{name}', which is not among the inputs"
        for where, name in named.items()
        if name and name not in inputs
    ]
    limits = [("line", line.least, line.most)] if line else []
    limits += [("supply.mains", supply.mains_least, supply.mains_most)] if supply else []
    said += [f"'{w}' can never hold: least {low:g} is more than most {high:g}" for w, low, high in limits if low > high]
    if supply and supply.battery_least and not supply.battery:
        said.append("'supply.battery_least' is set, and 'supply.battery' names no input")
    return said


def words(
    proof: Proof | None, line: LineCheck | None, supply: SupplyInputs | None, modem: ModemPort | None
) -> list[str]:
    """What is read, as a technician reads it, a line each."""
    said = [f"while it sounds: {proof.input} proves that the amplifier draws, from {proof.least:g} on"] if proof else []
    if line:
        when = "while it sounds" if line.while_sounding else "always"
        said.append(f"{when}: {line.input} of the line is from {line.least:g} to {line.most:g}")
    if supply:
        limits = {
            "mains": f"from {supply.mains_least:g} to {supply.mains_most:g} V",
            "battery": f"not below {supply.battery_least:g} V" if supply.battery_least else "shown",
            "on_battery": "below 1, else it runs on the battery",
            "temperature": f"not above {supply.temperature_most:g} °C",
        }
        said += [f"always: {name} is {limits[field]}" for field, name in supply.inputs.items()]
    return [*said, f"always: the modem on {modem.port}"] if modem else said
