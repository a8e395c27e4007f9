"""The downlink: what receivers are told is sealed, addressed, newer than before, and where they look for it."""

import msgspec
import pytest

from devices.communes import commune
from devices.receivers import change_receiver, receivers
from receiver.store.plan import Plan
from tests.cast import COMMUNE
from tests.devices.conftest import ISSUER, KEY, Site
from wire import topics
from wire.broadcasts import BroadcastClass, Manifest, Targets
from wire.commands import Command, Config, Identify, Reboot
from wire.messages import for_commune
from wire.sealing import PublicKey, Reason, Refused, open_sealed
from wire.time import TimeTell
from wire.topics import Kind

DAY_US = 86_400_000_000


def configured(site: Site, receiver_id: str = "thon-1") -> Config:
    with site.database.session() as session:
        site.downlink.configure(session, site.receiver(session, receiver_id))
    found: Config = site.sent(receiver_id, Kind.CONFIG, Config)[-1]
    return found


def manifest(site: Site, revision: int = 1, **more: object) -> Manifest:
    now_us = site.clock.now_us()
    made = Manifest(
        to=for_commune(COMMUNE),
        revision=revision,
        issued_at_us=now_us,
        expires_at_us=now_us + DAY_US,
        broadcast="b1",
        class_=BroadcastClass.NORMAL,
        targets=Targets(all=True),
        starts_at_us=now_us,
        ends_at_us=now_us + 60_000_000,
        items=[],
    )
    return msgspec.structs.replace(made, **more)


@pytest.fixture
def one(site: Site) -> Site:
    site.enrol("thon-1", zones=["zone-2", "zone-1"])
    return site


def test_a_receiver_is_told_all_that_it_is_set_to(one: Site) -> None:
    with one.database.writing() as session:
        change_receiver(session, "thon-1", name="Thôn 1", volume_percent=70, path_delay_ms=12.5, amplifier_lead_ms=3000)
    config = configured(one)
    assert (config.commune, config.zones, config.name) == (COMMUNE, ["zone-1", "zone-2"], "Thôn 1")
    assert (config.volume_percent, config.path_delay_us, config.amplifier_lead_ms) == (70, 12_500, 3000)
    assert (config.media_bases, config.time_zone, config.heartbeat_s) == (["http://media/"], "Asia/Ho_Chi_Minh", 20)


def test_the_communes_ceiling_holds_over_the_receivers(one: Site) -> None:
    with one.database.writing() as session:
        commune(session, COMMUNE).volume_ceiling_percent = 60
    assert configured(one).volume_ceiling_percent == 60


def test_a_config_is_kept_at_the_broker_and_is_newer_after_a_change(one: Site) -> None:
    first = configured(one)
    with one.database.writing() as session:
        change_receiver(session, "thon-1", volume_percent=10)
    second = configured(one)
    assert second.revision > first.revision
    assert list(one.broker.retained) == [topics.of_receiver("thon-1", Kind.CONFIG)]
    assert first.expires_at_us - first.issued_at_us == 400 * DAY_US


def test_all_are_told_as_each_would_be(one: Site) -> None:
    one.enrol("thon-2")
    with one.database.session() as session:
        one.downlink.configure_all(session, receivers(session))
    for name in ("thon-1", "thon-2"):
        [config] = one.sent(name, Kind.CONFIG, Config)
        assert config == configured(one, name)


def test_what_is_for_one_is_refused_by_another(one: Site) -> None:
    configured(one)
    [payload] = one.broker.retained.values()
    with pytest.raises(Refused) as refused:
        open_sealed(payload, Config, {KEY.kid: PublicKey(KEY.public)}, to="r/thon-2", now_us=None)
    assert refused.value.reason is Reason.NOT_FOR_US


def test_commands_are_sent_once_have_ids_of_their_own_and_hold_two_minutes(one: Site) -> None:
    ids = [one.downlink.send_command("thon-1", action) for action in (Identify(), Reboot())]
    first, second = one.sent("thon-1", Kind.DO, Command)
    assert [first.command, second.command] == ids
    assert ids[0] != ids[1]
    assert second.revision > first.revision, "also within one microsecond"
    assert first.expires_at_us - one.clock.now_us() == 120_000_000
    assert one.broker.retained == {}
    assert [qos for *_, qos, _ in one.broker.log] == [1, 1]


def test_revisions_grow_also_when_the_clock_is_set_back(one: Site) -> None:
    one.downlink.send_command("thon-1", Reboot())
    one.clock.set(one.clock.now().replace(hour=1))
    one.downlink.send_command("thon-1", Reboot())
    first, second = one.sent("thon-1", Kind.DO, Command)
    assert second.revision == first.revision + 1


def test_the_time_is_told_with_the_askers_nonce(one: Site) -> None:
    heard_at_us = one.clock.now_us()
    one.clock.advance(seconds=0.001)
    one.downlink.tell_time("thon-1", "ab" * 8, 5, heard_at_us)
    [tell] = one.sent("thon-1", Kind.TIME_TELL, TimeTell)
    assert (tell.nonce, tell.asked_local_us, tell.told_at_us - tell.heard_at_us) == ("ab" * 8, 5, 1000)
    assert [(qos, retain) for *_, qos, retain in one.broker.log] == [(0, False)]


def test_a_manifest_lies_where_every_receiver_of_the_commune_finds_it(one: Site) -> None:
    assert one.downlink.send_manifest(COMMUNE, manifest(one)).wait(0)
    heard: list[tuple[str, bool]] = []
    one.client("thon-1").subscribe(
        topics.air_of_commune(COMMUNE), lambda topic, payload, retained: heard.append((topic, retained))
    )
    assert heard == [(topics.air(COMMUNE, "b1"), True)]


def test_what_the_broker_did_not_take_is_not_said_done(one: Site) -> None:
    one.broker.fall()
    sent = one.downlink.send_manifest(COMMUNE, manifest(one))
    assert not sent.wait(0)
    assert not one.downlink.connected
    one.broker.come_back()
    assert sent.wait(0)


def test_a_receiver_takes_what_the_downlink_sends_and_forgets_nothing_for_an_empty_message(
    one: Site, tmp_path: object
) -> None:
    """Both ends of the wire: docs/decisions/0002."""
    keys = {kid: PublicKey(bytes.fromhex(raw)) for kid, raw in one.credentials["thon-1"].controller_keys.items()}
    assert keys.keys() == {ISSUER.controller.kid}
    plan = Plan(tmp_path, "thon-1", COMMUNE, keys)  # type: ignore[arg-type]
    configured(one)
    assert plan.take_config(one.broker.retained[topics.of_receiver("thon-1", Kind.CONFIG)], one.clock.now_us())
    topic = topics.air(COMMUNE, "b1")
    for revision, withdrawn in ((1, False), (2, True)):
        one.downlink.send_manifest(COMMUNE, manifest(one, revision, withdrawn=withdrawn))
        assert plan.take_manifest("b1", one.broker.retained[topic], one.clock.now_us())
        assert plan.manifests["b1"].withdrawn is withdrawn
    one.downlink.clear_manifest(COMMUNE, "b1")
    assert topic not in one.broker.retained
    assert not plan.take_manifest("b1", b"", one.clock.now_us())
    assert plan.manifests["b1"].revision == 2
    assert not plan.refused
