"""Worker of one commune's link: sends heartbeats, polls for messages, sends the outbox, in this order.

`step` does what is due and returns when it is due again. While the province is unavailable it does nothing until the
back-off has passed, also when it is woken.
"""

import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any

import msgspec

from devices.presence import PresenceWatch
from province import outbox, reports_up, schedules_up
from province.connection import MessageRejected, ProvinceConnection, ProvinceUnavailable
from province.links import ProvinceLink, hold, let_go, note_connected, note_unavailable
from province.outbox import OutboxMessage
from province.profile import Profile
from runtime.clock import Clock
from runtime.database import Database
from runtime.refusal import Refusal
from transport.worker import BackOff, Worker

log = logging.getLogger(__name__)

#: After failed exchanges. Random, so that the communes of a province do not all connect at the moment it is back.
BACK_OFF = BackOff(2.0, 300.0, jitter=True)
#: How long messages are sent before heartbeats and polling are due again.
SEND_FOR_S = 1.0
#: How often the timetable is compared with what was reported, and the outbox is read.
LOOK_EVERY_S = 2.0
HOLD_EVERY_S = 5.0
_READ_AT_ONCE = 500


def _left_s(done_at: datetime | None, every_s: float, now: datetime) -> float:
    """Until it is due again; 0 and less for now. A clock that was set back makes nothing wait for it to catch up."""
    if done_at is None or now < done_at:
        return 0.0
    return every_s - (now - done_at).total_seconds()


@dataclass
class LinkProgress:
    """State between steps; all of it can be lost."""

    failures: int = 0
    not_before: datetime | None = None
    heartbeat_at: datetime | None = None
    poll_at: datetime | None = None
    held_at: datetime | None = None
    looked_at: datetime | None = None
    connected: bool = False
    unsettled: list[int] = field(default_factory=list)


