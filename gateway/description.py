"""A chain described as data: what is switched before sound may come, in which order, and what each step reads back.

A TOML file on the receiver's own machine, since pins and ports are that machine's, and so that nobody far away can
point a receiver at an address (docs/decisions/0090). `docs/chains.md` says how to write one.
"""

import tomllib
from enum import StrEnum
from pathlib import Path
from typing import Annotated

import msgspec
from msgspec import Meta, Struct

from gateway import sensing
from gateway.sensing import LineCheck, ModemPort, Proof, SupplyInputs

#: The longest a chain may take from nothing to sound; a manifest knows of a broadcast far longer ahead.
MOST_LEAD_MS = 60_000
#: A relay that was told has closed within this, however it is reached; beyond it the step has failed.
SWITCH_MS = 1_000

Milliseconds = Annotated[int, Meta(ge=0, le=MOST_LEAD_MS)]
Url = Annotated[str, Meta(pattern=r"^https?://[^\s]+$")]


class ChainUnusable(Exception):
    """A chain that cannot work: the message names the field, and what to do."""


class ChainKind(StrEnum):
    """The three technologies."""

    IP = "ip"
    WIRED = "wired"
    FM = "fm"


class GpioOutput(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="gpio", tag_field="type"):
    """A relay on a pin of a small computer. pin: in gpiozero's words, "GPIO17"."""

    pin: str
    active_high: bool = True

    @property
    def place(self) -> str:
        """What no other output may use."""
        return f"pin {self.pin}"


class SerialOutput(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="serial", tag_field="type"):
    """A device on a serial line, told in words. answer: what it must say then; empty: it says nothing."""

    port: str
    baud: Annotated[int, Meta(ge=300, le=4_000_000)] = 9600
    on: str
    off: str
    answer: str = ""

    @property
    def place(self) -> str:
        """As `GpioOutput.place`: a line may carry many devices, the same words only one."""
        return f"{self.on!r} on {self.port}"


class ModbusOutput(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="modbus", tag_field="type"):
    """A coil of a relay board. url: `rtu:/dev/ttyUSB0?baud=9600` or `tcp:192.168.1.20:502`. unit: its address."""

    url: Annotated[str, Meta(pattern=r"^(rtu:/|tcp:[^:]+:\d+$)")]
    unit: Annotated[int, Meta(ge=0, le=247)] = 1
    coil: Annotated[int, Meta(ge=0, le=65_535)]

    @property
    def place(self) -> str:
        """As `GpioOutput.place`."""
        return f"coil {self.coil} of unit {self.unit} at {self.url}"


class HttpOutput(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="http", tag_field="type"):
    """A relay that is told by a URL. answer: what must stand in the reply; empty: any reply with status 2xx."""

    on: Url
    off: Url
    answer: str = ""

    @property
    def place(self) -> str:
        """As `GpioOutput.place`."""
        return self.on


class GpioInput(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="gpio", tag_field="type"):
    """A contact: reads 1 when it is closed, else 0."""

    pin: str


class SerialInput(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="serial", tag_field="type"):
    """A value that a device on a serial line says. pattern: a regular expression with one group, the number."""

    port: str
    baud: Annotated[int, Meta(ge=300, le=4_000_000)] = 9600
    ask: str
    pattern: str
    unit: str = ""


class ModbusInput(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="modbus", tag_field="type"):
    """A holding register, times `scale`. unit_id: the board's address; unit: of the value, "A"."""

    url: Annotated[str, Meta(pattern=r"^(rtu:/|tcp:[^:]+:\d+$)")]
    unit_id: Annotated[int, Meta(ge=0, le=247)] = 1
    register: Annotated[int, Meta(ge=0, le=65_535)]
    scale: float = 1.0
    unit: str = ""


class HttpInput(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="http", tag_field="type"):
    """A number in a JSON reply. field: its name, with dots into what lies deeper."""

    url: Url
    field: str
    unit: str = ""


Output = GpioOutput | SerialOutput | ModbusOutput | HttpOutput
Input = GpioInput | SerialInput | ModbusInput | HttpInput


class Switch(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="switch", tag_field="do"):
    """Close a relay (or open it, in the steps off)."""

    output: str

    @property
    def most_ms(self) -> int:
        """How long the step may take."""
        return SWITCH_MS


class Wait(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="wait", tag_field="do"):
    """Let something settle."""

    ms: Milliseconds

    @property
    def most_ms(self) -> int:
        """See `Switch.most_ms`."""
        return self.ms


class Check(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="check", tag_field="do"):
    """Read something back: it must come between `least` and `most` within the time."""

    input: str
    least: float = float("-inf")
    most: float = float("inf")
    within_ms: Annotated[int, Meta(ge=100, le=MOST_LEAD_MS)] = 2000

    @property
    def most_ms(self) -> int:
        """See `Switch.most_ms`."""
        return self.within_ms


