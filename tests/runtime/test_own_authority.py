"""Loa's own authority: whom it vouches for, how long, and what becomes of damaged files. Time is turned by hand."""

import ssl
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.x509.verification import PolicyBuilder, Store, VerificationError

from runtime.own_authority import AUTHORITY_UNTIL, RENEWED_BEFORE_END, VALID_FOR, Names, OwnAuthority
from runtime.refusal import Refusal

NOW = datetime(2026, 11, 24, 5, tzinfo=UTC)
DAY = timedelta(days=1)
OFFICE = Names.of(["localhost", "may-tinh-xa", "may-tinh-xa.local", "192.168.1.10", "fd00::2"])


def authority(folder: Path, names: Names = OFFICE) -> OwnAuthority:
    folder.mkdir(mode=0o700, exist_ok=True)
    return OwnAuthority(folder, names)


def served(made: OwnAuthority) -> x509.Certificate:
    return x509.load_pem_x509_certificates(made.server.certificate.read_bytes())[0]


def accepted(made: OwnAuthority, host: str, at: datetime = NOW) -> bool:
    """As a browser that trusts the authority decides, name constraints included."""
    verifier = PolicyBuilder().store(Store([made.certificate])).time(at)
    try:
        verifier.build_server_verifier(x509.DNSName(host)).verify(served(made), [])
    except VerificationError:
        return False
    return True


def test_a_server_certificate_is_accepted_for_the_names_of_the_machine_until_it_ends(tmp_path: Path) -> None:
    made = authority(tmp_path / "secrets")
    assert made.renew_server(OFFICE, NOW)
    assert accepted(made, "may-tinh-xa.local")
    assert not accepted(made, "khac.local")
    assert not accepted(made, "may-tinh-xa.local", NOW + VALID_FOR + DAY)
    assert accepted(made, "may-tinh-xa.local", NOW - DAY), "phones whose clock is a day behind"
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(made.server.certificate, made.server.key)
    assert {path.stat().st_mode & 0o777 for path in (tmp_path / "secrets").iterdir()} == {0o600}


def test_it_is_renewed_before_its_end_or_when_names_changed_and_else_left(tmp_path: Path) -> None:
    made = authority(tmp_path / "secrets")
    made.renew_server(OFFICE, NOW)
    first = served(made)
    later = NOW + VALID_FOR - RENEWED_BEFORE_END - DAY
    assert not authority(tmp_path / "secrets").renew_server(OFFICE, later)
    assert served(made) == first
    assert made.renew_server(OFFICE, later + 2 * DAY), "while the old one is valid for weeks"
    moved = Names(OFFICE.dns, Names.of(["10.0.0.7"]).addresses)
    assert made.renew_server(moved, later)
    assert made.renew_server(moved, later + VALID_FOR)
    assert accepted(made, "localhost", later + VALID_FOR)
    assert made.renew_server(moved, AUTHORITY_UNTIL - DAY)
    assert served(made).not_valid_after_utc == AUTHORITY_UNTIL


def test_a_clock_that_was_wrong_at_the_start_is_mended_by_the_next_look(tmp_path: Path) -> None:
    made = authority(tmp_path / "secrets")
    made.renew_server(OFFICE, datetime(2000, 1, 1, tzinfo=UTC))
    assert made.renew_server(OFFICE, NOW)
    assert accepted(made, "localhost")
    made.renew_server(OFFICE, NOW + 3000 * DAY)
    assert made.renew_server(OFFICE, NOW), "made in the future: not valid yet"


def test_it_cannot_vouch_for_other_websites(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    made = authority(tmp_path / "secrets")
    later = Names(OFFICE.dns | {"bank.example.vn"}, Names.of(["203.0.113.5"]).addresses)
    made.renew_server(later, NOW)
    assert not accepted(made, "bank.example.vn")
    assert "bank.example.vn" in caplog.text
    assert "203.0.113.5" in caplog.text
    stolen = OwnAuthority(tmp_path / "secrets", OFFICE)
    stolen._allowed = lambda names: names  # type: ignore[method-assign] # what a thief of the key would sign
    stolen.renew_server(later, NOW)
    assert "bank.example.vn" in str(served(stolen).extensions)
    assert not accepted(stolen, "bank.example.vn"), "browsers refuse it by the authority's name constraints"


def test_names_and_addresses_that_it_was_made_with_may_be_public(tmp_path: Path) -> None:
    names = Names.of(["loa.example.vn", "203.0.113.5"])
    made = authority(tmp_path / "secrets", names)
    made.renew_server(names, NOW)
    assert accepted(made, "loa.example.vn")
    held = served(made).extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    assert [str(address) for address in held.get_values_for_type(x509.IPAddress)] == ["203.0.113.5"]


def test_a_damaged_server_certificate_is_made_again_a_damaged_authority_is_refused(tmp_path: Path) -> None:
    made = authority(tmp_path / "secrets")
    made.renew_server(OFFICE, NOW)
    made.server.certificate.write_text("-----BEGIN CERTIFICATE-----\nrubbish\n")
    assert made.renew_server(OFFICE, NOW)
    assert accepted(made, "localhost")
    (tmp_path / "secrets" / "https-authority.key").write_text("rubbish")
    with pytest.raises(Refusal, match="Bring it back from a backup"):
        authority(tmp_path / "secrets")
    authority(tmp_path / "elsewhere")
    (tmp_path / "elsewhere" / "https-authority.key").rename(tmp_path / "secrets" / "https-authority.key")
    with pytest.raises(Refusal, match="Bring it back from a backup"):
        authority(tmp_path / "secrets")  # the key of another installation


@pytest.mark.parametrize("text", ["", "a b", "http://x", "loa..vn", "x/y", "tên_máy", "*.example.vn"])
def test_what_is_no_name_is_refused_with_an_example(text: str) -> None:
    with pytest.raises(Refusal, match=r"loa\.example\.vn"):
        Names.of([text])


def test_a_vietnamese_name_is_held_as_the_network_spells_it() -> None:
    assert Names.of(["Xã-Hồng.VN."]).dns == {"xn--x-hng-9qa4674c.vn"}
