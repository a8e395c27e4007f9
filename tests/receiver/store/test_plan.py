"""The plan on disk: what is sealed by the controller is kept, everything else is refused and counted."""

from pathlib import Path

import pytest

from receiver.store.plan import Plan
from tests.receiver.plans import KEY, KEYS, NOW_US, config, manifest
from wire.broadcasts import Targets
from wire.commands import Former
from wire.sealing import PublicKey, SealingKey


def plan(folder: Path) -> Plan:
    return Plan(folder, "loa-1", "tt", KEYS)


def test_what_was_taken_is_there_after_a_restart(tmp_path: Path) -> None:
    first = plan(tmp_path)
    assert first.take_config(KEY.seal(config()), NOW_US)
    assert first.take_manifest("b1", KEY.seal(manifest()), NOW_US)
    after = plan(tmp_path)
    assert after.config == config()
    assert after.manifests == {"b1": manifest()}


@pytest.mark.parametrize(
    ("payload", "reason"),
    [
        (b"{}", "unsealed"),
        (b"a.b.c", "malformed"),
        (SealingKey(b"x" * 32).seal(manifest()), "unknown_key"),
        (KEY.seal(manifest())[:-4] + b"AAAA", "bad_signature"),
        (KEY.seal(manifest(to="c/other")), "not_for_us"),
        (KEY.seal(manifest(expires_at_us=NOW_US)), "expired"),
        (KEY.seal(config(to="c/tt")), "wrong_type"),
        (KEY.seal(manifest("another")), "not_for_us"),
    ],
)
def test_what_is_not_the_controllers_newest_word_to_us_is_refused_and_counted(
    tmp_path: Path, payload: bytes, reason: str
) -> None:
    held = plan(tmp_path)
    assert not held.take_manifest("b1", payload, NOW_US)
    assert held.refused == {reason: 1}
    assert list((tmp_path / "air").iterdir()) == []


def test_the_newest_revision_holds_and_an_older_one_is_old(tmp_path: Path) -> None:
    held = plan(tmp_path)
    assert held.take_manifest("b1", KEY.seal(manifest(revision=3)), NOW_US)
    assert not held.take_manifest("b1", KEY.seal(manifest(revision=3)), NOW_US)  # comes again with each connection
    assert held.refused == {}
    assert not held.take_manifest("b1", KEY.seal(manifest(revision=2)), NOW_US)
    assert held.refused == {"old": 1}
    assert held.manifests["b1"].revision == 3


def test_an_empty_message_withdraws_nothing(tmp_path: Path) -> None:
    held = plan(tmp_path)
    held.take_manifest("b1", KEY.seal(manifest()), NOW_US)
    assert not held.take_manifest("b1", b"", NOW_US)
    assert "b1" in held.manifests


def test_a_power_cut_leaves_the_old_or_the_new_and_a_changed_file_is_refused(tmp_path: Path) -> None:
    held = plan(tmp_path)
    held.take_manifest("b1", KEY.seal(manifest()), NOW_US)
    (tmp_path / "air" / "b2.jws.new").write_bytes(b"half")
    (tmp_path / "air" / "b3.jws").write_bytes(KEY.seal(manifest("b3"))[:-9])
    after = plan(tmp_path)
    assert set(after.manifests) == {"b1"}
    assert sorted(p.name for p in (tmp_path / "air").iterdir()) == ["b1.jws"]
    assert sum(after.refused.values()) == 1


def test_expired_ones_go_and_only_those_that_mean_us_count(tmp_path: Path) -> None:
    held = plan(tmp_path)
    held.take_config(KEY.seal(config()), NOW_US)
    held.take_manifest("b1", KEY.seal(manifest(targets=Targets(zones=["thon-1"]))), NOW_US)
    held.take_manifest("b2", KEY.seal(manifest("b2", targets=Targets(zones=["thon-2"]))), NOW_US)
    assert [m.broadcast for m in held.for_us()] == ["b1"]
    assert sorted(held.drop_expired(NOW_US + 10**12)) == ["b1", "b2"]
    assert plan(tmp_path).manifests == {}


