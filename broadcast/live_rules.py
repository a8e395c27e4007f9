"""Live rules of a commune: how far ahead live sound is sent, and when a live broadcast of a browser ends by itself."""

from collections.abc import Mapping
from typing import NamedTuple

from sqlmodel import Session

from devices.communes import commune
from devices.receivers import reached_by
from runtime.refusal import N_, Refusal
from wire.broadcasts import Targets

#: Of the lead. Below 200 ms a receiver's sound card, which is fed 150 ms ahead, would run out.
LEAST_LEAD_MS, MOST_LEAD_MS = 200, 5000
#: How far ahead a receiver's card is fed that does not say it, and what is left for the way to any receiver at least.
UNKNOWN_AHEAD_US, LEAST_WAY_US = 250_000, 48_000
LEAST_SILENCE_S, MOST_SILENCE_S = 20, 600
LEAST_LONGEST_MIN, MOST_LONGEST_MIN = 1, 240


class LiveRules(NamedTuple):
    """lead_ms: how long before it sounds a frame is sent. silence_s: a microphone without a voice ends after it.

    longest_min: the longest live broadcast from a browser.
    """

    lead_ms: int
    silence_s: int
    longest_min: int

    def check(self) -> "LiveRules":
        """Raises Refusal when a number is out of its limits."""
        for name, value, least, most in (
            ("live_lead_ms", self.lead_ms, LEAST_LEAD_MS, MOST_LEAD_MS),
            ("live_silence_s", self.silence_s, LEAST_SILENCE_S, MOST_SILENCE_S),
            ("live_longest_min", self.longest_min, LEAST_LONGEST_MIN, MOST_LONGEST_MIN),
        ):
            if not least <= value <= most:
                raise Refusal(N_("Type a number from {least} to {most}."), least=least, most=most).at(name)
        return self


def live_rules(session: Session, commune_id: str) -> LiveRules:
    row = commune(session, commune_id)
    return LiveRules(row.live_lead_ms, row.live_silence_s, row.live_longest_min)


def rules_for(
    session: Session, commune_id: str, targets: Targets, taken_ahead_us: Mapping[str, int] | None = None
) -> LiveRules:
    """The lead that the receiver needs which takes sound the longest before it is heard: all sound together.

    taken_ahead_us: how long before it leaves the card each receiver takes sound, as it says; 0 or none: not known.
    """
    rules = live_rules(session, commune_id)
    ahead_us = taken_ahead_us or {}
    lead_us = max(
        (
            r.path_delay_us + max(rules.lead_ms * 1000, (ahead_us.get(r.id) or UNKNOWN_AHEAD_US) + LEAST_WAY_US)
            for r in reached_by(session, commune_id, targets)
        ),
        default=rules.lead_ms * 1000,
    )
    return rules._replace(lead_ms=-(-lead_us // 1000))
