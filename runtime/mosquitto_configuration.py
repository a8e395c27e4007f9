"""Mosquitto's configuration files.

Two listeners with accounts and access lists of their own. A receiver reaches only one of them, where its client id is
its user name: it can take over neither the controller's session nor another receiver's, and it has one session only.
"""

import getpass
from collections.abc import Iterable
from pathlib import Path
from typing import Literal, NamedTuple


class AclRow(NamedTuple):
    """Every receiver may do `access` on `pattern`, where %u stands for its own user name."""

    access: Literal["read", "write"]
    pattern: str


class Tls(NamedTuple):
    """PEM files of the receivers' listener."""

    certificate: Path
    key: Path


def configuration(
    folder: Path, *, host: str, port: int, socket_name: str, most_connections: int, tls: Tls | None
) -> str:
    """mosquitto.conf. socket_name: of the controller's listener, in `folder`, where the broker runs.

    most_connections: of the receivers' listener, so that those who only connect cannot keep the controller out.
    """
    lines = [
        "# Written by Loa at each start. Change Loa's settings, not this file.",
        "per_listener_settings true",
        "persistence true",
        f"persistence_location {folder / 'store'}/",
        "autosave_interval 30",
        # The files above are for their owner alone, so it stays who we are instead of becoming "mosquitto".
        f"user {getpass.getuser()}",
        "set_tcp_nodelay true",
        "max_queued_messages 20000",
        "max_queued_bytes 67108864",
        "max_packet_size 1048576",
        # What a receiver needs after a longer absence is retained.
        "persistent_client_expiration 2d",
        "log_type error",
        "log_type warning",
        "log_type notice",
        "log_dest stdout",
        "connection_messages false",
        f"listener 0 {socket_name}",
        "allow_anonymous false",
        f"password_file {folder / 'controller-accounts'}",
        f"acl_file {folder / 'controller-acl'}",
        f"listener {port} {host}",
        "allow_anonymous false",
        f"password_file {folder / 'accounts'}",
        f"acl_file {folder / 'acl'}",
        "use_username_as_clientid true",
        f"max_connections {most_connections}",
    ]
    if tls:
        lines += [f"certfile {tls.certificate}", f"keyfile {tls.key}", "tls_version tlsv1.2"]
    return "\n".join(lines) + "\n"


def acl_of_controller(user: str) -> str:
    return f"user {user}\ntopic readwrite #\n"


def acl_of_receivers(rows: Iterable[AclRow]) -> str:
    return "".join(f"pattern {row.access} {row.pattern}\n" for row in rows)
