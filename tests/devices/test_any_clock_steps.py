"""However the clocks of controller and receivers are set: five minutes after they are right, all is as it should be.

The controller's side is the real plan, transmitter, downlink and tables; the receiver's is its real plan, inbox,
command handler and notion of a jump, put together as `receiver.agent` does.
"""

import tempfile
from datetime import date, datetime, time, timedelta
from pathlib import Path

import hypothesis.strategies as st
from hypothesis import HealthCheck, Phase, settings
from hypothesis.stateful import RuleBasedStateMachine, rule
from sqlmodel import select

from broadcast.broadcasts import Broadcast
from broadcast.config_parts import config_parts
from broadcast.transmitter import Transmitter
from devices.downlink import Downlink
from devices.receivers import (
    Receiver,
    change_receiver,
    exceed_held_config,
    receivers,
    renew_configs,
    renumber_after_restore,
)
from receiver.alerts.alert_book_store import AlertBookStore
from receiver.commands import CommandHandler
from receiver.inbox import MessageInbox
from receiver.link.outbox import Outbox
from receiver.store.plan import Plan
from receiver.store.shelf import Shelf
from receiver.timing.station_time import StationTime
from receiver.timing.time_jumps import TimeJumps
from runtime.clock import ManualClock, to_us
from schedules.recurrence import Repeat, Rule
from schedules.schedules import due, schedules
from schedules.slot_planning import plan
from schedules.timetable import add_schedule
from tests.broadcast.studio import ALL, KEY, Studio
from tests.cast import COMMUNE, MORNING, VIETNAM
from tests.empty_database import empty_database
from wire import topics
from wire.broadcasts import BroadcastClass
from wire.commands import SetVolume
from wire.sealing import PublicKey, SealingKey
from wire.topics import Kind

AHEAD = timedelta(hours=48)
NAME = "loa-1"
TICK_S = 20
STEPS = st.sampled_from(
    [timedelta(minutes=m) for m in (-90, -2, 2, 40)]
    + [timedelta(hours=h) for h in (-7, 7, 30)]
    + [timedelta(days=d) for d in (-2500, -40, -3, 3, 5, 40, 400, 3000)]
)


class Horn:
    """One receiver. off_us: how far its controller time is wrong."""

    def __init__(self, studio: Studio, folder: Path) -> None:
        self.studio, self.folder = studio, folder
        self.offset_us = studio.clock.now_us() - studio.clock.monotonic_us()
        self.volume = 0
        studio.broker.client(NAME, trusted=True).subscribe(
            "#", lambda topic, payload, _retained: self.hear(topic, payload)
        )
        self.restart()

    def restart(self) -> None:
        self.start()
        self.read_retained_again()

    def start(self) -> None:
        keys = {KEY.kid: PublicKey(KEY.public)}
        self.plan = Plan(self.folder / "plan", NAME, COMMUNE, keys)
        outbox = Outbox(self.folder / "outbox", SealingKey(bytes(32)))
        self.commands = CommandHandler(NAME, keys, outbox, self.folder)
        books = AlertBookStore(self.folder / "book.jws", COMMUNE, keys, Shelf(self.folder / "shelf"))
        self.inbox = MessageInbox(self.plan, self.commands, StationTime(), books)
        self.jumps = TimeJumps()

    @property
    def now_us(self) -> int:
        return self.studio.clock.monotonic_us() + self.offset_us

    def hear(self, topic: str, payload: bytes) -> None:
        parsed = topics.parse(topic)
        if (
            parsed is not None
            and parsed.kind in (Kind.CONFIG, Kind.AIR, Kind.DO)
            and parsed.receiver in ("", None, NAME)
        ):
            self.inbox.put(parsed.kind, parsed, payload)

    def read_retained_again(self) -> None:
        for topic, payload in list(self.studio.broker.retained.items()):
            self.hear(topic, payload)

    def step(self) -> None:
        for change in self.inbox.changes(lambda: self.now_us):
            if change.volume_percent is not None:
                self.volume = change.volume_percent
        local_us = self.studio.clock.monotonic_us()
        if self.jumps.step(self.now_us, local_us):
            self.read_retained_again()
            self.inbox.judge_again()
        if self.jumps.long_steady(local_us):
            self.plan.drop_expired(self.now_us)

    def ask_time(self) -> None:
        self.offset_us = self.studio.clock.now_us() - self.studio.clock.monotonic_us()


