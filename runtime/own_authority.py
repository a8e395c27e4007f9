"""A certificate authority of one installation, for HTTPS where no public authority reaches. The home of x509.

The authority may vouch only for names and addresses of local networks and those that the machine had when it was made
(name constraints, RFC 5280 4.2.1.10): who trusts it, trusts it for nothing else.
"""

import contextlib
import ipaddress
import logging
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from runtime.refusal import N_, Refusal
from runtime.secret_files import keep_secret, kept_secret

log = logging.getLogger(__name__)

#: Fixed, so that an authority made while the clock was wrong is valid all the same.
AUTHORITY_SINCE, AUTHORITY_UNTIL = datetime(2026, 1, 1, tzinfo=UTC), datetime(2050, 1, 1, tzinfo=UTC)
#: Browsers refuse server certificates of more than 398 days.
VALID_FOR = timedelta(days=200)
RENEWED_BEFORE_END = timedelta(days=60)
#: Clocks of phones and office PCs are behind now and then.
VALID_BEFORE_NOW = timedelta(days=2)
_LOCAL_NAMES = ("localhost", "local", "lan", "internal", "home.arpa")
_LOCAL_NETWORKS = (
    "127.0.0.0/8",
    "10.0.0.0/8",
    "172.16.0.0/12",
    "192.168.0.0/16",
    "169.254.0.0/16",
    "100.64.0.0/10",
    "::1/128",
    "fc00::/7",
    "fe80::/10",
)


@dataclass(frozen=True)
class Names:
    """What a server is called: DNS names in ASCII, and addresses."""

    dns: frozenset[str]
    addresses: frozenset[ipaddress.IPv4Address | ipaddress.IPv6Address]

    @classmethod
    def of(cls, texts: Iterable[str]) -> "Names":
        """Raises Refusal when one is neither a name nor an address."""
        dns, addresses = set(), set()
        for text in texts:
            try:
                addresses.add(ipaddress.ip_address(text.strip("[]")))
            except ValueError:
                dns.add(_ascii_name(text))
        return cls(frozenset(dns), frozenset(addresses))

    def general(self) -> list[x509.GeneralName]:
        """As a certificate holds them, in a fixed order."""
        return [
            *(x509.DNSName(name) for name in sorted(self.dns)),
            *(x509.IPAddress(address) for address in sorted(self.addresses, key=lambda a: (a.version, int(a)))),
        ]


@dataclass(frozen=True)
class ServerFiles:
    """PEM files of a server: the chain and its key."""

    certificate: Path
    key: Path


