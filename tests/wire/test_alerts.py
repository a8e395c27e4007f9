"""Alerts: what is signed comes back, fits one SMS, means whom it names, and everything else is refused."""

from secrets import token_bytes

import pytest
from hypothesis import given
from hypothesis import strategies as st

from wire.alert_books import AlertBook, AlertSound
from wire.alerts import MOST_BYTES, Alert, DoesNotFit, alert_id, open_alert, seal_alert, target_hashes
from wire.broadcasts import Rendition, Targets
from wire.sealing import PublicKey, Reason, Refused, SealingKey

KEY = SealingKey(bytes(range(32)))
KEYS = {KEY.kid: PublicKey(KEY.public)}
COMMUNE = "thieu-trung"
NOW_US = 1_764_000_000_000_000
ID = "00112233aabbccdd"
ALERT = Alert(ID, NOW_US, NOW_US + 3_600_000_000, 6_000_000, 7, level=3, repeats=3, slots=(101, 1203))

NUMBERS = st.integers(0, 0xFFFF)
ALERTS = st.builds(
    Alert,
    alert=st.binary(min_size=8, max_size=8).map(bytes.hex),
    issued_at_us=st.just(NOW_US),
    expires_at_us=st.integers(1, 2**24 - 1).map(lambda s: NOW_US + s * 1_000_000),
    speech_offset_us=NUMBERS.map(lambda ms: ms * 1000),
    template=st.integers(1, 0xFFFF),
    is_end=st.booleans(),
    is_drill=st.booleans(),
    level=st.integers(0, 5),
    repeats=st.integers(0, 255),
    targets=st.none() | st.frozensets(st.binary(min_size=2, max_size=2), min_size=1, max_size=12),
    slots=st.lists(NUMBERS, max_size=8).map(tuple),
)


def refusal(payload: bytes, commune: str = COMMUNE, now_us: int | None = NOW_US) -> Reason:
    with pytest.raises(Refused) as refused:
        open_alert(payload, KEYS, commune, now_us)
    return refused.value.reason


@given(ALERTS)
def test_an_alert_comes_back_as_it_went_and_fits_one_sms(alert: Alert) -> None:
    payload = seal_alert(alert, COMMUNE, KEY)
    assert len(payload) <= MOST_BYTES
    assert open_alert(payload, KEYS, COMMUNE, NOW_US) == alert


