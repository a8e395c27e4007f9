"""What the amplifier drew and what the microphone heard: counted by broadcast, and the faults that follow."""

from pathlib import Path

import pytest

from receiver.sensing.correlation import Match
from receiver.sensing.proof import (
    DRAWS_NOTHING_AFTER,
    NOT_HEARD_AFTER,
    MicrophoneTally,
    PersistentFaults,
    PowerDrawTally,
)
from wire.reports import AcousticProof, ElectricalProof

HEARD, NOT = Match(0.42, 12_000), Match(0.03, 200_000)


@pytest.fixture
def faults(tmp_path: Path) -> PersistentFaults:
    return PersistentFaults(tmp_path / "faults.json")


@pytest.fixture
def draws(faults: PersistentFaults) -> PowerDrawTally:
    return PowerDrawTally(faults, 0.2, "A")


@pytest.fixture
def hears(faults: PersistentFaults) -> MicrophoneTally:
    return MicrophoneTally(faults)


def test_of_what_was_never_read_or_compared_nothing_is_said(draws: PowerDrawTally, hears: MicrophoneTally) -> None:
    assert (draws.proof("b"), hears.proof("b")) == (None, None)


def test_the_draw_is_told_with_its_least_its_mean_and_its_most(draws: PowerDrawTally) -> None:
    for value in (0.1, 0.2, 1.5):
        draws.add("b", value)
    draws.add("another", 9.0)
    assert draws.proof("b") == ElectricalProof(
        passed=True, readings=3, above=2, least=0.2, lowest=0.1, mean=0.6, highest=1.5, unit="A"
    )


@pytest.mark.parametrize(("above", "passed"), [(4, False), (5, True), (6, True)])
def test_half_of_the_readings_must_reach_the_least(draws: PowerDrawTally, above: int, passed: bool) -> None:
    for k in range(10):
        draws.add("b", 1.0 if k < above else 0.0)
    said = draws.proof("b")
    assert said is not None
    assert said.passed is passed


def test_an_amplifier_that_draws_nothing_is_a_fault_while_it_sounds_and_until_it_draws(
    draws: PowerDrawTally, faults: PersistentFaults
) -> None:
    for _ in range(DRAWS_NOTHING_AFTER - 1):
        draws.add("b", 0.03)
    assert faults.all == {}
    draws.add("b", 0.03)
    assert faults.all == {"amplifier": "0.03 A < 0.2 A"}
    draws.close("b")
    assert faults.all == {"amplifier": "0.03 A < 0.2 A"}, "nothing shows that it is mended"
    draws.add("c", 0.2)
    assert faults.all == {}


def test_a_broadcast_too_short_for_the_fault_makes_it_when_it_is_over(
    draws: PowerDrawTally, faults: PersistentFaults
) -> None:
    draws.add("b", 0.0)
    draws.close("b")
    assert list(faults.all) == ["amplifier"]
    assert draws.proof("b") is None


def test_what_was_heard_is_told_with_its_delay(hears: MicrophoneTally) -> None:
    for match in (HEARD, NOT, Match(0.4, 14_000)):
        hears.add("b", match)
    assert hears.proof("b") == AcousticProof(passed=True, windows=3, heard_in=2, correlation=0.4, delay_us=13_000)


def test_without_one_window_heard_there_is_no_delay(hears: MicrophoneTally) -> None:
    hears.add("b", NOT)
    assert hears.proof("b") == AcousticProof(passed=False, windows=1, heard_in=0, correlation=0.03)


def test_three_windows_in_a_row_make_the_fault_and_one_that_is_heard_ends_it(
    hears: MicrophoneTally, faults: PersistentFaults
) -> None:
    for match in (NOT, NOT, HEARD, NOT, NOT):
        hears.add("b", match)
    assert faults.all == {}
    hears.add("b", NOT)
    assert faults.all == {"not_heard": f"0/{NOT_HEARD_AFTER}"}
    hears.add("b", HEARD)
    assert faults.all == {}


def test_not_heard_is_a_fault_after_the_broadcast_and_over_a_start(
    tmp_path: Path, hears: MicrophoneTally, faults: PersistentFaults
) -> None:
    hears.add("b", NOT)
    hears.add("b", HEARD)
    hears.add("b", NOT)
    hears.close("b")
    assert faults.all == {"not_heard": "1/3"}
    assert PersistentFaults(tmp_path / "faults.json").all == {"not_heard": "1/3"}


@pytest.mark.parametrize("content", [b"", b"[1]", b"{", b"null"])
def test_a_damaged_file_of_faults_is_none(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "faults.json").write_bytes(content)
    assert PersistentFaults(tmp_path / "faults.json").all == {}
