"""Chains for tests: an amplifier behind mains and a line check, relays and gauges that do as they are told."""

from collections.abc import Callable

from gateway.description import Chain, ChainKind, Check, Switch, Wait
from gateway.device_description import GpioInput, GpioOutput, ModbusInput
from gateway.runner import StepFailed


def wired() -> Chain:
    """Mains, half a second, line amplifier, its level between 90 and 310 V within a second, unmute."""
    return Chain(
        kind=ChainKind.WIRED,
        outputs={"mains": GpioOutput(pin="GPIO17"), "amp": GpioOutput(pin="GPIO27"), "mute": GpioOutput(pin="GPIO22")},
        inputs={"line": ModbusInput(url="tcp:127.0.0.1:502", register=1), "door": GpioInput(pin="GPIO5")},
        on=[
            Switch(output="mains"),
            Wait(ms=500),
            Switch(output="amp"),
            Check(input="line", least=90, most=310, within_ms=1000),
            Switch(output="mute"),
        ],
        path_delay_ms=12.5,
    )


class HandClock:
    """A clock that moves when code waits on it. during: called as time passes, with the instant."""

    def __init__(self) -> None:
        self.at_s = 100.0
        self.during: Callable[[float], None] = lambda _at_s: None

    def now_s(self) -> float:
        return self.at_s

    def wait(self, seconds: float, woken: Callable[[], bool]) -> bool:
        ends_s = self.at_s + seconds
        while self.at_s < ends_s - 1e-9:
            self.at_s = min(ends_s, self.at_s + 0.05)
            self.during(self.at_s)
            if woken():
                return True
        return False


class Board:
    """Relays by name: what is on now, and everything that was done, in order."""

    def __init__(self, clock: HandClock) -> None:
        self.clock = clock
        self.on: set[str] = set()
        self.done: list[tuple[float, str, bool]] = []
        self.fails: set[tuple[str, bool]] = set()
        self.breaks: set[tuple[str, bool]] = set()
        self.slow: dict[tuple[str, bool], float] = {}

    def relay(self, name: str) -> "BoardRelay":
        return BoardRelay(self, name)


class BoardRelay:
    """One of them."""

    def __init__(self, board: Board, name: str) -> None:
        self.board, self.name = board, name

    def switch(self, on: bool) -> None:
        self.board.done.append((round(self.board.clock.now_s() - 100, 2), self.name, on))
        self.board.clock.wait(self.board.slow.get((self.name, on), 0.0), lambda: False)
        if (self.name, on) in self.board.breaks:
            raise RuntimeError("broken")
        if (self.name, on) in self.board.fails:
            raise StepFailed(f"{self.name} does not answer")
        (self.board.on.add if on else self.board.on.discard)(self.name)

    def close(self) -> None:
        pass


class Needle:
    """A gauge that shows what it is set to; None: it does not answer."""

    def __init__(self, value: float | None = 220.0) -> None:
        self.value = value

    def read(self) -> float:
        if self.value is None:
            raise StepFailed("line does not answer")
        return self.value

    def close(self) -> None:
        pass
