"""What the demo says of a process that ended."""

from pathlib import Path

import pytest

from demo.child_processes import ChildProcess

LOG = """\
2026-11-27 08:00:00,001 ERROR runtime.broker: the broker does not answer
2026-11-27 08:00:01,001 INFO fontTools.subset: glyf pruned
2026-11-27 08:00:01,002 INFO fontTools.subset: hmtx pruned
"""


@pytest.fixture
def child(tmp_path: Path) -> ChildProcess:
    return ChildProcess("controller", ["--help"], tmp_path / "controller.log")


def test_a_killed_process_is_named_with_its_signal_and_the_errors_of_its_log(tmp_path: Path) -> None:
    child = ChildProcess("controller", ["serve", "--data", str(tmp_path / "none")], tmp_path / "controller.log")
    child.start()
    with child.log.open("a") as log:
        log.write(LOG)
    child.kill()
    assert child.ending().splitlines() == [
        "controller was ended by signal SIGKILL",
        "2026-11-27 08:00:00,001 ERROR runtime.broker: the broker does not answer",
    ]


def test_a_refused_start_is_named_with_its_exit_status_and_the_refusal(tmp_path: Path) -> None:
    child = ChildProcess("thon-1", ["receiver", "run", "--data", str(tmp_path)], tmp_path / "thon-1.log")
    child.start()
    child.wait()
    assert child.ending().splitlines()[0] == "thon-1 ended with exit status 2"
    assert "Missing option '--credentials'" in child.ending()


def test_a_traceback_is_kept_with_its_error(child: ChildProcess) -> None:
    traceback = ["Traceback (most recent call last):", '  File "x.py", line 1, in <module>', "ValueError: no"]
    log = ["2026-11-27 08:00:00,001 ERROR broadcast.ingest: job 4 failed", *traceback]
    child.log.write_text("\n".join([*log, "2026-11-27 08:00:02,001 INFO loa.controller: stopped"]))
    assert child.errors() == log


def test_errors_of_an_earlier_run_are_not_the_cause(child: ChildProcess) -> None:
    child.log.write_text(LOG)
    child.start()
    child.wait()
    assert not any("runtime.broker" in line for line in child.errors())


def test_a_greeting_is_no_error(child: ChildProcess) -> None:
    child.log.write_text("First operator: vận-hành   one-time password: abc\nLoa is ready: http://127.0.0.1:8080\n")
    assert child.errors() == []
