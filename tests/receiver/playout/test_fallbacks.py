"""What sounds in the place of a recording that cannot be played, and from when until when."""

from pathlib import Path

import msgspec
import pytest

from receiver.playout.cues import ClipSpec, Cue
from receiver.playout.fallbacks import CHIME_US
from receiver.playout.ladder import Ladder
from receiver.playout.playback_failures import FailedCue, PlaybackFailures
from tests.receiver.plans import NOW_US, SECOND_US, config, manifest, rendition
from wire.broadcasts import ClipItem

OPUS, MP3 = rendition("a"), msgspec.structs.replace(rendition("b"), codec="mp3")
BACKUP = ClipItem(offset_us=0, duration_us=8 * SECOND_US, clip="backup", renditions=[rendition("e")])
NEXT = rendition("f")
ITEM = ClipItem(offset_us=0, duration_us=20 * SECOND_US, clip="c", title="Bản tin", renditions=[OPUS, MP3])
LATER = ClipItem(offset_us=20 * SECOND_US, duration_us=10 * SECOND_US, clip="d", renditions=[NEXT])
PLAN = manifest("b", 10, 30, items=[ITEM, LATER])
LETTERS = {OPUS.sha256: "opus", MP3.sha256: "mp3", BACKUP.renditions[0].sha256: "backup", NEXT.sha256: "next"}
ALL = set("abef")


class FallbackReceiver:
    """A receiver with these files on its shelf (by the letter that their hash consists of)."""

    def __init__(self, held: set[str], *, backup: bool = True) -> None:
        self.held, self.failures = set(held), PlaybackFailures()
        self.config = config(backup=BACKUP if backup else None)

    def cues(self, at_s: float = 6, horizon_s: float = 60) -> list[Cue]:
        """Asked four seconds before the start, as the playout does."""
        ladder = Ladder(
            [PLAN],
            self.config,
            lambda r: Path(f"/shelf/{r.sha256}.x") if r.sha256[0] in self.held else None,
            lambda _: None,
            self.failures,
        )
        return ladder.cues(NOW_US + round(at_s * SECOND_US), round(horizon_s * SECOND_US))

    def fails(self, rung: str, playable_until_s: float, now_s: float = 0) -> None:
        """What sounds by that name proves unreadable after some seconds."""
        found = next(cue for cue in self.cues() if name_of(cue) == rung)
        until_us = NOW_US + round(playable_until_s * SECOND_US)
        self.failures.note_failed([FailedCue(found, until_us, "damaged")], NOW_US + round(now_s * SECOND_US))

    def line(self, at_s: float = 6) -> list[tuple[str, float, float]]:
        """What sounds, from when until when (s)."""
        return [
            (name_of(c), (c.sounds_from_us - NOW_US) / SECOND_US, (c.until_us - NOW_US) / SECOND_US)
            for c in self.cues(at_s)
        ]


def name_of(cue: Cue) -> str:
    return LETTERS[cue.source.path.stem] if isinstance(cue.source, ClipSpec) else cue.fallback


CHIME_S = CHIME_US / SECOND_US
REST = ("next", 30, 40)


@pytest.mark.parametrize(
    ("held", "backup", "line"),
    [
        (ALL, True, [("opus", 10, 30), REST]),
        ({"b", "e", "f"}, True, [("mp3", 10, 30), REST]),
        ({"e", "f"}, True, [("backup", 10, 18), REST]),
        ({"f"}, True, [("chime", 10, 10 + CHIME_S), REST]),
        ({"e", "f"}, False, [("chime", 10, 10 + CHIME_S), REST]),
        ({"a", "b", "e"}, True, [("opus", 10, 30), ("backup", 30, 38)]),
    ],
)
def test_what_is_missing_falls_rung_by_rung_and_the_next_item_is_on_time(
    held: set[str], backup: bool, line: list[tuple[str, float, float]]
) -> None:
    receiver = FallbackReceiver(held, backup=backup)
    receiver.cues()
    assert receiver.line() == [(name, pytest.approx(start), pytest.approx(end)) for name, start, end in line]


