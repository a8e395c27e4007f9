"""Relay boards and meters on Modbus, over a serial line or TCP. The home of pymodbus."""

import threading
from urllib.parse import parse_qs, urlsplit

import pymodbus
from pymodbus.client import ModbusSerialClient, ModbusTcpClient

from gateway.device_description import SWITCH_MS, ChainUnusable, ModbusInput, ModbusOutput
from gateway.runner import StepFailed

#: One try, in less than half the time of a step: writing a coil and reading it back must both fit.
_WITHIN_S = SWITCH_MS / 1000 * 0.4


class ModbusBoard:
    """One connection, shared by all coils and registers behind it; a lock lets one use it at a time."""

    def __init__(self, url: str) -> None:
        """Connects at the first request. Raises ChainUnusable for an invalid URL."""
        self._url = url
        where = urlsplit(url)
        try:
            if where.scheme == "tcp":
                host, _, port = where.path.rpartition(":")
                self._client: ModbusTcpClient | ModbusSerialClient = ModbusTcpClient(
                    host, port=int(port), timeout=_WITHIN_S, retries=0
                )
            else:
                baud = int(parse_qs(where.query).get("baud", ["9600"])[0])
                self._client = ModbusSerialClient(where.path, baudrate=baud, timeout=_WITHIN_S, retries=0)
        except ValueError as failure:
            raise ChainUnusable(f"{url}: {failure}") from failure
        self._lock = threading.Lock()

    def set_coil(self, unit: int, coil: int, on: bool) -> None:
        """Write a coil and read it back. Raises StepFailed when it differs."""
        with self._lock:
            try:
                self._reach()
                written = self._client.write_coil(coil, on, device_id=unit)
                read = written if written.isError() else self._client.read_coils(coil, count=1, device_id=unit)
            except (pymodbus.ModbusException, OSError) as failure:
                self._client.close()
                raise StepFailed(f"coil {coil} at {self._url}: {failure}") from failure
            if read.isError() or not read.bits:
                raise StepFailed(f"coil {coil} at {self._url}: the board answers {read}")
            if bool(read.bits[0]) is not on:
                raise StepFailed(f"coil {coil} at {self._url} stays {'off' if on else 'on'}")

    def register(self, unit: int, register: int) -> int:
        """A holding register. Raises StepFailed."""
        with self._lock:
            try:
                self._reach()
                read = self._client.read_holding_registers(register, count=1, device_id=unit)
            except (pymodbus.ModbusException, OSError) as failure:
                self._client.close()
                raise StepFailed(f"register {register} at {self._url}: {failure}") from failure
            if read.isError() or not read.registers:
                raise StepFailed(f"register {register} at {self._url}: the board answers {read}")
            return int(read.registers[0])

    def close(self) -> None:
        """Release the line. Closing twice does nothing."""
        self._client.close()

    def _reach(self) -> None:
        if not self._client.connected and not self._client.connect():
            raise StepFailed(f"{self._url} is not reached")


class ModbusCoil:
    """A relay (`gateway.runner.Relay`)."""

    def __init__(self, output: ModbusOutput, board: ModbusBoard) -> None:
        """board: at the output's URL."""
        self._output, self._board = output, board

    def switch(self, on: bool) -> None:
        self._board.set_coil(self._output.unit, self._output.coil, on)

    def close(self) -> None:
        self._board.close()


class ModbusRegister:
    """A value (`gateway.runner.Gauge`)."""

    def __init__(self, source: ModbusInput, board: ModbusBoard) -> None:
        """board: at the input's URL."""
        self._source, self._board = source, board

    def read(self) -> float:
        return self._board.register(self._source.unit_id, self._source.register) * self._source.scale

    def close(self) -> None:
        self._board.close()
