"""Live rules of a commune: how far ahead live sound is sent, and when a live broadcast of a browser ends by itself."""

from collections.abc import Callable, Mapping
from typing import NamedTuple

from sqlmodel import Session

from devices.communes import commune
from devices.presence_states import ReceiverStatus
from devices.receivers import reached_by
from runtime.refusal import N_, Refusal
from wire.broadcasts import Targets

#: Of the lead. Below 200 ms a receiver's sound card, which is fed 150 ms ahead, would run out.
LEAST_LEAD_MS, MOST_LEAD_MS = 200, 5000
#: The lead follows from what the receivers say of their links.
AUTOMATIC_MS = 0
#: How far ahead a receiver's card is fed that does not say it, and what is left for the way to any receiver at least.
UNKNOWN_AHEAD_US, LEAST_WAY_US = 250_000, 48_000
#: Links with a shorter round trip are local: what is lost there is sent again at once. Elsewhere TCP sends a lost
#: packet again after 200 ms or more (the least of Linux); round trips vary, and the second one may be lost too.
LOCAL_ROUND_TRIP_US, LOSS_US, ROUND_TRIPS = 16_000, 200_000, 4
#: The way to a receiver that does not say how long a round trip takes; the longest way that is waited for.
UNKNOWN_WAY_US, MOST_WAY_US = 750_000, 3_000_000
LEAST_SILENCE_S, MOST_SILENCE_S = 20, 600
LEAST_LONGEST_MIN, MOST_LONGEST_MIN = 1, 240


class LiveRules(NamedTuple):
    """lead_ms: how long before it sounds a frame is sent, `AUTOMATIC_MS` for as long as the links need.

    silence_s: a microphone without a voice ends after it. longest_min: the longest live broadcast from a browser.
    """

    lead_ms: int
    silence_s: int
    longest_min: int

    def check(self) -> "LiveRules":
        """Raises Refusal when a number is out of its limits."""
        lead_ms = self.lead_ms or LEAST_LEAD_MS
        for name, value, least, most in (
            ("live_lead_ms", lead_ms, LEAST_LEAD_MS, MOST_LEAD_MS),
            ("live_silence_s", self.silence_s, LEAST_SILENCE_S, MOST_SILENCE_S),
            ("live_longest_min", self.longest_min, LEAST_LONGEST_MIN, MOST_LONGEST_MIN),
        ):
            if not least <= value <= most:
                raise Refusal(N_("Type a number from {least} to {most}."), least=least, most=most).at(name)
        return self


def live_rules(session: Session, commune_id: str) -> LiveRules:
    row = commune(session, commune_id)
    return LiveRules(row.live_lead_ms, row.live_silence_s, row.live_longest_min)


class LinkDelays(NamedTuple):
    """What a receiver says; 0: not known. taken_ahead_us: its card takes sound so long before it leaves it."""

    taken_ahead_us: int = 0
    round_trip_us: int = 0

    @property
    def least_lead_us(self) -> int:
        return (self.taken_ahead_us or UNKNOWN_AHEAD_US) + LEAST_WAY_US

    @property
    def automatic_lead_us(self) -> int:
        """A message that is lost once on its way is still there in time."""
        if self.round_trip_us == 0:
            return (self.taken_ahead_us or UNKNOWN_AHEAD_US) + UNKNOWN_WAY_US
        if self.round_trip_us <= LOCAL_ROUND_TRIP_US:
            return max(LEAST_LEAD_MS * 1000, self.least_lead_us)
        way_us = min(MOST_WAY_US, LOSS_US + ROUND_TRIPS * self.round_trip_us)
        return (self.taken_ahead_us or UNKNOWN_AHEAD_US) + way_us


def link_delays(statuses: Mapping[str, ReceiverStatus]) -> dict[str, LinkDelays]:
    """Of the receivers that have sent a heartbeat."""
    beats = {name: status.heartbeat for name, status in statuses.items()}
    return {
        name: LinkDelays(beat.playout.taken_ahead_us, beat.clock.round_trip_us)
        for name, beat in beats.items()
        if beat is not None
    }


def rules_for(
    session: Session, commune_id: str, targets: Targets, delays: Mapping[str, LinkDelays] | None = None
) -> LiveRules:
    """With the lead that the receiver needs whose sound has to be sent the earliest: all sound together."""
    rules, delays = live_rules(session, commune_id), delays or {}
    if rules.lead_ms == AUTOMATIC_MS:
        return rules._replace(lead_ms=automatic_lead_ms(session, commune_id, targets, delays))

    def lead_us(delay: LinkDelays) -> int:
        return max(rules.lead_ms * 1000, delay.least_lead_us)

    return rules._replace(lead_ms=_longest_ms(session, commune_id, targets, delays, lead_us))


def automatic_lead_ms(session: Session, commune_id: str, targets: Targets, delays: Mapping[str, LinkDelays]) -> int:
    return _longest_ms(session, commune_id, targets, delays, lambda delay: delay.automatic_lead_us)


def _longest_ms(
    session: Session,
    commune_id: str,
    targets: Targets,
    delays: Mapping[str, LinkDelays],
    lead_us: Callable[[LinkDelays], int],
) -> int:
    unknown = LinkDelays()
    leads_us = [r.path_delay_us + lead_us(delays.get(r.id, unknown)) for r in reached_by(session, commune_id, targets)]
    return -(-max(leads_us, default=lead_us(unknown)) // 1000)
