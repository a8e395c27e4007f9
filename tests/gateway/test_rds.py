"""Groups of clusters behind a transmitter: profiles as data, and a real encoder on a terminal and on TCP."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import msgspec
import pytest

from gateway.description import Chain, ChainKind, Switch
from gateway.device_description import RdsOutput
from gateway.device_factory import open_chain
from gateway.rds_profiles import SHIPPED, ProfileUnusable, RdsProfile, check_profile, frames_of, read_profile
from gateway.runner import Relay, StepFailed
from tests.gateway.devices import until, within
from tests.gateway.rds_encoder import Element, RdsEncoder

QUICK = msgspec.structs.replace(read_profile("free-format-6a", Path()), pause_ms=0, repeat=1)
NAMES = sorted(file.stem for file in SHIPPED.glob("*.toml"))


def profile(**fields: object) -> RdsProfile:
    made = {"about": "for a test", "on": [{"mec": 0x2D, "bytes": "01"}], "off": [{"mec": 0x2D, "bytes": "00"}]}
    return msgspec.convert({**made, **fields}, RdsProfile)


class Rig:
    def __init__(self, undo: ExitStack, *, tcp: bool = False, manner: str = "well", **fields: object) -> None:
        self.encoder = RdsEncoder(tcp=tcp, manner=manner, site=3, encoder=5)
        undo.callback(self.encoder.close)
        output = msgspec.convert(
            {"type": "rds", "link": self.encoder.link, "profile": QUICK, "groups": [3, 700], "answers": True, **fields},
            RdsOutput,
        )
        opened = open_chain(Chain(kind=ChainKind.FM, outputs={"groups": output}, on=[Switch(output="groups")]))
        undo.callback(opened.close)
        self.relay: Relay = opened.relays["groups"]


@pytest.fixture
def undo() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.mark.parametrize("tcp", [False, True], ids=["terminal", "tcp"])
@pytest.mark.parametrize("answers", [True, False])
def test_groups_are_opened_and_closed(undo: ExitStack, tcp: bool, answers: bool) -> None:
    rig = Rig(undo, tcp=tcp, manner="well" if answers else "deaf", answers=answers, site=3, encoder=5)
    for on in (True, True, False, True):
        rig.relay.switch(on)
        until(lambda on=on: rig.encoder.open == ({3, 700} if on else set()))
    assert rig.encoder.refused == []
    assert len(set(rig.encoder.sequences)) == len(rig.encoder.sequences) == 8
    assert 0 not in rig.encoder.sequences


@pytest.mark.parametrize("name", NAMES)
def test_every_profile_that_comes_along_is_understood_by_the_encoder(undo: ExitStack, name: str) -> None:
    shipped = msgspec.structs.replace(read_profile(name, Path()), pause_ms=0)
    rig = Rig(undo, profile=shipped, groups=[7])
    rig.relay.switch(True)
    opened = list(rig.encoder.elements)
    rig.relay.switch(False)
    assert rig.encoder.refused == []
    assert len(opened) == shipped.repeat
    assert rig.encoder.elements[shipped.repeat :] != opened


def test_texts_are_what_a_receivers_display_shows(undo: ExitStack) -> None:
    rig = Rig(undo, profile=read_profile("programme-type-name", Path()), groups=[7])
    rig.relay.switch(True)
    assert rig.encoder.elements == [Element(0x3E, b"LOA0071 ")]


def test_a_damaged_frame_is_told_again_with_the_same_counter(undo: ExitStack) -> None:
    rig = Rig(undo, manner="damaged once", groups=[3])
    rig.relay.switch(True)
    assert rig.encoder.open == {3}
    assert rig.encoder.sequences == [1, 1]


@pytest.mark.parametrize(
    ("tcp", "manner", "said"),
    [
        (False, "deaf", "does not answer"),
        (True, "deaf", "does not answer"),
        (False, "slow", "does not answer"),
        (False, "refusing", "does not accept the message"),
        (True, "damaged", "found a damaged checksum"),
        (False, "babbling", "answers with no frame"),
        (True, "babbling", "answers with no frame"),
        (False, "wrong", "answers with no frame"),
    ],
)
def test_an_encoder_that_behaves_badly_fails_its_step_in_time_and_is_named(
    undo: ExitStack, tcp: bool, manner: str, said: str
) -> None:
    rig = Rig(undo, tcp=tcp, manner=manner)
    with pytest.raises(StepFailed, match=rf"RDS encoder at (/dev/|127\.0\.0\.1).*{said}"):
        within(1.5, lambda: rig.relay.switch(True))


def test_an_encoder_of_another_address_is_not_meant(undo: ExitStack) -> None:
    rig = Rig(undo, site=3, encoder=6)
    with pytest.raises(StepFailed, match="does not answer"):
        rig.relay.switch(True)
    assert rig.encoder.elements == []


def test_a_port_server_that_was_switched_off_and_on_is_reached_again(undo: ExitStack) -> None:
    rig = Rig(undo, tcp=True)
    rig.relay.switch(True)
    rig.encoder.hang_up()
    rig.relay.switch(False)
    assert rig.encoder.open == set()


def test_an_encoder_that_is_away_is_said(undo: ExitStack) -> None:
    rig = Rig(undo, tcp=True, link="tcp:127.0.0.1:9")
    with pytest.raises(StepFailed, match=r"127\.0\.0\.1:9 is not reached"):
        rig.relay.switch(True)


def test_the_lead_counts_all_frames_their_pauses_and_answers(undo: ExitStack) -> None:
    slow = msgspec.structs.replace(QUICK, pause_ms=100, repeat=3)
    output = RdsOutput(link="tcp:127.0.0.1:9", profile=slow, groups=[1, 2], answers=True)
    chain = Chain(kind=ChainKind.FM, outputs={"groups": output}, on=[Switch(output="groups")])
    assert chain.lead_ms == 1000 + 6 * (100 + 2 * 400)
    assert chain.drop_ms == 1000 + 6 * 100


@pytest.mark.parametrize(
    ("fields", "groups", "made"),
    [
        ({"largest": 600, "on": [{"mec": 0x2D, "bytes": "{group:2} 0A"}]}, [1, 0x102], ["2d 00 01 0a", "2d 01 02 0a"]),
        ({"on": [{"mec": 0x2D, "dsn": 0, "psn": 1, "bytes": "{group}"}]}, [9], ["2d 00 01 09"]),
        ({"on": [{"mec": 0x2D, "length": True, "bytes": "AA BB"}]}, [1], ["2d 02 aa bb"]),
        ({"each": "all", "on": [{"mec": 0x2D, "bytes": "{count} {groups}"}]}, [4, 6], ["2d 02 04 06"]),
        ({"each": "all", "on": [{"mec": 0x2D, "bytes": "{mask:2}"}]}, [1, 9], ["2d 01 01"]),
        ({"on": [{"mec": 0x2D, "text": "K{group:2}", "pad": 5}]}, [4], ["2d 4b 30 34 20 20"]),
        ({"setup": [{"mec": 0x2C, "bytes": "02"}], "repeat": 2}, [4], ["2c 02", "2d 01", "2d 01"]),
    ],
)
def test_a_profile_says_what_is_sent(fields: dict[str, object], groups: list[int], made: list[str]) -> None:
    assert [each.hex(" ") for each in frames_of(profile(**fields), groups, True)] == made


@pytest.mark.parametrize(
    ("fields", "said"),
    [
        ({"on": [{"mec": 0x2D, "bytes": "1"}]}, "neither two hexadecimal digits nor a placeholder"),
        ({"on": [{"mec": 0x2D, "bytes": "{groups}"}]}, r"here \({group}\)"),
        ({"each": "all", "on": [{"mec": 0x2D, "bytes": "{group}"}]}, "neither"),
        ({"setup": [{"mec": 0x2D, "bytes": "{group}"}]}, "(none)"),
        ({"largest": 300, "on": [{"mec": 0x2D, "bytes": "{group}"}]}, r"300 does not fit into \{group\}"),
        ({"on": [{"mec": 0x2D, "text": "K{group}LONGER", "pad": 4}]}, "at most 4 long"),
        ({"on": [{"mec": 0x2D, "text": "Cụm {group}"}]}, "must be ASCII"),
        ({"on": [{"mec": 0x2D, "bytes": "00 " * 260}]}, "at most 255"),
        ({"off": [{"mec": 0x2D, "bytes": "01"}]}, "'on' and 'off' make the same messages"),
    ],
)
def test_a_profile_that_cannot_work_is_refused_and_why(fields: dict[str, object], said: str) -> None:
    with pytest.raises(ProfileUnusable, match=said):
        check_profile(profile(**fields))


def test_own_profiles_lie_beside_the_chain_and_slips_are_said_with_the_file(tmp_path: Path) -> None:
    text = 'about = "ours"\n[[on]]\nmec = 45\nbytes = "{group} 01"\n[[off]]\nmec = 45\nbytes = "{group} 00"\n'
    (tmp_path / "ours.toml").write_text(text)
    assert read_profile("ours.toml", tmp_path).about == "ours"
    for changed, said in (
        (text.replace("mec = 45", "mec = 0", 1), r"ours\.toml.*>= 1"),
        (text.replace("[[on]]", "[[on"), "not a TOML file"),
        (text.replace("{group} 01", "{grp} 01"), r"ours\.toml: 'on': '\{grp\}'"),
        (text + "colour = 3\n", "unknown field `colour`"),
    ):
        (tmp_path / "ours.toml").write_text(changed)
        with pytest.raises(ProfileUnusable, match=said):
            read_profile("ours.toml", tmp_path)
    with pytest.raises(ProfileUnusable, match=r"No such file.*included profiles: free-format-6a"):
        read_profile("theirs", tmp_path)
