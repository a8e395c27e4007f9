"""Receiver main loop: runs the components, with or without a network connection."""

import contextlib
import logging
import threading

from receiver.components import Components
from receiver.link.fault_reports import present_faults
from receiver.timing.local_clock import local_us
from wire import topics
from wire.commands import Config, SelfTest
from wire.topics import Kind, Topic

log = logging.getLogger(__name__)

#: The longest pause between two steps of the main loop.
STEP_S = 0.25


class Agent(Components):
    """One receiver."""

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
        """Time, live frames and alerts are handled at once; the rest in the main thread, since it writes to disk."""
        if kind is Kind.TIME_TELL:
            self._time_link.answered_by_broker(payload, local_us())
        elif kind is Kind.LIVE:
            self._live_input.take_frame(
                topics.live(topic.commune, topic.broadcast), topic.broadcast, payload, self._now_us()
            )
        elif kind in (Kind.ALERT, Kind.DRILL):
            self._alerts.put(payload, "mqtt", topic)
        else:
            self._inbox.put(kind, topic, payload)
            self._wake.set()

    # -- called from the thread of alerts

    def _alert_changed(self) -> None:
        self._current_ladder.renew_timeline()
        self._amplifier_switch.step(self._now_us(), local_us())
        self._playout.set_volume(self._volume_percent())
        self._plan_changed()

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
            self._alerts.start()
            closing.callback(self._alerts.close)
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
        for message in self._monitor.messages():
            self._alerts.put(message, "sms")
        self._alerts.take_dropped()
        self._read_inbox()
        if self._dirty.is_set():
            self._dirty.clear()
            self._current_ladder.renew(self._now_us())
        now_us = self._now_us()
        self._amplifier_switch.step(now_us, now_local_us)
        if now_us is None:
            self._fault_reports.clock_unknown(now_local_us)
        else:
            self._playout.set_volume(self._volume_percent())
            self._monitor.step(self._playout, now_local_us)
            fault = "" if self._speaker.running else "card"
            if self._upkeep.step(now_us, now_local_us, self._volume_percent(), fault):
                self._plan_changed()
            self._alerts.step(now_us, self._monitor.trigger_closed)
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
            if self._heartbeat_sender.is_due(now_us, now_local_us, self._playout.now_broadcast()):
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
                self._alerts.config_changed()
                self._listen()
            if change.alert_book:
                self._alerts.inbox.book_changed()
            if change.volume_percent is not None:
                self._volume.command_percent = change.volume_percent
                self._playout.set_volume(self._volume_percent())
            self._plan_changed()

    def _listen(self) -> None:
        self._former = self._plan.former(self._now_us())
        self._connection.listen_to(self._plan.commune, self._former)

    def _take_self_test(self, action: SelfTest, now_local_us: int) -> None:
        self._tester.take(action, now_local_us)
        self._alerts.verify_sounds_soon()

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

    def _tell_faults(self, now_us: int) -> None:
        lacking = self._failures.fault(self._plan.for_us(), now_us)
        present = present_faults(self._speaker, self._shelf, lacking, self._amplifier.fault) | self._monitor.faults
        present |= self._alerts.faults(now_us)
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
            refused=self._plan.refused
            + self._asker.refused
            + self._live_input.refused
            + self._commands.refused
            + self._alerts.refused,
        )
        if self._plan.former(self._now_us()) != self._former:
            self._listen()  # the last live broadcast of a former commune is over
