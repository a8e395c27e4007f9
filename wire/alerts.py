"""The compact alert: selects prepared sounds by number, in at most 140 bytes, so that one binary SMS carries it.

controller → the receivers of a commune, by any bearer. Binary, big-endian:

    offset  bytes  field
    0       1      format: A1 (hexadecimal)
    1       1      flags: bit 0 end (else alert), bit 1 drill (else real), bit 2 for the whole commune; others 0
    2       4      key: the first 4 bytes of the signing key's fingerprint
    6       4      commune: the first 4 bytes of SHA-256 of the commune's id
    10      8      alert: random; the end of an alert carries the alert's
    18      6      issued: controller time, ms since 1970
    24      3      validity: s after issued
    27      2      speech_offset: ms after issued at which speech begins, and the siren ends
    29      2      template: number in the alert book; in an end 0: silence
    31      1      level: of the disaster, 1 to 5; 0: none
    32      1      repeats: how often the speech sounds; 0: until the end or the expiry
    33      1      targets: how many follow; 0 when bit 2 is set, else at least 1
    34      1      slots: how many follow
    35      2 each targets: the first 2 bytes of SHA-256 of alert, "z/" and a zone's id, or alert, "r/" and a receiver's
    …       2 each slots: numbers of sounds in the alert book, for the places that the template leaves open
    last 64        Ed25519 signature over "loa alert 1", one zero byte, the commune's id (UTF-8), one zero byte,
                   and all bytes before the signature

A target's hash depends on the alert, so that `alert_id` can choose one whose hashes mean nobody else of the commune.
"""

import hashlib
import struct
from collections.abc import Callable, Iterable, Mapping
from typing import NamedTuple

from wire.broadcasts import Targets
from wire.sealing import PublicKey, Reason, Refused, SealingKey, fingerprint

#: What one SMS in 8-bit encoding carries (3GPP TS 23.040).
MOST_BYTES = 140
MOST_VALIDITY_S = 2**24 - 1
MOST_SPEECH_OFFSET_MS = 2**16 - 1
MOST_LEVEL = 5
FORMAT = 0xA1

_HEAD = struct.Struct(">BB4s4s8s6s3sHHBBBB")
_SIGNATURE = 64
_DOMAIN = b"loa alert 1\0"
_END, _DRILL, _ALL = 1, 2, 4
_KEY_BYTES = _COMMUNE_BYTES = 4
_HASH_BYTES = 2


class DoesNotFit(ValueError):
    """Targets and slots exceed what one alert carries. `bytes_over`: by how much."""

    def __init__(self, bytes_over: int) -> None:
        super().__init__(
            f"the alert is {bytes_over} bytes too long: name fewer zones or receivers, or the whole commune"
        )
        self.bytes_over = bytes_over


class Alert(NamedTuple):
    """An alert, or the end of one.

    alert: its id, 16 hex digits. issued_at_us, expires_at_us: controller time, whole ms and whole seconds apart.
    speech_offset_us: from issued to the first word, whole ms. targets: hashes (`target_hashes`); None: all.
    The other fields: as in the table above.
    """

    alert: str
    issued_at_us: int
    expires_at_us: int
    speech_offset_us: int
    template: int
    is_end: bool = False
    is_drill: bool = False
    level: int = 0
    repeats: int = 1
    targets: frozenset[bytes] | None = None
    slots: tuple[int, ...] = ()

    def means(self, receiver: str, zones: Iterable[str]) -> Targets | None:
        """What of a receiver is meant, as targets: all of it, or some of its zones; None when it is not meant."""
        if self.targets is None:
            return Targets(all=True)
        itself = [receiver] if _receiver_hash(self.alert, receiver) in self.targets else []
        meant = [zone for zone in zones if _zone_hash(self.alert, zone) in self.targets]
        return Targets(zones=meant, receivers=itself) if itself or meant else None


def target_hashes(alert: str, targets: Targets) -> frozenset[bytes] | None:
    """The targets as an alert of this id names them; None for the whole commune."""
    if targets.all:
        return None
    zones = {_zone_hash(alert, zone) for zone in targets.zones}
    return frozenset(zones | {_receiver_hash(alert, receiver) for receiver in targets.receivers})


def alert_id(targets: Targets, commune: Targets, random_bytes: Callable[[int], bytes]) -> str:
    """A new id under which the hashes of `targets` mean no other zone or receiver of the commune.

    commune: all its zones and receivers. random_bytes: `secrets.token_bytes`.
    """
    others = Targets(
        zones=sorted(set(commune.zones) - set(targets.zones)),
        receivers=sorted(set(commune.receivers) - set(targets.receivers)),
    )
    while True:
        alert = random_bytes(8).hex()
        meant = target_hashes(alert, targets)
        if meant is None or meant.isdisjoint(target_hashes(alert, others) or ()):
            return alert


