"""Receiver main loop: wires the components together and runs them, with or without a network connection."""

import contextlib
import logging
import threading
from pathlib import Path

from receiver.commands import CommandHandler
from receiver.current_ladder import CurrentLadder
from receiver.inbox import MessageInbox
from receiver.link.connection import Connection
from receiver.link.fault_reports import FaultReports, present_faults
from receiver.link.heartbeat_sender import HeartbeatSender
from receiver.link.heartbeats import Heartbeats
from receiver.link.identity import Identity, SessionNumber
from receiver.link.outbox import Outbox
from receiver.link.play_reporter import PlayReporter
from receiver.live.live_gaps import LiveGaps
from receiver.live.live_input import LiveInput
from receiver.output.amplifier import Amplifier, AmplifierTimes, TargetZones
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
from wire import topics
from wire.commands import Config
from wire.topics import Kind, Topic

log = logging.getLogger(__name__)

#: The longest pause between two steps of the main loop.
STEP_S = 0.25


class Agent:
    """One receiver."""

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
        self._amplifier_times = AmplifierTimes(amplifier)
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
        self._commands = CommandHandler(
            identity.receiver, identity.controller_keys, self._outbox, folder, self._tester.take
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
        )
        self._inbox = MessageInbox(self._plan, self._commands, self._station)
        self._upkeep = PlanUpkeep(
            self._plan, self._reporter, self._failures, self._live_gaps, self._outbox, self._inbox, self._connection
        )
        self._wake = threading.Event()
        self._dirty = threading.Event()
        self._fault_reports = FaultReports(
            identity.receiver, self._outbox, folder / "faults.json", began_local_us=self._began_us
        )
        self._former: dict[str, bool] = {}  # as the connection knows it
        self._volume = VolumeSetting()

    # -- called from the connection's thread

    def connected(self, session: int) -> None:
        """Subscribe, ask for the time, send the pending reports."""
        log.info("connected, session %d", session)
        self._listen()
        self._asker.hurry(local_us())
        self._time_link.hurry()
        self._outbox.send_all_again()
        self._heartbeat_sender.connected()
        self._wake.set()

    def disconnected(self) -> None:
        """The plan goes on without a connection."""

    def message(self, kind: Kind, topic: Topic, payload: bytes) -> None:
        """Time and live frames are handled at once; the rest in the main thread, since it writes to disk."""
        if kind is Kind.TIME_TELL:
            self._time_link.answered_by_broker(payload, local_us())
        elif kind is Kind.LIVE:
            self._live_input.take_frame(
                topics.live(topic.commune, topic.broadcast), topic.broadcast, payload, self._now_us()
            )
        else:
            self._inbox.put(kind, topic, payload)
            self._wake.set()

    # -- main thread

    def run(self, stopping: threading.Event) -> str:
        """Run until told to stop. Returns "stopped" or "reboot". Raises SpeakerFailed at the start."""
        self._asker.recall(local_us, log.info)
        self._apply_config(self._plan.config)
        self._playout.set_timeline(self._current_ladder.ladder)
        with contextlib.ExitStack() as closing:
            self._playout.start()
            closing.callback(self._amplifier.close)
            closing.callback(self._monitor.close)
            self._monitor.start()
            closing.callback(self._playout.close)
            closing.callback(self._reporter.keep)
            self._shelf.on_arrival(self._plan_changed)
            self._shelf.start()
            closing.callback(self._shelf.close)
            self._connection.start()
            closing.callback(lambda: self._connection.close("reboot" if self._commands.reboot else "stopped"))
            self._time_link.start()
            closing.callback(self._time_link.close)
            self._plan_changed()
            while not stopping.is_set() and not self._commands.reboot:
                self._step()
                self._amplifier.alive()
                if self._wake.wait(STEP_S):
                    self._wake.clear()
            self._amplifier.switch(False)  # while the rest is closed
        return "reboot" if self._commands.reboot else "stopped"

    def _step(self) -> None:
        now_local_us = local_us()
        self._read_inbox()
        if self._dirty.is_set():
            self._dirty.clear()
            self._current_ladder.renew(self._now_us())
        now_us = self._now_us()
        if now_us is None:
            self._fault_reports.clock_unknown(now_local_us)
            self._amplifier_times.nothing_can_sound()
        else:
            self._switch_amplifier(now_us, now_local_us)
            self._playout.set_volume(self._volume_percent())
            self._monitor.step(self._playout, now_local_us)
            fault = "" if self._speaker.running else "card"
            if self._upkeep.step(now_us, now_local_us, self._volume_percent(), fault):
                self._plan_changed()
            self._follow_live_gaps(now_us)
            self._asker.keep(now_local_us)
            if self._current_ladder.recheck_failed(now_us):
                self._plan_changed()
            if self._tester.step(now_us, now_local_us):
                self._plan_changed()
            self._tell_faults(now_us)
        if self._connection.is_connected:
            for pending in self._outbox.due(now_local_us):
                self._connection.publish(Kind.REPORT, pending.payload, qos=1)
            if self._heartbeat_sender.is_due(now_local_us, self._playout.now_broadcast()):
                self._send_heartbeat(now_local_us)

    def _follow_live_gaps(self, now_us: int) -> None:
        if self._live_gaps.step(self._plan.for_us(), now_us):
            log.info("live broadcasts without frames: %s", ", ".join(self._live_gaps.lost) or "none")
            self._heartbeat_sender.hurry()
            self._plan_changed()

    def _read_inbox(self) -> None:
        for change in self._inbox.changes(self._now_us):
            if change.config:
                self._volume.command_percent = None
                self._apply_config(self._plan.config)
                self._listen()
            if change.volume_percent is not None:
                self._volume.command_percent = change.volume_percent
                self._playout.set_volume(self._volume_percent())
            self._plan_changed()

    def _listen(self) -> None:
        self._former = self._plan.former(self._now_us())
        self._connection.listen_to(self._plan.commune, self._former)

    def _plan_changed(self) -> None:
        self._dirty.set()
        self._wake.set()

    def _apply_config(self, config: Config | None) -> None:
        if config is None:
            return
        self._playout.set_path_delay(self._path_us())
        self._monitor.set_path_delay(self._path_us())
        self._time_link.set_address(config.time_address)
        self._playout.set_volume(self._volume_percent())
        self._heartbeat_sender.hurry()

    def _volume_percent(self) -> int:
        return self._volume.percent(self._plan.config, self._current_ladder.ladder, self._now_us())

    def _now_us(self) -> int | None:
        return round(self._station.to_controller_us(local_us())) if self._station.locked else None

    def _switch_amplifier(self, now_us: int, now_local_us: int) -> None:
        def next_within(within_us: int) -> TargetZones | None:
            if self._commands.sounds(now_us, within_us):
                return TargetZones()  # a test tone is heard in all zones
            manifest = self._current_ladder.ladder.next_manifest(now_us, within_us)
            return TargetZones.of(manifest.targets, self._identity.receiver) if manifest is not None else None

        set_lead_ms = self._plan.config.amplifier_lead_ms if self._plan.config else 5000
        self._amplifier_times.step(next_within, set_lead_ms, self._path_us(), now_local_us)

    def _path_us(self) -> int:
        """From the card's output to the horn: as configured, plus what the chain adds."""
        return (self._plan.config.path_delay_us if self._plan.config else 0) + self._amplifier.path_delay_us

    def _tell_faults(self, now_us: int) -> None:
        lacking = self._failures.fault(self._plan.for_us(), now_us)
        present = present_faults(self._speaker, self._shelf, lacking, self._amplifier.fault) | self._monitor.faults
        if "store_full" not in present:
            self._plan.keep_again()
        self._fault_reports.tell(present, now_us, local_us())

    def _send_heartbeat(self, now_local_us: int) -> None:
        config = self._plan.config
        self._heartbeat_sender.send(
            self._now_us(),
            now_local_us,
            every_s=config.heartbeat_s if config else 20,
            broadcast=self._playout.now_broadcast(),
            volume_percent=self._volume_percent(),
            refused=self._plan.refused + self._asker.refused + self._live_input.refused + self._commands.refused,
        )
        if self._plan.former(self._now_us()) != self._former:
            self._listen()  # the last live broadcast of a former commune is over