@pytest.mark.parametrize("bit", range(8 * len(seal_alert(ALERT, COMMUNE, KEY))))
def test_one_flipped_bit_anywhere_is_refused(bit: int) -> None:
    payload = bytearray(seal_alert(ALERT, COMMUNE, KEY))
    payload[bit // 8] ^= 1 << bit % 8
    refusal(bytes(payload))


@given(st.binary(max_size=160))
def test_noise_is_refused(payload: bytes) -> None:
    refusal(payload)


@pytest.mark.parametrize("length", range(139))
def test_a_piece_of_an_alert_is_refused(length: int) -> None:
    payload = seal_alert(ALERT._replace(slots=tuple(range(20))), COMMUNE, KEY)
    refusal(payload[:length])
    refusal(payload + b"\0")


def test_each_reason() -> None:
    payload = seal_alert(ALERT, COMMUNE, KEY)
    assert refusal(payload, commune="ba-dinh") is Reason.NOT_FOR_US
    assert refusal(payload, now_us=ALERT.expires_at_us) is Reason.EXPIRED
    assert refusal(seal_alert(ALERT, COMMUNE, SealingKey.new())) is Reason.UNKNOWN_KEY
    assert refusal(payload[:-1] + bytes([payload[-1] ^ 1])) is Reason.BAD_SIGNATURE
    assert open_alert(payload, KEYS, COMMUNE, ALERT.expires_at_us - 1) == ALERT
    assert open_alert(payload, KEYS, COMMUNE, None) == ALERT


def test_an_alert_signed_for_another_commune_with_the_same_hash_is_refused() -> None:
    payload = bytearray(seal_alert(ALERT, "ba-dinh", KEY))
    payload[6:10] = seal_alert(ALERT, COMMUNE, KEY)[6:10]
    assert refusal(bytes(payload)) is Reason.BAD_SIGNATURE


def test_a_signed_alert_that_breaks_a_rule_is_malformed() -> None:
    good = seal_alert(ALERT, COMMUNE, KEY)[:-64]

    def signed(at: int, value: int) -> bytes:
        body = good[:at] + bytes([value]) + good[at + 1 :]
        return body + KEY.sign(b"loa alert 1\0" + COMMUNE.encode() + b"\0" + body)

    assert open_alert(signed(32, 0), KEYS, COMMUNE, NOW_US).repeats == 0
    for at, value in ((1, 8), (1, 0), (31, 6), (33, 1), (34, 1), (34, 3), (34, 255)):
        assert refusal(signed(at, value)) is Reason.MALFORMED, (at, value)
    body = good[:29] + b"\0\0" + good[31:]  # an alert without a template
    assert refusal(body + KEY.sign(b"loa alert 1\0" + COMMUNE.encode() + b"\0" + body)) is Reason.MALFORMED


@pytest.mark.parametrize(
    "change",
    [
        {"template": 0},
        {"level": 6},
        {"repeats": 256},
        {"issued_at_us": NOW_US + 1},
        {"expires_at_us": NOW_US},
        {"expires_at_us": NOW_US + 2**24 * 1_000_000},
        {"speech_offset_us": 65_536_000},
        {"speech_offset_us": 500},
        {"slots": (65_536,)},
        {"targets": frozenset()},
    ],
)
def test_our_own_alert_past_the_limits_is_a_broken_invariant(change: dict[str, object]) -> None:
    with pytest.raises(ValueError, match=r"alert|template|speech"):
        seal_alert(ALERT._replace(**change), COMMUNE, KEY)  # type: ignore[arg-type]


def test_what_does_not_fit_is_refused_and_says_by_how_much() -> None:
    zones = [f"thon-{n}" for n in range(19)]
    full = ALERT._replace(targets=target_hashes(ID, Targets(zones=zones[:18])))
    assert len(seal_alert(full, COMMUNE, KEY)) == 139
    with pytest.raises(DoesNotFit) as over:
        seal_alert(full._replace(targets=target_hashes(ID, Targets(zones=zones))), COMMUNE, KEY)
    assert over.value.bytes_over == 1


def test_it_means_the_named_zones_and_receivers_and_no_others() -> None:
    everyone = Targets(zones=[f"thon-{n}" for n in range(40)], receivers=[f"loa-{n}" for n in range(400)])
    chosen = Targets(zones=["thon-1", "thon-2"], receivers=["loa-9"])
    for _ in range(20):
        alert = alert_id(chosen, everyone, token_bytes)
        aimed = ALERT._replace(alert=alert, targets=target_hashes(alert, chosen))
        assert aimed.means("loa-9", ["thon-5"]) == Targets(receivers=["loa-9"])
        assert aimed.means("loa-5", ["thon-5", "thon-2"]) == Targets(zones=["thon-2"])
        others = {receiver for receiver in everyone.receivers if aimed.means(receiver, [])}
        assert others == {"loa-9"}
        assert [zone for zone in everyone.zones if aimed.means("x", [zone])] == chosen.zones
    assert ALERT.means("anyone", []) == Targets(all=True)


def test_a_zone_and_a_receiver_of_the_same_name_are_two() -> None:
    aimed = ALERT._replace(targets=target_hashes(ID, Targets(zones=["dong"])))
    assert aimed.means("dong", []) is None
    assert aimed.means("x", ["dong"]) == Targets(zones=["dong"])


def test_an_alert_id_is_chosen_again_when_it_would_mean_others() -> None:
    everyone = Targets(receivers=[f"loa-{n}" for n in range(20_000)])  # the first try hits another one in 1 of 4 cases
    for _ in range(8):
        alert = alert_id(Targets(receivers=["loa-1"]), everyone, token_bytes)
        aimed = ALERT._replace(alert=alert, targets=target_hashes(alert, Targets(receivers=["loa-1"])))
        assert [receiver for receiver in everyone.receivers if aimed.means(receiver, [])] == ["loa-1"]


def test_a_sound_is_found_by_number_in_the_language_or_the_nearest() -> None:
    rendition = Rendition(sha256="0" * 64, bytes=1, codec="opus", path="x.opus")

    def sound(number: int, language: str) -> AlertSound:
        return AlertSound(number=number, language=language, duration_us=1, renditions=[rendition])

    sounds = [sound(1, "vi"), sound(1, "en"), sound(2, "vi"), sound(3, "vi"), sound(3, "")]
    book = AlertBook(to="c/x", revision=1, issued_at_us=0, expires_at_us=1, sounds=sounds)
    found = [book.sound(number, "en") for number in (1, 2, 3, 4)]
    assert [sound.language if sound else None for sound in found] == ["en", "vi", "", None]