def seal_alert(alert: Alert, commune: str, key: SealingKey) -> bytes:
    """The alert as it goes on any bearer. Raises `DoesNotFit`; ValueError for a field out of range (our own fault)."""
    _check(alert)
    targets = sorted(alert.targets or ())
    flags = _END * alert.is_end + _DRILL * alert.is_drill + _ALL * (alert.targets is None)
    validity_s = (alert.expires_at_us - alert.issued_at_us) // 1_000_000
    tail = b"".join(targets) + struct.pack(f">{len(alert.slots)}H", *alert.slots)
    over = _HEAD.size + len(tail) + _SIGNATURE - MOST_BYTES
    if over > 0:
        raise DoesNotFit(over)
    head = _HEAD.pack(
        FORMAT,
        flags,
        _key_id(key.public),
        _commune_hash(commune),
        bytes.fromhex(alert.alert),
        (alert.issued_at_us // 1000).to_bytes(6),
        validity_s.to_bytes(3),
        alert.speech_offset_us // 1000,
        alert.template,
        alert.level,
        alert.repeats,
        len(targets),
        len(alert.slots),
    )
    return head + tail + key.sign(_signed(commune, head + tail))


def open_alert(payload: bytes, keys: Mapping[str, PublicKey], commune: str, now_us: int | None) -> Alert:
    """Read an alert. Raises `Refused`.

    keys: the pinned keys by kid. now_us: controller time; None when it is not known: then expiry is not checked, and
    the caller must check again. The order is: shape, key, commune, signature, content, expiry.
    """
    if not _HEAD.size + _SIGNATURE <= len(payload) <= MOST_BYTES or payload[0] != FORMAT:
        raise Refused(Reason.MALFORMED, "not an alert")
    body, signature = payload[:-_SIGNATURE], payload[-_SIGNATURE:]
    fields = _HEAD.unpack_from(body)
    candidates = [key for key in keys.values() if _key_id(key.raw) == fields[2]]
    if not candidates:
        raise Refused(Reason.UNKNOWN_KEY, fields[2].hex())
    if fields[3] != _commune_hash(commune):
        raise Refused(Reason.NOT_FOR_US, "of another commune")
    if not any(key.verifies(_signed(commune, body), signature) for key in candidates):
        raise Refused(Reason.BAD_SIGNATURE)
    alert = _read(body)
    if now_us is not None and alert.expires_at_us <= now_us:
        raise Refused(Reason.EXPIRED)
    return alert


def _read(body: bytes) -> Alert:
    """Of a body whose signature is right."""
    _, flags, _, _, alert, issued, validity, offset_ms, template, level, repeats, targets, slots = _HEAD.unpack_from(
        body
    )
    slots_at = _HEAD.size + _HASH_BYTES * targets
    if flags > _END | _DRILL | _ALL or len(body) != slots_at + 2 * slots or bool(flags & _ALL) == (targets > 0):
        raise Refused(Reason.MALFORMED, "flags or lengths")
    hashes = [body[at : at + _HASH_BYTES] for at in range(_HEAD.size, slots_at, _HASH_BYTES)]
    issued_at_us = int.from_bytes(issued) * 1000
    opened = Alert(
        alert=alert.hex(),
        issued_at_us=issued_at_us,
        expires_at_us=issued_at_us + int.from_bytes(validity) * 1_000_000,
        speech_offset_us=offset_ms * 1000,
        template=template,
        is_end=bool(flags & _END),
        is_drill=bool(flags & _DRILL),
        level=level,
        repeats=repeats,
        targets=None if flags & _ALL else frozenset(hashes),
        slots=struct.unpack_from(f">{slots}H", body, slots_at),
    )
    try:
        _check(opened)
    except ValueError as error:
        raise Refused(Reason.MALFORMED, str(error)) from None
    return opened


def _check(alert: Alert) -> None:
    """Raises ValueError for what no alert may say."""
    validity_us = alert.expires_at_us - alert.issued_at_us
    if alert.issued_at_us % 1000 or validity_us % 1_000_000 or not 0 < validity_us <= MOST_VALIDITY_S * 1_000_000:
        raise ValueError("an alert is issued at a whole millisecond, and is valid for 1 to 16777215 whole seconds")
    if alert.speech_offset_us % 1000 or not 0 <= alert.speech_offset_us <= MOST_SPEECH_OFFSET_MS * 1000:
        raise ValueError("speech begins 0 to 65535 whole milliseconds after an alert is issued")
    if not (0 <= alert.level <= MOST_LEVEL and 0 <= alert.repeats <= 255):
        raise ValueError("the level of an alert is 0 to 5, and it is repeated 0 to 255 times")
    if not 0 <= alert.template <= 0xFFFF or any(not 0 <= slot <= 0xFFFF for slot in alert.slots):
        raise ValueError("templates and sounds are numbered up to 65535")
    if alert.template == 0 and not alert.is_end:
        raise ValueError("only the end of an alert may be without a template")
    if alert.targets is not None and not alert.targets:
        raise ValueError("an alert for nobody")


def _key_id(public: bytes) -> bytes:
    return bytes.fromhex(fingerprint(public))[:_KEY_BYTES]


def _commune_hash(commune: str) -> bytes:
    return hashlib.sha256(commune.encode()).digest()[:_COMMUNE_BYTES]


def _zone_hash(alert: str, zone: str) -> bytes:
    return _target_hash(alert, f"z/{zone}")


def _receiver_hash(alert: str, receiver: str) -> bytes:
    return _target_hash(alert, f"r/{receiver}")


def _target_hash(alert: str, name: str) -> bytes:
    return hashlib.sha256(bytes.fromhex(alert) + name.encode()).digest()[:_HASH_BYTES]


def _signed(commune: str, body: bytes) -> bytes:
    return _DOMAIN + commune.encode() + b"\0" + body
