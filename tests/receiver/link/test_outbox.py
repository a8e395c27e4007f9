"""Reports are kept on disk until the controller says that it heard them."""

from pathlib import Path

from receiver.link.outbox import AGAIN_AFTER_US, Outbox, report_header
from tests.receiver.plans import KEY, NOW_US
from wire.reports import CommandDone, Report
from wire.sealing import PublicKey, SealingKey, open_sealed

OWN = SealingKey(b"r" * 32)


def report() -> CommandDone:
    return CommandDone(**report_header("loa-1", NOW_US), command="c", done=True, at_us=NOW_US)


def test_a_report_waits_over_restarts_until_it_is_heard(tmp_path: Path) -> None:
    first, sent = Outbox(tmp_path, OWN), report()
    first.put(sent)
    after = Outbox(tmp_path, OWN)
    waiting = after.due(0)
    assert [pending.report for pending in waiting] == [sent.report]
    opened: Report = open_sealed(
        waiting[0].payload, Report, {OWN.kid: PublicKey(OWN.public)}, to="controller", now_us=NOW_US
    )
    assert opened == sent
    after.acknowledge([sent.report])
    assert len(Outbox(tmp_path, OWN)) == 0


def test_it_is_sent_again_after_a_while_and_with_a_new_connection(tmp_path: Path) -> None:
    box = Outbox(tmp_path, OWN)
    box.put(report())
    assert len(box.due(0)) == 1
    assert box.due(AGAIN_AFTER_US - 1) == []
    assert len(box.due(AGAIN_AFTER_US)) == 1
    box.send_all_again()
    assert len(box.due(AGAIN_AFTER_US + 1)) == 1


def test_the_oldest_goes_first_and_a_half_written_one_is_no_report(tmp_path: Path) -> None:
    box, sent = Outbox(tmp_path, OWN), [report() for _ in range(12)]
    for one in sent:
        box.put(one)
    (tmp_path / "000000099-x.jws.new").write_bytes(b"half")
    after = Outbox(tmp_path, OWN)
    assert [pending.report for pending in after.due(0)] == [one.report for one in sent]
    assert KEY.kid != OWN.kid


def test_after_a_jump_of_time_a_report_that_would_be_refused_as_expired_is_sealed_again(tmp_path: Path) -> None:
    box, keys = Outbox(tmp_path, OWN), {OWN.kid: PublicKey(OWN.public)}
    years_us = 6 * 365 * 86_400_000_000
    sent = report()
    box.put(sent)
    for now_us in (NOW_US + years_us, NOW_US):
        box.reseal(now_us)
        [waiting] = Outbox(tmp_path, OWN).due(0)
        opened: CommandDone = open_sealed(waiting.payload, CommandDone, keys, to="controller", now_us=now_us)
        assert opened.issued_at_us == now_us
        assert (opened.report, opened.command) == (sent.report, sent.command)


def test_after_a_jump_that_changes_nothing_for_a_report_it_stays_as_it_is(tmp_path: Path) -> None:
    box = Outbox(tmp_path, OWN)
    box.put(report())
    before = box.due(0)
    box.reseal(NOW_US + 3_600_000_000)
    assert box.due(AGAIN_AFTER_US) == before
