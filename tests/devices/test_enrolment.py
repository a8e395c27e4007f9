"""Enrolment: credentials are shown once, and a receiver may do only what is its own."""

import json
import stat
from pathlib import Path

import pytest

from devices.communes import add_commune
from devices.enrolment import accounts, enrol, renew_credentials, retire_receiver, write_credentials
from devices.stations import StationKind, add_station
from receiver.link.identity import CredentialsUnusable, Identity
from runtime.refusal import NotFound, Refusal
from tests.cast import COMMUNE
from tests.devices.conftest import ISSUER, KEY, Site
from wire.sealing import SealingKey
from wire.topics import Kind, of_receiver


def test_the_receiver_reads_what_the_controller_wrote(site: Site, tmp_path: Path) -> None:
    made, path = site.enrol("thon-1"), tmp_path / "credentials.json"
    write_credentials(made, path)
    identity = Identity.read(path)
    assert (identity.receiver, identity.commune, identity.broker_secret) == ("thon-1", COMMUNE, made.broker_secret)
    assert identity.controller_keys[KEY.kid].raw == KEY.public
    with site.database.session() as session:
        assert site.receiver(session, "thon-1").public_key == identity.key.public.hex()


def test_the_file_is_its_owners_alone_and_never_written_over(site: Site, tmp_path: Path) -> None:
    made, path = site.enrol("thon-1"), tmp_path / "credentials.json"
    write_credentials(made, path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    with pytest.raises(FileExistsError):
        write_credentials(made, path)
    path.chmod(0o640)
    with pytest.raises(CredentialsUnusable, match="others can read"):
        Identity.read(path)


def test_the_controller_keeps_no_secret(site: Site) -> None:
    made = site.enrol("thon-1")
    with site.database.session() as session:
        kept = str(site.receiver(session, "thon-1").model_dump())
    assert made.broker_secret not in kept
    assert made.receiver_seed not in kept


@pytest.mark.parametrize("bad", ["", "Thôn-1", "a/b", "+", "a" * 64, "controller"])
def test_a_name_that_is_taken_or_cannot_stand_in_a_topic_is_refused(site: Site, bad: str) -> None:
    with pytest.raises(Refusal):
        site.enrol(bad)
    site.enrol("thon-1")
    with pytest.raises(Refusal, match="There is a receiver thon-1 already"):
        site.enrol("thon-1")


def test_the_name_of_one_out_of_service_is_not_given_again(site: Site) -> None:
    site.enrol("thon-1")
    with site.database.writing() as session:
        retire_receiver(session, "thon-1", site.clock.now())
    with pytest.raises(Refusal, match="already"):
        site.enrol("thon-1")


def test_a_station_or_commune_that_is_not_there_is_refused(site: Site) -> None:
    with site.database.writing() as session:
        add_commune(session, "an-binh", "Xã An Bình")
        theirs = add_station(session, "an-binh", StationKind.FM, "FM").number
        for commune_id, station_id, why in (
            (COMMUNE, theirs, "another commune"),
            (COMMUNE, 999, "no longer exists"),
            ("nowhere", theirs, "nowhere"),
        ):
            with pytest.raises(Refusal, match=why):
                enrol(
                    session,
                    ISSUER,
                    receiver_id="x",
                    commune_id=commune_id,
                    station_id=station_id,
                    name="x",
                    now=site.clock.now(),
                )


def test_new_credentials_end_the_old_ones(site: Site) -> None:
    old = site.enrol("thon-1")
    with site.database.writing() as session:
        before = accounts(session)["thon-1"]
        new = renew_credentials(session, ISSUER, "thon-1")
        assert accounts(session)["thon-1"] != before
        assert new.broker_secret != old.broker_secret
        key = SealingKey(bytes.fromhex(new.receiver_seed))
        assert site.receiver(session, "thon-1").public_key == key.public.hex()
        with pytest.raises(NotFound):
            renew_credentials(session, ISSUER, "nobody")


def test_who_is_out_of_service_has_no_account(site: Site) -> None:
    site.enrol("thon-1")
    site.enrol("thon-2")
    with site.database.writing() as session:
        first = retire_receiver(session, "thon-1", site.clock.now()).retired_at
        site.clock.advance(seconds=60)
        assert retire_receiver(session, "thon-1", site.clock.now()).retired_at == first
        assert list(accounts(session)) == ["thon-2"]
        assert all(kept.startswith("$7$") for kept in accounts(session).values())


@pytest.mark.parametrize("kind", Kind)
def test_a_receiver_writes_only_its_own_and_never_as_the_controller(site: Site, kind: Kind) -> None:
    own = site.client("thon-1")
    ours = kind in (Kind.TIME_ASK, Kind.PRESENCE, Kind.HEARTBEAT, Kind.REPORT)
    communes = kind in (Kind.AIR, Kind.LIVE)
    before = len(site.broker.log)
    for name in ("thon-1", "thon-2", "thon-1x", "+"):
        topic = f"loa/1/c/{COMMUNE}/{kind.value}/b1" if communes else of_receiver(name, kind)
        own.publish(topic, b"x", qos=1, retain=False)
    written = [topic for topic, *_ in site.broker.log[before:]]
    assert written == ([of_receiver("thon-1", kind)] if ours else [])


@pytest.mark.parametrize("kind", Kind)
def test_a_receiver_reads_only_what_is_meant_for_it(site: Site, kind: Kind) -> None:
    heard: list[str] = []
    site.client("thon-1").subscribe("#", lambda topic, payload, retained: heard.append(topic))
    communes = kind in (Kind.AIR, Kind.LIVE)
    for name in ("thon-1", "thon-2"):
        topic = f"loa/1/c/{name}/{kind.value}/b1" if communes else of_receiver(name, kind)
        site.broker.publish(topic, b"x", qos=1, retain=False)
    if communes:
        assert len(heard) == 2, "every commune may be heard: what is on air is no secret"
    else:
        to_it = kind in (Kind.CONFIG, Kind.DO, Kind.TIME_TELL)
        assert heard == ([of_receiver("thon-1", kind)] if to_it else [])


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"version": 2}, "too old"),
        ({"receiver": "a/b"}, "topic"),
        ({"receiver_seed": "00"}, "damaged"),
        ({"receiver_seed": "zz"}, "damaged"),
        ({"controller_keys": {}}, "no key"),
        ({"controller_keys": {"x": "00"}}, "damaged"),
        ({"broker_url": 5}, "damaged"),
    ],
)
def test_credentials_that_cannot_be_used_say_why(
    site: Site, tmp_path: Path, change: dict[str, object], why: str
) -> None:
    path = tmp_path / "credentials.json"
    path.write_text(json.dumps({**json.loads(site.enrol("thon-1").text()), **change}))
    path.chmod(0o600)
    with pytest.raises(CredentialsUnusable, match=why):
        Identity.read(path)
