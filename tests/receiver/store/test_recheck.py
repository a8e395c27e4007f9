"""Files that failed to play are verified again."""

from hashlib import sha256
from pathlib import Path

import pytest

from receiver.playout.playback_failures import PlaybackFailures
from receiver.store.plan import Plan
from receiver.store.recheck import recheck_files
from receiver.store.shelf import Shelf
from tests.receiver.plans import KEY, KEYS, NOW_US, manifest
from wire.broadcasts import ClipItem, Rendition

CONTENT = b"a recording"


@pytest.fixture
def rendition() -> Rendition:
    return Rendition(sha256=sha256(CONTENT).hexdigest(), bytes=len(CONTENT), codec="opus", path="a.opus")


def shelf_with(folder: Path, rendition: Rendition, content: bytes) -> Shelf:
    (folder / "shelf").mkdir()
    (folder / "shelf" / f"{rendition.sha256}.opus").write_bytes(content)
    return Shelf(folder / "shelf")


def plan_of(folder: Path, rendition: Rendition) -> Plan:
    plan = Plan(folder / "plan", "loa-1", "tt", KEYS)
    item = ClipItem(offset_us=0, duration_us=10_000_000, clip="c", renditions=[rendition])
    assert plan.take_manifest("b", KEY.seal(manifest("b", items=[item])), NOW_US)
    return plan


def test_a_file_whose_checksum_no_longer_matches_is_removed_to_be_fetched_again(
    tmp_path: Path, rendition: Rendition
) -> None:
    shelf, failures = shelf_with(tmp_path, rendition, b"a recXrding"), PlaybackFailures()
    before = failures.key("b", 0, rendition)
    recheck_files({rendition.sha256}, plan_of(tmp_path, rendition), shelf, failures)
    assert shelf.path_of(rendition) is None
    assert shelf.corrupt == 1
    assert failures.key("b", 0, rendition) != before, "the new file is another cue, and may be played"


@pytest.mark.parametrize("failed", ["this file", "another file", "no file at all"])
def test_a_file_that_is_intact_or_did_not_fail_is_kept(tmp_path: Path, rendition: Rendition, failed: str) -> None:
    content = CONTENT if failed == "this file" else b"a recXrding"
    shelf, failures = shelf_with(tmp_path, rendition, content), PlaybackFailures()
    sha256s = {"this file": rendition.sha256, "another file": "0" * 64, "no file at all": ""}
    recheck_files({sha256s[failed]}, plan_of(tmp_path, rendition), shelf, failures)
    assert shelf.path_of(rendition) is not None
    assert shelf.corrupt == 0
