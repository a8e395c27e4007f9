"""Chains as they are described: read, and refused with a sentence when they contradict themselves."""

from pathlib import Path

import pytest

from gateway.chain_files import contradictions, read_chain
from gateway.description import Chain, ChainKind, ChainUnusable, Check, Switch, Wait
from tests.gateway.chains import wired

FM = """
kind = "fm"
path_delay_ms = 40

[outputs.carrier]
type = "modbus"
url = "tcp:192.168.1.20:502"
coil = 0

[inputs.power]
type = "http"
url = "http://192.168.1.21/state"
field = "rf.watts"
unit = "W"

[[on]]
do = "switch"
output = "carrier"

[[on]]
do = "wait"
ms = 700

[[on]]
do = "check"
input = "power"
least = 5
within_ms = 1500
"""


def read(folder: Path, text: str) -> Chain:
    file = folder / "chain.toml"
    file.write_text(text, encoding="utf-8")
    return read_chain(file)


def test_a_chain_is_read_with_its_lead_and_its_way_off(tmp_path: Path) -> None:
    chain = read(tmp_path, FM)
    assert (chain.kind, chain.path_delay_ms, chain.lead_ms) == (ChainKind.FM, 40.0, 1000 + 700 + 1500)
    assert chain.on == [Switch(output="carrier"), Wait(ms=700), Check(input="power", least=5, within_ms=1500)]
    assert chain.steps_off == [Switch(output="carrier")]


def test_a_chain_that_can_work_contradicts_nothing() -> None:
    assert contradictions(wired()) == []
    assert [step.output for step in wired().steps_off if isinstance(step, Switch)] == ["mute", "amp", "mains"]


@pytest.mark.parametrize(
    ("changed", "to", "said"),
    [
        ('kind = "fm"', 'kind = "am"', r"'am' - at `\$.kind`"),
        ('kind = "fm"', "", "missing required field `kind`"),
        ("coil = 0", "coil = 70000", r"<= 65535 - at `\$.outputs"),
        ("coil = 0", "coil = 0\ncolour = 3", "unknown field `colour`"),
        ("coil = 0", 'coil = "null"', r"Expected `int`, got `str` - at `\$.outputs"),
        ('type = "modbus"', 'type = "telepathy"', "Invalid value 'telepathy'"),
        ("tcp:192.168.1.20:502", "192.168.1.20", "matching regex"),
        ("least = 5", "least = 5\nmost = 4", "can never hold: least 5 is more than most 4"),
        ("ms = 700", "ms = 59000", "may take 61.5 s; more than 60 s"),
        ("ms = 700", "ms = -1", ">= 0"),
        ('output = "carrier"', 'output = "carier"', "step 1 of 'on' switches 'carier', which is not among"),
        ('input = "power"', 'input = "powr"', "step 3 of 'on' reads 'powr', which is not among"),
        ("[[on]]", "[[on", "is no TOML file"),
    ],
)
def test_a_slip_is_refused_with_the_field_and_what_is_wrong(tmp_path: Path, changed: str, to: str, said: str) -> None:
    with pytest.raises(ChainUnusable, match=said):
        read(tmp_path, FM.replace(changed, to, 1))


@pytest.mark.parametrize(
    ("more", "said"),
    [
        ('[outputs.spare]\ntype = "gpio"\npin = "GPIO4"\n', "'spare' is no step's output"),
        (
            '[outputs.twin]\ntype = "modbus"\nurl = "tcp:192.168.1.20:502"\ncoil = 0\n[[on]]\ndo = "switch"\n'
            'output = "twin"\n',
            "'twin' and 'carrier' both use coil 0",
        ),
        ('[[on]]\ndo = "switch"\noutput = "carrier"\n', "'carrier' is switched on twice"),
        ('[[off]]\ndo = "wait"\nms = 5\n', "'carrier' is switched on and never off"),
    ],
)
def test_what_contradicts_itself_is_refused(tmp_path: Path, more: str, said: str) -> None:
    with pytest.raises(ChainUnusable, match=said):
        read(tmp_path, FM + more)


def test_a_chain_without_a_relay_and_a_file_that_is_not_there_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ChainUnusable, match="switches nothing"):
        read(tmp_path, 'kind = "ip"\non = []\n[outputs]\n')
    with pytest.raises(ChainUnusable, match="No such file"):
        read_chain(tmp_path / "none.toml")
    (tmp_path / "latin.toml").write_bytes(b"kind = '\xff'")
    with pytest.raises(ChainUnusable, match="no TOML file"):
        read_chain(tmp_path / "latin.toml")
