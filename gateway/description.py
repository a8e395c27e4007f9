"""A chain described as data: what is switched before sound may come, in which order, and what each step reads back.

A TOML file on the receiver's own machine, since pins and ports are that machine's, and so that no remote user can
point a receiver at an address (docs/decisions/0023). `docs/chains.md` says how to write one; `gateway.chain_files`
reads it.
"""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta, Struct

from gateway import sensor_description
from gateway.device_description import SWITCH_MS, Input, Output, RdsOutput
from gateway.sensor_description import AmplifierDraw, LineCheck, ModemPort, SupplyInputs

#: The longest that the steps on may take; a manifest announces a broadcast much earlier.
MOST_LEAD_MS = 60_000
#: From the request to play until the card has taken it: it is fed a quarter of a second ahead.
CARD_MS = 1_000

Milliseconds = Annotated[int, Meta(ge=0, le=MOST_LEAD_MS)]


class ChainKind(StrEnum):
    """The three technologies of a station."""

    IP = "ip"
    WIRED = "wired"
    FM = "fm"


class ForZones(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A step. zones: run only for broadcasts to one of these zones, or to the whole commune; empty: always."""

    zones: list[str] = []

    def applies_to(self, zones: frozenset[str] | None) -> bool:
        """Whether it is run for a broadcast to `zones`; None means the whole commune."""
        return not self.zones or zones is None or not zones.isdisjoint(self.zones)


class Switch(ForZones, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="switch", tag_field="do"):
    """Close a relay (or open it, in the steps off)."""

    output: str


class Wait(ForZones, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="wait", tag_field="do"):
    """Wait before the next step."""

    ms: Milliseconds


class Check(ForZones, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="check", tag_field="do"):
    """Read an input until it is between `least` and `most`; fail after `within_ms`."""

    input: str
    least: float = float("-inf")
    most: float = float("inf")
    within_ms: Annotated[int, Meta(ge=100, le=MOST_LEAD_MS)] = 2000


class Dtmf(ForZones, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="dtmf", tag_field="do"):
    """Play telephone tones (ITU-T Q.23) on the sound card, for clusters that open by tones.

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
        """Duration of all tones and pauses."""
        return len(self.digits) * (self.on_ms + self.off_ms)


Step = Switch | Wait | Check | Dtmf


class Chain(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """A chain. on: the steps before sound. off: the steps after it, all run whatever fails.

    path_delay_ms: from the card's output to the horn, of this chain; added to the delay set in the page.
    trigger: the input of a key switch or contact that starts the emergency prepared for it; read 1 when it is closed.
    proof, line, supply, modem: sensors (`gateway.sensor_description`). A chain may consist of sensors alone.
    """

    kind: ChainKind
    outputs: dict[str, Output] = {}
    inputs: dict[str, Input] = {}
    on: list[Step] = []
    off: list[Step] = []
    path_delay_ms: Annotated[float, Meta(ge=0, le=2000)] = 0.0
    proof: AmplifierDraw | None = None
    line: LineCheck | None = None
    supply: SupplyInputs | None = None
    modem: ModemPort | None = None
    trigger: str = ""

    @property
    def only_sensors(self) -> bool:
        """Whether it has sensors and switches nothing."""
        return (
            not self.on
            and not self.outputs
            and bool(self.proof or self.line or self.supply or self.modem or self.trigger)
        )

    @property
    def lead_ms(self) -> int:
        """The longest that the steps on may take: they start so long before the first sample."""
        return sum(self.step_ms(step) for step in self.on)

    @property
    def drop_ms(self) -> int:
        """The longest that an emergency stop may take: the relays of the steps off, without waits."""
        outputs = [self.outputs.get(step.output) for step in self.steps_off if isinstance(step, Switch)]
        return sum(each.send_ms if isinstance(each, RdsOutput) else SWITCH_MS for each in outputs)

    @property
    def steps_off(self) -> list[Step]:
        """`off`; when it is empty, the outputs in the reverse order of the steps on."""
        if self.off:
            return self.off
        return [Switch(output=step.output) for step in reversed(self.on) if isinstance(step, Switch)]

    def step_ms(self, step: Step) -> int:
        """The longest that a step may take."""
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


def step_words(step: Step) -> str:
    """A step in words for a technician."""
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


def sensor_words(chain: Chain) -> list[str]:
    """One line for each sensor, for a technician."""
    return [
        *sensor_description.words(chain.proof, chain.line, chain.supply, chain.modem),
        *([f"always: {chain.trigger} starts the emergency that is prepared for it"] if chain.trigger else []),
    ]
