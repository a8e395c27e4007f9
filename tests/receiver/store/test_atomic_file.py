"""A disk that takes nothing more must not silence a receiver that knows what to play.

/dev/full answers every write as a full disk does.
"""

from pathlib import Path

import msgspec
import pytest

from receiver.link.identity import SessionNumber
from receiver.link.outbox import Outbox
from receiver.store.atomic_file import keep_whole, write_whole
from receiver.store.plan import Plan
from tests.receiver.link.test_outbox import OWN, report
from tests.receiver.plans import KEY, KEYS, NOW_US, config, manifest


def fill(path: Path) -> None:
    """What is written beside `path` finds no room."""
    path.with_name(path.name + ".new").symlink_to("/dev/full")


def test_what_finds_no_room_leaves_the_old_content_and_nothing_beside_it(tmp_path: Path) -> None:
    path = tmp_path / "kept"
    assert keep_whole(path, b"old")
    fill(path)
    with pytest.raises(OSError, match="No space left"):
        write_whole(path, b"new")
    assert not keep_whole(path, b"new")
    assert [p.name for p in tmp_path.iterdir()] == ["kept"]
    assert path.read_bytes() == b"old"


def test_a_withdrawal_that_cannot_be_kept_holds_and_the_old_word_does_not_come_back_after_a_restart(
    tmp_path: Path,
) -> None:
    held = Plan(tmp_path, "loa-1", "tt", KEYS)
    assert held.take_manifest("b1", KEY.seal(manifest()), NOW_US)
    fill(tmp_path / "air" / "b1.jws")
    assert held.take_manifest("b1", KEY.seal(manifest(revision=2, withdrawn=True)), NOW_US)
    assert held.manifests["b1"].withdrawn
    assert Plan(tmp_path, "loa-1", "tt", KEYS).manifests == {}
    held.keep_again()
    assert Plan(tmp_path, "loa-1", "tt", KEYS).manifests["b1"].withdrawn


def test_a_config_that_cannot_be_kept_holds_and_the_old_one_is_there_after_a_restart(tmp_path: Path) -> None:
    held = Plan(tmp_path, "loa-1", "tt", KEYS)
    held.take_config(KEY.seal(config()), NOW_US)
    fill(tmp_path / "config.jws")
    louder = msgspec.structs.replace(config(), revision=6, volume_percent=90)
    assert held.take_config(KEY.seal(louder), NOW_US)
    assert held.config == louder
    assert Plan(tmp_path, "loa-1", "tt", KEYS).config == config()
    held.keep_again()
    assert Plan(tmp_path, "loa-1", "tt", KEYS).config == louder


def test_what_has_expired_is_not_kept_again(tmp_path: Path) -> None:
    held = Plan(tmp_path, "loa-1", "tt", KEYS)
    fill(tmp_path / "air" / "b1.jws")
    held.take_manifest("b1", KEY.seal(manifest()), NOW_US)
    held.drop_expired(NOW_US + 10**12)
    held.keep_again()
    assert Plan(tmp_path, "loa-1", "tt", KEYS).manifests == {}


def test_a_report_that_cannot_be_kept_is_sent_all_the_same(tmp_path: Path) -> None:
    box, sent = Outbox(tmp_path, OWN), report()
    fill(tmp_path / f"000000001-{sent.report}.jws")
    box.put(sent)
    assert [pending.report for pending in box.due(0)] == [sent.report]
    box.acknowledge([sent.report])
    assert len(box) == 0


def test_a_session_number_that_cannot_be_kept_is_not_used_twice(tmp_path: Path) -> None:
    path = tmp_path / "session"
    number = SessionNumber(path)
    number.next()
    fill(path)
    used = [number.next(), number.next()]
    assert SessionNumber(path).next() not in used
