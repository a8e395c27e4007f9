"""Credentials: the file a receiver gets at enrolment. See docs/protocol.md, Enrolment."""

import msgspec


class Credentials(msgspec.Struct, frozen=True, kw_only=True):
    """What a receiver needs to take part; the file must be readable by its owner only.

    receiver: its id and user name at the broker. broker_url: mqtt(s)://host:port. receiver_seed: hex, of the key it
    seals with. controller_keys: kid → hex public key, pinned. tls_ca_pem: the authority to trust, None for the
    system's own.
    """

    version: int = 1
    receiver: str
    commune: str
    broker_url: str
    broker_secret: str
    receiver_seed: str
    controller_keys: dict[str, str]
    tls_ca_pem: str | None = None

    def text(self) -> str:
        """The content of the credentials file: JSON."""
        return msgspec.json.format(msgspec.json.encode(self), indent=2).decode() + "\n"


def credentials_of(text: str) -> Credentials:
    """Raises ValueError for a text that is no credentials file."""
    return msgspec.json.decode(text, type=Credentials)
