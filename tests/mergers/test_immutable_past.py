"""The past does not change: who was meant, where, and what is reported of it stay as they were at the start."""

from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlmodel import Session, select

from broadcast.audiences import Audiences
from broadcast.broadcasts import Broadcast
from broadcast.monthly_report import monthly_report
from broadcast.play_log import LogFilter, aired_for, fields_in, fields_of, play_log
from broadcast.play_proof import proof_summaries
from broadcast.play_reports import heard_counts, receiver_outcomes, take_report
from devices.communes import commune
from devices.enrolment import Issuer
from devices.receivers import receiver
from devices.zones import zones
from mergers.plans import Split
from runtime.clock import ManualClock, to_us
from runtime.database import Database
from runtime.refusal import Refusal
from schedules.explanations import explain
from schedules.freezing import freeze_in
from schedules.slots import Slot
from tests.broadcast.test_play_proof import DREW_NOTHING
from tests.cast import LAN, MORNING
from tests.empty_database import empty_database
from tests.mergers.county import CHINH, HIEN, County
from usecases.clips import change_clip
from usecases.programmes import rename_programme
from usecases.receivers import ReceiverSettings, add_receiver, change_receiver, retire_receiver
from usecases.services import Services
from usecases.zones import add_zone
from web.language import translators
from web.on_air_view import where_words
from wire.broadcasts import Targets
from wire.messages import CONTROLLER
from wire.reports import Outcome, PlayReport
from wire.sealing import PublicKey

ISSUER = Issuer(broker_url="mqtt://b:1883", controller=PublicKey(bytes(32)))
T = translators()["en"]
BEFORE = datetime(2026, 10, 12, 5, 0, tzinfo=MORNING.tzinfo)
AT = f"{CHINH}-loa-1", f"{CHINH}-loa-2", f"{HIEN}-loa-1", f"{HIEN}-loa-2"


def said(b: Broadcast, receiver_id: str, outcome: Outcome = Outcome.PLAYED, **more: Any) -> PlayReport:
    return PlayReport(
        to=CONTROLLER,
        revision=1,
        issued_at_us=1,
        expires_at_us=2,
        report=f"{b.id}-{receiver_id}",
        receiver=receiver_id,
        broadcast=b.id,
        manifest_revision=1,
        outcome=outcome,
        first_frame_at_us=to_us(b.starts_at),
        last_frame_at_us=to_us(b.ends_at),
        frames_played=480_000,
        frames_due=960_000,
        **more,
    )


class Past:
    """A day in October in two communes: broadcasts for all, a zone and one receiver, and an instant without one."""

    def __init__(self, county: County) -> None:
        self.county = county
        self.services = Services(county.database, county.clock)
        self.count = 0
        with county.database.writing() as session:
            session.add(
                Slot(
                    schedule_id=county.schedules[CHINH],
                    due_at=BEFORE + timedelta(minutes=10),
                    schedule_revision=1,
                    claimed_at=BEFORE,
                    outcome="refused",
                    cause="allowed_hours",
                )
            )
        whole = [county.put_on_air(commune_id) for commune_id in (CHINH, HIEN)]
        zone = county.put_on_air(CHINH, Targets(zones=[f"{CHINH}-thon-1"]))
        one = county.put_on_air(HIEN, Targets(receivers=[f"{HIEN}-loa-2"]))
        self.broadcasts = [*whole, zone, one]
        county.clock.set(BEFORE + timedelta(minutes=15))
        with county.database.writing() as session:
            take_report(session, AT[0], said(whole[0], AT[0]))
            take_report(session, AT[1], said(whole[0], AT[1], Outcome.PARTLY, cause="joined_late"))
            take_report(session, AT[2], said(whole[1], AT[2], electrical=DREW_NOTHING))

    def answers(self) -> dict[str, Any]:
        """All that is told of the past."""
        now, found = self.county.clock.now(), dict[str, Any]()
        with self.county.database.session() as session:
            for commune_id in (CHINH, HIEN):
                found[f"report {commune_id}"] = self.report(session, commune_id)
                for place in (*(f"{commune_id}-thon-{n}" for n in (1, 2)), f"{commune_id}-loa-2"):
                    log = play_log(session, commune_id, now, LogFilter(place=place, until=BEFORE + timedelta(days=1)))
                    found[f"log {place}"] = [b.id for b in log]
            for made in self.broadcasts:
                b = session.get_one(Broadcast, made.id)
                audience = Audiences(session).of(b)
                found[b.id] = (
                    heard_counts(session, [b])[b.id],
                    sorted(
                        (o.receiver.id, o.receiver.name, o.outcome, o.cause) for o in receiver_outcomes(session, b, now)
                    ),
                    where_words(b, audience, T),
                    audience,
                    proof_summaries(session, [b])[b.id],
                    fields_in(b, fields_of(session, [b])),
                    aired_for(b, now),
                    b.playlist,
                )
            for receiver_id in AT:
                why = explain(session, receiver(session, receiver_id), BEFORE, now)
                found[f"why {receiver_id}"] = (
                    [(o.broadcast.id, o.verdict, o.cause, [p.by.id for p in o.preemptions]) for o in why.outcomes],
                    [(n.title, n.due_at, n.cause) for n in why.not_planned],
                    [b.id for b in why.not_targeted],
                )
        return found

    def report(self, session: Session, commune_id: str) -> tuple[Any, ...]:
        r = monthly_report(session, commune(session, commune_id), date(2026, 10, 1), datetime(2026, 12, 9, tzinfo=UTC))
        unheard = sorted((line.broadcast.id, line.heard, sorted(line.causes.items())) for line in r.not_fully_heard)
        return (
            (r.broadcasts, r.minutes, r.minutes_by_field, r.heard, r.meant, r.played_share, r.withdrawn),
            r.by_zone,
            unheard,
            [(a.receiver.id, a.receiver.name, a.share) for a in r.availability],
        )

    def commune_of(self, receiver_id: str) -> str:
        with self.county.database.session() as session:
            return receiver(session, receiver_id).commune_id

    def add(self) -> None:
        self.count += 1
        commune_id = self.commune_of(AT[0])
        with self.county.database.session() as session:
            zone_ids = [z.id for z in zones(session, commune_id)]
            station_id = receiver(session, AT[0]).station_id
        new = f"new-{self.count}"
        add_receiver(
            self.services, LAN, ISSUER, commune_id, receiver_id=new, name="A", station=station_id, zones=zone_ids
        )

    def retire(self, k: int) -> None:
        retire_receiver(self.services, LAN, self.commune_of(AT[k]), AT[k])

    def change(self, k: int, **values: Any) -> None:
        change_receiver(self.services, LAN, self.commune_of(AT[k]), AT[k], ReceiverSettings(**values), None)

    def new_zone(self, k: int) -> None:
        self.count += 1
        commune_id, zone_id = self.commune_of(AT[k]), f"zone-{self.count}"
        add_zone(self.services, LAN, commune_id, zone_id, "Thôn mới")
        self.change(k, zones=[zone_id])

    def other_titles(self) -> None:
        rename_programme(self.services, LAN, CHINH, self.county.programmes[CHINH], "Tên khác")
        change_clip(self.services, LAN, CHINH, f"{CHINH}-news", title="Khác", language="vi", field=4)

    def undo(self) -> None:
        self.county.undo()

    def split(self) -> None:
        zone = f"{CHINH}-thon-1"
        self.county.merge(Split(source=CHINH, into="moi", name="Xã Mới", zones=(zone,)))


