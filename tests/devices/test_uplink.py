"""The uplink: what receivers say is believed only with the right key, written down once, and then said heard."""

import msgspec
import pytest
from sqlmodel import Session, select

from devices import faults
from devices.enrolment import renew_credentials, retire_receiver
from devices.heartbeats import last_heartbeats
from devices.presence_states import PresenceState
from devices.receivers import Receiver, change_receiver
from devices.uplink import MOST_A_SECOND, MOST_REPORTS_A_SECOND, HeardReport
from runtime.clock import ManualClock
from tests.devices.conftest import ISSUER, KEY, Site, site_on
from tests.devices.test_receivers import counted
from tests.fakes.broker import FakeBroker
from wire.commands import Command, Config, Identify, ReportsHeard
from wire.messages import CONTROLLER, encode
from wire.reports import ClockState, CommandDone, FaultReport, Heartbeat, Presence
from wire.sealing import Reason, SealingKey
from wire.time import TimeAsk, TimeTell
from wire.topics import Kind, of_receiver


@pytest.fixture
def two(site: Site) -> Site:
    site.enrol("thon-1")
    site.enrol("thon-2")
    return site


def said_heard(site: Site, receiver_id: str) -> list[list[str]]:
    """What the controller said heard, to one receiver."""
    actions = [command.action for command in site.sent(receiver_id, Kind.DO, Command)]
    return [action.reports for action in actions if isinstance(action, ReportsHeard)]


def written(site: Site) -> list[str]:
    with site.database.session() as session:
        return sorted(session.exec(select(HeardReport.report)))


def test_a_report_with_its_receivers_seal_is_written_down_and_said_heard(two: Site) -> None:
    two.uplink.take_reports([("thon-1", two.sealed(two.fault("thon-1")))])
    assert written(two) == ["r1"]
    assert said_heard(two, "thon-1") == [["r1"]]
    assert not two.uplink.refused


def test_a_report_that_comes_twice_counts_once_and_is_said_heard_again(two: Site) -> None:
    taken: list[str] = []
    two.uplink.on_report(FaultReport, lambda session, receiver_id, report: taken.append(report.report))
    payload = two.sealed(two.fault("thon-1"))
    two.uplink.take_reports([("thon-1", payload), ("thon-1", payload)])
    two.uplink.take_reports([("thon-1", payload)])
    assert taken == written(two) == ["r1"]
    assert said_heard(two, "thon-1") == [["r1", "r1"], ["r1"]]


def test_each_receiver_is_told_of_its_own(two: Site) -> None:
    batch = [("thon-1", "a"), ("thon-2", "b"), ("thon-1", "c")]
    two.uplink.take_reports([(name, two.sealed(two.fault(name, report))) for name, report in batch])
    assert said_heard(two, "thon-1") == [["a", "c"]]
    assert said_heard(two, "thon-2") == [["b"]]


def test_a_report_goes_to_whom_its_kind_concerns(two: Site) -> None:
    done: list[tuple[str, str]] = []
    two.uplink.on_report(CommandDone, lambda session, receiver_id, report: done.append((receiver_id, report.command)))
    now_us = two.clock.now_us()
    report = CommandDone(
        to=CONTROLLER,
        revision=1,
        issued_at_us=now_us,
        expires_at_us=now_us + 1,
        report="r9",
        receiver="thon-1",
        command="c1",
        done=True,
        at_us=now_us,
    )
    two.uplink.take_reports([("thon-1", two.sealed(report)), ("thon-1", two.sealed(two.fault("thon-1")))])
    assert done == [("thon-1", "c1")]


