"""What a receiver tells its controller: presence and heartbeats (the broker vouches for the sender), sealed reports."""

from enum import StrEnum
from typing import Annotated

from msgspec import Meta

from wire.broadcasts import Microseconds
from wire.commands import Percent
from wire.messages import Message, Sealed


class Presence(Message, frozen=True, kw_only=True):
    """The birth of a connection, and its will. Retained.

    session: counts connections, also over restarts, so that a late will ends its own session only.
    boot: in the birth, random for each start of the program: two devices with the same credentials differ in it.
    online: true in the birth, false in the will and in an orderly farewell.
    version: of the receiver's program. cause: why it says farewell ("stopped", "reboot"); empty in birth and will.
    """

    session: Annotated[int, Meta(ge=1)]
    online: bool
    version: str = ""
    cause: str = ""
    boot: str = ""


class ClockState(Message, frozen=True, kw_only=True):
    """The receiver's estimate of controller time.

    locked: an estimate exists. offset_us: controller time less the receiver's own UTC clock.
    error_us: half width of the interval that holds the truth (≥ 99 %).
    drift_ppm: of its crystal against the controller. exchanges: answered so far. age_ms: since the last answer.
    round_trip_us: half of the latest exchanges were answered within this time; 0: unknown.
    """

    locked: bool
    offset_us: int = 0
    error_us: int = 0
    drift_ppm: float = 0.0
    exchanges: int = 0
    age_ms: int = 0
    round_trip_us: int = 0


class PlayoutState(Message, frozen=True, kw_only=True):
    """How well the card follows, since the last heartbeat.

    error_p50_us, error_p99_us, error_max_us: |instant at which a sample left − instant at which it should have|.
    steering_ppm: the correction in force. late, lost, concealed: live frames. underruns, reanchors: counts since start.
    frames_played: at 48 kHz since start. taken_ahead_us: sound is taken so long before it leaves the card; 0: unknown.
    """

    error_p50_us: int = 0
    error_p99_us: int = 0
    error_max_us: int = 0
    steering_ppm: float = 0.0
    late: int = 0
    lost: int = 0
    concealed: int = 0
    underruns: int = 0
    reanchors: int = 0
    frames_played: int = 0
    taken_ahead_us: int = 0


class Held(Message, frozen=True, kw_only=True):
    """A broadcast that the receiver holds. ready: all its audio is on the shelf and verified."""

    broadcast: str
    revision: int
    ready: bool


class Supply(Message, frozen=True, kw_only=True):
    """What the receiver is fed with, as far as it has a meter for it: None where it has none, or it does not answer.

    mains_v: of the mains, AC. battery_v: of the battery, DC. on_battery: whether it runs on it.
    """

    mains_v: float | None = None
    battery_v: float | None = None
    on_battery: bool | None = None


class Link(Message, frozen=True, kw_only=True):
    """What the modem says of the mobile network. signal_dbm: RSSI, None when it knows none.

    operator: the network's name. sim: "ready", "locked" (it asks for a PIN or PUK), "absent"; "" when the
    modem did not say.
    """

    signal_dbm: int | None = None
    operator: str = ""
    sim: str = ""


class Heartbeat(Message, frozen=True, kw_only=True):
    """What a receiver is doing, every `heartbeat_s`.

    session: as in its presence. sequence: counts up within a session. sent_at_us: controller time by its estimate, 0
    when it has none. broadcast: what sounds now ("" for nothing), at position_us from the broadcast's start.
    holds: the broadcasts ahead. store_used_bytes, store_limit_bytes: the shelf. outbox: reports not yet heard.
    config_revision, command_revision: of the config in force and of the last command taken; 0: none.
    refused: what was refused since the start, by reason. level_dbfs: of the last second, −120 is silence.
    supply, link, temperature_c: None where nothing measures them.
    live_lost: live broadcasts that are silent, since no frame has come for some seconds.
    """

    session: Annotated[int, Meta(ge=1)]
    sequence: Annotated[int, Meta(ge=0)]
    sent_at_us: int = 0
    broadcast: str = ""
    position_us: int = 0
    level_dbfs: float = -120.0
    clock: ClockState
    playout: PlayoutState = PlayoutState()
    volume_percent: Percent = 0
    amplifier_on: bool = False
    holds: list[Held] = []
    store_used_bytes: int = 0
    store_limit_bytes: int = 0
    outbox: int = 0
    refused: dict[str, int] = {}
    version: str = ""
    uptime_s: int = 0
    config_revision: int = 0
    command_revision: int = 0
    temperature_c: float | None = None
    supply: Supply | None = None
    link: Link | None = None
    live_lost: list[str] = []


class Outcome(StrEnum):
    """How a broadcast went at one receiver."""

    PLAYED = "played"  # every frame that was due
    PARTLY = "partly"  # some: joined late, cut, stopped, audio lacking
    MISSED = "missed"  # none
    REFUSED = "refused"  # none, by rule (allowed hours)


class Fallback(StrEnum):
    """What played instead of an item that could not be played."""

    BACKUP = "backup"  # the recording that the config names
    CHIME = "chime"  # the receiver's own


