"""Broadcasts under way when their receivers go over: announced where they are, cleared where they were."""

from datetime import timedelta

from broadcast.manifests import MANIFEST_HOLDS
from broadcast.stopping import stop
from devices.receivers import receivers
from mergers.mergers import Merger
from tests.mergers.county import CHINH, HIEN, TRUNG, County
from wire import topics


def retained(county: County, commune_id: str) -> list[str]:
    """The broadcasts whose manifests are kept at the broker for a commune."""
    prefix = topics.air(commune_id, "")
    kept = county.broker.retained.items()
    return sorted(topic.removeprefix(prefix) for topic, payload in kept if topic.startswith(prefix) and payload)


def test_what_is_on_air_is_told_under_both_addresses_and_so_is_its_stop(county: County) -> None:
    running = county.put_on_air(CHINH)
    county.announce()
    county.clock.advance(seconds=20)
    county.merge()
    county.announce()
    assert retained(county, TRUNG) == retained(county, CHINH) == [running.id]
    sent = len(county.broker.log)
    with county.database.writing() as session:
        stop(session, running.id, county.clock.now(), by="lan")
    county.announce()
    assert sorted(topic for topic, *_ in county.broker.log[sent:]) == [
        topics.air(c, running.id) for c in (CHINH, TRUNG)
    ]


def test_a_day_after_the_end_it_is_cleared_under_every_address(county: County) -> None:
    county.plan_ahead()
    county.announce()
    running = county.put_on_air(HIEN)
    county.announce()
    county.clock.advance(seconds=20)
    county.merge()
    county.announce()
    assert retained(county, TRUNG)
    county.clock.set(max(b.ends_at for b in county.broadcasts()) + MANIFEST_HOLDS + timedelta(seconds=1))
    while county.transmitter.clear_old():
        continue
    assert [retained(county, c) for c in (TRUNG, CHINH, HIEN)] == [[], [], []]
    assert running.id not in county.broker.retained


def test_merged_and_undone_and_merged_again_each_airing_is_there_once(county: County) -> None:
    county.plan_ahead()
    county.announce()
    planned = [b.id for b in county.broadcasts()]
    for number in (1, 2, 3):
        county.clock.advance(seconds=1)
        county.merge()
        county.announce()
        county.clock.advance(seconds=1)
        county.undo(number)
        county.announce()
    assert [b.id for b in county.broadcasts()] == planned
    assert {b.commune_id for b in county.broadcasts()} == {CHINH, HIEN}
    assert all(b.announced_revision == b.revision for b in county.broadcasts())


def test_told_is_written_down_when_the_broker_has_all_and_not_before(county: County) -> None:
    county.merge()
    with county.database.session() as session:
        assert county.downlink.configure_all(session, receivers(session)) == [], "nobody is told past the handover"
    county.broker.up = False
    county.handover.step()
    with county.database.session() as session:
        assert session.get_one(Merger, 1).told_at is None
    county.broker.up = True
    county.handover.step()
    with county.database.session() as session:
        assert session.get_one(Merger, 1).told_at is not None
    assert len([topic for topic, *_ in county.broker.log if topic.endswith("/config")]) == 4
