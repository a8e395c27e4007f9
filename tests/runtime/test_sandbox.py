"""A file that is parsed in the sandbox costs at most what the limits allow, and the controller goes on."""

import os
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

import pytest

from runtime.refusal import Refusal
from runtime.sandbox import Limits, ParserFailed, run_in_sandbox

SMALL = Limits(cpu_s=1, wall_s=2, memory_bytes=400_000_000, answer_bytes=10_000)


@dataclass
class Parsed:
    """What a parser answers."""

    days: list[date]
    unread: list[tuple[str, Refusal]] = field(default_factory=list)


def parse(content: bytes) -> Parsed:
    return Parsed([date(2026, 11, len(content))], [("x", Refusal("{n} of {what}", n=2, what=date(2026, 1, 1)))])


def refuse() -> None:
    raise Refusal("No {thing}.", thing="bread")


def never_end() -> None:
    while True:
        pass


def sleep_long() -> None:
    time.sleep(600)


def take_memory() -> int:
    return len(bytearray(2_000_000_000))


def crash() -> None:
    os.abort()


def fail() -> None:
    raise KeyError("x")


def print_much() -> int:
    for _ in range(1000):
        print("a library that prints")
    return 7


def answer_much() -> bytes:
    return bytes(20_000)


def write_a_file(path: str) -> None:
    with Path(path).open("wb") as file:
        file.write(bytes(1_000_000))


def environment() -> list[str]:
    return sorted(os.environ)


def test_the_result_arrives_with_its_types() -> None:
    parsed = run_in_sandbox(parse, b"12345", result=Parsed, source="commune")
    assert parsed.days == [date(2026, 11, 5)]
    assert str(parsed.unread[0][1]) == "2 of 2026-01-01"


def test_a_refusal_of_the_parser_arrives_as_it_was_said() -> None:
    with pytest.raises(Refusal, match="No bread"):
        run_in_sandbox(refuse, result=int, source="commune")


@pytest.mark.parametrize("function", [never_end, sleep_long, take_memory, crash, answer_much])
def test_a_parser_that_exceeds_a_limit_or_dies_is_a_refusal_that_says_so(function: Callable[[], object]) -> None:
    began_s = time.monotonic()
    with pytest.raises(Refusal, match="too much time or memory"):
        run_in_sandbox(function, result=bytes, source="commune", limits=SMALL)
    assert time.monotonic() - began_s < 5


def test_any_other_error_is_told_apart_from_a_refusal() -> None:
    with pytest.raises(ParserFailed, match="KeyError"):
        run_in_sandbox(fail, result=int, source="commune")


def test_what_a_library_prints_is_not_taken_for_the_answer() -> None:
    assert run_in_sandbox(print_much, result=int, source="commune") == 7


def test_a_parser_writes_no_byte_to_the_disk(tmp_path: Path) -> None:
    with pytest.raises(ParserFailed, match="File too large"):
        run_in_sandbox(write_a_file, str(tmp_path / "x"), result=int, source="commune")
    assert (tmp_path / "x").stat().st_size == 0


def test_a_source_with_many_files_holds_up_no_other() -> None:
    refused: list[str] = []

    def read_slow_file() -> None:
        try:
            run_in_sandbox(sleep_long, result=int, source="commune", limits=Limits(wall_s=1.5))
        except Refusal as refusal:
            refused.append(str(refusal))

    threads = [threading.Thread(target=read_slow_file) for _ in range(8)]
    for thread in threads:
        thread.start()
    began_s = time.monotonic()
    assert run_in_sandbox(print_much, result=int, source="neighbour") == 7
    assert time.monotonic() - began_s < 6, "four slow files of one commune take 6 s one after the other"
    for thread in threads:
        thread.join(30)
    assert len([said for said in refused if "at the moment" in said]) == 4


def test_a_parser_sees_no_secret_of_the_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LOA_DATABASE_URL", "postgresql://user:password@host/loa")
    assert "LOA_DATABASE_URL" not in run_in_sandbox(environment, result=list[str], source="commune")
