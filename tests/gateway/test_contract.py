"""One contract for every kind of output and input, asked of real devices."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack

import pytest
from gpiozero.pins.mock import MockFactory

from gateway.description import Chain, ChainKind, Switch
from gateway.device_description import (
    ChainUnusable,
    GpioInput,
    GpioOutput,
    HttpInput,
    HttpOutput,
    Input,
    ModbusInput,
    ModbusOutput,
    Output,
    SerialInput,
    SerialOutput,
)
from gateway.device_factory import ChainDevices, open_chain
from gateway.runner import StepFailed
from tests.gateway.devices import BadBoard, HttpDevice, ModbusDevice, SerialDevice, within


class Rig:
    """A chain of one relay and one gauge, opened, and how to look at the device behind them."""

    def __init__(
        self,
        output: Output,
        source: Input,
        *,
        is_on: Callable[[], bool],
        reads: float,
        factory: object = None,
    ) -> None:
        chain = Chain(
            kind=ChainKind.WIRED, outputs={"relay": output}, inputs={"gauge": source}, on=[Switch(output="relay")]
        )
        self.opened: ChainDevices = open_chain(chain, pin_factory=factory)
        self.relay, self.gauge = self.opened.relays["relay"], self.opened.gauges["gauge"]
        self.is_on, self.reads = is_on, reads


def serial_rig(undo: ExitStack, manner: str = "well") -> Rig:
    device = SerialDevice()
    undo.callback(device.close)
    device.manner = manner
    rig = Rig(
        SerialOutput(port=device.port, on="R1\r", off="R0\r", answer="OK R"),
        SerialInput(port=device.port, ask="I?\r", pattern=r"I=([0-9.]+)A", unit="A"),
        is_on=lambda: device.is_on,
        reads=2.5,
    )
    undo.callback(rig.opened.close)
    return rig


def http_rig(undo: ExitStack, manner: str = "well") -> Rig:
    device = HttpDevice()
    undo.callback(device.close)
    device.manner = manner
    return Rig(
        HttpOutput(on=f"{device.url}/on", off=f"{device.url}/off", answer='"done"'),
        HttpInput(url=f"{device.url}/state", field="meter.amps", unit="A"),
        is_on=lambda: device.is_on,
        reads=2.5,
    )


def modbus_rig(undo: ExitStack, *, serial: bool) -> Rig:
    device = ModbusDevice(serial=serial)
    undo.callback(device.close)
    rig = Rig(
        ModbusOutput(url=device.url, coil=3),
        ModbusInput(url=device.url, register=2, scale=0.1, unit="A"),
        is_on=lambda: device.is_on,
        reads=2.5,
    )
    undo.callback(rig.opened.close)
    return rig


def bad_board_rig(undo: ExitStack, manner: str) -> Rig:
    device = BadBoard(manner)
    undo.callback(device.close)
    rig = Rig(
        ModbusOutput(url=device.url, coil=0), ModbusInput(url=device.url, register=0), is_on=lambda: False, reads=0.0
    )
    undo.callback(rig.opened.close)
    return rig


def gpio_rig(undo: ExitStack) -> Rig:
    factory = MockFactory()
    undo.callback(factory.close)
    rig = Rig(
        GpioOutput(pin="GPIO17", active_high=False),
        GpioInput(pin="GPIO5"),
        is_on=lambda: not factory.pin(17).state,
        reads=1.0,
        factory=factory,
    )
    undo.callback(rig.opened.close)
    factory.pin(5).drive_low()
    return rig


RIGS: dict[str, Callable[[ExitStack], Rig]] = {
    "gpio": gpio_rig,
    "serial": serial_rig,
    "http": http_rig,
    "modbus tcp": lambda undo: modbus_rig(undo, serial=False),
    "modbus rtu": lambda undo: modbus_rig(undo, serial=True),
}
BAD: dict[str, Callable[[ExitStack], Rig]] = {
    **{
        f"serial {manner}": lambda undo, manner=manner: serial_rig(undo, manner)
        for manner in ("silent", "late", "wrong", "babbling")
    },
    **{
        f"http {manner}": lambda undo, manner=manner: http_rig(undo, manner)
        for manner in ("silent", "late", "wrong", "broken", "babbling")
    },
    **{
        f"modbus {manner}": lambda undo, manner=manner: bad_board_rig(undo, manner)
        for manner in ("silent", "late", "wrong", "babbling")
    },
}


@pytest.fixture
def undo() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


@pytest.mark.parametrize("kind", RIGS)
def test_a_relay_is_off_at_first_and_does_as_it_is_told(undo: ExitStack, kind: str) -> None:
    rig = RIGS[kind](undo)
    assert not rig.is_on()
    for wanted in (True, True, False, True, False):
        within(1.0, lambda wanted=wanted: rig.relay.switch(wanted))
        assert rig.is_on() is wanted


@pytest.mark.parametrize("kind", RIGS)
def test_a_value_is_read_as_often_as_asked(undo: ExitStack, kind: str) -> None:
    rig = RIGS[kind](undo)
    for _ in range(3):
        assert within(1.0, rig.gauge.read) == pytest.approx(rig.reads)


@pytest.mark.parametrize("kind", BAD)
def test_a_device_that_behaves_badly_fails_its_step_in_time_and_is_named(undo: ExitStack, kind: str) -> None:
    rig = BAD[kind](undo)
    with pytest.raises(StepFailed, match=r"/dev/|127\.0\.0\.1"):
        within(1.5, lambda: rig.relay.switch(True))
    with pytest.raises(StepFailed, match=r"/dev/|127\.0\.0\.1"):
        within(1.5, rig.gauge.read)


def test_a_board_that_says_done_and_does_nothing_is_found_out(undo: ExitStack) -> None:
    with pytest.raises(StepFailed, match="stays off"):
        bad_board_rig(undo, "stuck").relay.switch(True)


def test_what_is_not_there_is_said_when_it_is_opened_or_reached(undo: ExitStack) -> None:
    for output in (SerialOutput(port="/dev/ttyNONE", on="1", off="0"), GpioOutput(pin="GPIO999")):
        factory = MockFactory()
        undo.callback(factory.close)
        with pytest.raises(ChainUnusable, match=r"ttyNONE|GPIO999"):
            Rig(output, GpioInput(pin="GPIO5"), is_on=bool, reads=0.0, factory=factory)
    away = Rig(
        ModbusOutput(url="tcp:127.0.0.1:9", coil=0),
        HttpInput(url="http://127.0.0.1:9/", field="x"),
        is_on=bool,
        reads=0.0,
    )
    with pytest.raises(StepFailed, match="not reached"):
        away.relay.switch(True)
    with pytest.raises(StepFailed, match="refused"):
        away.gauge.read()


def test_a_pattern_that_is_none_is_refused(undo: ExitStack) -> None:
    device = SerialDevice()
    undo.callback(device.close)
    for pattern, said in (("I=(", "is not a regular expression"), ("I=", "one group")):
        with pytest.raises(ChainUnusable, match=said):
            Rig(
                GpioOutput(pin="GPIO17"),
                SerialInput(port=device.port, ask="I?\r", pattern=pattern),
                is_on=bool,
                reads=0.0,
                factory=MockFactory(),
            )
