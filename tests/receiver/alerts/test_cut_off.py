"""A receiver in a network of its own whose cable is pulled: an alert and its end reach it by SMS, and sound once."""

import os
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from benchmarks.alert_bench_station import COMMUNE, BenchStation
from demo.emergency_tasks import loud_instants
from demo.emulated_modem import EmulatedModem, deliver_pdu
from demo.skew import CardRecording
from wire import topics
from wire.alerts import Alert, seal_alert

NAME, WITHIN_S = "loa-1", 30.0
#: The modem is looked at every two seconds; the rest is for a busy machine.
BY_SMS_S = 5.0


def ip(*arguments: str) -> None:
    subprocess.run(["ip", *arguments], check=True, capture_output=True)


class PrivateNetwork:
    """A namespace behind a pair of virtual cables. Raises CalledProcessError where that is not allowed."""

    def __init__(self) -> None:
        self.namespace = f"loa-{os.getpid()}"
        self._cable = f"lo{os.getpid()}"
        net = f"10.211.{os.getpid() % 250}"
        self.host = f"{net}.1"
        ip("netns", "add", self.namespace)
        try:
            ip("link", "add", self._cable, "type", "veth", "peer", "name", "eth0", "netns", self.namespace)
            ip("addr", "add", f"{self.host}/24", "dev", self._cable)
            ip("-n", self.namespace, "addr", "add", f"{net}.2/24", "dev", "eth0")
            for device in ("lo", "eth0"):
                ip("-n", self.namespace, "link", "set", device, "up")
            self.plug()
        except subprocess.CalledProcessError:
            self.close()
            raise

    def plug(self) -> None:
        ip("link", "set", self._cable, "up")

    def pull(self) -> None:
        ip("link", "set", self._cable, "down")

    def close(self) -> None:
        ip("netns", "del", self.namespace)


@pytest.fixture
def network() -> Iterator[PrivateNetwork]:
    made = PrivateNetwork()
    yield made
    made.close()


@pytest.fixture
def modem() -> Iterator[EmulatedModem]:
    with EmulatedModem() as made:
        yield made


@pytest.fixture
def station(tmp_path: Path, network: PrivateNetwork, modem: EmulatedModem) -> Iterator[BenchStation]:
    made = BenchStation(tmp_path, network.host)
    try:
        made.receiver(NAME, lead_ms=0, path_ms=0, namespace=network.namespace, modem_port=modem.port)
        made.publish_book()
        yield made
    finally:
        made.close()


def wait_until(is_so: Callable[[], object], what: str) -> None:
    until_s = time.monotonic() + WITHIN_S
    while not is_so():
        assert time.monotonic() < until_s, f"waited in vain for {what}"
        time.sleep(0.05)


def test_an_alert_and_its_end_by_sms_while_the_cable_is_pulled_sound_once(
    station: BenchStation, network: PrivateNetwork, modem: EmulatedModem
) -> None:
    wait_until(lambda: station.ready(NAME), "the sounds and the time")
    network.pull()
    issued_at_us = station.now_us() // 1000 * 1000
    alert = Alert("ab" * 8, issued_at_us, issued_at_us + 600_000_000, 30_000_000, template=1)  # a siren of 30 s
    payload, topic = seal_alert(alert, COMMUNE, station.key), topics.alert(COMMUNE, alert.alert, is_drill=False)
    station.broker.publish(topic, payload, qos=1, retain=True)
    sent_s = time.monotonic()
    modem.receive(deliver_pdu(payload))
    card = station.folder / NAME / "card"

    def loud(since_s: float) -> bool:
        return bool(len(loud_instants(CardRecording(card), since_s, time.monotonic())))

    wait_until(lambda: loud(sent_s), "the siren")
    assert time.monotonic() - sent_s < BY_SMS_S

    network.plug()
    wait_until(lambda: station.reports, "the report over the network")
    station.broker.publish(topic, payload, qos=1, retain=True)  # once more, now that it surely arrives
    time.sleep(0.5)
    network.pull()
    now_us = station.now_us() // 1000 * 1000
    end = alert._replace(is_end=True, template=0, issued_at_us=now_us, expires_at_us=now_us + 600_000_000)
    modem.receive(deliver_pdu(seal_alert(end, COMMUNE, station.key)))
    ended_s = time.monotonic()
    wait_until(lambda: not loud(time.monotonic() - 0.3), "silence")
    silent_s = time.monotonic()
    assert silent_s - ended_s < BY_SMS_S

    sounded = loud_instants(CardRecording(card), sent_s, silent_s)
    assert (sounded[1:] - sounded[:-1]).max() < 0.2  # in one piece: it began once
    assert {(report.bearer, report.is_end) for report in station.reports} == {("sms", False)}
    log = (station.folder / f"{NAME}.log").read_text()
    assert log.count(f"alert {alert.alert} by sms") == 2  # the alert and its end
    assert "by mqtt" not in log