def forged(site: Site) -> dict[str, tuple[str, bytes, Reason]]:
    fault, now_us = site.fault("thon-1"), site.clock.now_us()
    raw = msgspec.json.encode(fault)
    return {
        "plain": ("thon-1", raw, Reason.UNSEALED),
        "noise": ("thon-1", b"\xff" * 100, Reason.MALFORMED),
        "another's seal": ("thon-1", site.sealed(fault, by="thon-2"), Reason.UNKNOWN_KEY),
        "the controller's own seal": ("thon-1", KEY.seal(fault), Reason.UNKNOWN_KEY),
        "a key nobody knows": ("thon-1", SealingKey.new().seal(fault), Reason.UNKNOWN_KEY),
        "a true seal, said of another": ("thon-1", site.sealed(site.fault("thon-2"), by="thon-1"), Reason.NOT_FOR_US),
        "another's report, sent on": ("thon-2", site.sealed(fault), Reason.UNKNOWN_KEY),
        "not to the controller": ("thon-1", site.sealed(site.fault("thon-1", to="r/thon-1")), Reason.NOT_FOR_US),
        "expired": ("thon-1", site.sealed(site.fault("thon-1", expires_at_us=now_us)), Reason.EXPIRED),
        "nobody's": ("thon-9", site.sealed(fault), Reason.UNKNOWN_KEY),
        "the year 40000": (
            "thon-1",
            site.sealed(site.fault("thon-1", at_us=1_200_000_000_000_000_000)),
            Reason.MALFORMED,
        ),
    }


@pytest.mark.parametrize(
    "name",
    [
        "plain",
        "noise",
        "another's seal",
        "the controller's own seal",
        "a key nobody knows",
        "a true seal, said of another",
        "another's report, sent on",
        "not to the controller",
        "expired",
        "nobody's",
        "the year 40000",
    ],
)
def test_what_is_not_to_be_believed_is_counted_and_never_said_heard(two: Site, name: str) -> None:
    sender, payload, reason = forged(two)[name]
    good = two.sealed(two.fault("thon-2", "good"))
    two.uplink.take_reports([(sender, payload), ("thon-2", good)])
    assert two.uplink.refused == {reason.value: 1}
    assert written(two) == ["good"], "one bad report holds up no other"
    assert said_heard(two, "thon-2") == [["good"]]
    assert said_heard(two, "thon-1") == []


def test_who_is_out_of_service_is_not_believed_any_more(two: Site) -> None:
    two.uplink.take_reports([("thon-1", two.sealed(two.fault("thon-1", "before")))])
    with two.database.writing() as session:
        retire_receiver(session, "thon-1", two.clock.now())
    two.uplink.take_reports([("thon-1", two.sealed(two.fault("thon-1", "after")))])
    assert written(two) == ["before"]
    assert two.uplink.refused == {"unknown_key": 1}


def test_with_new_credentials_the_old_key_holds_no_longer(two: Site) -> None:
    two.uplink.take_reports([("thon-1", two.sealed(two.fault("thon-1", "a")))])
    by_the_old = two.sealed(two.fault("thon-1", "b"))
    with two.database.writing() as session:
        two.credentials["thon-1"] = renew_credentials(session, ISSUER, "thon-1")
    two.uplink.take_reports([("thon-1", by_the_old), ("thon-1", two.sealed(two.fault("thon-1", "c")))])
    assert written(two) == ["a", "c"]
    assert two.uplink.refused == {"unknown_key": 1}


def test_heard_is_said_only_after_the_commit(two: Site) -> None:
    at_that_moment: list[list[str]] = []
    two.broker.subscribe(of_receiver("thon-1", Kind.DO), lambda *_: at_that_moment.append(written(two)))
    two.uplink.take_reports([("thon-1", two.sealed(two.fault("thon-1")))])
    assert at_that_moment == [["r1"]]


def test_what_could_not_be_written_is_not_said_heard_and_comes_again(two: Site) -> None:
    broken = [True]

    def handler(session: Session, receiver_id: str, report: FaultReport) -> None:
        if broken[0]:
            raise OSError("the disk is full")

    two.uplink.on_report(FaultReport, handler)
    payload = two.sealed(two.fault("thon-1"))
    with pytest.raises(OSError, match="full"):
        two.uplink.take_reports([("thon-1", payload)])
    assert said_heard(two, "thon-1") == []
    assert written(two) == []
    with two.database.session() as session:
        assert faults.current(session) == {}
    broken[0] = False
    two.uplink.take_reports([("thon-1", payload)])
    assert said_heard(two, "thon-1") == [["r1"]]