class SubstitutedItem(Message, frozen=True, kw_only=True):
    """An item that could not be played, or not to its end. position: in the manifest, from 0. rung: what sounded."""

    position: Annotated[int, Meta(ge=0)]
    clip: str
    rung: Fallback
    detail: str = ""


class ElectricalProof(Message, frozen=True, kw_only=True):
    """What the amplifier drew, or what stood on its line, while the broadcast sounded.

    passed: enough of the readings were at or above `least`. readings: taken while there was something to hear; above:
    how many of them were. lowest, mean, highest: of all of them, in `unit`.
    """

    passed: bool
    readings: Annotated[int, Meta(ge=1)]
    above: Annotated[int, Meta(ge=0)]
    least: float
    lowest: float
    mean: float
    highest: float
    unit: str = ""


class AcousticProof(Message, frozen=True, kw_only=True):
    """Whether a microphone (or line-in) of the receiver's own found in what it captured what was played.

    passed: in at least half of the windows. windows: so many were compared; heard_in: so many of them had it.
    correlation: of the median window, 0 (nothing alike) to 1. delay_us: from the card's output to the microphone, the
    median of the windows that had it; None when none had.
    """

    passed: bool
    windows: Annotated[int, Meta(ge=1)]
    heard_in: Annotated[int, Meta(ge=0)]
    correlation: float
    delay_us: int | None = None


class PlayReport(Sealed, frozen=True, kw_only=True, tag="play_report", tag_field="type"):
    """What sounded of one broadcast at one receiver.

    report: its id, named again when it is heard. receiver, broadcast; manifest_revision: the one it played by.
    first_frame_at_us, last_frame_at_us: controller time at the horn, 0 when nothing sounded.
    frames_played, frames_due: at 48 kHz; due counts what items cover until the end or the stop.
    cause: why not all of it ("" when all): see docs/protocol.md for the words.
    error_p50_us, error_p99_us, error_max_us: as in PlayoutState, over this broadcast.
    stood_in: the items that a fallback replaced; fallbacks are not counted in frames_played.
    electrical, acoustic: further proof that it was to be heard; None where nothing is fitted, or too little was seen.
    """

    report: str
    receiver: str
    broadcast: str
    manifest_revision: int
    outcome: Outcome
    cause: str = ""
    first_frame_at_us: Microseconds = 0
    last_frame_at_us: Microseconds = 0
    frames_played: Microseconds = 0
    frames_due: Microseconds = 0
    error_p50_us: int = 0
    error_p99_us: int = 0
    error_max_us: int = 0
    late: int = 0
    lost: int = 0
    concealed: int = 0
    underruns: int = 0
    volume_percent: Percent = 0
    stood_in: list[SubstitutedItem] = []
    electrical: ElectricalProof | None = None
    acoustic: AcousticProof | None = None


class FaultReport(Sealed, frozen=True, kw_only=True, tag="fault", tag_field="type"):
    """A fault appeared or went away. fault: which, by name. at_us: when. present: whether it is there now."""

    report: str
    receiver: str
    fault: str
    present: bool
    at_us: int
    detail: str = ""


class CommandDone(Sealed, frozen=True, kw_only=True, tag="command_done", tag_field="type"):
    """A command was carried out, or could not be (done false, detail says why)."""

    report: str
    receiver: str
    command: str
    done: bool
    at_us: int
    detail: str = ""


class SelfTestStep(StrEnum):
    """Where a self-test failed."""

    FETCH = "fetch"
    VERIFY = "verify"
    DECODE = "decode"
    LENGTH = "length"
    LEVEL = "level"
    SPEAKER = "speaker"


class SelfTestReport(Sealed, frozen=True, kw_only=True, tag="self_test_report", tag_field="type"):
    """How a self-test went. failed_step: a SelfTestStep, "" when ok. took_ms: from its beginning, the spread left out.

    attempts: 1, or 2 when it was tried again.
    """

    report: str
    receiver: str
    test: str
    ok: bool
    at_us: int
    failed_step: str = ""
    detail: str = ""
    took_ms: Annotated[int, Meta(ge=0)] = 0
    attempts: Annotated[int, Meta(ge=1)] = 1


class AlertReport(Sealed, frozen=True, kw_only=True, tag="alert_report", tag_field="type"):
    """How an alert, or its end, took effect at one receiver. As soon as it has; and when it has not after some seconds.

    alert: its id, 16 hex digits. is_end, is_drill: as in the alert.
    bearer: which brought it first: "mqtt", "sms" or "local".
    arrived_at_us: controller time, by the receiver's estimate.
    took_effect_at_us: controller time at the horn: of an alert the first sample, of an end the first moment without
    the alert's sound; 0: not yet, or not at all.
    cause: why not ("" when it has): see docs/protocol.md for the words.
    """

    report: str
    receiver: str
    alert: str
    is_end: bool = False
    is_drill: bool = False
    bearer: str
    arrived_at_us: Microseconds
    took_effect_at_us: Microseconds = 0
    cause: str = ""


Report = PlayReport | FaultReport | CommandDone | SelfTestReport | AlertReport
