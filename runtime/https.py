"""HTTPS of the page: a given certificate, or one of this installation's own authority; both renewed while it runs."""

import logging
import ssl
from datetime import timedelta
from pathlib import Path
from urllib.parse import urlsplit

from cryptography import x509

from runtime.clock import Clock
from runtime.machine_names import machine_names
from runtime.own_authority import Names, OwnAuthority, ServerFiles
from runtime.refusal import N_, Refusal
from runtime.settings import Settings

log = logging.getLogger(__name__)

#: How long before its end a given certificate is warned of: it is renewed elsewhere.
WARNED_BEFORE_END = timedelta(days=14)


class Https:
    """The server's side of TLS. `context` serves new connections with the newest certificate."""

    def __init__(self, settings: Settings, secrets_folder: Path, clock: Clock) -> None:
        """Raises Refusal when a given file is missing or wrong, and what to do."""
        if settings.https_port is None:
            raise ValueError("HTTPS needs a port")
        self.port = settings.https_port
        self._clock = clock
        self._further = settings.https_names.split()
        public_host = urlsplit(settings.public_url or "").hostname
        self._further += [public_host] if public_host else []
        self._loaded: tuple[float, float] | None = None
        self.authority: OwnAuthority | None = None
        files = _given(settings)
        if files is None:
            self.authority = OwnAuthority(secrets_folder, self.names())
            files = self.authority.server
        self._files = files
        self.context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        self.context.minimum_version = ssl.TLSVersion.TLSv1_2
        self.renew()

    def names(self) -> Names:
        """What browsers may call this machine. Raises Refusal when a name in the settings is none."""
        machine, further = machine_names(), Names.of(self._further)
        return Names(machine.dns | further.dns, machine.addresses | further.addresses)

    def renew(self) -> None:
        """Look whether the certificate ends soon or the machine has new addresses; take what changed.

        Raises Refusal when the files do not fit together.
        """
        if self.authority is not None and self._clock.trusted:
            self.authority.renew_server(self.names(), self._clock.now())
        try:
            changed = (self._files.certificate.stat().st_mtime, self._files.key.stat().st_mtime)
            if changed != self._loaded:
                self.context.load_cert_chain(self._files.certificate, self._files.key)
                self._loaded = changed
        except (OSError, ssl.SSLError) as error:
            raise Refusal(
                N_("The certificate for HTTPS cannot be used ({why}). Check LOA_HTTPS_CERTIFICATE and LOA_HTTPS_KEY."),
                why=str(error),
            ) from error
        if self.authority is None:
            self._warn_of_end()

    def _warn_of_end(self) -> None:
        until = x509.load_pem_x509_certificate(self._files.certificate.read_bytes()).not_valid_after_utc
        if until - self._clock.now() < WARNED_BEFORE_END:
            log.warning("the certificate for HTTPS ends on %s; renew it in %s", until.date(), self._files.certificate)


def _given(settings: Settings) -> ServerFiles | None:
    certificate, key = settings.https_certificate, settings.https_key
    if certificate is None and key is None:
        return None
    if certificate is None or key is None:
        raise Refusal(
            N_("HTTPS needs both LOA_HTTPS_CERTIFICATE and LOA_HTTPS_KEY, or neither: then Loa makes its own.")
        )
    return ServerFiles(certificate, key)
