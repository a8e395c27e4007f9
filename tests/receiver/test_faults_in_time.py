"""Any fault is on the page within 100 s: by arithmetic, from the numbers in the code; the document says the same."""

import re
from pathlib import Path

import pytest
from msgspec.structs import fields

from devices.presence_states import OFFLINE_AFTER
from gateway import sensors
from receiver import agent
from receiver.output.sound_card import LOST_S
from receiver.sensing import listener, proof
from wire.commands import Config

ROOT = Path(__file__).parents[2]
DOCUMENT = (ROOT / "docs" / "receiver.md").read_text().partition("## Detection times")[2].partition("\n## ")[0]
WITHIN_S = 100.0
#: Other inputs on the same line that are read before, and a chain that is being switched meanwhile.
READ_BEFORE_S, SWITCHING_S = 3.0, 5.0
#: Sealed, sent, verified, written down: each at once; a second for a slow network.
WAY_S = 1.0
PAGE_S = max(
    float(re.findall(r'data-every="([0-9]+)"', (ROOT / "web" / "templates" / name).read_text())[0])
    for name in ("faults.html", "receivers.html")
)
HEARTBEAT_S = float(next(f.default for f in fields(Config) if f.name == "heartbeat_s"))

#: A window, of the longest path delay that can be set.
WINDOW_S = listener.WINDOW_S + (listener.LEAD_US + listener.SPREAD_US) / 1e6 + 2.0
FOUND_AFTER_S = {
    "link": HEARTBEAT_S * OFFLINE_AFTER + 1,
    "`card`": LOST_S,
    "`mains`": sensors.IN_A_ROW * sensors.EVERY_S,
    "`sim`": sensors.IN_A_ROW * sensors.MODEM_EVERY_S,
    "`amplifier`": proof.DRAWS_NOTHING_AFTER * sensors.SOUNDING_EVERY_S,
    "`not_heard`": listener.FIRST_AFTER_US / 1e6
    + proof.NOT_HEARD_AFTER * WINDOW_S
    + (proof.NOT_HEARD_AFTER - 1) * listener.SOONER_US / 1e6,
}


@pytest.mark.parametrize("fault", FOUND_AFTER_S)
def test_it_is_found_told_and_shown_in_time(fault: str) -> None:
    after_s = FOUND_AFTER_S[fault] + READ_BEFORE_S + SWITCHING_S + agent.STEP_S + WAY_S + PAGE_S
    assert after_s <= WITHIN_S


def test_a_horn_that_dies_just_after_it_was_heard_is_shown_in_time() -> None:
    after_s = FOUND_AFTER_S["`not_heard`"] + listener.EVERY_US / 1e6 + agent.STEP_S + WAY_S + PAGE_S
    assert after_s <= WITHIN_S


@pytest.mark.parametrize("fault", FOUND_AFTER_S)
def test_the_document_promises_no_less_than_the_code_keeps(fault: str) -> None:
    [said] = re.findall(rf"^\| {fault}[^|]*\| ([0-9]+) s", DOCUMENT, re.MULTILINE)
    assert FOUND_AFTER_S[fault] <= int(said) <= FOUND_AFTER_S[fault] + 2
