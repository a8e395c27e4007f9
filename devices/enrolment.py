"""Enrolment: creates a receiver with its credentials and its broker account."""

import os
import re
import secrets
from datetime import datetime
from pathlib import Path

import msgspec
from sqlmodel import Session, col, select

from devices.communes import check_id, commune
from devices.receivers import Receiver, check_path_delay, receiver
from devices.short_names import short_name
from devices.stations import station
from devices.zones import set_zones
from parsing.titles import parse_title
from runtime.mosquitto import hash_password
from runtime.mosquitto_configuration import AclRow
from runtime.refusal import N_, Refusal, at_field
from wire.credentials import Credentials
from wire.sealing import PublicKey, SealingKey
from wire.topics import TOPICS

#: The controller's own account at the embedded broker.
CONTROLLER_USER = "controller"


class Issuer(msgspec.Struct, frozen=True, kw_only=True):
    """What goes into every receiver's credentials. controller: the public half of the key that seals."""

    broker_url: str
    controller: PublicKey
    tls_ca_pem: str | None = None

    def issue(self, receiver_id: str, commune_id: str, key: SealingKey, secret: str) -> Credentials:
        """The credentials of one receiver."""
        return Credentials(
            receiver=receiver_id,
            commune=commune_id,
            broker_url=self.broker_url,
            broker_secret=secret,
            receiver_seed=key.seed.hex(),
            controller_keys={self.controller.kid: self.controller.raw.hex()},
            tls_ca_pem=self.tls_ca_pem,
        )


def write_credentials(credentials: Credentials, path: Path) -> None:
    """Write the file, readable by its owner only. Raises FileExistsError rather than overwriting one."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(credentials.text())


def enrol(
    session: Session,
    issuer: Issuer,
    *,
    receiver_id: str,
    commune_id: str,
    station_id: int,
    name: str,
    now: datetime,
    place: str = "",
    zones: list[str] | None = None,
    path_delay_ms: float = 0.0,
) -> tuple[Receiver, Credentials]:
    """Add a receiver and make its credentials. They cannot be shown again: only a hash and the public key are kept.

    receiver_id: "" for one made from the name.
    Raises Refusal for a bad or taken id, an unknown station or zone, NotFound for an unknown commune.
    """
    if not receiver_id and not parse_title(name):
        raise Refusal(N_("A receiver needs a name, for example: Thôn 3, nhà văn hóa.")).at("name")
    receiver_id = receiver_id or short_name(name, lambda i: _is_taken(session, i), within=commune_id)
    with at_field("receiver_id"):
        check_id(receiver_id)
    commune(session, commune_id)
    if _is_taken(session, receiver_id):
        raise Refusal(N_("There is a receiver {id} already. Choose another short name."), id=receiver_id).at(
            "receiver_id"
        )
    if station(session, station_id).commune_id != commune_id:
        raise Refusal(N_("This station belongs to another commune.")).at("station")
    key, secret = SealingKey.new(), secrets.token_urlsafe(24)
    added = Receiver(
        id=receiver_id,
        commune_id=commune_id,
        station_id=station_id,
        name=parse_title(name) or receiver_id,
        place=parse_title(place),
        public_key=key.public.hex(),
        broker_hash=hash_password(secret),
        path_delay_us=round(check_path_delay(path_delay_ms) * 1000),
        created_at=now,
    )
    session.add(added)
    session.flush()
    set_zones(session, receiver_id, commune_id, zones or [])
    return added, issuer.issue(receiver_id, commune_id, key, secret)


def renew_credentials(session: Session, issuer: Issuer, receiver_id: str) -> Credentials:
    """Replace a receiver's credentials (lost, or disclosed); the old ones stop working. Raises NotFound."""
    row = receiver(session, receiver_id)
    key, secret = SealingKey.new(), secrets.token_urlsafe(24)
    row.public_key, row.broker_hash = key.public.hex(), hash_password(secret)
    session.add(row)
    session.flush()
    return issuer.issue(row.id, row.commune_id, key, secret)


def retire_receiver(session: Session, receiver_id: str, now: datetime) -> Receiver:
    """Take it out of service: its account is removed, its history stays. Raises NotFound."""
    row = receiver(session, receiver_id)
    if row.retired_at is None:
        row.retired_at = now
        session.add(row)
        session.flush()
    return row


def restore_receiver(session: Session, receiver_id: str) -> Receiver:
    """Put it back into service; the credentials that it had are valid again. Raises NotFound."""
    row = receiver(session, receiver_id)
    if row.retired_at is not None:
        row.retired_at = None
        row.config_revision += 1
        session.add(row)
        session.flush()
    return row


def accounts(session: Session) -> dict[str, str]:
    """Broker accounts of receivers in service: id → password hash."""
    query = select(Receiver.id, Receiver.broker_hash).where(col(Receiver.retired_at).is_(None))
    rows = session.connection().execute(query)  # half the time of rows through the session
    return dict(rows.all())


def _is_taken(session: Session, receiver_id: str) -> bool:
    return receiver_id == CONTROLLER_USER or session.get(Receiver, receiver_id) is not None


def acl_rows() -> list[AclRow]:
    """A receiver's rights, from the table of topics in wire: write its own, read its own and the communes'."""
    rows = []
    for topic in TOPICS:
        pattern = re.sub(r"{(commune|broadcast|alert)}", "+", topic.pattern).replace("{receiver}", "%u")
        rows.append(AclRow("write" if topic.by == "receiver" else "read", pattern))
    return rows
