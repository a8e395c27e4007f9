"""Why did this (not) play here at that time? Answered from what was decided and told."""

from datetime import datetime

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

from devices.presence_states import PresenceState
from devices.receivers import receivers
from parsing.days import parse_day
from parsing.times import parse_time
from runtime.refusal import N_, Refusal
from schedules.explanations import explain
from usecases.receivers import receiver_of
from web.formatting import Wording
from web.labels import stops
from web.labels.broadcasts import CLASSES, VERDICTS
from web.labels.causes import cause
from web.labels.receivers import STATES
from web.play_log_view import YEARS
from web.request_context import Frame, In, Reading

router = APIRouter(include_in_schema=False)
#: How an instant stands in the address, by the commune's clock.
AT = "%Y-%m-%dT%H:%M"


@router.get("/why")
def page(frame: In, session: Reading, receiver: str = "", at: str = "", day: str = "", time: str = "") -> HTMLResponse:
    """Ask for a receiver and an instant; the answer stands below.

    at: the instant in a link, as AT. day, time: as people type them into the form.
    """
    now, commune_receivers = frame.deps.clock.now(), receivers(session, frame.commune_id)
    instant = _typed(frame, day, time) if day or time else _instant(frame, at) if at else now
    local = instant.astimezone(frame.commune.zone)
    explanation = explain(session, receiver_of(session, frame.commune_id, receiver), instant, now) if receiver else None
    return frame.page(
        "playback_explanation.html",
        found=explanation,
        receivers=commune_receivers,
        receiver=receiver,
        week=local.date(),
        day=frame.wording.typed(local.date()),
        time=f"{local:%H:%M}",
        classes=CLASSES,
        verdicts=VERDICTS,
        states=STATES,
        offline=PresenceState.OFFLINE,
        stopped=lambda outcome: stops.stopped(
            Wording(frame.t, frame.commune.zone), outcome.broadcast, outcome.report, frame.full_names
        ),
        overrun=lambda outcome: stops.overrun(Wording(frame.t, frame.commune.zone), outcome.broadcast, outcome.report),
        cause=lambda word: cause(frame.t, word),
    )


def _typed(frame: Frame, day: str, time: str) -> datetime:
    return datetime.combine(parse_day(day), parse_time(time), tzinfo=frame.commune.zone)


def _instant(frame: Frame, text: str) -> datetime:
    try:
        instant = datetime.fromisoformat(text[:19]).replace(tzinfo=frame.commune.zone)
    except ValueError:
        instant = None
    if instant is None or instant.year not in YEARS:
        raise Refusal(N_("Choose a day and a time.")).at("at")
    return instant
