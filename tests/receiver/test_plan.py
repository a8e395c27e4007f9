"""The plan on disk: what is sealed by the controller is kept, everything else is refused and counted."""

from pathlib import Path

import pytest

from receiver.plan import Plan
from tests.receiver.plans import KEY, KEYS, NOW_US, config, manifest
from wire.broadcasts import Targets
from wire.sealing import SealingKey


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


def test_another_commune_leaves_nothing_of_the_old_one(tmp_path: Path) -> None:
    held = plan(tmp_path)
    held.take_config(KEY.seal(config()), NOW_US)
    held.take_manifest("b1", KEY.seal(manifest()), NOW_US)
    assert held.take_config(KEY.seal(config(commune="moi", revision=6)), NOW_US)
    assert (held.commune, held.manifests) == ("moi", {})
