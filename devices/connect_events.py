"""Births: which receivers have just come, for those who have something for a newcomer."""

import logging
from collections.abc import Callable

import msgspec

from runtime.broker import Broker
from wire import topics
from wire.messages import decode
from wire.reports import Presence
from wire.topics import Kind

log = logging.getLogger(__name__)


def on_session_start(broker: Broker, told: Callable[[str], None]) -> None:
    """Call `told(receiver)`, in the broker's thread, whenever a receiver has begun a session from now on.

    It hears its commune by then: it says its birth after it has subscribed.
    """

    def came(topic: str, payload: bytes, retained: bool) -> None:
        parsed = topics.parse(topic)
        if retained or parsed is None:
            return
        try:
            presence = decode(payload, Presence)
        except (msgspec.DecodeError, ValueError) as wrong:
            log.debug("no presence on %s: %s", topic, wrong)
            return
        if presence.online:
            told(parsed.receiver)

    broker.subscribe(topics.from_all_receivers(Kind.PRESENCE), came, qos=0)