def test_the_time_is_told_at_once_and_without_the_database(two: Site) -> None:
    two.uplink.start()
    with counted(two.database) as statements:
        two.say("thon-1", Kind.TIME_ASK, TimeAsk(nonce="0" * 16, asked_local_us=77))
    [tell] = two.sent("thon-1", Kind.TIME_TELL, TimeTell)
    assert statements == []
    assert (tell.nonce, tell.asked_local_us) == ("0" * 16, 77)
    assert tell.heard_at_us == tell.told_at_us == two.clock.now_us()
    assert two.sent("thon-2", Kind.TIME_TELL, TimeTell) == []
    two.uplink.close()


def test_an_ask_that_the_broker_kept_is_not_answered(two: Site) -> None:
    two.broker.publish(
        of_receiver("thon-1", Kind.TIME_ASK), b'{"nonce":"0000000000000000","asked_local_us":1}', qos=0, retain=True
    )
    two.uplink.start()
    assert two.sent("thon-1", Kind.TIME_TELL, TimeTell) == []
    two.uplink.close()


@pytest.mark.parametrize("kind", [Kind.TIME_ASK, Kind.PRESENCE, Kind.HEARTBEAT])
@pytest.mark.parametrize("payload", [b"x", b"{}", b'{"session":"1"}', b"[" * 100_000])
def test_noise_is_counted_and_changes_nothing(listening: Site, kind: Kind, payload: bytes) -> None:
    listening.say("thon-1", kind, payload)
    assert listening.uplink.refused == {"malformed": 1}
    assert listening.watch.snapshot(listening.clock.now()) == {}
    assert listening.sent("thon-1", Kind.TIME_TELL, TimeTell) == []


def test_what_comes_by_the_broker_takes_its_way(two: Site) -> None:
    two.uplink.start()
    two.say("thon-1", Kind.PRESENCE, Presence(session=5, online=True), retain=True)
    two.beat("thon-1", session=5)
    two.say("thon-1", Kind.REPORT, two.sealed(two.fault("thon-1")))
    two.uplink.close()
    assert two.watch.receiver_status("thon-1", two.clock.now()).state is PresenceState.ONLINE
    assert written(two) == ["r1"]
    assert said_heard(two, "thon-1") == [["r1"]]
    with two.database.session() as session:
        assert last_heartbeats(session)["thon-1"].session == 5


@pytest.mark.parametrize("kept_in", ["database", "postgres"])
def test_what_no_database_can_hold_holds_up_no_other(
    request: pytest.FixtureRequest, clock: ManualClock, broker: FakeBroker, kept_in: str
) -> None:
    site = site_on(clock, request.getfixturevalue(kept_in), broker)
    for name in ("thon-1", "thon-2"):
        site.enrol(name)
    site.uplink.start()
    site.beat("thon-1", session=2**70)
    site.beat("thon-2", session=5)
    site.uplink.close()
    bad = site.fault("thon-1", "bad", at_us=1_200_000_000_000_000_000)
    nul = site.fault("thon-1", "\0")  # PostgreSQL knows no such letter
    good = site.fault("thon-2", "good")
    site.uplink.take_reports([(report.receiver, site.sealed(report)) for report in (bad, nul, good)])
    with site.database.session() as session:
        assert list(last_heartbeats(session)) == ["thon-2"]
    assert "good" in written(site)
    assert said_heard(site, "thon-2") == [["good"]]
    assert "bad" not in written(site)
    assert site.uplink.refused == {"malformed": 2 if kept_in == "database" else 3}


def test_one_receiver_cannot_speak_for_another(two: Site) -> None:
    two.uplink.start()
    own = two.client("thon-1")
    for kind in (Kind.TIME_ASK, Kind.PRESENCE, Kind.HEARTBEAT, Kind.REPORT):
        own.publish(of_receiver("thon-2", kind), two.sealed(two.fault("thon-2")), qos=1, retain=False)
    two.uplink.close()
    assert written(two) == []
    assert not two.uplink.refused, "it does not even arrive"


