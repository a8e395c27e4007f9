"""The components of a receiver, wired together. `receiver.agent` runs them."""

import threading
from abc import ABC, abstractmethod
from pathlib import Path

from receiver.alerts.receiver_alerts import ReceiverAlerts
from receiver.amplifier_switch import AmplifierSwitch
from receiver.commands import CommandHandler
from receiver.current_ladder import CurrentLadder
from receiver.inbox import MessageInbox
from receiver.link.connection import Connection
from receiver.link.fault_reports import FaultReports
from receiver.link.heartbeat_sender import HeartbeatSender
from receiver.link.heartbeats import Heartbeats
from receiver.link.identity import Identity, SessionNumber
from receiver.link.outbox import Outbox
from receiver.link.play_reporter import PlayReporter
from receiver.live.live_gaps import LiveGaps
from receiver.live.live_input import LiveInput
from receiver.output.amplifier import Amplifier
from receiver.output.speaker import Speaker
from receiver.plan_upkeep import PlanUpkeep
from receiver.playout.playback_failures import PlaybackFailures
from receiver.playout.playout import Playout
from receiver.playout.volume_setting import VolumeSetting
from receiver.self_test import SelfTester
from receiver.sensing.microphone import Microphone
from receiver.sensing.output_monitor import OutputMonitor
from receiver.sensing.sensors import NoSensors, Sensors
from receiver.store.plan import Plan
from receiver.store.shelf import Shelf
from receiver.timing.local_clock import local_us
from receiver.timing.station_time import StationTime
from receiver.timing.time_asker import TimeAsker
from receiver.timing.time_link import TimeLink
from wire.commands import SelfTest
from wire.topics import Kind, Topic


class Components(ABC):
    """All that one receiver consists of. A subclass says what happens when something changes."""

    def __init__(
        self,
        identity: Identity,
        folder: Path,
        speaker: Speaker,
        amplifier: Amplifier,
        *,
        version: str,
        senses: Sensors | None = None,
        microphone: Microphone | None = None,
    ) -> None:
        """folder: all that it stores.

        senses, microphone: None where not fitted. Raises OSError when it is not writable.
        """
        folder.mkdir(parents=True, exist_ok=True)
        self._identity = identity
        self._speaker = speaker
        self._amplifier = amplifier
        self._began_us = local_us()
        self._station = StationTime()
        self._asker = TimeAsker(self._station, identity.receiver, identity.controller_keys, folder / "time.json")
        self._plan = Plan(folder / "plan", identity.receiver, identity.commune, identity.controller_keys)
        self._shelf = Shelf(folder / "shelf", now_us=self._now_us)
        self._outbox = Outbox(folder / "outbox", identity.key)
        self._monitor = OutputMonitor(folder, speaker, senses or NoSensors(), microphone)
        self._playout = Playout(self._monitor.speaker, self._station)
        amplifier.call_through(self._playout.calls)
        self._live_input = LiveInput(identity.controller_keys, self._plan_changed)
        self._live_gaps = LiveGaps(self._live_input)
        self._failures = PlaybackFailures()
        self._reporter = PlayReporter(
            folder,
            identity.receiver,
            self._plan,
            self._playout,
            self._live_input,
            self._outbox,
            self._failures,
            self._monitor,
            live_gaps=self._live_gaps,
            began_local_us=self._began_us,
        )
        self._tester = SelfTester(identity.receiver, self._shelf, self._outbox, lambda: speaker.running)
        self._alerts = ReceiverAlerts(
            folder / "alerts",
            identity.receiver,
            identity.controller_keys,
            self._plan,
            self._shelf,
            self._playout,
            self._outbox,
            now_us=self._now_us,
            lead_us=lambda: self._amplifier_switch.lead_us(),
            on_change=self._alert_changed,
        )
        self._commands = CommandHandler(
            identity.receiver, identity.controller_keys, self._outbox, folder, self._take_self_test
        )
        heartbeats = Heartbeats(
            self._plan,
            self._shelf,
            self._playout,
            self._live_input,
            self._live_gaps,
            self._station,
            amplifier,
            self._outbox,
            self._monitor,
            self._commands,
            version=version,
            began_local_us=self._began_us,
        )
        self._sessions = SessionNumber(folder / "session")
        self._connection = Connection(identity, self._sessions, self, version)
        self._heartbeat_sender = HeartbeatSender(heartbeats, self._connection, self._sessions)
        self._time_link = TimeLink(self._asker, identity.receiver, self._connection, local_us)
        self._current_ladder = CurrentLadder(
            identity.receiver,
            self._plan,
            self._shelf,
            self._playout,
            self._live_input,
            self._live_gaps,
            self._failures,
            self._commands,
            self._tester,
            self._alerts.books,
        )
        self._amplifier_switch = AmplifierSwitch(
            identity.receiver, self._plan, amplifier, self._commands, self._current_ladder, self._path_us
        )
        self._inbox = MessageInbox(self._plan, self._commands, self._station, self._alerts.books)
        self._upkeep = PlanUpkeep(
            self._plan,
            self._reporter,
            self._failures,
            self._live_gaps,
            self._outbox,
            self._inbox,
            self._connection,
            self._alerts.inbox,
        )
        self._wake = threading.Event()
        self._dirty = threading.Event()
        self._fault_reports = FaultReports(
            identity.receiver, self._outbox, folder / "faults.json", began_local_us=self._began_us
        )
        self._former: dict[str, bool] = {}  # as the connection knows it
        self._volume = VolumeSetting()

    @abstractmethod
    def connected(self, session: int) -> None: ...

    @abstractmethod
    def disconnected(self) -> None: ...

    @abstractmethod
    def message(self, kind: Kind, topic: Topic, payload: bytes) -> None: ...

    @abstractmethod
    def _plan_changed(self) -> None: ...

    @abstractmethod
    def _alert_changed(self) -> None: ...

    @abstractmethod
    def _take_self_test(self, action: SelfTest, now_local_us: int) -> None: ...

    def _volume_percent(self) -> int:
        return self._volume.percent(self._plan.config, self._current_ladder.ladder, self._now_us())

    def _now_us(self) -> int | None:
        return round(self._station.to_controller_us(local_us())) if self._station.locked else None

    def _path_us(self) -> int:
        """From the card's output to the horn: as configured, plus what the chain adds."""
        return (self._plan.config.path_delay_us if self._plan.config else 0) + self._amplifier.path_delay_us
