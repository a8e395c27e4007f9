"""Replace replaces: the new recording sounds in every programme, planned broadcasts follow, and it can be undone."""

from datetime import date, time, timedelta

import pytest
from sqlmodel import col, select

from broadcast.backup_clip import backup_of, choose_backup
from broadcast.broadcasts import Broadcast, BroadcastState, state
from broadcast.programmes import Item, ItemKind, items_of, used_in
from broadcast.replacing import replace_clip
from people.audit import AuditEntry, Deed
from runtime.clock import ManualClock
from runtime.database import Database
from schedules.recurrence import Repeat, Rule
from schedules.slot_planning import plan
from schedules.timetable import add_schedule
from tests.broadcast.studio import ALL, Studio
from tests.cast import COMMUNE, LAN
from usecases.clips import restore_clip
from usecases.services import Services
from wire.broadcasts import BroadcastClass, ClipItem

AHEAD = timedelta(hours=30)


@pytest.fixture
def studio(clock: ManualClock, database: Database) -> Studio:
    made = Studio(clock, database)
    with database.writing() as session:
        made.add_clip(session, "v2", 40)
        items = [Item(ItemKind.CLIP, "storm"), Item(ItemKind.CLIP, "bulletin"), Item(ItemKind.CLIP, "v2")]
        made.add_programme(session, "Bản tin trưa", items)
        add_schedule(
            session,
            COMMUNE,
            programme_id=made.programme,
            rule=Rule(repeat=Repeat.DAILY, times=[time(5), time(6)], from_day=date(2026, 11, 24)),
            targets=ALL,
            class_=BroadcastClass.NORMAL,
            now=made.now() - timedelta(minutes=1),
        )
    return made


def clips_in(studio: Studio) -> list[list[str]]:
    with studio.database.session() as session:
        return [[i.clip.id for i in items_of(session, number) if i.clip] for number in (studio.programme, 2)]


def still_to_air(studio: Studio) -> list[set[str]]:
    with studio.database.session() as session:
        planned = session.exec(select(Broadcast).where(col(Broadcast.starts_at) > studio.now()))
        return [
            {item.clip for item in b.playlist if isinstance(item, ClipItem)}
            for b in planned
            if state(b, studio.now()) is BroadcastState.PLANNED
        ]


def replace(studio: Studio) -> None:
    with studio.database.writing() as session:
        assert replace_clip(session, "bulletin", "v2", studio.now(), "lan") == 2
    plan(studio.database, studio.now(), AHEAD)


def test_the_new_recording_takes_the_old_ones_place_in_every_programme_and_planned_broadcasts_follow(
    studio: Studio,
) -> None:
    plan(studio.database, studio.now(), AHEAD)
    studio.clock.advance(timedelta(seconds=10))  # the one of 05:00 sounds
    assert still_to_air(studio) == [{"bulletin"}] * 3
    replace(studio)
    assert clips_in(studio) == [["v2"], ["storm", "v2", "v2"]]
    assert still_to_air(studio) == [{"v2"}] * 3
    with studio.database.session() as session:
        assert used_in(session, ["bulletin"]) == {}
        sounding = session.exec(select(Broadcast).where(col(Broadcast.starts_at) <= studio.now())).one()
        assert state(sounding, studio.now()) is BroadcastState.ON_AIR
        assert [item.clip for item in sounding.playlist if isinstance(item, ClipItem)] == ["bulletin"]
        entry = session.exec(select(AuditEntry).where(AuditEntry.action == Deed.CLIP_REPLACED)).one()
        assert (entry.by, entry.detail) == ("lan", "Bulletin → V2 (2)")


def test_restoring_the_old_recording_undoes_it_where_the_new_one_took_its_place(studio: Studio) -> None:
    replace(studio)
    restore_clip(Services(studio.database, studio.clock), LAN, COMMUNE, "bulletin")
    plan(studio.database, studio.now(), AHEAD)
    assert clips_in(studio) == [["bulletin"], ["storm", "bulletin", "v2"]]
    assert set().union(*still_to_air(studio)) == {"bulletin"}


def test_the_backup_recording_is_replaced_too(studio: Studio) -> None:
    with studio.database.writing() as session:
        choose_backup(session, COMMUNE, "bulletin")
    replace(studio)
    with studio.database.session() as session:
        assert backup_of(session, COMMUNE) == "v2"
