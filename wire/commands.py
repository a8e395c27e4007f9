"""What the controller sends to one receiver: its configuration, and commands.

controller → one receiver. Sealed.
"""

from datetime import date
from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from wire.allowed_hours import AllowedHours, NightLevel
from wire.broadcasts import ClipItem, Microseconds, Rendition
from wire.messages import Message, Sealed

Percent = Annotated[int, Meta(ge=0, le=100)]


class Former(Message, frozen=True, kw_only=True):
    """A commune that the receiver was in before: what it holds of it stays in force until the new one's word comes.

    zones: in which it was there. live_until_us: controller time until which live sound of it may still come; 0: none.
    """

    commune: str
    zones: list[str] = []
    live_until_us: Microseconds = 0


class Config(Sealed, frozen=True, kw_only=True, tag="config", tag_field="type"):
    """All that a receiver is set to. Retained: a receiver that comes back finds the newest.

    commune, zones: where it belongs; it listens to this commune's broadcasts.
    volume_percent: what it plays at; emergency_volume_percent: in an emergency, whatever the volume is set to. Never
    above volume_ceiling_percent.
    path_delay_us: from the card's output to the horn (amplifier chain, FM chain); sound is sent this much earlier.
    amplifier_lead_ms: how long before the first sample the amplifier is switched on.
    allowed_hours: outside them nothing but an emergency sounds; empty: no limit. time_zone: IANA name they are in.
    days_off: the public holidays of the next two years, local days. night_levels: the lowest that holds counts.
    media_bases: where renditions are fetched, tried in order, each an http(s) URL with a slash at the end.
    heartbeat_s: seconds between heartbeats. shelf_limit_bytes: how much audio is kept.
    fetch_from_minute, fetch_until_minute: of the local day, over midnight too; audio that is needed only later is
    fetched meanwhile, each receiver at a moment of its own. Alike: no such window.
    backup: a recording kept on the shelf always, for what cannot be played; its offset says nothing.
    time_address: host:port where the time is asked for by datagram; empty: by the broker alone.
    formerly: the communes that it was in before, as long as it may hold something of them.
    """

    commune: str
    zones: list[str] = []
    name: str = ""
    volume_percent: Percent = 80
    volume_ceiling_percent: Percent = 100
    emergency_volume_percent: Percent = 100
    path_delay_us: Microseconds = 0
    amplifier_lead_ms: Annotated[int, Meta(ge=0, le=60_000)] = 5000
    allowed_hours: list[AllowedHours] = []
    days_off: list[date] = []
    night_levels: list[NightLevel] = []
    time_zone: str = "Asia/Ho_Chi_Minh"
    media_bases: list[str]
    heartbeat_s: Annotated[int, Meta(ge=1, le=3600)] = 20
    shelf_limit_bytes: Annotated[int, Meta(gt=0)] = 2_000_000_000
    fetch_from_minute: Annotated[int, Meta(ge=0, le=1439)] = 1260
    fetch_until_minute: Annotated[int, Meta(ge=0, le=1439)] = 180
    backup: ClipItem | None = None
    time_address: str = ""
    formerly: list[Former] = []


class Identify(Message, frozen=True, kw_only=True, tag="identify", tag_field="kind"):
    """Make yourself known on the spot: a soft tone for `seconds` at the volume set."""

    seconds: Annotated[int, Meta(ge=1, le=60)] = 5


class ToneSound(StrEnum):
    """What a test tone is made of: clicks for the ear, sweeps for a microphone (`wire.sweeps`)."""

    CLICK = "click"
    RISING = "rising"
    FALLING = "falling"


class TestTone(Message, frozen=True, kw_only=True, tag="test_tone", tag_field="kind"):
    """A train of clicks, the first at `starts_at_us` controller time, then every `period_us`, `clicks` in all.

    sound: what each of them is.
    """

    starts_at_us: Microseconds
    clicks: Annotated[int, Meta(ge=1, le=600)] = 10
    period_us: Annotated[int, Meta(ge=100_000, le=10_000_000)] = 1_000_000
    sound: ToneSound = ToneSound.CLICK


class Reboot(Message, frozen=True, kw_only=True, tag="reboot", tag_field="kind"):
    """Start again: the agent stops in order and its supervisor restarts it."""


class SetVolume(Message, frozen=True, kw_only=True, tag="set_volume", tag_field="kind"):
    """The volume from now on, until the next config says otherwise; the ceiling holds."""

    volume_percent: Percent


class ReportsHeard(Message, frozen=True, kw_only=True, tag="reports_heard", tag_field="kind"):
    """These reports are written down at the controller; the outbox may forget them."""

    reports: list[str]


class SelfTest(Message, frozen=True, kw_only=True, tag="self_test", tag_field="kind"):
    """Fetch a recording, verify and decode all of it, look at the speaker, and report. Nothing is heard.

    test: its id, named again in the report. media: made for this test alone, so that it must really be fetched.
    frames: its length at 48 kHz. level_dbfs: RMS over the whole of it. spread_ms: begin at some moment within so long.
    """

    test: str
    media: Rendition
    frames: Annotated[int, Meta(gt=0)]
    level_dbfs: float
    spread_ms: Annotated[int, Meta(ge=0, le=3_600_000)] = 0


Action = Identify | TestTone | Reboot | SetVolume | ReportsHeard | SelfTest


class Command(Sealed, frozen=True, kw_only=True, tag="command", tag_field="type"):
    """One thing to do, once. command: its id, named again in the report that it is done."""

    command: str
    action: Action
