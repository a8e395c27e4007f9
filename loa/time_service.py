"""The time server, beside the embedded broker, else beside the page."""

from urllib.parse import urlsplit

from devices.downlink import Downlink
from devices.time_server import TimeServer
from runtime.clock import Clock
from runtime.settings import Settings


def start_time_server(settings: Settings, downlink: Downlink, clock: Clock, port: int) -> TimeServer:
    """Answer time requests by datagram, and put the address into every config."""
    embedded = not settings.broker_url
    bind_host = settings.broker_host if embedded else settings.http_host
    reached_at = settings.broker_host if embedded else urlsplit(settings.base_url).hostname or bind_host
    server = TimeServer(downlink, clock, host=bind_host, port=port)
    try:
        server.start()
    except BaseException:
        server.close()  # its socket is open already
        raise
    host = settings.broker_public_host or reached_at
    downlink.time_address = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
    return server
