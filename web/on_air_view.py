"""What the home page shows: what is on air and where, what comes next, the state of the receivers."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlmodel import Session

from broadcast.audiences import Audience, Audiences
from broadcast.broadcasts import Broadcast
from broadcast.on_air import on_air_now, stopped_early, upcoming
from broadcast.programmes import programme
from broadcast.relay_outages import RelayOutage, lasting_outages
from broadcast.stop_confirmations import StopConfirmation, stop_confirmation
from devices import faults
from devices.communes import Commune
from devices.presence_states import PresenceState, ReceiverStatus
from devices.receivers import Receiver, receivers
from province.bulletins import waiting_count
from runtime.clock import to_us
from runtime.clock_steps import ClockStep, shown_steps
from runtime.disk_reserve import low_space_mb
from schedules.schedules import next_due_in, schedules
from web.deps import Deps
from web.formatting import Wording
from web.labels.modes import MODES_SHORT
from web.language import Translator
from web.receiver_rows import shown_state
from wire.broadcasts import LiveItem

NEXT_SHOWN = 5
#: A stop that all have confirmed is shown this long; one whose sender was lost longer, since nobody asked for it.
CONFIRMED_SHOWN, LOST_SHOWN = timedelta(minutes=1), timedelta(minutes=30)


@dataclass(frozen=True)
class Sounding:
    """A broadcast on air. position_us, length_us: from its start. sounding: receivers that say they sound it.

    gives_way_to: the title of the broadcast that sounds at all of its receivers in its place, "" for none.
    relay: the station that is being relayed, "" for none. outage: while that fails.
    """

    broadcast: Broadcast
    position_us: int
    length_us: int
    where: str
    sounding: int
    meant: int
    ready: int
    gives_way_to: str = ""
    relay: str = ""
    outage: RelayOutage | None = None


@dataclass(frozen=True)
class LaterAiring:
    """The next airing of the timetable, which is too far ahead to be planned yet."""

    title: str
    starts_at: datetime


@dataclass(frozen=True)
class WorstPair:
    """The two receivers furthest apart now, with how well that is known. Times in µs."""

    skew_us: int
    error_us: int
    one: str
    other: str


@dataclass(frozen=True)
class OnAir:
    """What the home page shows. later: the next airing where nothing is planned yet. counts: by shown state, each
    receiver once. failing_since: since when Loa's own alarm clock fails, None when it does not.

    province_waiting: bulletins of the province that wait for the commune's word. free_mb: on the disk, when it is low.
    """

    sounding: list[Sounding]
    stops: list[StopConfirmation]
    coming: list[Sounding]
    later: LaterAiring | None
    counts: dict[str, int]
    all_receivers: int
    worst: WorstPair | None
    broker_connected: bool
    failing_since: datetime | None
    province_waiting: int
    free_mb: int | None
    clock_steps: list[ClockStep]


def on_air_view(session: Session, deps: Deps, commune: Commune, t: Translator, now: datetime) -> OnAir:
    """What the home page shows at `now`. The number of queries does not grow with the receivers."""
    commune_receivers = receivers(session, commune.id)
    states = deps.presence.snapshot(now)
    broken = faults.current(session)
    counts = {"on_air": 0, "online": 0, "late": 0, "offline": 0, "fault": 0, "new": 0}
    for receiver in commune_receivers:
        counts[shown_state(states.get(receiver.id), broken.get(receiver.id))] += 1
    audiences = Audiences(session)
    coming = [_sounding(b, audiences.of(b), states, t, now) for b in upcoming(session, commune.id, now, NEXT_SHOWN)]
    return OnAir(
        _on_air(session, commune, audiences, states, t, now),
        _stops(session, commune.id, states, now),
        coming,
        None if coming else _later(session, commune, now),
        counts,
        len(commune_receivers),
        worst_pair(commune_receivers, states),
        deps.downlink.connected,
        deps.alarms.failing_since,
        waiting_count(session, commune.id),
        low_space_mb(deps.settings.data_dir),
        shown_steps(session),
    )


def _on_air(
    session: Session,
    commune: Commune,
    audiences: Audiences,
    states: dict[str, ReceiverStatus],
    t: Translator,
    now: datetime,
) -> list[Sounding]:
    """Highest precedence first; one whose receivers all sound a higher one gives way to it."""
    shown: list[Sounding] = []
    taken: dict[str, str] = {}
    on_air = on_air_now(session, commune.id, now)
    outages = lasting_outages(session, [b.id for b in on_air])
    for b in on_air:
        sounding, receiver_ids = _sounding(b, audiences.of(b), states, t, now), audiences(b)
        if receiver_ids and receiver_ids <= taken.keys():
            sounding = replace(sounding, gives_way_to=taken[min(receiver_ids)])
        shown.append(replace(sounding, relay=_relay_now(b, now), outage=outages.get(b.id)))
        taken = dict.fromkeys(receiver_ids, b.title) | taken
    return shown


def _relay_now(b: Broadcast, now: datetime) -> str:
    at_us = to_us(now) - to_us(b.starts_at)
    for item in b.playlist:
        if isinstance(item, LiveItem) and item.relay and item.offset_us <= at_us < item.offset_us + item.duration_us:
            return item.title
    return ""


def _later(session: Session, commune: Commune, now: datetime) -> LaterAiring | None:
    """However far ahead it is."""
    airings = [
        (at, schedule)
        for schedule in schedules(session, commune.id)
        for at in next_due_in(commune.zone, schedule, now, 1)
    ]
    if not airings:
        return None
    starts_at, schedule = min(airings, key=lambda airing: (airing[0], airing[1].number))
    return LaterAiring(schedule.title or programme(session, schedule.programme_id).title, starts_at)


def _stops(
    session: Session, commune_id: str, states: dict[str, ReceiverStatus], now: datetime
) -> list[StopConfirmation]:
    """Those that a receiver has not confirmed, and the latest others."""
    shown = []
    for broadcast in stopped_early(session, commune_id, now, now - timedelta(days=1)):
        confirmation = stop_confirmation(session, broadcast, states, now)
        shown_for = LOST_SHOWN if broadcast.cause == "sender_lost" else CONFIRMED_SHOWN
        recent = broadcast.stopped_at is not None and now < broadcast.stopped_at + shown_for
        if confirmation.unconfirmed or (recent and broadcast.cause != "live_ended"):
            shown.append(confirmation)
    return shown


def step_size(t: Translator, w: Wording, step: ClockStep) -> str:
    """By how much the clock was changed, forward or back."""
    size = abs(step.after_at - step.before_at)
    if size.days >= 2:
        return t.count("{n} day", "{n} days", size.days)
    return w.length(size // timedelta(microseconds=1))


def worst_pair(receivers: list[Receiver], states: dict[str, ReceiverStatus]) -> WorstPair | None:
    """The two that may be furthest apart of those sounding one broadcast: each one's own playout error, and what of
    controller time it cannot know.
    """
    widest: WorstPair | None = None
    sounding: dict[str, list[tuple[int, int, str]]] = {}
    for receiver in receivers:
        now = states.get(receiver.id)
        if now is None or now.state is not PresenceState.ONLINE or now.heartbeat is None or not now.heartbeat.broadcast:
            continue
        beat = now.heartbeat
        sounding.setdefault(beat.broadcast, []).append((beat.playout.error_p99_us, beat.clock.error_us, receiver.name))
    for group in sounding.values():
        worst = sorted(group, reverse=True)[:2]
        if len(worst) == 2:
            pair = WorstPair(worst[0][0] + worst[1][0], worst[0][1] + worst[1][1], worst[0][2], worst[1][2])
            if widest is None or pair.skew_us > widest.skew_us:
                widest = pair
    return widest


def _sounding(
    b: Broadcast, audience: Audience, states: dict[str, ReceiverStatus], t: Translator, now: datetime
) -> Sounding:
    receivers = audience.receivers
    beats = [
        s.heartbeat for r in receivers if (s := states.get(r.id)) and s.heartbeat and s.state is PresenceState.ONLINE
    ]
    sounding = [beat for beat in beats if beat.broadcast == b.id]
    ready = sum(any(held.broadcast == b.id and held.ready for held in beat.holds) for beat in beats)
    length_us = to_us(b.ends_at) - to_us(b.starts_at)
    return Sounding(
        b,
        min(length_us, max(0, to_us(now) - to_us(b.starts_at))),
        length_us,
        where_words(b, audience, t),
        len(sounding),
        len(receivers),
        ready,
    )


def where_words(b: Broadcast, audience: Audience, t: Translator) -> str:
    """Where a broadcast sounds, in words; and how, unless it is in step. Names are those of its start."""
    how = f" · {t(MODES_SHORT[b.time_spread.mode])}" if b.time_spread.mode in MODES_SHORT else ""
    return _where(audience, t) + how


def _where(audience: Audience, t: Translator) -> str:
    targets, names = audience.targets, audience.names
    if targets.all:
        return t("The whole commune")
    parts = [t.count("{n} zone", "{n} zones", len(targets.zones))] if targets.zones else []
    if len(targets.receivers) == 1:
        parts.append(names.get(targets.receivers[0], targets.receivers[0]))
    elif targets.receivers:
        parts.append(t.count("{n} receiver", "{n} receivers", len(targets.receivers)))
    return ", ".join(parts)
