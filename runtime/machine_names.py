"""By which names and addresses others on the network reach this machine. The home of ifaddr."""

import socket

import ifaddr

from runtime.own_authority import Names
from runtime.refusal import Refusal


def addresses() -> list[str]:
    """IPv4 first, then IPv6, those of this machine alone last; without link-local ones, which need a zone."""
    found = [address for adapter in ifaddr.get_adapters() for address in adapter.ips]
    v4 = [str(address.ip) for address in found if address.is_IPv4]
    v6 = [str(address.ip[0]) for address in found if address.is_IPv6]
    reachable = [text for text in (*v4, *v6) if not text.lower().startswith("fe80")]
    return sorted(dict.fromkeys(reachable), key=lambda text: text == "::1" or text.startswith("127."))


def machine_names() -> Names:
    """All addresses, `localhost`, the host's name, and that name as mDNS gives it (NAME.local)."""
    texts = ["localhost", *addresses()]
    host = socket.gethostname().lower()
    try:
        Names.of([host])
    except Refusal:  # a name with an underscore: no browser looks it up
        return Names.of(texts)
    return Names.of([*texts, host, *([] if "." in host else [f"{host}.local"])])