class Clocks(RuleBasedStateMachine):
    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.clock = ManualClock(MORNING)
        self.began_us = self.clock.monotonic_us()
        self.database = empty_database(Path(self.folder.name) / "test.db")
        self.studio = Studio(self.clock, self.database)
        with self.database.writing() as session:
            rule = Rule(repeat=Repeat.DAILY, times=[time(5, 30), time(17, 0)], from_day=date(2026, 11, 20))
            add_schedule(
                session,
                COMMUNE,
                programme_id=self.studio.programme,
                rule=rule,
                targets=ALL,
                class_=BroadcastClass.NORMAL,
                now=self.clock.now(),
            )
        self.horn = Horn(self.studio, Path(self.folder.name))
        self.restart_controller()
        self.tick()

    def teardown(self) -> None:
        try:
            self.set_right()
            for _ in range(300 // TICK_S):
                self.clock.advance(seconds=TICK_S)
                self.tick()
            self.check()
        finally:
            self.database.close()
            self.folder.cleanup()

    @rule(by=STEPS)
    def set_controller(self, by: timedelta) -> None:
        """As if a person had confirmed it: the time follows, and whoever has to is told at once."""
        at = self.true_time() + by
        if abs((at - self.true_time()).days) < 3200:
            self.clock.set(at)
            self.horn_keeps_its_time()
            self.wake()

    @rule()
    def set_right(self) -> None:
        self.clock.set(self.true_time())
        self.wake()

    @rule(by=STEPS)
    def set_receiver(self, by: timedelta) -> None:
        self.horn.offset_us += by // timedelta(microseconds=1)
        self.horn.step()

    @rule(minutes=st.sampled_from([1, 5, 30]))
    def run(self, minutes: int) -> None:
        for _ in range(minutes * 60 // TICK_S // 3):
            self.clock.advance(seconds=TICK_S * 3)
            self.tick()

    @rule()
    def restart_receiver(self) -> None:
        self.horn.restart()

    @rule()
    def restart_controller(self) -> None:
        """With a counter that begins again, as after a restored backup."""
        studio = self.studio
        studio.downlink = Downlink(
            studio.broker, KEY, self.clock, media_base="http://media/", config_parts=config_parts
        )
        studio.transmitter = Transmitter(self.database, studio.downlink, self.clock)
        self.configure()

    @rule()
    def restore_backup(self) -> None:
        with self.database.writing() as session:
            session.get_one(Receiver, NAME).config_revision = 1
            session.flush()
            renumber_after_restore(session)
        self.restart_controller()

    @rule(percent=st.integers(1, 100))
    def set_volume(self, percent: int) -> None:
        with self.database.writing() as session:
            change_receiver(session, NAME, volume_percent=percent)
        self.configure()

    @rule()
    def command(self) -> None:
        self.studio.downlink.send_command(NAME, SetVolume(volume_percent=7))

    def true_time(self) -> datetime:
        return MORNING + timedelta(microseconds=self.clock.monotonic_us() - self.began_us)

    def horn_keeps_its_time(self) -> None:
        """Its offset is to the monotonic clock, so it does not change with the controller's."""
        self.horn.step()

    def wake(self) -> None:
        """What `Controller._clock_stepped` has done."""
        plan(self.database, self.clock.now(), AHEAD)
        self.studio.transmitter.announce_due()
        self.configure()

    def configure(self) -> None:
        with self.database.writing() as session:
            renew_configs(session, self.clock.now())
        with self.database.session() as session:
            self.studio.downlink.configure_all(session, receivers(session))

    def tick(self) -> None:
        """What the alarms and the receiver's own loop do within some seconds; at the end it asks for the time."""
        plan(self.database, self.clock.now(), AHEAD)
        self.studio.transmitter.announce_due()
        self.studio.transmitter.clear_old()
        self.horn.step()
        self.heartbeat()
        self.horn.ask_time()
        self.horn.step()
        self.horn.step()

    def heartbeat(self) -> None:
        """What `Uplink` makes of one."""
        self.studio.downlink.held_revision(NAME, self.horn.commands.revision)
        held = self.horn.plan.config.revision if self.horn.plan.config else 0
        with self.database.writing() as session:
            row = exceed_held_config(session, NAME, held)
        if row is not None:
            self.configure()

    def check(self) -> None:
        now = self.clock.now()
        with self.database.session() as session:
            [schedule] = schedules(session, COMMUNE)
            wanted = set(due(schedule, VIETNAM, now, now + AHEAD - timedelta(minutes=1)))  # type: ignore[arg-type]
            rows = list(session.exec(select(Broadcast)))
            percent = session.get_one(Receiver, NAME).volume_percent
        planned = [b for b in rows if b.starts_at in wanted and b.withdrawn_at is None and not b.missed]
        assert {b.starts_at for b in planned} == wanted
        assert len(planned) == len(wanted), "once each"
        held = {m.starts_at_us: m for m in self.horn.plan.for_us() if not m.withdrawn}
        retained = {topic.rpartition("/")[2] for topic in self.studio.broker.retained}
        for broadcast in planned:
            assert broadcast.id in retained, "announced"
            assert held[to_us(broadcast.starts_at)].broadcast == broadcast.id, "held"
        assert self.horn.plan.config is not None
        assert self.horn.plan.config.volume_percent == percent
        self.horn.volume = 0
        self.studio.downlink.send_command(NAME, SetVolume(volume_percent=33))
        self.horn.step()
        assert self.horn.volume == 33, "a command is heard"


Clocks.TestCase.settings = settings(
    max_examples=10,
    stateful_step_count=8,
    deadline=None,
    phases=(Phase.explicit, Phase.reuse, Phase.generate),
    suppress_health_check=[HealthCheck.too_slow],
)
test_after_any_steps_of_the_clocks_the_plan_is_held_and_every_setting_taken = Clocks.TestCase
