"""The console of the simulated province."""

import pytest

from demo.province_sim_command import SimulatorConsole
from demo.province_simulator import Simulator
from province.profile import profile


def test_json_that_is_typed_is_sent_unchanged() -> None:
    simulator = Simulator(profile("chuan"))
    assert SimulatorConsole(simulator).run('raw BanTin {"TieuDe": "Mưa lũ", "MucDoUuTien": 1}')
    assert [(m["Loai"], m["NoiDung"]) for m in simulator.waiting] == [
        ("BanTin", {"TieuDe": "Mưa lũ", "MucDoUuTien": 1}),
    ]


@pytest.mark.parametrize(
    "line", ["raw BanTin {TieuDe}", "raw", "volume nhiều", "bulletin", 'bulletin "', "bulletin /khong/co.mp3", "dance"]
)
def test_what_cannot_be_read_sends_nothing_and_says_so(line: str, capsys: pytest.CaptureFixture[str]) -> None:
    simulator = Simulator(profile("chuan"))
    assert SimulatorConsole(simulator).run(line)
    assert simulator.waiting == []
    said = capsys.readouterr().out
    assert said.splitlines()[0].strip() in (
        f"“{line}” cannot be read. Commands:",
        "“dance” is not a command. Commands:",
        "/khong/co.mp3: No such file or directory",
    )
