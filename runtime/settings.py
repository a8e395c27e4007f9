"""Settings: a value read once at start, from the environment (LOA_…) and a file, and passed on."""

import os
import re
import tomllib
from datetime import time
from pathlib import Path
from typing import Any, Literal
from urllib.parse import urlsplit

from pydantic import Field, ValidationError, field_validator
from pydantic_settings import BaseSettings, PydanticBaseSettingsSource, SettingsConfigDict, TomlConfigSettingsSource

from runtime.refusal import N_, Refusal

FILE_NAME = "loa.toml"


class Settings(BaseSettings):
    """All settings of the controller. Each says what it is, its unit, and why one would change it."""

    model_config = SettingsConfigDict(env_prefix="LOA_", frozen=True, extra="forbid")

    data_dir: Path = Field(
        Path("loa-data"),
        description="Folder for database, audio, secrets and the broker's store. Each controller needs its own folder.",
    )
    database_url: str | None = Field(
        None,
        description="Database of the tables. Empty: SQLite in the data folder. postgresql://user:password@host/name for more than one controller or a province.",
    )
    http_host: str = Field(
        "127.0.0.1", description="Address that the web page listens on. 0.0.0.0: all networks of this machine."
    )
    http_port: int = Field(8080, ge=0, le=65535, description="Port that the web page listens on. 0: any free one.")
    https_port: int | None = Field(
        None,
        ge=1,
        le=65535,
        description="Port that the page listens on with HTTPS, for example 8443. Other devices are then led there from the plain port, which goes on serving receivers. Browsers allow the microphone on other devices only over HTTPS (docs/https.md). Empty: no HTTPS.",
    )
    https_certificate: Path | None = Field(
        None,
        description="PEM file with the page's certificate chain; read again when it changes. Empty: Loa makes its own authority and certificate, which each device trusts once (page /trust).",
    )
    https_key: Path | None = Field(None, description="PEM file with the key of that certificate.")
    https_names: str = Field(
        "",
        description="Further names and addresses by which browsers reach this machine, separated by blanks; for Loa's own certificate. Its host name and all its addresses are in it anyway.",
    )
    public_url: str | None = Field(
        None,
        description="How browsers and receivers reach this controller, for example https://loa.example.vn. Empty: http://host:port. Receivers fetch audio from this address.",
    )
    broker_url: str | None = Field(
        None,
        description="An existing MQTT 3.1.1 broker: mqtts://user:password@host:8883. Empty: Loa starts and manages a Mosquitto.",
    )
    broker_host: str = Field(
        "127.0.0.1",
        description="Address the embedded broker listens on. Receivers on other machines need an address other than 127.0.0.1, and TLS.",
    )
    broker_port: int = Field(1883, ge=0, le=65535, description="Port the embedded broker listens on. 0: any free one.")
    time_port: int | None = Field(
        None,
        ge=0,
        le=65535,
        description="UDP port on which receivers request the time. Empty: the same number as the embedded broker's port. 0: none; receivers request the time through the broker, which gives less precise synchrony on networks with jitter or packet loss.",
    )
    broker_public_host: str | None = Field(
        None, description="Name or address by which receivers reach the embedded broker. Empty: broker_host."
    )
    broker_tls_certificate: Path | None = Field(
        None,
        description="PEM file with the embedded broker's certificate chain. Required when it listens beyond this machine.",
    )
    broker_tls_key: Path | None = Field(None, description="PEM file with the key of that certificate.")
    broker_tls_ca: Path | None = Field(
        None, description="PEM file with the certificate authority that receivers trust, when it is not a public one."
    )
    broker_allow_plain: bool = Field(
        False,
        description="Allow the embedded broker to listen beyond this machine without TLS: only inside a VPN or for measurements.",
    )
    plan_ahead_hours: int = Field(
        48,
        ge=1,
        le=24 * 14,
        description="Hours that are planned, announced and fetched ahead. Longer outages need more hours, and more disk space on the receivers.",
    )
    fetch_from: time = Field(
        time(21),
        description="Start of the window in which receivers fetch audio that is not needed soon, by the commune's clock: when the mobile network has capacity.",
    )
    fetch_until: time = Field(
        time(3),
        description="End of that window, by the commune's clock. Earlier than fetch_from: the window crosses midnight. Equal to fetch_from: any hour.",
    )
    max_upload_bytes: int = Field(500_000_000, ge=1_000_000, description="Largest upload, in bytes.")
    max_clip_hours: float = Field(4.0, gt=0, le=24, description="Longest recording, in hours.")
    commune_storage_bytes: int = Field(
        20_000_000_000,
        ge=0,
        description="Most that a commune without a value of its own (page Settings) may store, in bytes: recordings as uploaded and as broadcast. 20 GB are some 400 hours of mp3. 0: no limit but the disk.",
    )
    heartbeat_s: int = Field(
        20,
        ge=1,
        le=600,
        description="Seconds between a receiver's heartbeats. A receiver is shown as offline after two and a half of them.",
    )
    self_test_at: time = Field(
        time(2, 30),
        description="Time of the nightly test of all receivers, by the commune's clock. The test is silent.",
    )
    self_test_verdict_after_min: int = Field(
        60,
        ge=10,
        le=600,
        description="Minutes that receivers have for the nightly test. A receiver that has not passed by then is shown as a fault in the morning.",
    )
    map_tiles_url: str | None = Field(
        None,
        description="Address of the map tiles, for example https://tiles.example.vn/{z}/{x}/{y}.png; browsers may load tiles from that one server. Empty: no tiles, the commune's border on a plain background, and no request leaves the site.",
    )
    map_tiles_attribution: str = Field(
        "",
        max_length=200,
        description="Attribution required by the owner of the map tiles, for example © OpenStreetMap. Shown in the corner of the map.",
    )
    horn_reach_m: float = Field(
        400.0,
        ge=20,
        le=3000,
        description="Distance in metres within which a horn is intelligible; used to find echo pairs on the map. Zones that play one after another are told apart at 400 m whatever is set here. 400: 30 W in a quiet village.",
    )
    notify_window_s: int = Field(
        60,
        ge=5,
        le=3600,
        description="Seconds without a further fault before people are told: faults that come one after the other are one message (docs/notifications.md).",
    )
    smtp_host: str = Field("", description="Mail server that sends fault messages. Empty: no e-mail.")
    smtp_port: int = Field(587, ge=1, le=65535, description="Port of the mail server: 587 for starttls, 465 for tls.")
    smtp_security: Literal["starttls", "tls", "none"] = Field(
        "starttls",
        description="Encryption to the mail server. none: only for a server on this machine or inside a VPN; then no password is sent.",
    )
    smtp_user: str = Field(
        "",
        description="Account at the mail server; its password is in secrets/smtp.password. Empty: no sign-in.",
    )
    smtp_sender: str = Field("", description="Sender of the e-mails, for example loa@xa.example.vn. Empty: smtp_user.")
    smtp_ca: Path | None = Field(
        None, description="PEM file with the certificate authority of the mail server, when it is not a public one."
    )
    sms_url: str = Field(
        "",
        description="Address of the SMS gateway; $phone and $text stand for number and text. Empty: no SMS.",
    )
    sms_method: Literal["post", "get"] = Field("post", description="How the SMS gateway is called.")
    sms_body: str = Field(
        "",
        description='Body for the SMS gateway, with $phone, $text and $secret (from secrets/sms.secret), for example {"to": "$phone", "text": "$text"}.',
    )
    sms_content_type: Literal["application/json", "application/x-www-form-urlencoded", "text/plain"] = Field(
        "application/json", description="Content type of that body; values are encoded for it."
    )
    sms_header: str = Field(
        "", description="One more header for the SMS gateway, for example Authorization: Bearer $secret."
    )
    sms_success: str = Field(
        "",
        description="Text that the SMS gateway's answer contains when it has accepted the message, for gateways that answer 200 to everything. Empty: status 2xx is enough.",
    )
    sms_plain_letters: bool = Field(
        True, description="Send SMS without diacritics: 160 characters a message in place of 70."
    )
    alert_sms_gammu: Path | None = Field(
        None,
        description="Configuration file of a gammu-smsd (service = files) that sends alerts by SMS to receivers without a connection, for example /etc/gammu-smsdrc (docs/emergency.md). Empty: not through gammu-smsd.",
    )
    alert_sms_url: str = Field(
        "",
        description="Address of an SMS gateway that sends alerts to receivers as 8-bit messages; $phone, and $hex, $HEX or $base64 for the bytes. Method, content type, header, success and secret are those of sms_. Instead of alert_sms_gammu. Empty: not through a gateway.",
    )
    alert_sms_body: str = Field(
        "", description='Body for that gateway, for example {"to": "$phone", "type": "binary", "data": "$hex"}.'
    )
    alert_sms_a_minute: int = Field(
        600, ge=1, le=60_000, description="Most SMS in a minute to the gateway for alerts. More would be refused by it."
    )
    webhook_hosts: str = Field(
        "",
        description="Hosts in the local network to which webhooks may be sent, separated by blanks, with the port where it is not 80 or 443: 192.168.1.20:9000. Others must be public and use https.",
    )
    relay_hosts: str = Field(
        "",
        description="Hosts in the local network from which stations may be relayed, separated by blanks, with the port where it is not 80 or 443: 192.168.1.30:8000. Others must be public.",
    )
    cap_hosts: str = Field(
        "",
        description="Hosts in the local network from which feeds of alerts (CAP) may be read, separated by blanks, with the port where it is not 80 or 443: 192.168.1.40:8000. Others must be public.",
    )
    speech_models: Path | None = Field(
        None,
        description="Folder with neural voices, two files each: name.onnx and name.onnx.json (Piper). Nothing is downloaded. Empty: the simple voices of espeak-ng alone (docs/speech.md).",
    )
    log_level: Literal["debug", "info", "warning", "error"] = Field(
        "info", description="Lowest level that is written to the log."
    )

    @classmethod
    def settings_customise_sources(
        cls,
        settings_cls: type[BaseSettings],
        init_settings: PydanticBaseSettingsSource,
        env_settings: PydanticBaseSettingsSource,
        dotenv_settings: PydanticBaseSettingsSource,
        file_secret_settings: PydanticBaseSettingsSource,
    ) -> tuple[PydanticBaseSettingsSource, ...]:
        """Command line first, then the environment, then the file."""
        values = init_settings()
        folder = Path(
            str(values.get("data_dir") or os.environ.get("LOA_DATA_DIR") or cls.model_fields["data_dir"].default)
        )
        file = Path(os.environ.get("LOA_SETTINGS_FILE") or folder / FILE_NAME)
        return (init_settings, env_settings, TomlConfigSettingsSource(settings_cls, file))

    @field_validator("map_tiles_url")
    @classmethod
    def _tiles(cls, url: str | None) -> str | None:
        if not url:
            return None
        parts = urlsplit(url)
        if not all(place in parts.path + parts.query for place in ("{z}", "{x}", "{y}")):
            raise ValueError("an address of map pictures has the places {z}, {x} and {y}")
        if not re.fullmatch(r"https?://[a-z0-9.\-]+(:\d+)?", f"{parts.scheme}://{parts.netloc}".lower()):
            raise ValueError("an address of map pictures begins with https:// and the full name of one server")
        return url

    @property
    def map_tiles_origin(self) -> str | None:
        """The one server that the map's pictures may come from, as a content policy names it."""
        if self.map_tiles_url is None:
            return None
        parts = urlsplit(self.map_tiles_url)
        return f"{parts.scheme}://{parts.netloc}".lower()

    @property
    def webhook_places(self) -> frozenset[str]:
        """Hosts in the local network to which webhooks may be sent."""
        return frozenset(self.webhook_hosts.lower().split())

    @property
    def database(self) -> str:
        """The database's URL, also when it is the default one."""
        return self.database_url or f"sqlite:///{self.data_dir.absolute() / 'loa.db'}"

    @property
    def base_url(self) -> str:
        """How browsers and receivers reach the web page, without a slash at the end."""
        if self.public_url:
            return self.public_url.rstrip("/")
        return f"http://{self._host}:{self.http_port}"

    @property
    def secure_url(self) -> str | None:
        """The page with HTTPS, as this machine reaches it, without a slash at the end. None without HTTPS."""
        return None if self.https_port is None else f"https://{self._host}:{self.https_port}"

    @property
    def _host(self) -> str:
        everywhere = ("0.0.0.0", "::")  # noqa: S104 - compared only
        host = "127.0.0.1" if self.http_host in everywhere else self.http_host
        return f"[{host}]" if ":" in host else host


def load_settings(**given: Any) -> Settings:
    """Read the settings; `given` (from the command line) goes before everything else.

    Raises Refusal with the name of the setting that is wrong, and where it may be set.
    """
    try:
        return Settings(**given)
    except ValidationError as error:
        first = error.errors()[0]
        name = str(first["loc"][0]) if first["loc"] else "?"
        raise Refusal(
            N_(
                "The setting {name} is wrong: {why}. It is set as LOA_{upper} or in loa.toml; docs/settings.md lists all."
            ),
            name=name,
            upper=name.upper(),
            why=first["msg"],
        ) from error
    except (tomllib.TOMLDecodeError, OSError) as error:
        raise Refusal(N_("The settings file cannot be read: {why}"), why=str(error)) from error
