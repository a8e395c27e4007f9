"""Web addresses that people or other systems name: what they must not reach, and a connection to what was checked.

A name can lead to another address each time it is asked for, so `check_address` returns the IP address it checked and
`pinned` makes the request to that one.
"""

import ipaddress
import socket
from collections.abc import Collection
from typing import Any
from urllib.parse import urlsplit

import httpx2

from runtime.refusal import N_, Refusal

_USUAL_PORTS = (None, 80, 443)
#: Where a host that is not trusted is connected to: no port of another service.
_PORTS = (*_USUAL_PORTS, 8080, 8443)
_FIRST_UNPRIVILEGED_PORT = 1024


class HostUnknown(Refusal):
    """The name of the host leads nowhere now; it may in a while."""


def check_address(
    url: str, trusted: Collection[str], *, allow_private: bool = True, unprivileged_ports: bool = False
) -> str:
    """Refuse an address that is none, or that would let others reach into this machine.

    trusted: hosts that may be anywhere, with their port where it is not the usual one. allow_private: whether addresses
    of a local network are allowed. unprivileged_ports: whether ports from 1024 on are, where radio servers listen.
    Returns the IP address that was checked, to be connected to; "" for a trusted host. Raises Refusal.
    """
    host, port, scheme = _read(url)
    if place_of(url) in trusted:
        return ""
    if port not in _PORTS and not (unprivileged_ports and port is not None and port >= _FIRST_UNPRIVILEGED_PORT):
        raise Refusal(
            N_("Loa does not connect to port {port} of {host}, only to the usual ports of web servers."),
            host=host,
            port=port,
        )
    try:
        addresses = socket.getaddrinfo(host, port or (80 if scheme == "http" else 443), type=socket.SOCK_STREAM)
    except (OSError, UnicodeError):
        raise HostUnknown(N_("There is no server {host} in the network's directory (DNS)."), host=host) from None
    for *_, where in addresses:
        address = _unwrapped(ipaddress.ip_address(str(where[0]).partition("%")[0]))
        if address.is_loopback or address.is_link_local or address.is_unspecified or address.is_multicast:
            raise Refusal(N_("{host} is a place inside this machine. Loa does not connect to it."), host=host)
        if not allow_private and not address.is_global:
            raise Refusal(
                N_("{host} is in the local network. Loa connects to it only when its administrator has allowed it."),
                host=host,
            )
    return str(addresses[0][4][0])


def place_of(url: str) -> str:
    """The host, with its port where it is not the usual one of its scheme."""
    host, port, _ = _read(url)
    return host if port in _USUAL_PORTS else f"{host}:{port}"


def pinned(url: str, address: str) -> tuple[str, dict[str, Any]]:
    """The target and options of a request to the address that was checked; of an ordinary one for ""."""
    options: dict[str, Any] = {"headers": {"Accept-Encoding": "identity"}}
    if not address:
        return url, options
    parsed = httpx2.URL(url)
    options["headers"]["Host"] = parsed.netloc.decode("ascii")
    options["extensions"] = {"sni_hostname": parsed.host}
    return str(parsed.copy_with(host=address)), options


def _read(url: str) -> tuple[str, int | None, str]:
    """Host, port and scheme. Raises Refusal for what is no web address."""
    try:
        parts = urlsplit(url)
        host, port = parts.hostname, parts.port
    except ValueError:
        host, port = None, None
    if not host or parts.scheme not in ("http", "https"):
        raise Refusal(N_("“{url}” is not a web address. Write it as https://example.vn/…"), url=url[:150])
    return host, port, parts.scheme


def _unwrapped(address: ipaddress.IPv4Address | ipaddress.IPv6Address) -> ipaddress.IPv4Address | ipaddress.IPv6Address:
    """The IPv4 address inside an IPv6 one."""
    if isinstance(address, ipaddress.IPv6Address):
        return address.ipv4_mapped or address.sixtofour or address
    return address