@pytest.mark.parametrize(
    ("fails", "line"),
    [
        ([("opus", 15)], [("opus", 10, 15), ("mp3", 15, 30), REST]),
        ([("opus", 15), ("mp3", 20)], [("opus", 10, 15), ("mp3", 15, 20), ("backup", 20, 28), REST]),
        ([("opus", 27), ("mp3", 27)], [("opus", 10, 27), ("backup", 27, 30), REST]),
        ([("opus", 10), ("mp3", 10)], [("backup", 10, 18), REST]),
        ([("opus", 15), ("mp3", 15), ("backup", 16)], [("opus", 10, 15), ("chime", 15, 15 + CHIME_S), REST]),
    ],
)
def test_what_fails_in_the_middle_sounds_as_far_as_it_goes_and_falls_then(
    fails: list[tuple[str, float]], line: list[tuple[str, float, float]]
) -> None:
    receiver = FallbackReceiver(ALL)
    for rung, until_s in fails:
        receiver.fails(rung, until_s)
    assert receiver.line() == [(name, pytest.approx(start), pytest.approx(end)) for name, start, end in line]


def test_another_rendition_goes_on_where_the_first_would_be() -> None:
    receiver = FallbackReceiver(ALL)
    receiver.fails("opus", 15)
    assert {cue.starts_at_us for cue in receiver.cues()[:2]} == {PLAN.starts_at_us}
    assert [cue.fallback for cue in receiver.cues()] == ["", "", ""]


def test_what_proves_unreadable_too_late_falls_from_now_on_not_from_the_past() -> None:
    receiver = FallbackReceiver({"a", "e", "f"})
    receiver.fails("opus", 12, now_s=14)
    assert receiver.line(at_s=14)[0] == ("backup", 14, 22)


def test_a_recording_put_on_air_now_gets_a_moment_to_come() -> None:
    receiver = FallbackReceiver({"e", "f"})
    assert receiver.line(at_s=12)[0] == ("backup", 16, 24)
    receiver.held.add("a")
    assert receiver.line(at_s=13) == [("opus", 11, 30), REST]
    assert receiver.failures.fault([PLAN], NOW_US + 17 * SECOND_US) == ""


def test_a_file_fetched_anew_sounds_again() -> None:
    receiver = FallbackReceiver({"a", "e", "f"})
    receiver.fails("opus", 15)
    receiver.failures.note_replaced(OPUS.sha256)
    receiver.held.remove("a")
    assert receiver.line(at_s=16)[0] == ("backup", 15, 23)
    receiver.held.add("a")
    assert receiver.line(at_s=17)[0] == ("opus", 15, 30)
    assert receiver.cues(at_s=17)[0].key != f"b/0/{OPUS.sha256[:16]}", "another reader than the one that failed"


def test_it_is_a_fault_while_its_broadcast_lasts() -> None:
    receiver = FallbackReceiver({"e", "f"})
    receiver.cues()
    said = [bool(receiver.failures.fault([PLAN], NOW_US + at_s * SECOND_US)) for at_s in (8, 11, 39, 40)]
    assert said == [False, True, True, False]
    assert receiver.failures.fault([PLAN], NOW_US + 11 * SECOND_US) == "Bản tin: its audio is not there"
    receiver.failures.forget(["b"])
    assert receiver.failures.fault([PLAN], NOW_US + 11 * SECOND_US) == ""


def test_the_other_rendition_is_wanted_once_the_first_is_known_to_be_unreadable() -> None:
    receiver = FallbackReceiver(ALL)
    assert not receiver.failures.unreadable(OPUS)
    receiver.fails("opus", 15)
    assert (receiver.failures.unreadable(OPUS), receiver.failures.unreadable(MP3)) == (True, False)
    receiver.failures.note_replaced(OPUS.sha256)
    assert not receiver.failures.unreadable(OPUS)
