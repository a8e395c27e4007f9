"""Sealing: what is refused and as what, and that others can read and write it."""

import base64
import json
import warnings

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from joserfc import jws
from joserfc.jwk import OKPKey

from wire.commands import Command, Config, Reboot, SetVolume
from wire.sealing import MOST_BYTES, PublicKey, Reason, Refused, SealingKey, fingerprint, open_sealed

KEY = SealingKey(bytes(range(32)))
OTHER = SealingKey(bytes(32))
PINNED = {KEY.kid: PublicKey(KEY.public)}
NOW_US = 1_764_000_000_000_000
COMMAND = Command(
    to="r/thon-1", revision=7, issued_at_us=NOW_US, expires_at_us=NOW_US + 10, command="a1", action=Reboot()
)


def b64(data: bytes) -> bytes:
    return base64.urlsafe_b64encode(data).rstrip(b"=")


def signed(body: object, header: object = None, key: SealingKey = KEY) -> bytes:
    """A JWS round anything at all."""
    parts = b64(json.dumps(header or {"alg": "EdDSA", "kid": key.kid}).encode()) + b"." + b64(json.dumps(body).encode())
    return parts + b"." + b64(key.sign(parts))


def as_json(**changes: object) -> dict[str, object]:
    return {**msgspec.to_builtins(COMMAND), **changes}


def opened(payload: bytes, *, now_us: int | None = NOW_US, newer_than: int | None = 6, to: str = "r/thon-1") -> Command:
    found: Command = open_sealed(payload, Command, PINNED, to=to, now_us=now_us, newer_than=newer_than)
    return found


def refusal(payload: bytes, **how: object) -> Reason:
    with pytest.raises(Refused) as refused:
        opened(payload, **how)  # type: ignore[arg-type]
    return refused.value.reason


def test_what_is_sealed_opens() -> None:
    assert opened(KEY.seal(COMMAND)) == COMMAND
    assert KEY.kid == fingerprint(KEY.public)


PARTS = KEY.seal(COMMAND).split(b".")

REFUSALS = {
    "nothing": (b"", Reason.UNSEALED),
    "plain JSON": (json.dumps(as_json()).encode(), Reason.UNSEALED),
    "a list": (b"[]", Reason.UNSEALED),
    "two parts": (PARTS[0] + b"." + PARTS[1], Reason.MALFORMED),
    "four parts": (KEY.seal(COMMAND) + b".x", Reason.MALFORMED),
    "not base64": (b"*." + PARTS[1] + b"." + PARTS[2], Reason.MALFORMED),
    "padding": (b".".join([*PARTS[:2], PARTS[2] + b"=="]), Reason.MALFORMED),
    "the other base64": (b".".join([PARTS[0], b"+/", PARTS[2]]), Reason.MALFORMED),
    "a line's end": (KEY.seal(COMMAND) + b"\n", Reason.MALFORMED),
    "signs that base64 has not": (KEY.seal(COMMAND) + b"!!!!", Reason.MALFORMED),
    "a header that is no object": (b".".join([b64(b"3"), *PARTS[1:]]), Reason.MALFORMED),
    "a header without a kid": (signed(as_json(), {"alg": "EdDSA"}), Reason.MALFORMED),
    "too long": (PARTS[0] + b"." + b"A" * MOST_BYTES + b"." + PARTS[2], Reason.MALFORMED),
    "no algorithm": (signed(as_json(), {"alg": "none", "kid": KEY.kid}), Reason.BAD_SIGNATURE),
    "another algorithm": (signed(as_json(), {"alg": "HS256", "kid": KEY.kid}), Reason.BAD_SIGNATURE),
    "a key not pinned": (OTHER.seal(COMMAND), Reason.UNKNOWN_KEY),
    "a key not pinned under a pinned name": (SealingKey(bytes(32), KEY.kid).seal(COMMAND), Reason.BAD_SIGNATURE),
    "a key brought along": (
        signed(as_json(), {"alg": "EdDSA", "kid": "x", "jwk": {"kty": "OKP", "x": "AA"}}, OTHER),
        Reason.UNKNOWN_KEY,
    ),
    "a signature too short": (b".".join([*PARTS[:2], b64(b"short")]), Reason.BAD_SIGNATURE),
    "another body": (b".".join([PARTS[0], b64(b"{}"), PARTS[2]]), Reason.BAD_SIGNATURE),
    "another header": (
        b".".join([b64(b'{"alg":"EdDSA","kid":"%s","x":1}' % KEY.kid.encode()), *PARTS[1:]]),
        Reason.BAD_SIGNATURE,
    ),
    "another type": (signed(as_json(type="config")), Reason.WRONG_TYPE),
    "no JSON inside": (signed("x"), Reason.MALFORMED),
    "a field missing": (signed({"type": "command", "to": "r/thon-1"}), Reason.MALFORMED),
    "a field of another kind": (signed(as_json(revision="7")), Reason.MALFORMED),
    "an action unknown": (signed(as_json(action={"kind": "explode"})), Reason.MALFORMED),
    "a field out of bounds": (signed(as_json(action={"kind": "set_volume", "volume_percent": 101})), Reason.MALFORMED),
    "for another receiver": (signed(as_json(to="r/thon-2")), Reason.NOT_FOR_US),
    "for the commune": (signed(as_json(to="c/thon-1")), Reason.NOT_FOR_US),
    "expired this instant": (signed(as_json(expires_at_us=NOW_US)), Reason.EXPIRED),
    "the revision held": (signed(as_json(revision=6)), Reason.OLD),
    "an older revision": (signed(as_json(revision=5)), Reason.OLD),
}