CHANGES: dict[str, Callable[[Past], None]] = {
    "add a receiver": Past.add,
    "retire a receiver": lambda past: past.retire(0),
    "retire the addressed one": lambda past: past.retire(3),
    "rename a receiver": lambda past: past.change(1, name="Tên khác"),
    "rename the addressed one": lambda past: past.change(3, name="Tên khác"),
    "take a receiver out of its zone": lambda past: past.change(0, zones=[]),
    "put a receiver into a new zone": lambda past: past.new_zone(1),
    "rename programme and clip": Past.other_titles,
    "merge": lambda past: past.county.merge() and None,
    "undo": Past.undo,
    "split": Past.split,
}


def make(clock: ManualClock, database: Database) -> Past:
    clock.set(BEFORE)
    return Past(County(clock, database))


@pytest.mark.parametrize("change", [name for name in CHANGES if name != "undo"])
def test_a_change_of_receivers_zones_or_communes_changes_no_past_row(
    change: str, clock: ManualClock, database: Database
) -> None:
    past = make(clock, database)
    clock.set(datetime(2026, 11, 20, tzinfo=UTC))
    before = past.answers()
    CHANGES[change](past)
    assert past.answers() == before


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck))
@given(changes=st.lists(st.sampled_from(sorted(CHANGES)), min_size=2, max_size=7), frozen_by_the_alarm=st.booleans())
def test_no_sequence_of_changes_changes_any_answer_about_the_past(
    changes: list[str], *, frozen_by_the_alarm: bool
) -> None:
    with TemporaryDirectory() as folder:
        database = empty_database(Path(folder) / "loa.db")
        clock = ManualClock(BEFORE)
        past = Past(County(clock, database))
        clock.set(datetime(2026, 11, 20, tzinfo=UTC))
        if frozen_by_the_alarm:
            freeze_in(database, clock.now())
        before = past.answers()
        for change in changes:
            clock.advance(timedelta(hours=1))
            try:
                CHANGES[change](past)
            except Refusal:  # retired already, nothing to undo, merged already
                continue
            assert past.answers() == before, change
        database.close()


def test_three_of_three_stays_three_of_three(clock: ManualClock, database: Database) -> None:
    past = make(clock, database)
    past.add()
    b = past.county.put_on_air(CHINH)
    clock.set(b.ends_at + timedelta(minutes=2))
    with database.writing() as session:
        for receiver_id in (AT[0], AT[1], "new-1"):
            take_report(session, receiver_id, said(b, receiver_id))
    past.add()
    past.add()
    past.retire(1)
    with database.session() as session:
        counted = heard_counts(session, [session.get_one(Broadcast, b.id)])[b.id]
    assert (counted.heard, counted.meant) == (3, 3)
    clock.advance(timedelta(seconds=1))
    later = past.county.put_on_air(CHINH)
    with database.session() as session:
        assert heard_counts(session, [later])[later.id].meant == 4


def test_what_was_frozen_by_a_clock_that_ran_ahead_is_released(clock: ManualClock, database: Database) -> None:
    past = make(clock, database)
    later = past.county.put_on_air(CHINH)
    freeze_in(database, later.starts_at + timedelta(days=1))
    freeze_in(database, clock.now())  # set back: it starts only now
    past.add()
    with database.session() as session:
        assert len(Audiences(session)(session.get_one(Broadcast, later.id))) == 3


def test_nothing_to_freeze_writes_nothing(clock: ManualClock, database: Database) -> None:
    make(clock, database)
    freeze_in(database, clock.now())
    with database.session() as session:
        before = [(b.id, b.audience_id) for b in session.exec(select(Broadcast))]
        assert all(audience_id for _, audience_id in before)
    freeze_in(database, clock.now())
    with database.session() as session:
        assert [(b.id, b.audience_id) for b in session.exec(select(Broadcast))] == before
