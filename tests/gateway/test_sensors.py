"""What the equipment says is read, and what is wrong with it a fault in time: turned clocks, and real devices."""

import os
import threading
import tty
from collections.abc import Iterator
from pathlib import Path

import pytest

from gateway.chain_files import read_chain
from gateway.description import Chain, ChainKind
from gateway.device_description import ChainUnusable, HttpInput, Input, ModbusInput, SerialInput
from gateway.device_factory import open_chain
from gateway.modem import Modem, ModemState
from gateway.runner import StepFailed
from gateway.sensor_description import AmplifierDraw, LineCheck, ModemPort, SupplyInputs
from gateway.sensors import EVERY_S, IN_A_ROW, MODEM_EVERY_S, SOUNDING_EVERY_S, ChainSensors
from tests.gateway.chains import Needle
from tests.gateway.devices import HttpDevice, ModbusDevice, SerialDevice

#: What is left of the 100 s for the report's way and the page (docs/receiver.md).
SOON_ENOUGH_S = 70.0
REGISTER = ModbusInput(url="tcp:127.0.0.1:502", register=1, unit="A")
SUPPLY = SupplyInputs(mains="mains", battery="battery", battery_least=11.5, on_battery="switchover", temperature="box")


class Bench:
    """A chain that is read by hand, on a clock turned by hand."""

    def __init__(self) -> None:
        self.needles = {
            "draw": Needle(1.5),
            "line": Needle(8.0),
            "mains": Needle(228.0),
            "battery": Needle(12.6),
            "switchover": Needle(0.0),
            "box": Needle(41.0),
        }
        chain = Chain(
            kind=ChainKind.WIRED,
            inputs=dict.fromkeys(self.needles, REGISTER),
            proof=AmplifierDraw(input="draw", least=0.2),
            line=LineCheck(input="line", least=4, most=16),
            supply=SUPPLY,
        )
        self.switching = False
        self.senses = ChainSensors(chain, self.needles, lambda: self.switching)
        self.now_s = 500.0

    def run(self, seconds: float) -> None:
        ends_s = self.now_s + seconds
        while self.now_s < ends_s:
            self.senses.turn(self.now_s)
            self.now_s += 0.25

    def until_faults(self) -> float:
        """How long it takes until there is one, or none any more."""
        began_s, before = self.now_s, self.senses.faults
        while self.senses.faults == before:
            self.run(0.25)
            assert self.now_s - began_s < SOON_ENOUGH_S, "too late"
        return self.now_s - began_s


@pytest.fixture
def bench() -> Bench:
    made = Bench()
    made.run(60)
    return made


def test_all_in_order_is_told_and_no_fault(bench: Bench) -> None:
    said = bench.senses
    assert (said.mains_v, said.battery_v, said.on_battery, said.temperature_c) == (228.0, 12.6, False, 41.0)
    assert (said.draw_least, said.draw_unit, said.sim, said.faults) == (0.2, "A", None, {})


@pytest.mark.parametrize(
    ("needle", "value", "fault", "detail"),
    [
        ("mains", 82.5, "mains", "82.5 V"),
        ("mains", 240.2, "mains", "240.2 V"),
        ("mains", 0.0, "mains", "0 V"),
        ("battery", 11.2, "battery", "11.2 V"),
        ("switchover", 1.0, "on_battery", "1"),
        ("box", 75.5, "temperature", "75.5 °C"),
        ("line", 3.9, "line", "3.9 A"),
        ("line", 900.0, "line", "900 A"),
        ("mains", None, "sensor", "mains: line does not answer"),
    ],
)
def test_what_is_out_of_its_limits_is_a_fault_in_time_and_gone_when_it_is_within_again(
    bench: Bench, needle: str, value: float | None, fault: str, detail: str
) -> None:
    bench.run(0.25)  # just after it was read: the worst moment
    was, bench.needles[needle].value = bench.needles[needle].value, value
    assert bench.until_faults() <= IN_A_ROW * EVERY_S + 1
    assert bench.senses.faults == {fault: detail}
    bench.needles[needle].value = was
    bench.until_faults()
    assert bench.senses.faults == {}


@pytest.mark.parametrize("mains_v", [90.0, 240.0])
def test_the_limits_themselves_are_no_fault(bench: Bench, mains_v: float) -> None:
    bench.needles["mains"].value = mains_v
    bench.run(60)
    assert bench.senses.faults == {}


def test_one_odd_value_is_no_fault(bench: Bench) -> None:
    for _ in range(5):
        bench.needles["mains"].value = 300.0
        bench.run(2 * EVERY_S)
        bench.needles["mains"].value = 230.0
        bench.run(EVERY_S)
    assert bench.senses.faults == {}


