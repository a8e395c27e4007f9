"""CAP files for tests: one alert in order, changed in one place."""

from datetime import UTC, datetime, timedelta

import lxml.etree
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.x509.oid import NameOID
from signxml import SignatureConstructionMethod, XMLSigner

from cap.messages import CommunePlaces, ReceiverPosition

NOW = datetime(2026, 11, 23, 22, 0, tzinfo=UTC)  # `tests.cast.MORNING`
SENT = "2026-11-24T04:55:00+07:00"
SENDER = "kttv@thanhhoa.example"
#: Around the square of `PLACES`.
HERE = "<polygon>19.0,105.0 20.0,105.0 20.0,106.0 19.0,106.0 19.0,105.0</polygon>"
SQUARE = '{"type":"MultiPolygon","coordinates":[[[[105.4,19.4],[105.6,19.4],[105.6,19.6],[105.4,19.6],[105.4,19.4]]]]}'
PLACES = CommunePlaces(
    outline=SQUARE, receivers=(ReceiverPosition("loa-0", 19.45, 105.45), ReceiverPosition("loa-1", 19.55, 105.55))
)


def info(
    *,
    language: str = "vi-VN",
    event: str = "Bão",
    severity: str = "Extreme",
    urgency: str = "Immediate",
    certainty: str = "Observed",
    area: str = HERE,
    expires: str = "2026-11-24T09:00:00+07:00",
    effective: str = "",
    response: str = "",
    headline: str = "Bão số 9 đổ bộ",
    more: str = "",
) -> str:
    return (
        f"<info><language>{language}</language><category>Met</category><event>{event}</event>"
        + (f"<responseType>{response}</responseType>" if response else "")
        + f"<urgency>{urgency}</urgency><severity>{severity}</severity><certainty>{certainty}</certainty>"
        + (f"<effective>{effective}</effective>" if effective else "")
        + (f"<expires>{expires}</expires>" if expires else "")
        + f"<senderName>Đài KTTV</senderName><headline>{headline}</headline>"
        + f"<description>Gió cấp 12.</description>{more}"
        + (f"<area><areaDesc>Thiệu Hóa</areaDesc>{area}</area>" if area else "")
        + "</info>"
    )


def alert(
    *infos: str,
    identifier: str = "VN-1",
    sender: str = SENDER,
    sent: str = SENT,
    status: str = "Actual",
    type_: str = "Alert",
    scope: str = "Public",
    references: str = "",
    before: str = "",
) -> bytes:
    """A file. infos: blocks of `info`; without any, one. before: what stands before the first element."""
    blocks = "".join(infos) if infos else info()
    if infos == ("",):
        blocks = ""
    return (
        f'<?xml version="1.0" encoding="UTF-8"?>{before}<alert xmlns="urn:oasis:names:tc:emergency:cap:1.2">'
        f"<identifier>{identifier}</identifier><sender>{sender}</sender><sent>{sent}</sent>"
        f"<status>{status}</status><msgType>{type_}</msgType><scope>{scope}</scope>"
        + (f"<references>{references}</references>" if references else "")
        + f"{blocks}</alert>"
    ).encode()


def reference(identifier: str = "VN-1", sender: str = SENDER, sent: str = SENT) -> str:
    return f"{sender},{identifier},{sent}"


class Signer:
    """A sender with a key and its own certificate."""

    def __init__(self, *, days: int = 365) -> None:
        self._key = rsa.generate_private_key(public_exponent=65537, key_size=2048)
        name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "kttv")])
        made = x509.CertificateBuilder().subject_name(name).issuer_name(name).public_key(self._key.public_key())
        made = made.serial_number(1).not_valid_before(NOW - timedelta(days=400))
        certificate = made.not_valid_after(NOW + timedelta(days=days)).sign(self._key, hashes.SHA256())
        self.certificate = certificate.public_bytes(serialization.Encoding.PEM).decode()

    def sign(self, file: bytes) -> bytes:
        signer = XMLSigner(method=SignatureConstructionMethod.enveloped)
        signed = signer.sign(lxml.etree.fromstring(file), key=self._key, cert=self.certificate)
        return bytes(lxml.etree.tostring(signed))
