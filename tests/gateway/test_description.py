"""Chains as they are described: read, and refused with a sentence when they contradict themselves."""

from pathlib import Path

import pytest

from gateway.chain_files import contradictions, one_relay, read_chain
from gateway.description import Chain, ChainKind, Check, Switch, Wait
from gateway.device_description import ChainUnusable, RdsOutput
from gateway.rds_profiles import RdsProfile
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
        ("[[on]]", "[[on", "is not a TOML file"),
        ('type = "modbus"\nurl = "tcp:192.168.1.20:502"\ncoil = 0', 'type = "gpio"\npin = "BOARD11"', "matching regex"),
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
        (
            '[outputs.a]\ntype = "gpio"\npin = "GPIO17"\n[inputs.b]\ntype = "gpio"\npin = "17"\n'
            '[[on]]\ndo = "switch"\noutput = "a"\n',
            "'b' and 'a' both use pin 17",
        ),
        (
            '[outputs.a]\ntype = "serial"\nport = "/dev/ttyS1"\non = "1"\noff = "0"\n'
            '[inputs.b]\ntype = "serial"\nport = "/dev/ttyS1"\nbaud = 4800\nask = "?"\npattern = "(.)"\n'
            '[[on]]\ndo = "switch"\noutput = "a"\n',
            "'b' and 'a' share /dev/ttyS1 with 4800 and 9600 baud",
        ),
        (
            '[outputs.a]\ntype = "modbus"\nurl = "rtu:/dev/ttyS1?baud=9600"\ncoil = 0\n'
            '[outputs.b]\ntype = "rds"\nlink = "serial:/dev/ttyS1?baud=9600"\nprofile = "free-format-6a"\n'
            'groups = [1]\n[[on]]\ndo = "switch"\noutput = "a"\n[[on]]\ndo = "switch"\noutput = "b"\n',
            "'b' uses /dev/ttyS1 for UECP and 'a' for Modbus",
        ),
        (
            '[inputs.b]\ntype = "serial"\nport = "/dev/ttyS1"\nask = "?"\npattern = "("\n',
            r"the pattern of 'b', '\(', is not a regular expression",
        ),
        (
            '[inputs.b]\ntype = "serial"\nport = "/dev/ttyS1"\nask = "?"\npattern = "I="\n',
            "'I=', must have one group",
        ),
    ],
)
def test_what_contradicts_itself_is_refused(tmp_path: Path, more: str, said: str) -> None:
    with pytest.raises(ChainUnusable, match=said):
        read(tmp_path, FM + more)


GROUPS = """
[outputs.groups]
type = "rds"
link = "tcp:192.168.1.30:4001"
profile = "free-format-6a"
groups = [3, 7]

[[on]]
do = "switch"
output = "groups"
"""
TONES = '[[on]]\ndo = "dtmf"\ndigits = "12#"\n'


def test_groups_and_tones_are_read_with_the_time_they_take(tmp_path: Path) -> None:
    chain = read(tmp_path, FM + GROUPS + TONES)
    output = chain.outputs["groups"]
    assert isinstance(output, RdsOutput)
    assert isinstance(output.profile, RdsProfile)
    # Two groups, each sent three times, 100 ms between; three digits of 100 ms and their pauses, and the card.
    assert [chain.step_ms(step) for step in chain.on[3:]] == [1000 + 2 * 3 * 100, 3 * 200 + 1000]
    assert [step.output for step in chain.steps_off if isinstance(step, Switch)] == ["groups", "carrier"]


@pytest.mark.parametrize(
    ("changed", "to", "said"),
    [
        ("free-format-6a", "telepathy", r"RDS profile .*telepathy: No such file.* included profiles: free-format-6a"),
        ("[3, 7]", "[]", "Expected `array` of length >= 1"),
        ("[3, 7]", "[3, 70000]", "<= 65535"),
        ("[3, 7]", "[3, 3]", "'groups' and 'groups' both use group 3 of encoder 0/0"),
        ("[3, 7]", str(list(range(20))), "switching everything off may take 8 s; with more than 5 s a receiver that"),
        (
            '"free-format-6a"\ngroups = [3, 7]',
            '"programme-type-name"\ngroups = [3, 7000]',
            "group 7000 is more than 999",
        ),
        ("tcp:192.168.1.30:4001", "udp:192.168.1.30:4001", "matching regex"),
        ('"12#"', '"12E"', "matching regex"),
        ('"12#"', '"12#"\non_ms = 20', ">= 40"),
        ('"12#"', '"12#"\nlevel_dbfs = -3', "the tones 12# are too loud together"),
    ],
)
def test_groups_and_tones_that_cannot_be_are_refused(tmp_path: Path, changed: str, to: str, said: str) -> None:
    with pytest.raises(ChainUnusable, match=said):
        read(tmp_path, (FM + GROUPS + TONES).replace(changed, to, 1))


def test_tones_that_nobody_would_hear_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ChainUnusable, match="the tones play before anything is switched on"):
        read(tmp_path, FM.replace("[[on]]", TONES + "[[on]]", 1))
    off = '[[off]]\ndo = "switch"\noutput = "carrier"\n[[off]]\ndo = "dtmf"\ndigits = "0"\n'
    with pytest.raises(ChainUnusable, match="play after everything is off"):
        read(tmp_path, FM + off)


def test_steps_for_some_zones_are_read_and_none_of_them_stands_in_off(tmp_path: Path) -> None:
    text = FM + GROUPS + 'zones = ["thon-3"]\n'
    assert read(tmp_path, text).on[3] == Switch(output="groups", zones=["thon-3"])
    off = '[[off]]\ndo = "switch"\noutput = "groups"\nzones = ["thon-3"]\n[[off]]\ndo = "switch"\noutput = "carrier"\n'
    with pytest.raises(ChainUnusable, match="step 1 of 'off' names zones; everything is switched off"):
        read(tmp_path, text + off)


def test_a_relay_on_a_pin_is_a_chain_of_one_step() -> None:
    chain = one_relay("GPIO17")
    assert contradictions(chain) == []
    assert chain.on == [Switch(output="amplifier")]
    with pytest.raises(ChainUnusable, match="'NONE' is not a pin; write GPIO17"):
        one_relay("NONE")


def test_a_chain_without_a_relay_and_a_file_that_is_not_there_are_refused(tmp_path: Path) -> None:
    with pytest.raises(ChainUnusable, match="switches nothing"):
        read(tmp_path, 'kind = "ip"\non = []\n[outputs]\n')
    with pytest.raises(ChainUnusable, match="No such file"):
        read_chain(tmp_path / "none.toml")
    (tmp_path / "latin.toml").write_bytes(b"kind = '\xff'")
    with pytest.raises(ChainUnusable, match="not a TOML file"):
        read_chain(tmp_path / "latin.toml")