def test_a_meter_that_does_not_answer_shows_no_old_value(bench: Bench) -> None:
    bench.needles["mains"].value = None
    bench.run(EVERY_S)
    assert bench.senses.mains_v is None


def test_a_driver_that_raises_is_a_fault_in_time_and_keeps_no_other_sensor_from_being_read(bench: Bench) -> None:
    def read() -> float:
        raise ZeroDivisionError("scale of the meter")

    bench.needles["mains"].read = read  # type: ignore[method-assign]
    assert bench.until_faults() <= IN_A_ROW * EVERY_S + 1
    assert bench.senses.faults == {"sensor": "mains: ZeroDivisionError: scale of the meter"}
    assert bench.senses.mains_v is None
    bench.needles["battery"].value = 11.9
    bench.run(EVERY_S)
    assert bench.senses.battery_v == 11.9
    del bench.needles["mains"].read
    bench.until_faults()
    assert bench.senses.faults == {}


def test_what_it_draws_is_read_only_while_it_is_loud_and_every_two_seconds(bench: Bench) -> None:
    assert bench.senses.draws() == []
    bench.senses.hear(True)
    bench.run(10 * SOUNDING_EVERY_S)
    assert bench.senses.draws() == [1.5] * 10
    bench.senses.hear(False)
    bench.run(20)
    assert bench.senses.draws() == []


def test_while_the_chain_is_being_switched_nobody_else_speaks_on_its_lines(bench: Bench) -> None:
    bench.switching = True
    bench.needles["mains"].value = 0.0
    bench.run(120)
    assert bench.senses.faults == {}
    bench.switching = False
    assert bench.until_faults() <= IN_A_ROW * EVERY_S + 1


def test_draws_that_nobody_takes_fill_no_memory(bench: Bench) -> None:
    bench.senses.hear(True)
    bench.run(600)
    assert len(bench.senses.draws()) == 100


# -- real devices


def read_for_real(source: Input) -> list[float]:
    """Two readings of what an amplifier draws, by the thread that reads on a receiver."""
    chain = Chain(kind=ChainKind.WIRED, inputs={"draw": source}, proof=AmplifierDraw(input="draw", least=0.2))
    opened = open_chain(chain)
    senses = ChainSensors(chain, opened.gauges, lambda: False)
    senses.hear(True)
    senses.start()
    try:
        for _ in range(200):
            found = senses.draws()
            if found:
                return found
            threading.Event().wait(0.05)
        return []
    finally:
        senses.close()
        opened.close()


@pytest.mark.parametrize("kind", ["modbus tcp", "modbus rtu", "serial", "http"])
def test_what_an_amplifier_draws_is_read_from_real_devices(kind: str) -> None:
    device: ModbusDevice | SerialDevice | HttpDevice
    if kind.startswith("modbus"):
        device = ModbusDevice(serial=kind.endswith("rtu"))
        source: Input = ModbusInput(url=device.url, register=3, scale=0.1, unit="A")
    elif kind == "serial":
        device = SerialDevice()
        source = SerialInput(port=device.port, ask="I?\r", pattern=r"I=([\d.]+)A", unit="A")
    else:
        device = HttpDevice()
        source = HttpInput(url=f"{device.url}/state", field="meter.amps", unit="A")
    try:
        assert read_for_real(source) == [2.5]
    finally:
        device.close()


