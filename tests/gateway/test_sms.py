"""Short messages from a modem on a pseudo-terminal, as far as the sound of the alert that they carry."""

import contextlib
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from demo.emulated_modem import deliver_pdu as deliver
from gateway.modem import Modem
from gateway.sensor_description import ModemPort
from gateway.sms import MOST_INCOMPLETE, SmsAssembler, SmsPart, SmsUnreadable, decode_deliver
from tests.gateway.test_sensors import ModemDevice
from tests.receiver.alerts.station import LEAVE, STORM, VILLAGE, Station, alert, end
from tests.receiver.plans import KEY, NOW_US, SECOND_US
from wire.alerts import seal_alert
from wire.sealing import SealingKey


def part(data: bytes, number: int, parts: int, reference: int = 7) -> str:
    return deliver(data, header=bytes([0, 3, reference, parts, number]))


class Sim(dict[str, str]):
    """A modem's answers. stored: the PDUs on its SIM by place."""

    def __init__(self, device: ModemDevice) -> None:
        super().__init__(device.answers)
        self.stored: dict[int, str] = {}
        device.answers = self

    def get(self, command: str, default: str | None = None) -> str | None:  # type: ignore[override]
        if command == "AT+CMGF=0":
            return "OK"
        if command == "AT+CMGL=4":
            lines = [f"+CMGL: {k},1,,{len(pdu) // 2 - 8}\r\n{pdu}\r\n" for k, pdu in self.stored.items()]
            return "".join(lines) + "\r\nOK"
        if command.startswith("AT+CMGD="):
            self.stored.pop(int(command.partition("=")[2]))
            return "OK"
        return super().get(command, default)

    def receive(self, *pdus: str) -> None:
        for pdu in pdus:
            self.stored[max(self.stored, default=0) + 1] = pdu


@pytest.fixture
def device() -> Iterator[ModemDevice]:
    made = ModemDevice()
    yield made
    made.close()


@pytest.fixture
def sim(device: ModemDevice) -> Sim:
    return Sim(device)


@pytest.fixture
def modem(device: ModemDevice) -> Iterator[Modem]:
    made = Modem(ModemPort(port=device.port))
    yield made
    made.close()


@given(st.binary(max_size=140), st.text("0123456789", min_size=1, max_size=15))
def test_a_message_is_read_as_it_was_sent(data: bytes, sender: str) -> None:
    assert decode_deliver(deliver(data, sender=sender)) == SmsPart(sender, data)


@given(st.text("0123456789ABCDEF", max_size=360))
def test_noise_is_unreadable_or_a_message(pdu: str) -> None:
    with contextlib.suppress(SmsUnreadable):
        assert len(decode_deliver(pdu).data) <= 255


@pytest.mark.parametrize("coding", [0x00, 0x08, 0xF0, 0xC0])
def test_text_is_no_binary_message(coding: int) -> None:
    with pytest.raises(SmsUnreadable, match="text"):
        decode_deliver(deliver(b"abc", coding=coding))
    assert decode_deliver(deliver(b"abc", coding=0xF5)).data == b"abc"


def test_parts_come_in_any_order_and_do_not_fill_the_memory() -> None:
    assembler = SmsAssembler()
    assert assembler.add(SmsPart("1", b"b", 7, 3, 2)) is None
    assert assembler.add(SmsPart("1", b"c", 7, 3, 3)) is None
    assert assembler.add(SmsPart("2", b"x", 7, 3, 1)) is None  # another sender
    assert assembler.add(SmsPart("1", b"a", 7, 3, 1)) == b"abc"
    for reference in range(MOST_INCOMPLETE + 5):
        assembler.add(SmsPart("3", b"a", reference, 2, 1))
    assert assembler.add(SmsPart("3", b"b", 0, 2, 2)) is None
    assert assembler.add(SmsPart("3", b"b", MOST_INCOMPLETE + 4, 2, 2)) == b"ab"


def test_the_modem_hands_over_each_message_once_and_empties_its_sim(modem: Modem, sim: Sim) -> None:
    sim.receive(deliver(b"one"), deliver(b"\x00" * 5, coding=0x00), deliver(b"two"))
    assert modem.read_messages() == [b"one", b"two"]
    assert sim.stored == {}
    assert modem.read_messages() == []


@pytest.fixture
def station(tmp_path: Path) -> Station:
    return Station(tmp_path)


def by_sms(station: Station, modem: Modem, at_s: float = 0.0) -> list[bool]:
    return [station.take(message, at_s, "sms") for message in modem.read_messages()]


def test_an_alert_by_sms_sounds_and_its_end_too(station: Station, modem: Modem, sim: Sim) -> None:
    sim.receive(deliver(seal_alert(alert(), "tt", KEY)))
    assert by_sms(station, modem, 2) == [True]
    assert station.heard(4, 8, 1) == [STORM, STORM, VILLAGE, LEAVE]
    sim.receive(deliver(seal_alert(end(6), "tt", KEY)))
    assert by_sms(station, modem, 7) == [True]
    assert station.heard(7, 12, 1) == [0] * 5
    assert {held.bearer for held in station.inbox.held()} == {"sms"}


def test_an_alert_in_pieces_out_of_order_sounds(station: Station, modem: Modem, sim: Sim) -> None:
    payload = seal_alert(alert(), "tt", KEY)
    sim.receive(part(payload[90:], 3, 3), part(payload[:40], 1, 3))
    assert by_sms(station, modem) == []
    sim.receive(part(payload[40:90], 2, 3))
    assert by_sms(station, modem, 1) == [True]
    assert station.heard(4, 8, 1) == [STORM, STORM, VILLAGE, LEAVE]


def test_half_an_hour_late_it_has_expired_or_is_played_whole(station: Station, modem: Modem, sim: Sim) -> None:
    sim.receive(deliver(seal_alert(alert(), "tt", KEY)))  # valid for ten minutes
    long = alert(alert="ff" * 8, expires_at_us=NOW_US + 7_200 * SECOND_US, repeats=1)
    sim.receive(deliver(seal_alert(long, "tt", KEY)))
    assert by_sms(station, modem, 1_800) == [False, True]
    assert station.inbox.refused == {"expired": 1}
    assert station.heard(1_804, 1_808, 1) == [STORM, STORM, VILLAGE, LEAVE]


def test_strangers_and_changed_bits_are_refused(station: Station, modem: Modem, sim: Sim) -> None:
    good = seal_alert(alert(), "tt", KEY)
    changed = good[:50] + bytes([good[50] ^ 1]) + good[51:]
    stranger = seal_alert(alert(), "tt", SealingKey.new())
    sim.receive(deliver(changed), deliver(stranger), deliver(b"win a prize"), part(good[:50], 1, 2))
    assert by_sms(station, modem) == [False] * 3
    assert station.inbox.refused == {"bad_signature": 1, "unknown_key": 1, "malformed": 1}
    assert station.plan.for_us() == []