class OwnAuthority:
    """The authority in a folder of secrets; made on first use, with the names of this machine."""

    def __init__(self, folder: Path, names: Names) -> None:
        """Raises Refusal when the files of the authority are damaged."""
        self._key_file, self._certificate_file = folder / "https-authority.key", folder / "https-authority.crt"
        self.server = ServerFiles(folder / "https.crt", folder / "https.key")
        key = kept_secret(self._key_file)
        certificate = kept_secret(self._certificate_file)
        if key is None or certificate is None:
            key, certificate = self._make(names)
        try:
            self._key = _elliptic_key(key)
            self.certificate = x509.load_pem_x509_certificate(certificate.encode())
            if self.certificate.public_key() != self._key.public_key():
                raise ValueError("key and certificate do not belong together")
        except ValueError as error:
            raise Refusal(
                N_(
                    "{path} is damaged. Bring it back from a backup, or remove it and {key}: each device must then "
                    "trust the server again."
                ),
                path=str(self._certificate_file),
                key=self._key_file.name,
            ) from error

    @property
    def fingerprint(self) -> str:
        """SHA-256 of the certificate, as browsers and systems show it: AB:CD:…"""
        return self.certificate.fingerprint(hashes.SHA256()).hex(":").upper()

    @property
    def der(self) -> bytes:
        """The certificate as phones and office PCs install it."""
        return self.certificate.public_bytes(serialization.Encoding.DER)

    def renew_server(self, names: Names, now: datetime) -> bool:
        """Make a server certificate when there is none for these names, or it ends soon. Whether there is a new one."""
        allowed = self._allowed(names)
        if self._still_good(allowed, now):
            return False
        key = ec.generate_private_key(ec.SECP256R1())
        built = (
            x509.CertificateBuilder()
            .subject_name(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "Loa")]))
            .issuer_name(self.certificate.subject)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(max(now - VALID_BEFORE_NOW, AUTHORITY_SINCE))
            .not_valid_after(min(max(now, AUTHORITY_SINCE) + VALID_FOR, AUTHORITY_UNTIL))
            .add_extension(x509.SubjectAlternativeName(allowed.general()), critical=False)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
            .add_extension(_key_usage(certificates=False), critical=True)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()),
                critical=False,
            )
            .sign(self._key, hashes.SHA256())
        )
        keep_secret(self.server.key, _pem_of_key(key))
        chain = [built, self.certificate]
        keep_secret(self.server.certificate, "".join(_pem(certificate) for certificate in chain))
        return True

    def _still_good(self, names: Names, now: datetime) -> bool:
        pem = kept_secret(self.server.certificate)
        key = kept_secret(self.server.key)
        if pem is None or key is None:
            return False
        try:
            kept = x509.load_pem_x509_certificate(pem.encode())
            kept.verify_directly_issued_by(self.certificate)
            same_key = serialization.load_pem_private_key(key.encode(), None).public_key() == kept.public_key()
        except Exception:
            return False
        held = kept.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
        in_time = kept.not_valid_before_utc <= now < kept.not_valid_after_utc - RENEWED_BEFORE_END
        return same_key and in_time and list(held) == names.general()

    def _allowed(self, names: Names) -> Names:
        """The names that this authority may vouch for; others are logged."""
        permitted = self.certificate.extensions.get_extension_for_class(x509.NameConstraints).value.permitted_subtrees
        zones = [general.value for general in permitted or [] if isinstance(general, x509.DNSName)]
        networks = [general.value for general in permitted or [] if isinstance(general, x509.IPAddress)]
        dns = {name for name in names.dns if any(name == zone or name.endswith("." + zone) for zone in zones)}
        addresses = {
            address
            for address in names.addresses
            if any(address in network for network in networks if isinstance(network, _NETWORKS))
        }
        for lacking in sorted({*map(str, names.dns - dns), *map(str, names.addresses - addresses)}):
            log.warning(
                "HTTPS does not answer for %s: the authority of this installation was made without it. To change that "
                "remove %s; each device must then trust the server again",
                lacking,
                self._key_file,
            )
        return Names(frozenset(dns), frozenset(addresses))

    def _make(self, names: Names) -> tuple[str, str]:
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name(
            [
                x509.NameAttribute(NameOID.ORGANIZATION_NAME, "Loa"),
                # Two installations have two names: a browser would mix them up else.
                x509.NameAttribute(NameOID.COMMON_NAME, f"Loa {x509.random_serial_number() % 16**6:06x}"),
            ]
        )
        built = (
            x509.CertificateBuilder()
            .subject_name(name)
            .issuer_name(name)
            .public_key(key.public_key())
            .serial_number(x509.random_serial_number())
            .not_valid_before(AUTHORITY_SINCE)
            .not_valid_after(AUTHORITY_UNTIL)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_key_usage(certificates=True), critical=True)
            .add_extension(x509.NameConstraints(_permitted(names), None), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        with contextlib.suppress(FileNotFoundError):
            self._certificate_file.unlink()
        keep_secret(self._key_file, _pem_of_key(key))
        keep_secret(self._certificate_file, _pem(built))
        log.info("made the authority of this installation for HTTPS: %s", name.rfc4514_string())
        return _pem_of_key(key), _pem(built)


_NETWORKS = (ipaddress.IPv4Network, ipaddress.IPv6Network)


def _permitted(names: Names) -> list[x509.GeneralName]:
    networks = [ipaddress.ip_network(text) for text in _LOCAL_NETWORKS]
    further = [
        ipaddress.ip_network(address)
        for address in sorted(names.addresses, key=lambda a: (a.version, int(a)))
        if not any(address in network for network in networks)
    ]
    zones = sorted(names.dns | set(_LOCAL_NAMES))
    return [*(x509.DNSName(zone) for zone in zones), *(x509.IPAddress(network) for network in [*networks, *further])]


def _key_usage(*, certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=certificates,
        crl_sign=certificates,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(certificate: x509.Certificate) -> str:
    return certificate.public_bytes(serialization.Encoding.PEM).decode()


def _elliptic_key(pem: str) -> ec.EllipticCurvePrivateKey:
    """Raises ValueError."""
    key = serialization.load_pem_private_key(pem.encode(), None)
    if not isinstance(key, ec.EllipticCurvePrivateKey):
        raise ValueError("this key is of another kind")
    return key


def _pem_of_key(key: ec.EllipticCurvePrivateKey) -> str:
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ).decode()


def _ascii_name(text: str) -> str:
    """A DNS name as certificates hold it. Raises Refusal."""
    try:
        name = text.strip().rstrip(".").lower().encode("idna").decode()
    except UnicodeError:
        name = ""
    labels = name.split(".")
    if not all(label and label.replace("-", "").isalnum() and label.isascii() for label in labels):
        raise Refusal(
            N_("“{name}” is neither a network name nor an address. Write it like loa.example.vn or 192.168.1.10."),
            name=text,
        )
    return name