def gone_over(folder: Path, *, live_until_us: int = 0) -> Plan:
    """In "moi" since; what it holds for zone thon-1 of "tt" is b1, for thon-9 is b2."""
    held = plan(folder)
    held.take_config(KEY.seal(config()), NOW_US)
    for broadcast, zone in (("b1", "thon-1"), ("b2", "thon-9")):
        held.take_manifest(broadcast, KEY.seal(manifest(broadcast, targets=Targets(zones=[zone]))), NOW_US)
    former = [Former(commune="tt", zones=["thon-1"], live_until_us=live_until_us)]
    assert held.take_config(KEY.seal(config(commune="moi", zones=["thon-9"], revision=6, formerly=former)), NOW_US)
    return held


def test_gone_over_it_keeps_what_meant_it_in_its_former_commune_over_restarts_too(tmp_path: Path) -> None:
    for held in (gone_over(tmp_path), plan(tmp_path)):
        assert held.commune == "moi"
        assert [m.broadcast for m in held.for_us()] == ["b1"]


def test_the_new_commune_s_word_on_the_same_broadcast_takes_the_old_one_s_place(tmp_path: Path) -> None:
    held = gone_over(tmp_path)
    new = manifest("b1", to="c/moi", revision=2, targets=Targets(zones=["thon-9"]))
    assert held.take_manifest("b1", KEY.seal(new), NOW_US)
    assert held.for_us() == [new]
    assert not held.take_manifest("b3", KEY.seal(manifest("b3")), NOW_US), "nothing new comes from the former one"


@pytest.mark.parametrize(("begun", "left"), [(False, ["b3"]), (True, ["b1"])])
def test_one_that_replaces_another_does_so_in_one_step_unless_that_has_begun(
    tmp_path: Path, begun: bool, left: list[str]
) -> None:
    held = gone_over(tmp_path)
    starts_at_us = held.manifests["b1"].starts_at_us
    new = manifest("b3", to="c/moi", targets=Targets(all=True), replaces="b1")
    assert held.take_manifest("b3", KEY.seal(new), starts_at_us if begun else starts_at_us - 1) is not begun
    assert [m.broadcast for m in held.for_us()] == left
    assert [m.broadcast for m in plan(tmp_path).for_us()] == left


def test_live_sound_of_the_former_commune_is_heard_as_long_as_it_goes_on(tmp_path: Path) -> None:
    held = gone_over(tmp_path, live_until_us=NOW_US + 10)
    assert held.former(NOW_US + 9) == {"tt": True}
    assert held.former(NOW_US + 10) == {"tt": False}


def test_another_commune_leaves_nothing_of_the_old_one(tmp_path: Path) -> None:
    held = plan(tmp_path)
    held.take_config(KEY.seal(config()), NOW_US)
    held.take_manifest("b1", KEY.seal(manifest()), NOW_US)
    assert held.take_config(KEY.seal(config(commune="moi", revision=6)), NOW_US)
    assert (held.commune, held.manifests) == ("moi", {})


def test_a_config_of_the_largest_revision_by_a_stolen_key_ends_with_new_credentials(tmp_path: Path) -> None:
    held = plan(tmp_path)
    assert held.take_config(KEY.seal(config(revision=2**63 - 1)), NOW_US)
    assert held.take_manifest("b1", KEY.seal(manifest(revision=2**63 - 1)), NOW_US)
    new = SealingKey(b"n" * 32)
    after = Plan(tmp_path, "loa-1", "tt", {new.kid: PublicKey(new.public)})
    assert (after.config, after.manifests) == (None, {})
    assert after.take_config(new.seal(config(revision=1)), NOW_US)
    assert after.take_manifest("b1", new.seal(manifest(revision=1)), NOW_US)
    assert not after.take_config(KEY.seal(config(revision=2**63 - 1)), NOW_US)
