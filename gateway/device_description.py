"""The devices of a chain, described as data: outputs that it switches and inputs that it reads.

`gateway.description` says how they form a chain.
"""

from typing import Annotated

from msgspec import Meta, Struct

from gateway.rds_profiles import RdsProfile, frames_of

#: A relay has closed within this, however it is reached; else the step has failed.
SWITCH_MS = 1_000
#: An encoder acknowledges within this; else the message is sent once more.
ANSWER_MS = 400
TRIES = 2

#: As gpiozero names pins, limited to names that `pin_number` understands.
Pin = Annotated[str, Meta(pattern=r"^(GPIO|BCM)?\d{1,3}$")]
Baud = Annotated[int, Meta(ge=300, le=4_000_000)]
ModbusUrl = Annotated[str, Meta(pattern=r"^(rtu:/|tcp:[^:]+:\d+$)")]
RdsLink = Annotated[str, Meta(pattern=r"^(serial:/[^?]+(\?baud=\d+)?|tcp:[^:]+:\d+)$")]
Url = Annotated[str, Meta(pattern=r"^https?://[^\s]+$")]


class ChainUnusable(Exception):
    """A chain that cannot work; the message names the field and what to do."""


class GpioOutput(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="gpio", tag_field="type"):
    """A relay on a pin of a small computer. pin: in gpiozero's words, "GPIO17"."""

    pin: Pin
    active_high: bool = True

    @property
    def places(self) -> list[str]:
        """What no other output may use: the chain reader refuses duplicates."""
        return [f"pin {pin_number(self.pin)}"]


class SerialOutput(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="serial", tag_field="type"):
    """A device on a serial line that is switched by text. answer: its expected answer; empty: it does not answer."""

    port: str
    baud: Baud = 9600
    on: str
    off: str
    answer: str = ""

    @property
    def places(self) -> list[str]:
        """A line may carry many devices; the same command may be used by only one."""
        return [f"{self.on!r} on {self.port}"]


class ModbusOutput(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="modbus", tag_field="type"):
    """A coil of a relay board. url: `rtu:/dev/ttyUSB0?baud=9600` or `tcp:192.168.1.20:502`. unit: its address."""

    url: ModbusUrl
    unit: Annotated[int, Meta(ge=0, le=247)] = 1
    coil: Annotated[int, Meta(ge=0, le=65_535)]

    @property
    def places(self) -> list[str]:
        return [f"coil {self.coil} of unit {self.unit} at {self.url.partition('?')[0]}"]


class HttpOutput(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="http", tag_field="type"):
    """A relay that is switched by URL. answer: text that the reply must contain; empty: any reply with status 2xx."""

    on: Url
    off: Url
    answer: str = ""

    @property
    def places(self) -> list[str]:
        return [self.on]


class RdsOutput(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="rds", tag_field="type"):
    """Clusters behind an FM transmitter that open and close by codes from its RDS encoder (UECP, SPB 490).

    link: to the encoder, `serial:/dev/ttyUSB2?baud=9600` or `tcp:192.168.1.30:4001`. profile: how codes become
    messages; the name of one that comes with Loa, of a file beside the chain, or the profile itself. groups: the codes.
    site, encoder: the encoder's address, 0 is every one. answers: whether it acknowledges messages.
    """

    link: RdsLink
    profile: str | RdsProfile
    groups: Annotated[list[Annotated[int, Meta(ge=0, le=0xFFFF)]], Meta(min_length=1, max_length=256)]
    site: Annotated[int, Meta(ge=0, le=0x3FF)] = 0
    encoder: Annotated[int, Meta(ge=0, le=0x3F)] = 0
    answers: bool = False

    @property
    def places(self) -> list[str]:
        where = f"encoder {self.site}/{self.encoder} at {self.link.partition('?')[0]}"
        return [f"group {group} of {where}" for group in self.groups]

    @property
    def switch_ms(self) -> int:
        """How long opening or closing the groups may take: the connection, the frames, and their acknowledgements."""
        return self.send_ms + (TRIES * ANSWER_MS * self._frames if self.answers else 0)

    @property
    def send_ms(self) -> int:
        """`switch_ms` without waiting for an answer."""
        pause_ms = 0 if isinstance(self.profile, str) else self.profile.pause_ms
        return SWITCH_MS + pause_ms * self._frames

    @property
    def _frames(self) -> int:
        """The most frames that it takes; 0 while the profile is not read."""
        if isinstance(self.profile, str):
            return 0
        return max(len(frames_of(self.profile, self.groups, on)) for on in (True, False))


class GpioInput(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="gpio", tag_field="type"):
    """A contact: reads 1 when it is closed, else 0."""

    pin: Pin

    @property
    def place(self) -> str:
        """What no output may use: the chain reader refuses duplicates."""
        return f"pin {pin_number(self.pin)}"


class SerialInput(Struct, frozen=True, kw_only=True, forbid_unknown_fields=True, tag="serial", tag_field="type"):
    """A value from a device on a serial line. pattern: a regular expression with one group, the number."""

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


def pin_number(pin: str) -> int:
    """GPIO17, BCM17 and 17 are the same pin."""
    return int(pin.removeprefix("GPIO").removeprefix("BCM"))