class LinkWorker:
    """Works one link. `step` in one thread; `wake` and `close` from any."""

    def __init__(
        self,
        link: ProvinceLink,
        profile: Profile,
        connection: ProvinceConnection,
        database: Database,
        clock: Clock,
        presence: PresenceWatch,
        take: Callable[[str, Any], None],
        me: str,
        formers: Sequence[str] = (),
        is_ending: bool = False,
    ) -> None:
        """take: what to do with (commune, one raw message that waited for us). me: this controller, for the hold.

        formers: communes whose letters it sends as well. is_ending: it sends what is left, and no more.
        """
        self.link = link
        self._profile = profile
        self._connection = connection
        self._database = database
        self._clock = clock
        self._presence = presence
        self._take = take
        self._me = me
        self._speaks_for = [link.commune_id, *formers]
        self.is_ending = is_ending
        self._now = LinkProgress()
        self._worker = Worker(self.step, f"province-{link.commune_id}", back_off=BACK_OFF)

    def start(self) -> None:
        self._worker.start()

    def wake(self) -> None:
        """Take the next step at once."""
        self._worker.wake()

    def close(self) -> None:
        """Stop; a message under way is marked, or sent again with its key."""
        self._worker.close(self._profile.timeout_s + 5)
        self._connection.close()
        with self._database.writing() as session:
            let_go(session, self.link.commune_id, self._me)

    def step(self) -> float:
        """Do what is due. Returns the seconds until the next step."""
        now, state = self._clock.now(), self._now
        if not self._acquire(now):
            return LOOK_EVERY_S
        if _left_s(state.looked_at, LOOK_EVERY_S, now) <= 0:
            state.looked_at = now
            self._report_schedules(now)
        if state.not_before is not None and now < state.not_before:
            return min(LOOK_EVERY_S, (state.not_before - now).total_seconds())
        try:
            more = self._exchange(now)
        except ProvinceUnavailable as away:
            self._settle_sent()
            state.failures += 1
            wait_s = max(away.retry_after_s, BACK_OFF.wait_s(state.failures))
            state.not_before, state.connected = now + timedelta(seconds=wait_s), False
            with self._database.writing() as session:
                note_unavailable(session, self.link.commune_id, away, self._clock.now())
            return min(LOOK_EVERY_S, wait_s)
        return 0.0 if more else self._next_in_s(self._clock.now())

    def _next_in_s(self, now: datetime) -> float:
        """Seconds until a heartbeat, a poll or the next look is due; periods are not rounded up to LOOK_EVERY_S."""
        state, speaks = self._now, self._profile
        due = [(state.heartbeat_at, speaks.heartbeat_s), (state.poll_at, speaks.poll_s)]
        return min([LOOK_EVERY_S, *(max(0.0, _left_s(at, every_s, now)) for at, every_s in due if at is not None)])

    def _exchange(self, now: datetime) -> bool:
        """All three in order. Returns whether messages are left. Raises ProvinceUnavailable."""
        if self.is_ending:
            return self._send_messages()
        state, paths = self._now, self._profile.paths
        if paths.heartbeat and _left_s(state.heartbeat_at, self._profile.heartbeat_s, now) <= 0:
            self._send_heartbeats(now)
        polls = self._profile.down in ("poll", "both") and paths.waiting
        if polls and _left_s(state.poll_at, self._profile.poll_s, now) <= 0:
            state.poll_at = now
            for raw in self._connection.waiting():
                self._take(self.link.commune_id, raw)
            self._connected()
        return self._send_messages()

    def _send_heartbeats(self, now: datetime) -> None:
        """Not kept for later: only the latest state counts. A rejected heartbeat is logged."""
        with self._database.session() as session:
            beats = reports_up.heartbeats(session, self.link, self._presence.snapshot(now))
        for beat in beats:
            try:
                self._connection.send(self._profile.paths.heartbeat, msgspec.to_builtins(beat))
            except MessageRejected as turned:
                log.warning("province rejected the heartbeat of %s: %s", beat.CumLoaID, turned)
            self._connected()
        self._now.heartbeat_at = now

    # -- outbox

    def _send_messages(self) -> bool:
        until_us = self._clock.monotonic_us() + round(SEND_FOR_S * 1e6)
        with self._database.session() as session:
            waiting = outbox.waiting(session, self._speaks_for, _READ_AT_ONCE)
        at = 0
        while at < len(waiting) and not self._worker.stopping.is_set():
            group = self._next_batch(waiting[at:])
            self._send_group(group)
            at += len(group)
            if self._clock.monotonic_us() >= until_us:
                break
        self._settle_sent()
        return at < len(waiting) or len(waiting) == _READ_AT_ONCE

    def _next_batch(self, waiting: Sequence[OutboxMessage]) -> Sequence[OutboxMessage]:
        """The next ones that go in one message."""
        most = self._profile.batch if waiting[0].kind == outbox.PLAY_LOG else 1
        alike = 1
        while alike < min(most, len(waiting)) and waiting[alike].kind == outbox.PLAY_LOG:
            alike += 1
        return waiting[:alike]

    def _send_group(self, group: Sequence[OutboxMessage]) -> None:
        path = self._path_of(group[0].kind)
        if not path:  # this province does not want such
            self._settle([message.number for message in group], outbox.DROPPED, "")
            return
        try:
            if group[0].kind != outbox.PLAY_LOG or self._profile.batch == 1:
                self._connection.send(path, msgspec.json.decode(group[0].body), group[0].key)
            else:
                self._connection.send(
                    path, {self._profile.batch_field: [self._batch_entry(message) for message in group]}
                )
        except MessageRejected as turned:
            if len(group) > 1:  # one of them was rejected: send each alone to find it
                for message in group:
                    self._send_group([message])
                return
            log.warning("province rejected message %s: %s", group[0].key, turned)
            self._settle([group[0].number], outbox.REFUSED, str(turned))
        except ProvinceUnavailable:
            with self._database.writing() as session:
                outbox.note_failure(session, group[0].number)
            raise
        else:
            self._now.unsettled += [message.number for message in group]
            if not self._profile.dedupes:
                self._settle_sent()
        self._connected()

    def _batch_entry(self, message: OutboxMessage) -> dict[str, Any]:
        entry: dict[str, Any] = msgspec.json.decode(message.body)
        return {**entry, "MaGoiTin": message.key} if self._profile.message_ids else entry

    def _path_of(self, kind: str) -> str:
        paths = self._profile.paths
        return {
            outbox.PLAY_LOG: paths.play_log,
            outbox.SCHEDULE_CREATED: paths.schedule_created,
            outbox.SCHEDULE_CANCELLED: paths.schedule_cancelled,
            outbox.ANSWER: paths.answer,
        }[kind]

    def _settle_sent(self) -> None:
        """Mark what was delivered. After a crash before this, it is sent again with the same keys."""
        if self._now.unsettled:
            self._settle(self._now.unsettled, outbox.SENT, "")
            self._now.unsettled = []

    def _settle(self, numbers: Sequence[int], outcome: str, why: str) -> None:
        with self._database.writing() as session:
            outbox.settle(session, numbers, outcome, self._clock.now(), why)

    # -- the state of the link

    def _connected(self) -> None:
        state = self._now
        if not state.connected:
            state.connected, state.failures, state.not_before = True, 0, None
            with self._database.writing() as session:
                note_connected(session, self.link.commune_id, self._clock.now())

    def _acquire(self, now: datetime) -> bool:
        state = self._now
        if _left_s(state.held_at, HOLD_EVERY_S, now) <= 0:
            with self._database.writing() as session:
                held = hold(session, self.link.commune_id, self._me, now)
            state.held_at = now if held else None
        return state.held_at is not None

    def _report_schedules(self, now: datetime) -> None:
        if not self._profile.paths.schedule_created:
            return
        try:
            with self._database.session() as session:
                wanted = schedules_up.has_unreported_changes(session, self.link, now)
            if wanted:
                with self._database.writing() as session:
                    schedules_up.tell(session, self.link, now)
        except Refusal as refusal:
            log.warning("province link %s: schedules not reported: %s", self.link.commune_id, refusal)
