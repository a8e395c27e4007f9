"""Opens the devices of a chain: each line and board once, and only the libraries that the chain needs."""

import importlib
from collections.abc import Mapping
from contextlib import ExitStack
from typing import TYPE_CHECKING, Any, NamedTuple

from gateway.description import Chain
from gateway.device_description import (
    GpioInput,
    GpioOutput,
    HttpInput,
    HttpOutput,
    Input,
    ModbusInput,
    ModbusOutput,
    Output,
    RdsOutput,
    SerialInput,
    SerialOutput,
)
from gateway.runner import Gauge, Relay

_MODULES: dict[type[Output], str] = {
    GpioOutput: "gateway.gpio",
    SerialOutput: "gateway.serial_line",
    ModbusOutput: "gateway.modbus_board",
    HttpOutput: "gateway.http_relay",
    RdsOutput: "gateway.rds_encoder",
}

if TYPE_CHECKING:
    from gateway.modbus_board import ModbusBoard
    from gateway.rds_encoder import EncoderLine
    from gateway.serial_line import SerialLine
    from gateway.tcp_line import TcpLine


class ChainDevices(NamedTuple):
    """The relays and gauges of a chain, by the names in it."""

    relays: Mapping[str, Relay]
    gauges: Mapping[str, Gauge]

    def close(self) -> None:
        for relay in self.relays.values():
            relay.close()
        for gauge in self.gauges.values():
            gauge.close()


def open_chain(chain: Chain, *, pin_factory: Any = None) -> ChainDevices:
    """Open all devices; pins start switched off. pin_factory: gpiozero's, for tests. Raises ChainUnusable."""
    factory = _DeviceFactory(pin_factory)
    with ExitStack() as undo:
        devices = ChainDevices({}, {})
        undo.callback(lambda: devices.close())
        relays: dict[str, Relay] = {}
        gauges: dict[str, Gauge] = {}
        devices = ChainDevices(relays, gauges)
        for name, output in chain.outputs.items():
            relays[name] = factory.relay(output)
        for name, source in chain.inputs.items():
            gauges[name] = factory.gauge(source)
        undo.pop_all()
        return devices


def open_relay(output: Output) -> Relay:
    """Open a single output. Raises ChainUnusable."""
    return _DeviceFactory(None).relay(output)


def load(chain: Chain) -> None:
    """Import the libraries of a chain's outputs without opening anything."""
    for output in chain.outputs.values():
        importlib.import_module(_MODULES[type(output)])
        if isinstance(output, RdsOutput):
            importlib.import_module("gateway.serial_line" if output.link.startswith("serial:") else "gateway.tcp_line")


class _DeviceFactory:
    """Shares a line or a board between the devices on it."""

    def __init__(self, pin_factory: Any) -> None:
        self._pin_factory = pin_factory
        self._lines: dict[str, SerialLine] = {}
        self._boards: dict[str, ModbusBoard] = {}
        self._tcp_lines: dict[str, TcpLine] = {}

    # A small board has no memory for libraries that its chain does not need.
    # ruff: noqa: PLC0415

    def relay(self, output: Output) -> Relay:
        match output:
            case GpioOutput():
                from gateway.gpio import GpioRelay

                return GpioRelay(output, pin_factory=self._pin_factory)
            case SerialOutput():
                from gateway.serial_line import SerialRelay

                return SerialRelay(output, self._line(output.port, output.baud))
            case ModbusOutput():
                from gateway.modbus_board import ModbusCoil

                return ModbusCoil(output, self._board(output.url))
            case HttpOutput():
                from gateway.http_relay import HttpRelay

                return HttpRelay(output)
            case RdsOutput():
                from gateway.rds_encoder import RdsGroups

                return RdsGroups(output, self._link(output.link))

    def gauge(self, source: Input) -> Gauge:
        match source:
            case GpioInput():
                from gateway.gpio import GpioContact

                return GpioContact(source, pin_factory=self._pin_factory)
            case SerialInput():
                from gateway.serial_line import SerialGauge

                return SerialGauge(source, self._line(source.port, source.baud))
            case ModbusInput():
                from gateway.modbus_board import ModbusRegister

                return ModbusRegister(source, self._board(source.url))
            case HttpInput():
                from gateway.http_relay import HttpGauge

                return HttpGauge(source)

    def _link(self, link: str) -> "EncoderLine":
        kind, _, where = link.partition(":")
        if kind == "serial":
            port, _, baud = where.partition("?baud=")
            return self._line(port, int(baud or 9600))
        from gateway.tcp_line import TcpLine

        if where not in self._tcp_lines:
            host, _, port = where.rpartition(":")
            self._tcp_lines[where] = TcpLine(host, int(port))
        return self._tcp_lines[where]

    def _line(self, port: str, baud: int) -> "SerialLine":
        from gateway.serial_line import SerialLine

        if port not in self._lines:
            self._lines[port] = SerialLine(port, baud)
        return self._lines[port]

    def _board(self, url: str) -> "ModbusBoard":
        from gateway.modbus_board import ModbusBoard

        if url not in self._boards:
            self._boards[url] = ModbusBoard(url)
        return self._boards[url]