def heartbeat(config_revision: int = 0, command_revision: int = 0) -> bytes:
    beat = Heartbeat(
        session=1,
        sequence=0,
        clock=ClockState(locked=True),
        config_revision=config_revision,
        command_revision=command_revision,
    )
    return encode(beat)


def tell(site: Site, payload: bytes) -> None:
    site.broker.client("thon-1", trusted=True).publish(
        of_receiver("thon-1", Kind.HEARTBEAT), payload, qos=0, retain=False
    )
    site.uplink.write_pending()


def test_a_config_revision_exceeds_what_the_receiver_says_it_holds(listening: Site) -> None:
    listening.enrol("thon-1")
    tell(listening, heartbeat(config_revision=90))
    assert listening.sent("thon-1", Kind.CONFIG, Config)[-1].revision == 91
    with listening.database.writing() as session:
        change_receiver(session, "thon-1", volume_percent=55)
    with listening.database.session() as session:
        listening.downlink.configure(session, session.get_one(Receiver, "thon-1"))
    config = listening.sent("thon-1", Kind.CONFIG, Config)[-1]
    assert (config.revision, config.volume_percent) == (92, 55)


@pytest.mark.parametrize("held", [2**31, 2**53, 2**63 - 1])
def test_a_receiver_that_claims_an_absurd_revision_is_not_followed(listening: Site, held: int) -> None:
    listening.enrol("thon-1")
    tell(listening, heartbeat(config_revision=held, command_revision=max(held, 2**53)))
    listening.downlink.send_command("thon-1", Identify())
    assert listening.sent("thon-1", Kind.DO, Command)[-1].revision < 2**53
    assert all(config.revision < 100 for config in listening.sent("thon-1", Kind.CONFIG, Config))


def test_a_commands_revision_exceeds_what_the_receiver_says_it_holds(listening: Site) -> None:
    listening.enrol("thon-1")
    held = 1_800_000_000_000_000  # as an earlier version took it from a clock
    tell(listening, heartbeat(command_revision=held))
    listening.downlink.send_command("thon-1", Identify())
    listening.downlink.send_command("thon-1", Identify())
    assert [c.revision for c in listening.sent("thon-1", Kind.DO, Command)] == [held + 1, held + 2]


def test_twenty_thousand_malformed_messages_leave_five_lines(listening: Site, caplog: pytest.LogCaptureFixture) -> None:
    client = listening.client("thon-1")
    for _ in range(20_000):
        client.publish(of_receiver("thon-1", Kind.HEARTBEAT), b"{}", qos=0, retain=False)
    assert listening.uplink.refused == {"malformed": MOST_A_SECOND, "too_many": 20_000 - MOST_A_SECOND}
    assert len(caplog.records) == 5
    listening.say("thon-2", Kind.HEARTBEAT, b"{}")
    assert len(caplog.records) == 6, "another receiver's are said"


def test_a_receiver_that_floods_is_dropped_before_it_is_read_and_holds_up_no_other(listening: Site) -> None:
    listening.enrol("thon-1")
    listening.enrol("thon-2")
    flooding = listening.client("thon-1")
    for number in range(MOST_REPORTS_A_SECOND + 30):
        payload = listening.sealed(listening.fault("thon-1", f"r{number}"))
        flooding.publish(of_receiver("thon-1", Kind.REPORT), payload, qos=0, retain=False)
    listening.say("thon-2", Kind.REPORT, listening.sealed(listening.fault("thon-2", "other")))
    listening.uplink.close()
    assert len(written(listening)) == MOST_REPORTS_A_SECOND + 1
    assert "other" in written(listening)
    assert listening.uplink.refused == {"too_many": 30}


def test_what_a_flooding_receiver_sends_in_the_next_second_is_read_again(listening: Site) -> None:
    flooding, ask = listening.client("thon-1"), encode(TimeAsk(nonce="0" * 16, asked_local_us=1))
    for _ in range(2):
        for _ in range(MOST_A_SECOND + 20):
            flooding.publish(of_receiver("thon-1", Kind.TIME_ASK), ask, qos=0, retain=False)
        listening.clock.advance(seconds=1)
    assert listening.uplink.refused == {"too_many": 40}
