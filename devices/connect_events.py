"""Session starts: calls back for each receiver that has just connected, for messages that are sent on connection."""

import logging
from collections.abc import Callable

import msgspec

from runtime.broker import Broker
from wire import topics
from wire.messages import decode
from wire.reports import Presence
from wire.topics import Kind

log = logging.getLogger(__name__)


def on_session_start(broker: Broker, notify: Callable[[str], None]) -> None:
    """Call `notify(receiver)`, in the broker's thread, whenever a receiver starts a session from now on.

    The receiver has subscribed to its commune's topics by then: it publishes its birth afterwards.
    """

    def on_presence(topic: str, payload: bytes, retained: bool) -> None:
        parsed = topics.parse(topic)
        if retained or parsed is None:
            return
        try:
            presence = decode(payload, Presence)
        except (msgspec.DecodeError, ValueError) as error:
            log.debug("%s: presence not readable: %s", topic, error)
            return
        if presence.online:
            notify(parsed.receiver)

    broker.subscribe(topics.from_all_receivers(Kind.PRESENCE), on_presence, qos=0)
