"""An emergency on a full disk: written at the second press, announced, and what was played is recorded."""

from pathlib import Path

from broadcast.broadcasts import Broadcast
from broadcast.play_reports import heard_counts, take_report
from broadcast.programmes import Item, ItemKind, add_programme
from runtime.clock import ManualClock, to_us
from runtime.disk_reserve import DiskReserve
from tests.broadcast.studio import add_clip
from tests.cast import COMMUNE
from tests.empty_database import empty_database
from tests.runtime.test_disk_reserve import fill, small_disk
from tests.web.office import Office
from wire import topics
from wire.messages import CONTROLLER
from wire.reports import Outcome, PlayReport

__all__ = ["small_disk"]


def played(put: Broadcast, receiver_id: str, now_us: int) -> PlayReport:
    return PlayReport(
        to=CONTROLLER,
        revision=now_us,
        issued_at_us=now_us,
        expires_at_us=now_us + 1,
        report=f"{receiver_id}-1",
        receiver=receiver_id,
        broadcast=put.id,
        manifest_revision=1,
        outcome=Outcome.PLAYED,
        first_frame_at_us=to_us(put.starts_at),
        last_frame_at_us=to_us(put.ends_at),
        frames_played=480_000,
        frames_due=480_000,
    )


def test_an_emergency_on_a_full_disk_is_announced_and_recorded(
    small_disk: Path,
    clock: ManualClock,
    tmp_path: Path,
) -> None:
    database = empty_database(small_disk / "loa.db")
    office = Office(database, clock, tmp_path)
    office.add_receivers(2)
    with database.writing() as session:
        add_clip(session, "vo-de", 10, now=clock.now())
        programme = add_programme(session, COMMUNE, "Vỡ đê", [Item(ItemKind.CLIP, "vo-de")], now=clock.now()).number
    database.reserve = DiskReserve(small_disk, bytes_=3 << 20, room_bytes=1)
    assert database.reserve.keep()
    fill(small_disk)
    emergency = {"class": "emergency", "programme": programme, "targets": {"all": True}}
    headers = {"X-Form-Token": office.form_token}
    refused = office.browser.post("/api/v1/broadcasts", json=emergency, headers=headers)
    assert (refused.status_code, "làm lại ngay việc này" in refused.text) == (422, True), refused.text
    accepted = office.browser.post("/api/v1/broadcasts", json=emergency, headers=headers)
    assert accepted.status_code == 201
    put_id = accepted.json()["broadcast"]
    assert office.deps.transmitter.announce_due() == 1
    sent = [topic for topic, payload, _, retained in office.broker.log if retained and payload]
    assert topics.air(COMMUNE, put_id) in sent
    with database.session() as session:
        put = session.get_one(Broadcast, put_id)
    for receiver_id in ("loa-0", "loa-1"):
        with database.writing() as session:
            take_report(session, receiver_id, played(put, receiver_id, clock.now_us()))
    with database.session() as session:
        assert heard_counts(session, [put])[put.id].heard == 2
    database.close()
