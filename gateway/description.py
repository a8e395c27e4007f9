"""A chain described as data: what is switched before sound may come, in which order, and what each step reads back.

A TOML file on the receiver's own machine, since pins and ports are that machine's, and so that nobody far away can
point a receiver at an address (docs/decisions/0023). `docs/chains.md` says how to write one; `gateway.chain_files`
reads it.
"""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from gateway import sensing
from gateway.rds_profiles import RdsProfile, frames_of
from gateway.sensing import LineCheck, ModemPort, Proof, SupplyInputs

#: The longest a chain may take from nothing to sound; a manifest knows of a broadcast far longer ahead.
MOST_LEAD_MS = 60_000
#: A relay that was told has closed within this, however it is reached; beyond it the step has failed.
SWITCH_MS = 1_000

#: From being told to sound something until the card has taken it: it is fed a quarter of a second ahead.
CARD_MS = 1_000
#: An encoder that acknowledges does so within this, and is told again once when it does not.
ANSWER_MS = 400
TRIES = 2

Milliseconds = Annotated[int, Meta(ge=0, le=MOST_LEAD_MS)]
#: In gpiozero's words, and only those that name the same pin in one way: GPIO17, BCM17 and 17 are one.
Pin = Annotated[str, Meta(pattern=r"^(GPIO|BCM)?\d{1,3}$")]
Baud = Annotated[int, Meta(ge=300, le=4_000_000)]
ModbusUrl = Annotated[str, Meta(pattern=r"^(rtu:/|tcp:[^:]+:\d+$)")]
RdsLink = Annotated[str, Meta(pattern=r"^(serial:/[^?]+(\?baud=\d+)?|tcp:[^:]+:\d+)$")]
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

    pin: Pin
    active_high: bool = True

    @property
    def places(self) -> list[str]:
        """What no other output may use."""
        return [f"pin {pin_number(self.pin)}"]


class SerialOutput(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="serial", tag_field="type"):
    """A device on a serial line, told in words. answer: what it must say then; empty: it says nothing."""

    port: str
    baud: Baud = 9600
    on: str
    off: str
    answer: str = ""

    @property
    def places(self) -> list[str]:
        """As `GpioOutput.places`: a line may carry many devices, the same words only one."""
        return [f"{self.on!r} on {self.port}"]


class ModbusOutput(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="modbus", tag_field="type"):
    """A coil of a relay board. url: `rtu:/dev/ttyUSB0?baud=9600` or `tcp:192.168.1.20:502`. unit: its address."""

    url: ModbusUrl
    unit: Annotated[int, Meta(ge=0, le=247)] = 1
    coil: Annotated[int, Meta(ge=0, le=65_535)]

    @property
    def places(self) -> list[str]:
        """As `GpioOutput.places`."""
        return [f"coil {self.coil} of unit {self.unit} at {self.url.partition('?')[0]}"]


class HttpOutput(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="http", tag_field="type"):
    """A relay that is told by a URL. answer: what must stand in the reply; empty: any reply with status 2xx."""

    on: Url
    off: Url
    answer: str = ""

    @property
    def places(self) -> list[str]:
        """As `GpioOutput.places`."""
        return [self.on]


class RdsOutput(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="rds", tag_field="type"):
    """Clusters behind an FM transmitter, opened and closed by the codes that its RDS encoder sends (UECP, SPB 490).

    link: to the encoder, `serial:/dev/ttyUSB2?baud=9600` or `tcp:192.168.1.30:4001`. profile: how codes become
    messages: the name of one that comes with Loa, or of a file beside the chain, or itself. groups: the codes.
    site, encoder: the encoder's address, 0 is every one. answers: whether it acknowledges what it is told.
    """

    link: RdsLink
    profile: str | RdsProfile
    groups: Annotated[list[Annotated[int, Meta(ge=0, le=0xFFFF)]], Meta(min_length=1, max_length=256)]
    site: Annotated[int, Meta(ge=0, le=0x3FF)] = 0
    encoder: Annotated[int, Meta(ge=0, le=0x3F)] = 0
    answers: bool = False

    @property
    def places(self) -> list[str]:
        """As `GpioOutput.places`."""
        where = f"encoder {self.site}/{self.encoder} at {self.link.partition('?')[0]}"
        return [f"group {group} of {where}" for group in self.groups]

    @property
    def switch_ms(self) -> int:
        """How long opening or closing the groups may take: reaching the encoder, its frames, and their answers."""
        return self.told_ms + (TRIES * ANSWER_MS * self._frames if self.answers else 0)

    @property
    def told_ms(self) -> int:
        """The same without waiting for an answer."""
        pause_ms = 0 if isinstance(self.profile, str) else self.profile.pause_ms
        return SWITCH_MS + pause_ms * self._frames

    @property
    def _frames(self) -> int:
        """How many frames it takes at most; 0 while the profile is not read."""
        if isinstance(self.profile, str):
            return 0
        return max(len(frames_of(self.profile, self.groups, on)) for on in (True, False))


