"""Whatever becomes of a receiver, nothing of its chain stays on for longer than ten seconds."""

import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from gateway.chain_files import MOST_DROP_MS, one_relay, read_chain
from gateway.chain_switch import ChainSwitch
from gateway.description import Chain, ChainKind, Switch
from gateway.device_description import ChainUnusable, HttpOutput, SerialOutput
from gateway.device_factory import ChainDevices
from gateway.guard import _TAKE_S, HUNG_S, Guard, HangDetector, drop
from gateway.ownership import Ownership
from tests.gateway.devices import HttpDevice, ModbusDevice, SerialDevice, until
from tests.gateway.rds_encoder import RdsEncoder

ROOT = Path(__file__).parents[2]
QUICK_S = 0.6


def test_ten_seconds_hold_by_arithmetic() -> None:
    assert HUNG_S + _TAKE_S + MOST_DROP_MS / 1000 <= 10.0


def test_while_nothing_is_on_a_receiver_may_be_silent_as_long_as_it_likes() -> None:
    watch = HangDetector(4.0, 100.0)
    assert watch.left_s(1e9) is None
    watch.hear(b"-", 200.0)
    assert watch.left_s(1e9) is None


@pytest.mark.parametrize(("at_s", "left_s"), [(203.9, 0.1), (204.0, 0.0), (204.1, 0.0)])
def test_while_something_may_be_on_it_may_be_silent_for_four_seconds(at_s: float, left_s: float) -> None:
    watch = HangDetector(4.0, 100.0)
    watch.hear(b"--+", 200.0)
    assert watch.left_s(at_s) == pytest.approx(left_s)


def test_the_last_word_holds_and_a_release_ends_it() -> None:
    watch = HangDetector(4.0, 100.0)
    watch.hear(b"++-", 101.0)
    assert (watch.may_be_on, watch.released) == (False, False)
    watch.hear(b"-+q", 102.0)
    assert watch.released


class Bench:
    """A transmitter: mains on a Modbus board, groups by RDS, amplifier on a serial line, carrier over HTTP."""

    def __init__(self, undo: ExitStack, folder: Path) -> None:
        self.board, self.line, self.web = ModbusDevice(serial=False), SerialDevice(), HttpDevice()
        self.rds = RdsEncoder(tcp=True)
        for device in (self.board, self.line, self.web, self.rds):
            undo.callback(device.close)
        self.folder = folder
        self.file = folder / "chain.toml"
        self.file.write_text(
            f'kind = "fm"\n[outputs.mains]\ntype = "modbus"\nurl = "{self.board.url}"\ncoil = 3\n'
            f'[outputs.amp]\ntype = "serial"\nport = "{self.line.port}"\non = "R1\\r"\noff = "R0\\r"\nanswer = "OK R"\n'
            f'[outputs.carrier]\ntype = "http"\non = "{self.web.url}/on"\noff = "{self.web.url}/off"\n'
            f'[outputs.groups]\ntype = "rds"\nlink = "{self.rds.link}"\ngroups = [3, 8]\nanswers = true\n'
            "[outputs.groups.profile]\nabout = 'quick'\nlargest = 65535\npause_ms = 10\n"
            '[[outputs.groups.profile.on]]\nmec = 0x24\nbytes = "0C 00 01 {group:2} {group:2}"\n'
            '[[outputs.groups.profile.off]]\nmec = 0x24\nbytes = "0C 00 00 {group:2} {group:2}"\n'
            + "".join(f'[[on]]\ndo = "switch"\noutput = "{n}"\n' for n in ("mains", "carrier", "amp", "groups"))
        )

    @property
    def on(self) -> list[str]:
        states = (("mains", self.board.is_on), ("amp", self.line.is_on), ("carrier", self.web.is_on))
        return [name for name, is_on in states if is_on] + sorted(f"group {each}" for each in self.rds.open)

    def receiver(self, manner: str = "well") -> "subprocess.Popen[bytes]":
        """A process that has the chain on."""
        made = subprocess.Popen(
            [sys.executable, "-m", "tests.gateway.holder", str(self.file), str(self.folder), str(QUICK_S), manner],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            cwd=ROOT,
        )
        assert made.stdout is not None
        assert made.stdout.readline() == b"on\n", made.stderr.read().decode() if made.stderr else ""
        return made


EVERYTHING = ["mains", "amp", "carrier", "group 3", "group 8"]


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    with ExitStack() as undo:
        yield Bench(undo, tmp_path)


def stopped(receiver: "subprocess.Popen[bytes]") -> None:
    os.kill(receiver.pid, signal.SIGSTOP)


