"""Amplifiers: on, off, and off when let go."""

from pathlib import Path

from receiver.amplifier import RecordedAmplifier


def test_the_recorded_one_writes_down_each_change_once(tmp_path: Path) -> None:
    amplifier = RecordedAmplifier(tmp_path / "amplifier.csv")
    amplifier.switch(True)
    amplifier.switch(True)
    amplifier.close()
    assert [line.split(",")[1] for line in (tmp_path / "amplifier.csv").read_text().splitlines()] == ["on", "off"]
    assert not amplifier.is_on