class ModemDevice:
    """A modem on a pseudo-terminal. answers: by command; what is missing is not answered. It echoes, as they do."""

    def __init__(self) -> None:
        self.answers = {
            "AT+CSQ": "+CSQ: 20,99\r\n\r\nOK",
            "AT+COPS?": '+COPS: 0,0,"Viettel",7\r\n\r\nOK',
            "AT+CPIN?": "+CPIN: READY\r\n\r\nOK",
            "AT+CMGF=0": "OK",
            "AT+CMGL=4": "OK",
        }
        self._ours, self._theirs = os.openpty()
        tty.setraw(self._theirs)
        self.port = os.ttyname(self._theirs)
        self._ending = False
        self._thread = threading.Thread(target=self._run, daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._ending = True
        os.write(self._theirs, b"\r")
        self._thread.join(5)
        os.close(self._ours)
        os.close(self._theirs)

    def _run(self) -> None:
        said = b""
        while not self._ending:
            said += os.read(self._ours, 100)
            while b"\r" in said and not self._ending:
                word, _, said = said.partition(b"\r")
                answer = self.answers.get(word.decode())
                if answer is not None:
                    os.write(self._ours, word + b"\r\r\n" + answer.encode() + b"\r\n")


@pytest.fixture
def device() -> Iterator[ModemDevice]:
    made = ModemDevice()
    yield made
    made.close()


@pytest.fixture
def modem(device: ModemDevice) -> Iterator[Modem]:
    made = Modem(ModemPort(port=device.port))
    yield made
    made.close()


def test_a_modem_says_signal_network_and_sim(modem: Modem) -> None:
    assert modem.read() == ModemState(-73, "Viettel", "ready")


@pytest.mark.parametrize(("rssi", "dbm"), [(0, -113), (31, -51), (99, None)])
def test_signal_in_dbm(device: ModemDevice, modem: Modem, rssi: int, dbm: int | None) -> None:
    device.answers["AT+CSQ"] = f"+CSQ: {rssi},99\r\n\r\nOK"
    assert modem.read().signal_dbm == dbm


@pytest.mark.parametrize(
    ("said", "sim"),
    [
        ("+CPIN: SIM PIN\r\n\r\nOK", "locked"),
        ("+CPIN: SIM PUK\r\n\r\nOK", "locked"),
        ("+CME ERROR: 10", "absent"),
        ("+CME ERROR: SIM not inserted", "absent"),
        ("+CME ERROR: 14", ""),
        ("ERROR", ""),
    ],
)
def test_what_is_said_of_the_sim(device: ModemDevice, modem: Modem, said: str, sim: str) -> None:
    device.answers["AT+CPIN?"] = said
    assert modem.read().sim == sim


def test_without_a_network_there_is_no_name(device: ModemDevice, modem: Modem) -> None:
    device.answers["AT+COPS?"] = "+COPS: 0\r\n\r\nOK"
    assert modem.read() == ModemState(-73, "", "ready")


def test_a_modem_that_is_silent_fails_and_is_asked_again(device: ModemDevice, modem: Modem) -> None:
    said = device.answers.pop("AT+CSQ")
    with pytest.raises(StepFailed, match=r"modem: .* does not answer"):
        modem.read()
    device.answers["AT+CSQ"] = said
    assert modem.read().signal_dbm == -73


def test_a_modem_that_is_not_there_fails_without_ending_the_receiver() -> None:
    with pytest.raises(StepFailed, match="modem: serial line /dev/no-such-modem"):
        Modem(ModemPort(port="/dev/no-such-modem")).read()


def test_a_sim_that_is_gone_and_a_modem_that_is_silent_are_faults_in_time(
    monkeypatch: pytest.MonkeyPatch, device: ModemDevice
) -> None:
    senses = ChainSensors(Chain(kind=ChainKind.IP, modem=ModemPort(port=device.port)), {}, lambda: False)
    told: list[ModemState | None] = [ModemState(-73, "Viettel", "ready")]

    def read(_modem: Modem) -> ModemState:
        if told[0] is None:
            raise StepFailed("modem: silent")
        return told[0]

    monkeypatch.setattr(Modem, "read", read)
    now_s = 0.0
    gone, silent = {"sim": "absent"}, {"sim": "absent", "sensor": "modem: silent"}  # nothing says that the SIM is back
    for state, faults in ((ModemState(sim="absent"), gone), (None, silent)):
        senses.turn(now_s)
        told[0] = state
        while senses.faults != faults:
            now_s += 0.25
            senses.turn(now_s)
            assert now_s < 2 * SOON_ENOUGH_S
    assert IN_A_ROW * MODEM_EVERY_S + 1 <= SOON_ENOUGH_S
    assert senses.sim == ""


SENSING = """
kind = "ip"

[inputs.current]
type = "modbus"
url = "tcp:192.168.1.20:502"
register = 4
scale = 0.01
unit = "A"

[proof]
input = "current"
least = 0.2

[supply]
mains = "current"
"""


def test_a_chain_may_consist_of_meters_alone(tmp_path: Path) -> None:
    (tmp_path / "chain.toml").write_text(SENSING)
    chain = read_chain(tmp_path / "chain.toml")
    assert (chain.only_sensors, chain.lead_ms) == (True, 0)
    assert chain.proof == AmplifierDraw(input="current", least=0.2)


@pytest.mark.parametrize(
    ("changed", "to", "said"),
    [
        ('input = "current"', 'input = "amps"', "'proof' reads 'amps', which is not among the inputs"),
        ('mains = "current"', 'battery = "volts"', "'supply.battery' reads 'volts', which is not among the inputs"),
        ('mains = "current"', "battery_least = 11", "'supply.battery' names no input"),
        ('mains = "current"', "mains_least = 250", "'supply.mains' can never hold: least 250 is more than most 240"),
        ("least = 0.2", 'least = "much"', "proof.least"),
    ],
)
def test_meters_that_contradict_themselves_are_refused(tmp_path: Path, changed: str, to: str, said: str) -> None:
    (tmp_path / "chain.toml").write_text(SENSING.replace(changed, to))
    with pytest.raises(ChainUnusable, match="(?s).*" + said.replace(".", "\\.")):
        read_chain(tmp_path / "chain.toml")
