"""On air, the home page: what sounds now and where, is it all right, what comes next."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Annotated

from fastapi import APIRouter, Depends, Form
from fastapi.responses import HTMLResponse, Response, StreamingResponse
from sqlmodel import Session

from broadcast.broadcasts import Broadcast
from broadcast.clips import clip, clips
from broadcast.modes import IN_STEP, Spread, Spreading
from broadcast.on_air import on_air_now, target_receivers, upcoming
from broadcast.planning import LEAD
from broadcast.programmes import duration_us, items_of, programme, programmes
from devices import faults
from devices.communes import Commune
from devices.presence import PresenceState, ReceiverStatus
from devices.receivers import Receiver, receivers
from people.rights import Action
from province.bulletins import waiting_count
from runtime.clock import from_us, to_us
from runtime.refusal import N_, Refusal
from usecases.broadcasts import put_on_air, stop
from web.deps import Deps
from web.formatting import Wording
from web.labels.modes import MODES_SHORT, mode_sentence
from web.language import Translator
from web.request_context import Frame, In, Reading, Renderer, back_to, changes, renderer_of
from web.targets import TargetChoice, class_from, spread_from, target_choice, targets_from
from wire.broadcasts import BroadcastClass, Targets

router = APIRouter(include_in_schema=False)
NEXT_SHOWN = 5


@dataclass(frozen=True)
class Sounding:
    """A broadcast on air. position_us, length_us: from its start. sounding: receivers that say they sound it."""

    broadcast: Broadcast
    position_us: int
    length_us: int
    where: str
    sounding: int
    meant: int
    ready: int


@dataclass(frozen=True)
class WorstPair:
    """The two receivers furthest apart now, with how well that is known. Times in µs."""

    skew_us: int
    error_us: int
    one: str
    other: str


@dataclass(frozen=True)
class OnAir:
    """What the home page shows. failing_since: since when Loa's own alarm clock fails, None when it does not.

    province_waiting: bulletins of the province that wait for the commune's word.
    """

    sounding: list[Sounding]
    coming: list[Sounding]
    counts: dict[str, int]
    all_receivers: int
    worst: WorstPair | None
    broker_connected: bool
    failing_since: datetime | None
    province_waiting: int


def on_air_view(session: Session, deps: Deps, commune: Commune, t: Translator, now: datetime) -> OnAir:
    """What the home page shows at `now`. The number of queries does not grow with the receivers."""
    known = receivers(session, commune.id)
    states = deps.presence.snapshot(now)
    broken = faults.current(session)
    counts = {"on_air": 0, "online": 0, "late": 0, "offline": 0, "fault": 0, "new": 0}
    for receiver in known:
        counts[shown_state(states.get(receiver.id), broken.get(receiver.id))] += 1
    on_air = [_sounding(session, b, states, known, t, now) for b in on_air_now(session, commune.id, now)]
    coming = [_sounding(session, b, states, known, t, now) for b in upcoming(session, commune.id, now, NEXT_SHOWN)]
    return OnAir(
        on_air,
        coming,
        counts,
        len(known),
        worst_pair(known, states),
        deps.downlink.connected,
        deps.alarms.failing_since,
        waiting_count(session, commune.id),
    )


def shown_state(now: ReceiverStatus | None, broken: list[faults.Fault] | None) -> str:
    """The one state shown of a receiver: trouble before all else, sounding before idle."""
    if now is None or now.state is PresenceState.NEW:
        return "new"
    if now.state in (PresenceState.OFFLINE, PresenceState.LATE):
        return now.state.value
    if broken:
        return "fault"
    return "on_air" if now.heartbeat is not None and now.heartbeat.broadcast else "online"


def worst_pair(known: list[Receiver], states: dict[str, ReceiverStatus]) -> WorstPair | None:
    """The two that may be furthest apart of those sounding one broadcast: each one's own playout error, and what of
    controller time it cannot know.
    """
    found: WorstPair | None = None
    sounding: dict[str, list[tuple[int, int, str]]] = {}
    for receiver in known:
        now = states.get(receiver.id)
        if now is None or now.state is not PresenceState.ONLINE or now.heartbeat is None or not now.heartbeat.broadcast:
            continue
        beat = now.heartbeat
        sounding.setdefault(beat.broadcast, []).append((beat.playout.error_p99_us, beat.clock.error_us, receiver.name))
    for group in sounding.values():
        worst = sorted(group, reverse=True)[:2]
        if len(worst) == 2:
            pair = WorstPair(worst[0][0] + worst[1][0], worst[0][1] + worst[1][1], worst[0][2], worst[1][2])
            if found is None or pair.skew_us > found.skew_us:
                found = pair
    return found


def _sounding(
    session: Session,
    b: Broadcast,
    states: dict[str, ReceiverStatus],
    known: list[Receiver],
    t: Translator,
    now: datetime,
) -> Sounding:
    meant = target_receivers(session, b)
    beats = [s.heartbeat for r in meant if (s := states.get(r.id)) and s.heartbeat and s.state is PresenceState.ONLINE]
    sounding = [beat for beat in beats if beat.broadcast == b.id]
    ready = sum(any(held.broadcast == b.id and held.ready for held in beat.holds) for beat in beats)
    length_us = to_us(b.ends_at) - to_us(b.starts_at)
    return Sounding(
        b,
        min(length_us, max(0, to_us(now) - to_us(b.starts_at))),
        length_us,
        where_words(b, known, t),
        len(sounding),
        len(meant),
        ready,
    )


def where_words(b: Broadcast, known: list[Receiver], t: Translator) -> str:
    """Where a broadcast sounds, in words; and how, unless it is in step."""
    how = f" · {t(MODES_SHORT[b.time_spread.mode])}" if b.time_spread.mode in MODES_SHORT else ""
    return _where(b.audience, known, t) + how


def _where(meant: Targets, known: list[Receiver], t: Translator) -> str:
    if meant.all:
        return t("The whole commune")
    names = {r.id: r.name for r in known}
    parts = [t.count("{n} zone", "{n} zones", len(meant.zones))] if meant.zones else []
    if len(meant.receivers) == 1:
        parts.append(names.get(meant.receivers[0], meant.receivers[0]))
    elif meant.receivers:
        parts.append(t.count("{n} receiver", "{n} receivers", len(meant.receivers)))
    return ", ".join(parts)


def _fragment(deps: Deps, renderer: Renderer, commune: Commune, t: Translator) -> str:
    now = deps.clock.now()
    with deps.database.session() as session:
        view = on_air_view(session, deps, commune, t, now)
    return renderer.render("_on_air.html", view=view, t=t, w=Wording(t, commune.zone), now=now, from_us=from_us)


@router.get("/")
def home(frame: In, session: Reading) -> Response:
    """The home page; before there is anything, the first steps."""
    if not frame.commune_id or not receivers(session, frame.commune_id):
        return back_to(frame.request, "/first-steps")
    now = frame.deps.clock.now()
    view = on_air_view(session, frame.deps, frame.commune, frame.t, now)
    return renderer_of(frame.request).page(frame, "on_air.html", view=view, from_us=from_us)


@router.get("/live/on-air")
async def watch(frame: In) -> StreamingResponse:
    """The live part of the home page, sent anew whenever it changed."""
    feed = frame.request.app.state.live
    deps, commune, t = frame.deps, frame.commune, frame.t
    events = feed.watch(
        f"on-air {commune.id} {t.language}", "on_air", lambda: _fragment(deps, feed.renderer, commune, t)
    )
    return StreamingResponse(events, media_type="text/event-stream", headers={"X-Accel-Buffering": "no"})


@router.get("/put-on-air")
def put_on_air_page(frame: In, session: Reading, programme: int | None = None, clip: str | None = None) -> HTMLResponse:
    """What, where, as what class: the form for putting something on air now."""
    return renderer_of(frame.request).page(
        frame,
        "broadcast_form.html",
        programmes=programmes(session, frame.commune_id),
        clips=clips(session, frame.commune_id),
        chosen=f"programme {programme}" if programme else f"clip {clip}" if clip else "",
        targets=target_choice(session, frame.commune_id),
        spread=IN_STEP,
    )


@router.post("/put-on-air/preview", dependencies=[changes(Action.ON_AIR)])
def preview(
    frame: In,
    session: Reading,
    chosen: Annotated[TargetChoice, Depends(targets_from)],
    spread: Annotated[Spread, Depends(spread_from)],
    what: Annotated[str, Form()] = "",
) -> HTMLResponse:
    """How it would sound, and until when: said before it is put on air."""
    spreading, length_us = Spreading(session, frame.commune_id), _length_us(session, frame.commune_id, what)
    shifts = spreading.shifts(spread, chosen.targets(), length_us)
    ends_at = frame.deps.clock.now() + LEAD + timedelta(microseconds=length_us + shifts.most_us)
    how = mode_sentence(frame.wording, spread, spreading.turn_names(shifts), ends_at) if length_us else ""
    return renderer_of(frame.request).page(frame, "_mode_preview.html", sentence=how)


@router.post("/put-on-air", dependencies=[changes(Action.ON_AIR)])
def do_put_on_air(
    frame: In,
    what: Annotated[str, Form()],
    chosen: Annotated[TargetChoice, Depends(targets_from)],
    class_: Annotated[BroadcastClass, Depends(class_from)],
    spread: Annotated[Spread, Depends(spread_from)],
) -> Response:
    """Put it on air."""
    kind, _, ident = what.partition(" ")
    if kind not in ("programme", "clip") or (kind == "programme" and not ident.isdigit()):
        raise Refusal(N_("Choose a programme or a recording to put on air."))
    put_on_air(
        frame.deps.services,
        frame.actor,
        frame.commune_id,
        targets=chosen.targets(),
        class_=class_,
        programme_id=int(ident) if kind == "programme" else None,
        clip_id=ident if kind == "clip" else None,
        spread=spread,
    )
    return back_to(frame.request, "/")


@router.post("/broadcasts/{broadcast_id}/stop", dependencies=[changes(Action.ON_AIR)])
def do_stop(frame: In, broadcast_id: str) -> Response:
    """Silence it now, or before it began, withdraw it."""
    stop(frame.deps.services, frame.actor, frame.commune_id, broadcast_id)
    return back_to(frame.request, "/")


def _length_us(session: Session, commune_id: str, what: str) -> int:
    """Of what the form names; 0 for nothing, or nothing of this commune."""
    kind, _, ident = what.partition(" ")
    if kind == "programme" and ident.isdigit() and programme(session, int(ident)).commune_id == commune_id:
        return duration_us(items_of(session, int(ident)))
    if kind == "clip" and (found := clip(session, ident)).commune_id == commune_id:
        return found.duration_us
    return 0


def need_for_class(frame: Frame, class_: BroadcastClass) -> None:
    """An emergency needs a right of its own. Raises NotAllowed."""
    if class_ is BroadcastClass.EMERGENCY:
        frame.need(Action.EMERGENCY)
