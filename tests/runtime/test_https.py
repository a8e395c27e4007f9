"""HTTPS of the page over real TLS handshakes: which certificate, and that a renewed one is served without a restart."""

import os
import ssl
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from runtime.clock import ManualClock
from runtime.https import Https
from runtime.own_authority import RENEWED_BEFORE_END, VALID_FOR, Names, OwnAuthority
from runtime.refusal import Refusal
from runtime.settings import Settings

#: OpenSSL: X509_V_FLAG_NO_CHECK_TIME. The test has a clock of its own.
NO_CHECK_OF_TIME = 0x200000


def https(folder: Path, clock: ManualClock, **settings: Any) -> Https:
    secrets = folder / "secrets"
    secrets.mkdir(mode=0o700, exist_ok=True)
    return Https(Settings(data_dir=folder, https_port=8443, **settings), secrets, clock)


def certificate_seen(server: Https, host: str) -> dict[str, Any]:
    """What a browser that trusts the authority sees of the certificate. Raises ssl.SSLError when it does not."""
    trusting = ssl.create_default_context()
    trusting.verify_flags |= NO_CHECK_OF_TIME
    if server.authority is not None:
        trusting.load_verify_locations(cadata=server.authority.der)
    to_server, to_browser = ssl.MemoryBIO(), ssl.MemoryBIO()
    browser = trusting.wrap_bio(to_browser, to_server, server_hostname=host)
    answering = server.context.wrap_bio(to_server, to_browser, server_side=True)
    waiting = [browser, answering]
    while waiting:
        for side in list(waiting):
            try:
                side.do_handshake()
                waiting.remove(side)
            except ssl.SSLWantReadError:
                pass
    seen = browser.getpeercert()
    assert seen
    return seen


def test_a_browser_that_trusts_the_authority_reaches_the_machine_by_name_and_address(
    tmp_path: Path, clock: ManualClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    server = https(tmp_path, clock, https_names="loa.example.vn", public_url="http://10.9.8.7:8080")
    for host in ("localhost", "127.0.0.1", "loa.example.vn", "10.9.8.7"):
        assert certificate_seen(server, host)
    with pytest.raises(ssl.SSLCertVerificationError):
        certificate_seen(server, "khac.example.vn")


def test_a_renewed_certificate_is_served_to_the_next_connection(tmp_path: Path, clock: ManualClock) -> None:
    server = https(tmp_path, clock)
    first = certificate_seen(server, "localhost")["serialNumber"]
    server.renew()
    assert certificate_seen(server, "localhost")["serialNumber"] == first
    clock.advance(VALID_FOR - RENEWED_BEFORE_END + timedelta(hours=1))
    server.renew()
    assert certificate_seen(server, "localhost")["serialNumber"] != first


def test_a_given_certificate_is_served_read_again_and_warned_of(
    tmp_path: Path, clock: ManualClock, caplog: pytest.LogCaptureFixture
) -> None:
    made = OwnAuthority(_folder(tmp_path / "acme"), Names.of(["localhost"]))
    made.renew_server(Names.of(["localhost"]), clock.now())
    given = {"https_certificate": made.server.certificate, "https_key": made.server.key}
    server = https(tmp_path, clock, **given)
    assert server.authority is None
    assert not caplog.records
    clock.advance(VALID_FOR - timedelta(days=10))
    server.renew()
    assert "ends on" in caplog.text
    caplog.clear()
    made.renew_server(Names.of(["localhost"]), clock.now())
    os.utime(made.server.certificate, (1, 1))  # changed, whatever the file system's clock says
    server.renew()
    assert not caplog.records


def test_wrong_files_are_named_before_anything_starts(tmp_path: Path, clock: ManualClock) -> None:
    absent, rubbish = tmp_path / "absent.pem", tmp_path / "rubbish.pem"
    rubbish.write_text("rubbish")
    for certificate in (absent, rubbish):
        with pytest.raises(Refusal, match="LOA_HTTPS_CERTIFICATE"):
            https(tmp_path, clock, https_certificate=certificate, https_key=rubbish)
    with pytest.raises(Refusal, match="needs both"):
        https(tmp_path, clock, https_certificate=rubbish)
    with pytest.raises(Refusal, match="neither a network name"):
        https(tmp_path, clock, https_names="http://loa")


def _folder(path: Path) -> Path:
    path.mkdir(mode=0o700)
    return path