@pytest.mark.parametrize(("payload", "reason"), REFUSALS.values(), ids=REFUSALS)
def test_it_is_refused_with_its_reason(payload: bytes, reason: Reason) -> None:
    assert refusal(payload) is reason


def test_every_reason_has_a_case() -> None:
    assert {reason for _, reason in REFUSALS.values()} == set(Reason)


def test_the_first_check_that_fails_names_the_reason() -> None:
    """Each of these has all the faults of those below it too."""
    old = as_json(revision=1)
    expired = {**old, "expires_at_us": NOW_US}
    astray = {**expired, "to": "r/thon-2"}
    wrong = {**astray, "type": "config"}
    assert refusal(signed(old)) is Reason.OLD
    assert refusal(signed(expired)) is Reason.EXPIRED
    assert refusal(signed(astray)) is Reason.NOT_FOR_US
    assert refusal(signed(wrong)) is Reason.WRONG_TYPE
    assert refusal(signed(wrong, key=SealingKey(bytes(32), KEY.kid))) is Reason.BAD_SIGNATURE
    assert refusal(signed(wrong, key=OTHER)) is Reason.UNKNOWN_KEY


@pytest.mark.parametrize(("at_us", "holds"), [(NOW_US + 9, True), (NOW_US + 10, False), (NOW_US + 11, False)])
def test_it_holds_until_its_expiry_excluded(at_us: int, holds: bool) -> None:
    payload = KEY.seal(COMMAND)
    assert opened(payload, now_us=at_us) == COMMAND if holds else refusal(payload, now_us=at_us) is Reason.EXPIRED


def test_without_the_time_expiry_is_left_to_be_checked_later() -> None:
    assert opened(signed(as_json(expires_at_us=1)), now_us=None).expires_at_us == 1


def test_fields_unknown_are_passed_over() -> None:
    assert opened(signed(as_json(colour="red", action={"kind": "reboot", "gently": {"deep": [1]}}))) == COMMAND


@pytest.mark.parametrize("place", ["header", "body"])
def test_what_is_nested_without_end_is_refused_like_any_other(place: str) -> None:
    deep = b64(b'{"alg":"EdDSA","kid":"%s","x":%s}' % (KEY.kid.encode(), b"[" * 50_000 + b"]" * 50_000))
    parts = deep + b"." + PARTS[1] if place == "header" else PARTS[0] + b"." + deep
    assert refusal(parts + b"." + b64(KEY.sign(parts))) is Reason.MALFORMED


@given(st.binary(max_size=300) | st.tuples(st.binary(), st.binary(), st.binary()).map(lambda t: b".".join(map(b64, t))))
def test_noise_is_refused_and_nothing_else_happens(payload: bytes) -> None:
    with pytest.raises(Refused):
        opened(payload)


@given(st.binary(max_size=200))
def test_a_pinned_key_round_noise_is_refused_and_nothing_else_happens(body: bytes) -> None:
    parts = PARTS[0] + b"." + b64(body)
    with pytest.raises(Refused):
        opened(parts + b"." + b64(KEY.sign(parts)))


def test_one_bit_turned_anywhere_is_refused() -> None:
    payload = KEY.seal(COMMAND)
    last = len(payload) - 1  # the last letter's lowest bits lie beyond the signature
    for at in range(last):
        for bit in range(0, 8, 3):
            turned = payload[:at] + bytes([payload[at] ^ 1 << bit]) + payload[at + 1 :]
            assert refusal(turned) in (Reason.MALFORMED, Reason.BAD_SIGNATURE, Reason.UNKNOWN_KEY, Reason.UNSEALED)


def test_a_key_is_32_bytes() -> None:
    for wrong in (b"", bytes(31), bytes(33)):
        with pytest.raises(ValueError, match="32 bytes"):
            SealingKey(wrong)
        with pytest.raises(ValueError, match="32 bytes"):
            PublicKey(wrong)


def test_new_keys_differ_and_come_back_from_their_seed() -> None:
    one, two = SealingKey.new(), SealingKey.new()
    assert one.seed != two.seed
    assert SealingKey(one.seed).public == one.public


def _jose_key(key: SealingKey) -> OKPKey:
    return OKPKey.import_key(
        {"kty": "OKP", "crv": "Ed25519", "x": b64(key.public).decode(), "d": b64(key.seed).decode()}
    )


def test_a_jose_library_opens_what_we_seal() -> None:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # RFC 9864 has another name for the algorithm; RFC 8037's is what is deployed
        read = jws.deserialize_compact(KEY.seal(COMMAND), _jose_key(KEY), algorithms=["EdDSA"])
    assert read.headers() == {"alg": "EdDSA", "kid": KEY.kid, "typ": "loa"}
    assert json.loads(read.payload) == msgspec.to_builtins(COMMAND)


def test_we_open_what_a_jose_library_seals() -> None:
    config = as_json(type="config", commune="thieu-trung", media_bases=["http://x/"])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        header = {"alg": "EdDSA", "kid": KEY.kid, "typ": "loa"}
        sealed = jws.serialize_compact(header, json.dumps(config).encode(), _jose_key(KEY), algorithms=["EdDSA"])
    read: Config = open_sealed(sealed.encode(), Config, PINNED, to="r/thon-1", now_us=NOW_US)
    assert (read.commune, read.revision, read.volume_percent) == ("thieu-trung", 7, 80)


def test_of_several_pinned_keys_the_one_named_counts() -> None:
    both = {**PINNED, OTHER.kid: PublicKey(OTHER.public)}
    for key in (KEY, OTHER):
        read: Command = open_sealed(
            key.seal(msgspec.structs.replace(COMMAND, action=SetVolume(volume_percent=3))),
            Command,
            both,
            to="r/thon-1",
            now_us=NOW_US,
        )
        assert read.action == SetVolume(volume_percent=3)