Step = Switch | Wait | Check


class Chain(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A chain. on: the steps before sound; off: those after it, all tried whatever fails.

    path_delay_ms: from the card's output to the horn, of this chain; added to the delay set in the page.
    proof, line, supply, modem: what is read beyond the steps (`gateway.sensing`); a chain may consist of these alone.
    """

    kind: ChainKind
    outputs: dict[str, Output] = {}
    inputs: dict[str, Input] = {}
    on: list[Step] = []
    off: list[Step] = []
    path_delay_ms: Annotated[float, Meta(ge=0, le=2000)] = 0.0
    proof: Proof | None = None
    line: LineCheck | None = None
    supply: SupplyInputs | None = None
    modem: ModemPort | None = None

    @property
    def only_senses(self) -> bool:
        """Whether it switches nothing, and only reads."""
        return not self.on and not self.outputs and bool(self.proof or self.line or self.supply or self.modem)

    @property
    def lead_ms(self) -> int:
        """The longest it may take from nothing to sound: so long before the first sample the steps begin."""
        return sum(step.most_ms for step in self.on)

    @property
    def steps_off(self) -> list[Step]:
        """As described; without a description the outputs in the reverse order of the steps on."""
        if self.off:
            return self.off
        return [step for step in reversed(self.on) if isinstance(step, Switch)]


def read_chain(file: Path) -> Chain:
    """Read a chain. Raises ChainUnusable."""
    try:
        chain = msgspec.convert(tomllib.loads(file.read_text(encoding="utf-8")), Chain)
    except OSError as failure:
        raise ChainUnusable(f"{file}: {failure.strerror}") from failure
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as failure:
        raise ChainUnusable(f"{file} is no TOML file: {failure}") from failure
    except msgspec.ValidationError as failure:
        raise ChainUnusable(f"{file}: {failure}") from failure
    wrong = contradictions(chain)
    if wrong:
        raise ChainUnusable(f"{file}: " + "; ".join(wrong))
    return chain


def step_words(step: Step) -> str:
    """A step as a technician reads it."""
    match step:
        case Switch():
            return f"switch {step.output}"
        case Wait():
            return f"wait {step.ms} ms"
        case Check():
            return f"check that {step.input} is from {step.least:g} to {step.most:g}"


def sensed_words(chain: Chain) -> list[str]:
    """What is read beyond the steps, a line each."""
    return sensing.words(chain.proof, chain.line, chain.supply, chain.modem)


def contradictions(chain: Chain) -> list[str]:
    """What cannot be, a sentence each; empty when the chain can work."""
    sensed = sensing.contradictions(chain.inputs, chain.proof, chain.line, chain.supply)
    return [*_names(chain), *_places(chain), *_checks(chain), *_order(chain), *sensed]


def _names(chain: Chain) -> list[str]:
    said = []
    for where, steps in (("on", chain.on), ("off", chain.off)):
        for number, step in enumerate(steps, 1):
            if isinstance(step, Switch) and step.output not in chain.outputs:
                said.append(f"step {number} of '{where}' switches '{step.output}', which is not among the outputs")
            if isinstance(step, Check) and step.input not in chain.inputs:
                said.append(f"step {number} of '{where}' reads '{step.input}', which is not among the inputs")
    return said


def _places(chain: Chain) -> list[str]:
    taken: dict[str, str] = {}
    said = []
    pins = [(name, f"pin {each.pin}") for name, each in chain.inputs.items() if isinstance(each, GpioInput)]
    for name, place in [*((name, each.place) for name, each in chain.outputs.items()), *pins]:
        if place in taken:
            said.append(f"'{name}' and '{taken[place]}' both use {place}; each needs one of its own")
        taken[place] = name
    return said


def _checks(chain: Chain) -> list[str]:
    return [
        f"the check of '{step.input}' can never hold: least {step.least:g} is more than most {step.most:g}"
        for step in [*chain.on, *chain.off]
        if isinstance(step, Check) and step.least > step.most
    ]


def _order(chain: Chain) -> list[str]:
    said = []
    closed = [step.output for step in chain.on if isinstance(step, Switch)]
    opened = {step.output for step in chain.steps_off if isinstance(step, Switch)}
    if not closed and not chain.only_senses:
        said.append("'on' switches nothing: a chain without a relay needs no description")
    said += [f"'{name}' is switched on twice" for name in sorted({name for name in closed if closed.count(name) > 1})]
    said += [f"'{name}' is switched on and never off" for name in closed if name not in opened]
    said += [f"'{name}' is no step's output; leave it out" for name in chain.outputs if name not in closed]
    if chain.lead_ms > MOST_LEAD_MS:
        said.append(f"'on' may take {chain.lead_ms / 1000:g} s; more than {MOST_LEAD_MS // 1000} s is no start")
    return said
