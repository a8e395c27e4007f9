"""Two communes become one: nothing is lost, nothing is in two places, and what was decided holds."""

from sqlmodel import select

from broadcast.backup_clip import BackupClip
from broadcast.clips import Clip
from broadcast.programmes import Programme, ProgrammeItem
from devices.communes import Commune
from devices.noise_rules import NoiseRules
from devices.receivers import Receiver
from devices.stations import Station
from devices.zones import Zone, ZoneMember
from mergers.plans import What
from people.operators import OperatorCommune
from schedules.timetable import Schedule
from tests.mergers.county import BOTH, CHINH, HIEN, TRUNG, County, picture

EVERYTHING = (
    Commune, Station, Receiver, Zone, ZoneMember, Clip, Programme, ProgrammeItem, Schedule, NoiseRules, BackupClip,
    OperatorCommune,
)  # fmt: skip


def test_rehearsal_shows_both_and_changes_nothing(county: County) -> None:
    before = picture(county.database, EVERYTHING)
    seen = county.rehearse()
    assert picture(county.database, EVERYTHING) == before
    assert {c: n.receivers for c, n in seen.before.items()} == {CHINH: 2, HIEN: 2}
    assert seen.after[TRUNG].receivers == 4
    assert seen.after[TRUNG].schedules == 2
    assert [line.after for line in seen.of(What.RECEIVER)] == [(TRUNG,)] * 4
    assert {q.about.value for q in seen.questions} == {"zones", "schedules", "chimes"}


def test_merged_and_undone_all_is_as_it_was(county: County) -> None:
    county.plan_ahead()
    before, planned = picture(county.database, EVERYTHING), county.broadcasts()
    county.merge()
    county.undo()
    assert picture(county.database, EVERYTHING) == before
    after = county.broadcasts()
    assert [(b.id, b.commune_id, b.targets, b.items) for b in after] == [
        (b.id, b.commune_id, b.targets, b.items) for b in planned
    ]


def test_merged_everything_is_in_the_new_commune_once(county: County) -> None:
    county.plan_ahead()
    planned = county.broadcasts()
    county.merge(BOTH)
    with county.database.session() as session:
        for kind in (Station, Receiver, Clip, Programme, Schedule):
            assert {row.commune_id for row in session.exec(select(kind))} == {TRUNG}
    after = county.broadcasts()
    assert [b.id for b in after] == [b.id for b in planned]
    assert {b.commune_id for b in after} == {TRUNG}
    county.plan_ahead()
    assert [b.id for b in county.broadcasts()] == [b.id for b in planned], "nothing is planned anew"
