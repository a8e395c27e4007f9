"""How the controller and `loa live` reach the broker, whatever certificate it shows to receivers."""

import datetime
import ipaddress
import logging
import ssl
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from loa.broker_access import connect, connection, embedded_broker
from loa.broker_accounts import BrokerAccounts
from loa.controller import Controller
from loa.schema import open_database
from runtime.broker import MqttBroker
from runtime.mosquitto import free_port
from runtime.secret_files import Secrets
from runtime.settings import load_settings

DEADLINE_S = 10.0
PUBLIC_NAME = "loa.example.vn"


def until(held: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while not held():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.01)


def certificate(folder: Path, *names: str) -> tuple[Path, Path]:
    """A certificate of these names, signed by its own key, as an office without a public authority has it."""
    key = ec.generate_private_key(ec.SECP256R1())
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, names[0])])
    now = datetime.datetime.now(datetime.UTC)
    alternatives = [
        x509.IPAddress(ipaddress.ip_address(name)) if name[0].isdigit() else x509.DNSName(name) for name in names
    ]
    made = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(subject)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - datetime.timedelta(days=1))
        .not_valid_after(now + datetime.timedelta(days=30))
        .add_extension(x509.SubjectAlternativeName(alternatives), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    folder.mkdir(exist_ok=True)
    chain, secret = folder / "chain.pem", folder / "key.pem"
    chain.write_bytes(made.public_bytes(serialization.Encoding.PEM))
    secret.write_bytes(
        key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    )
    return chain, secret


def office(folder: Path, *names: str) -> dict[str, object]:
    """Settings of an office whose broker shows a certificate of these names."""
    chain, secret = certificate(folder / "tls", *names)
    return {
        "data_dir": folder / "data",
        "http_port": free_port(),
        "broker_host": "0.0.0.0",  # noqa: S104
        "broker_port": free_port(),
        "broker_public_host": PUBLIC_NAME,
        "broker_tls_certificate": chain,
        "broker_tls_key": secret,
        "broker_tls_ca": chain,
        "time_port": 0,
    }


def test_a_certificate_for_the_public_name_lets_controller_and_live_in(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = load_settings(**office(tmp_path, PUBLIC_NAME))
    with Controller(settings) as controller:
        assert controller.broker.connected
        live = connection(settings, controller.secrets.broker_password, "live-1")
        until(lambda: live.connected)
        assert controller.broker.connected
        live.close()
    assert "does not answer" not in caplog.text
    assert "will refuse" not in caplog.text


def test_a_certificate_that_does_not_name_the_public_host_is_logged_at_the_start(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    settings = load_settings(**office(tmp_path, "other.example.vn"))
    mosquitto = embedded_broker(settings)
    assert mosquitto is not None
    secrets = Secrets.load_or_create(settings.data_dir / "secrets")
    database = open_database(settings)
    BrokerAccounts(database, mosquitto, secrets.broker_password).publish()
    mosquitto.start()
    try:
        broker = connect(settings, mosquitto, secrets.broker_password)
        assert broker.connected
        broker.close()
    finally:
        mosquitto.stop()
        database.close()
    [message] = [record.getMessage() for record in caplog.records if "will refuse" in record.getMessage()]
    assert PUBLIC_NAME in message
    assert "other.example.vn" in message or "mismatch" in message


# paho leaves the socket of a failed handshake to the garbage collection.
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_the_reason_of_a_failed_connection_is_logged_once(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    settings = load_settings(**office(tmp_path, PUBLIC_NAME))
    mosquitto = embedded_broker(settings)
    assert mosquitto is not None
    mosquitto.start()
    try:
        with caplog.at_level(logging.ERROR):
            stranger = MqttBroker(f"mqtts://127.0.0.1:{mosquitto.port}", user="x", ca_file=settings.broker_tls_ca)
            until(lambda: "certificate verify failed" in caplog.text)
            time.sleep(2.5)  # the second attempt comes within
            stranger.close()
    finally:
        mosquitto.stop()
    assert caplog.text.count("certificate verify failed") == 1
    assert "127.0.0.1" in caplog.text


def test_a_broker_that_is_not_there_is_logged_with_its_reason(caplog: pytest.LogCaptureFixture) -> None:
    stranger = MqttBroker(f"mqtt://127.0.0.1:{free_port()}", user="x")
    until(lambda: "Connection refused" in caplog.text)
    stranger.close()


def test_the_certificate_made_here_is_one_that_a_receiver_accepts(tmp_path: Path) -> None:
    chain, _ = certificate(tmp_path, PUBLIC_NAME)
    assert ssl.create_default_context(cadata=chain.read_text()).get_ca_certs()
