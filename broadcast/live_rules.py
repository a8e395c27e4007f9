"""Live rules of a commune: how far ahead live sound is sent, and when a live broadcast of a browser ends by itself."""

from typing import NamedTuple

from sqlmodel import Session

from devices.communes import commune
from devices.receivers import reached_by
from runtime.refusal import N_, Refusal
from wire.broadcasts import Targets

#: Of the lead. Below 300 ms a receiver's sound card, which is fed 250 ms ahead, would run out.
LEAST_LEAD_MS, MOST_LEAD_MS = 300, 5000
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


def rules_for(session: Session, commune_id: str, targets: Targets) -> LiveRules:
    """The lead is longer by the longest path delay: that receiver renders so much earlier, and all sound together."""
    rules = live_rules(session, commune_id)
    path_us = max((r.path_delay_us for r in reached_by(session, commune_id, targets)), default=0)
    return rules._replace(lead_ms=rules.lead_ms + -(-path_us // 1000))
