"""How controller and receivers reach the broker: the embedded Mosquitto, or one that the settings name."""

import hashlib
import logging
import socket
import ssl
import threading
from pathlib import Path

from devices.enrolment import CONTROLLER_USER, Issuer, acl_rows
from runtime.broker import MqttBroker
from runtime.mosquitto import Mosquitto, controller_url
from runtime.mosquitto_configuration import Tls
from runtime.refusal import N_, Refusal
from runtime.settings import Settings
from wire.sealing import PublicKey, SealingKey

log = logging.getLogger(__name__)

#: How long the start waits for the broker. After that the page is served and the connection is retried.
_CONNECT_TIMEOUT_S = 5.0
_CERTIFICATE_TIMEOUT_S = 2.0


def issuer(settings: Settings, key: SealingKey, broker_url: str) -> Issuer:
    """What goes into every receiver's credentials. broker_url: where receivers reach the broker."""
    ca = settings.broker_tls_ca.read_text() if settings.broker_tls_ca else None
    return Issuer(broker_url=broker_url, controller=PublicKey(key.public), tls_ca_pem=ca)


def public_broker_url(settings: Settings, port: int | None = None) -> str:
    """Where receivers reach the broker, without a password. port: of the embedded broker, once it is known."""
    if settings.broker_url:
        scheme, _, rest = settings.broker_url.partition("://")
        return f"{scheme}://{rest.rpartition('@')[2]}"
    scheme = "mqtts" if settings.broker_tls_certificate else "mqtt"
    return f"{scheme}://{settings.broker_public_host or settings.broker_host}:{port or settings.broker_port}"


def embedded_broker(settings: Settings) -> Mosquitto | None:
    """Not started yet; None when the settings name another broker.

    Raises Refusal when other machines would reach it without encryption.
    """
    if settings.broker_url:
        return None
    tls = None
    if settings.broker_tls_certificate and settings.broker_tls_key:
        tls = Tls(settings.broker_tls_certificate, settings.broker_tls_key)
    elif settings.broker_host not in ("127.0.0.1", "localhost", "::1") and not settings.broker_allow_plain:
        raise Refusal(
            N_(
                "The broker would be heard beyond this machine without encryption. Set LOA_BROKER_TLS_CERTIFICATE "
                "and LOA_BROKER_TLS_KEY, or LOA_BROKER_ALLOW_PLAIN=true inside a VPN."
            )
        )
    return Mosquitto(
        broker_folder(settings),
        host=settings.broker_host,
        port=settings.broker_port,
        controller_user=CONTROLLER_USER,
        acl=acl_rows(),
        tls=tls,
    )


def connect(settings: Settings, mosquitto: Mosquitto | None, password: str) -> MqttBroker:
    """The controller's connection. A broker that does not answer in time is logged; the connection keeps trying.

    mosquitto: started. password: the controller's at the embedded broker.
    """
    if mosquitto is None and not settings.broker_url:
        raise RuntimeError("the embedded broker was not started")
    broker = connection(settings, password, "controller")
    if mosquitto is not None and settings.broker_tls_certificate:
        _check_certificate(settings, mosquitto.port)
    connected = threading.Event()
    broker.on_connected(connected.set)
    if not broker.connected and not connected.wait(_CONNECT_TIMEOUT_S):
        log.error("the broker does not answer; receivers get nothing new until it does")
    return broker


def connection(settings: Settings, password: str, role: str) -> MqttBroker:
    """To the embedded broker by its socket, or to the one that the settings name. Does not wait.

    password: the controller's at the embedded broker. role: of this connection, "controller" or another for each.
    Without a persistent session: births and wills are retained, and receivers repeat their reports.
    """
    url = settings.broker_url or controller_url(broker_folder(settings))
    return MqttBroker(
        url,
        user=CONTROLLER_USER,
        password=password,
        client_id=_client_id(settings, password, role),
        ca_file=settings.broker_tls_ca,
        clean=True,
    )


def _check_certificate(settings: Settings, port: int) -> None:
    """Log why receivers will refuse the embedded broker's certificate. The controller does not need it."""
    name = settings.broker_public_host or settings.broker_host
    host = "127.0.0.1" if settings.broker_host in ("0.0.0.0", "::", "") else settings.broker_host  # noqa: S104
    context = ssl.create_default_context(cafile=str(settings.broker_tls_ca) if settings.broker_tls_ca else None)
    try:
        with (
            socket.create_connection((host, port), _CERTIFICATE_TIMEOUT_S) as plain,
            context.wrap_socket(plain, server_hostname=name),
        ):
            return
    except OSError as error:
        log.error(
            "receivers will refuse the broker's certificate for %s: %s; check LOA_BROKER_TLS_CERTIFICATE, "
            "LOA_BROKER_TLS_CA and LOA_BROKER_PUBLIC_HOST",
            name,
            error,
        )


def broker_port(mosquitto: Mosquitto | None) -> int | None:
    return mosquitto.port if mosquitto else None


def broker_folder(settings: Settings) -> Path:
    return settings.data_dir.absolute() / "broker"


def _client_id(settings: Settings, password: str, role: str) -> str:
    """Stable across restarts, and different for another controller at the same broker.

    No receiver can name it: at the embedded broker receivers have no choice, at another one it cannot be guessed.
    """
    text = f"{socket.gethostname()}:{settings.data_dir.absolute()}:{password}"
    return f"loa:{role}-{hashlib.sha256(text.encode()).hexdigest()[:16]}"
