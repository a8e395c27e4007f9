"""A chain as a receiver holds it: told at once, done by its thread, dropped at start, end and fault."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner
from gpiozero.pins.mock import MockFactory

from gateway.chain_files import read_chain
from gateway.chain_switch import ChainSwitch
from gateway.description import Chain, ChainKind, Check, Switch, Wait
from gateway.device_description import GpioInput, GpioOutput
from gateway.device_factory import open_chain
from loa.cli import main
from tests.gateway.devices import until

EXAMPLES = sorted((Path(__file__).parents[2] / "docs" / "chains").glob("*.toml"))
CHAIN = Chain(
    kind=ChainKind.IP,
    outputs={"amp": GpioOutput(pin="GPIO17"), "mute": GpioOutput(pin="GPIO22")},
    inputs={"line": GpioInput(pin="GPIO5")},
    on=[
        Switch(output="amp"),
        Wait(ms=60),
        Check(input="line", least=1, within_ms=100),
        Switch(output="mute"),
    ],
    path_delay_ms=12.5,
)


class Bench:
    def __init__(self) -> None:
        self.factory = MockFactory()
        self.switch = ChainSwitch(CHAIN, open_chain(CHAIN, pin_factory=self.factory))
        self.line(True)

    def line(self, up: bool) -> None:
        pin = self.factory.pin(5)
        (pin.drive_low if up else pin.drive_high)()

    @property
    def on(self) -> list[int]:
        return [number for number in (17, 22) if self.factory.pin(number).state]


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.switch.close()
    made.factory.close()


def test_told_to_it_comes_on_in_its_time_and_goes_off(bench: Bench) -> None:
    assert (bench.switch.lead_ms, bench.switch.path_delay_us) == (1000 + 60 + 100 + 1000, 12_500)
    bench.switch.switch(True)
    until(lambda: bench.switch.is_on)
    assert bench.on == [17, 22]
    bench.switch.switch(False)
    until(lambda: bench.on == [])
    assert not bench.switch.is_on
    assert bench.switch.fault == ""


def test_a_fault_is_said_and_everything_is_off(bench: Bench) -> None:
    bench.line(False)
    bench.switch.switch(True)
    until(lambda: bench.switch.fault != "")
    assert bench.switch.fault == "step 3: line reads 0, not 1 to inf"
    assert bench.on == []


def test_closed_in_the_middle_it_leaves_nothing_on(bench: Bench) -> None:
    bench.switch.switch(True)
    until(lambda: 17 in bench.on)
    amplifier = bench.factory.pin(17)
    bench.switch.close()
    assert not amplifier.state
    assert not bench.switch.is_on


@pytest.mark.parametrize("file", EXAMPLES, ids=lambda file: file.stem)
def test_the_worked_examples_can_work_and_are_told_in_words(file: Path) -> None:
    chain = read_chain(file)
    assert chain.kind == file.stem
    told = CliRunner().invoke(main, ["receiver", "check-chain", str(file)])
    assert told.exit_code == 0
    assert f"It is told {chain.lead_ms / 1000:g} s before the first sample" in told.output
    assert "1. switch" in told.output


def test_the_messages_that_open_and_close_groups_are_shown() -> None:
    [fm] = [file for file in EXAMPLES if file.stem == "fm"]
    told = CliRunner().invoke(main, ["receiver", "check-chain", str(fm)]).output
    assert "thon-3 opens with: 24 0c 00 01 00 03 00 03, 24 0c 00 01 00 07 00 07, " in told
    assert "thon-3 closes with: 24 0c 00 00 00 03 00 03, " in told
    assert "4. switch thon-3, only for thon-3 (up to 6.4 s)" in told
    assert "6. sound the tones 12# on the card" in told


def test_there_is_an_example_for_every_kind() -> None:
    assert {file.stem for file in EXAMPLES} == set(ChainKind)


def test_what_is_wrong_with_a_chain_is_said(tmp_path: Path) -> None:
    (tmp_path / "chain.toml").write_text('kind = "ip"\non = []\n[outputs]\n')
    told = CliRunner().invoke(main, ["receiver", "check-chain", str(tmp_path / "chain.toml")])
    assert told.exit_code == 1
    assert "'on' switches nothing" in told.output