def killed(receiver: "subprocess.Popen[bytes]") -> None:
    os.kill(receiver.pid, signal.SIGKILL)


def left_alone(_receiver: "subprocess.Popen[bytes]") -> None:
    """It hangs in a lock by itself."""


@pytest.mark.parametrize(("manner", "what_happens"), [("well", stopped), ("well", killed), ("stuck", left_alone)])
def test_a_receiver_that_stands_still_hangs_or_is_killed_leaves_nothing_on(
    bench: Bench, manner: str, what_happens: Callable[["subprocess.Popen[bytes]"], None]
) -> None:
    with bench.receiver(manner) as receiver:
        if manner == "well":
            assert bench.on == EVERYTHING
        what_happens(receiver)
        began_s = time.monotonic()
        until(lambda: bench.on == [])
        assert time.monotonic() - began_s < 10 - (HUNG_S - QUICK_S)
        until(lambda: receiver.poll() is not None)
        assert receiver.returncode == -signal.SIGKILL
    assert bench.rds.refused == []
    # Another one has the chain as soon as the guard is through.
    ChainSwitch.begin(read_chain(bench.file), bench.folder).close()


def test_a_receiver_that_lives_keeps_its_chain_and_one_that_ends_in_order_needs_no_guard(bench: Bench) -> None:
    with bench.receiver("ends") as receiver:
        with pytest.raises(ChainUnusable, match="another receiver switches this chain"):
            Ownership(bench.folder / "chain.lock", within_s=0.0)
        assert bench.on == EVERYTHING
        _, said = receiver.communicate(b"end\n", timeout=20)
    assert (receiver.returncode, bench.on) == (0, [])
    assert b"guard" not in said


def test_one_device_that_is_away_keeps_none_of_the_others_on(bench: Bench) -> None:
    chain = Chain(
        kind=ChainKind.WIRED,
        outputs={
            "away": SerialOutput(port="/dev/ttyNONE", on="1", off="0"),
            "gone": HttpOutput(on="http://127.0.0.1:9/on", off="http://127.0.0.1:9/off"),
            "web": HttpOutput(on=f"{bench.web.url}/on", off=f"{bench.web.url}/off"),
        },
        on=[Switch(output="web"), Switch(output="gone"), Switch(output="away")],
    )
    bench.web.is_on = True
    left = drop(chain)
    assert not bench.web.is_on
    assert [each.partition(":")[0] for each in left] == ["away", "gone"]


def test_a_guard_that_is_gone_is_replaced(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gateway.guard._RESTART_S", 0.0)
    guard = Guard(read_chain(bench.file), bench.folder / "chain.lock")
    try:
        first = guard._process
        first.kill()
        first.wait()
        guard.feed(may_be_on=True)
        assert guard._process.pid != first.pid
        assert guard._process.poll() is None
    finally:
        guard.release()
    assert guard._process.returncode == 0


class FedGuard(Guard):
    """Keeps what it was fed with; there is no process behind it."""

    def __init__(self) -> None:
        self.fed: list[bool] = []

    def feed(self, *, may_be_on: bool) -> None:
        self.fed.append(may_be_on)

    @property
    def gone(self) -> bool:
        return False

    def release(self) -> None:
        self.fed.append(False)


class StuckRelay:
    """A device whose library does not come back, until it is let go."""

    def __init__(self) -> None:
        self.let_go, self.reached = threading.Event(), threading.Event()

    def switch(self, on: bool) -> None:
        if on:
            self.reached.set()
            self.let_go.wait(20)

    def close(self) -> None:
        pass


def test_the_guard_hears_first_and_starves_when_a_step_hangs_though_the_receiver_lives(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("gateway.runner.HANGS_S", -0.95)  # a step may take a second
    relay, guard = StuckRelay(), FedGuard()
    switch = ChainSwitch(one_relay("GPIO17"), ChainDevices({"amplifier": relay}, {}), guard)
    try:
        switch.alive()
        assert not any(guard.fed)
        switch.switch(True)
        assert guard.fed[-1]
        assert relay.reached.wait(10)
        until(lambda: switch._runner.hangs)
        fed = len(guard.fed)
        for _ in range(3):
            switch.switch(True)
            switch.alive()
        assert len(guard.fed) == fed
    finally:
        relay.let_go.set()
        switch.close()
    assert guard.fed[-1] is False


def test_a_chain_that_nobody_watches_over_says_so(bench: Bench) -> None:
    switch = ChainSwitch.begin(read_chain(bench.file), bench.folder)
    try:
        assert switch.fault == ""
        assert switch._guard is not None
        switch._guard._process.kill()
        until(lambda: switch.fault == "the guard of the chain is not running")
    finally:
        switch.close()