class GpioInput(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="gpio", tag_field="type"):
    """A contact: reads 1 when it is closed, else 0."""

    pin: Pin

    @property
    def place(self) -> str:
        """What no output may use."""
        return f"pin {pin_number(self.pin)}"


class SerialInput(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="serial", tag_field="type"):
    """A value that a device on a serial line says. pattern: a regular expression with one group, the number."""

    port: str
    baud: Baud = 9600
    ask: str
    pattern: str
    unit: str = ""


class ModbusInput(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="modbus", tag_field="type"):
    """A holding register, times `scale`. unit_id: the board's address; unit: of the value, "A"."""

    url: ModbusUrl
    unit_id: Annotated[int, Meta(ge=0, le=247)] = 1
    register: Annotated[int, Meta(ge=0, le=65_535)]
    scale: float = 1.0
    unit: str = ""


class HttpInput(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="http", tag_field="type"):
    """A number in a JSON reply. field: its name, with dots into what lies deeper."""

    url: Url
    field: str
    unit: str = ""


Output = GpioOutput | SerialOutput | ModbusOutput | HttpOutput | RdsOutput
Input = GpioInput | SerialInput | ModbusInput | HttpInput


class ForZones(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A step. zones: done only when a broadcast means one of these zones (or all of the commune); none: always."""

    zones: list[str] = []

    def meant(self, zones: frozenset[str] | None) -> bool:
        """Whether it is to be done for a broadcast to `zones`; None means all."""
        return not self.zones or zones is None or not zones.isdisjoint(self.zones)


class Switch(ForZones, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="switch", tag_field="do"):
    """Close a relay (or open it, in the steps off)."""

    output: str


class Wait(ForZones, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="wait", tag_field="do"):
    """Let something settle."""

    ms: Milliseconds


class Check(ForZones, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="check", tag_field="do"):
    """Read something back: it must come between `least` and `most` within the time."""

    input: str
    least: float = float("-inf")
    most: float = float("inf")
    within_ms: Annotated[int, Meta(ge=100, le=MOST_LEAD_MS)] = 2000


class Dtmf(ForZones, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="dtmf", tag_field="do"):
    """Sound a row of telephone tones (ITU-T Q.23) on the card, for clusters that are opened by them.

    on_ms, off_ms: each tone, and the silence after it; Q.24 receivers know 40 ms, older decoders need more.
    level_dbfs: peak of the low one of the two frequencies; twist_db: how much louder the high one is.
    """

    digits: Annotated[str, Meta(pattern=r"^[0-9A-D*#]{1,32}$")]
    on_ms: Annotated[int, Meta(ge=40, le=1000)] = 100
    off_ms: Annotated[int, Meta(ge=40, le=1000)] = 100
    level_dbfs: Annotated[float, Meta(ge=-30, le=0)] = -12.0
    twist_db: Annotated[float, Meta(ge=-8, le=4)] = 2.0

    @property
    def sound_ms(self) -> int:
        """How long all of it sounds."""
        return len(self.digits) * (self.on_ms + self.off_ms)


Step = Switch | Wait | Check | Dtmf


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
        return sum(self.step_ms(step) for step in self.on)

    @property
    def drop_ms(self) -> int:
        """The longest it may take to switch everything off in need: the relays of the steps off, without waiting."""
        outputs = [self.outputs.get(step.output) for step in self.steps_off if isinstance(step, Switch)]
        return sum(each.told_ms if isinstance(each, RdsOutput) else SWITCH_MS for each in outputs)

    @property
    def steps_off(self) -> list[Step]:
        """As described; without a description the outputs in the reverse order of the steps on."""
        if self.off:
            return self.off
        return [Switch(output=step.output) for step in reversed(self.on) if isinstance(step, Switch)]

    def step_ms(self, step: Step) -> int:
        """How long a step may take."""
        match step:
            case Switch():
                output = self.outputs.get(step.output)
                return output.switch_ms if isinstance(output, RdsOutput) else SWITCH_MS
            case Wait():
                return step.ms
            case Check():
                return step.within_ms
            case Dtmf():
                return step.sound_ms + CARD_MS


def pin_number(pin: str) -> int:
    """Of a pin in any of its names."""
    return int(pin.removeprefix("GPIO").removeprefix("BCM"))


def step_words(step: Step) -> str:
    """A step as a technician reads it."""
    only = f", only for {', '.join(step.zones)}" if step.zones else ""
    match step:
        case Switch():
            return f"switch {step.output}{only}"
        case Wait():
            return f"wait {step.ms} ms{only}"
        case Check():
            return f"check that {step.input} is from {step.least:g} to {step.most:g}{only}"
        case Dtmf():
            return f"sound the tones {step.digits} on the card{only}"


def sensed_words(chain: Chain) -> list[str]:
    """What is read beyond the steps, a line each."""
    return sensing.words(chain.proof, chain.line, chain.supply, chain.modem)
