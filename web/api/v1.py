"""Version 1 of the JSON API. Times are ISO 8601 with a zone; lengths are in ms; signs in with the page's session."""

from datetime import date, datetime, time
from typing import Any

from fastapi import APIRouter, Request
from pydantic import BaseModel, Field
from starlette.concurrency import run_in_threadpool

from broadcast.broadcasts import Broadcast, state
from broadcast.clips import Clip, clips, renditions_of
from broadcast.ingest_jobs import job
from broadcast.on_air import on_air_now, upcoming
from broadcast.play_log import play_log
from broadcast.play_reports import heard_counts, receiver_outcomes
from broadcast.programmes import Item, ItemKind, add_programme, duration_us, items_of_all, programmes
from devices.presence import PresenceState
from devices.receivers import receivers
from people.audit import Deed
from people.rights import Action
from runtime.refusal import N_, NotFound
from schedules.recurrence import Holidays, Repeat, Rule
from schedules.schedules import Schedule, next_due, schedules
from schedules.slots import slots_of
from schedules.timetable import add_schedule, retire
from usecases.broadcasts import broadcast_of, put_on_air, stop
from web.pages.clips import _open, _receive, own_clip
from web.pages.on_air import need_for_class
from web.pages.schedule_form import own_schedule, title_of
from web.request_context import In, Reading, changes
from wire.broadcasts import BroadcastClass, Targets

router = APIRouter(prefix="/api/v1")


class TargetsIn(BaseModel):
    """Who sounds."""

    all: bool = False
    zones: list[str] = []
    receivers: list[str] = []

    def targets(self) -> Targets:
        """As the wire says it."""
        return Targets(all=self.all, zones=self.zones, receivers=self.receivers)


class ItemIn(BaseModel):
    """An item of a programme. kind: opening_chime, clip, gap, closing_chime."""

    kind: ItemKind
    clip: str | None = None
    gap_ms: int = 0


class ProgrammeIn(BaseModel):
    """A new programme."""

    title: str
    items: list[ItemIn]


class ScheduleIn(BaseModel):
    """A new schedule. times: of the day, by the commune's clock. The rest as `schedules.recurrence.Rule` has it."""

    programme: int
    repeat: Repeat
    times: list[time]
    from_day: date
    until_day: date | None = None
    every: int = 1
    weekdays: list[int] = []
    month_days: list[int] = []
    which: list[int] = []
    except_days: list[date] = []
    extra_days: list[date] = []
    holidays: Holidays = Holidays.ALIKE
    tet: Holidays = Holidays.ALIKE
    targets: TargetsIn
    broadcast_class: BroadcastClass = Field(BroadcastClass.NORMAL, alias="class")


class PutOnAirIn(BaseModel):
    """Something to put on air now: a programme or a clip."""

    programme: int | None = None
    clip: str | None = None
    targets: TargetsIn
    broadcast_class: BroadcastClass = Field(BroadcastClass.NORMAL, alias="class")


@router.get("/clips")
def list_clips(frame: In, session: Reading, search: str = "") -> list[dict[str, Any]]:
    """The library, newest first."""
    found = clips(session, frame.commune_id, search=search)
    sounds = renditions_of(session, [c.id for c in found])
    return [{**_clip(c), "audio": [f"/media/{r.path}" for r in sounds.get(c.id, [])]} for c in found]


@router.post("/clips", status_code=202, dependencies=[changes(Action.CLIPS)])
async def upload_clip(
    frame: In,
    request: Request,
    name: str,
    trim: bool = True,
    replaces: str = "",
    title: str = "",
    language: str = "vi",
    field: int = 1,
) -> dict[str, str]:
    """Upload a recording as the request's body. Gives the job to follow."""
    size = int(request.headers.get("content-length") or 0)
    receiving = await run_in_threadpool(_open, frame, name, size, trim, replaces, language, field, title)
    await _receive(receiving, request.stream())
    return {"job": receiving.job_id}


@router.get("/jobs/{job_id}")
def one_job(frame: In, session: Reading, job_id: str) -> dict[str, Any]:
    """How far an upload is on its way to a clip."""
    found = job(session, job_id)
    if found.commune_id != frame.commune_id:
        raise NotFound(N_("This upload no longer exists."))
    why = found.why
    return {
        "job": found.id,
        "state": found.state,
        "progress": round(found.progress, 3),
        "clip": found.clip_id,
        "same_as_before": found.same_as_before,
        "why": frame.t.refusal(why) if why else None,
    }


@router.get("/clips/{clip_id}")
def one_clip(frame: In, session: Reading, clip_id: str) -> dict[str, Any]:
    """One clip, with its waveform (0–255)."""
    found = own_clip(frame, session, clip_id)
    return {**_clip(found), "peaks": list(found.peaks)}


@router.get("/programmes")
def list_programmes(frame: In, session: Reading) -> list[dict[str, Any]]:
    """The programmes with their items."""
    found = programmes(session, frame.commune_id)
    items = items_of_all(session, [p.number for p in found])
    return [
        {
            "programme": p.number,
            "title": p.title,
            "length_ms": duration_us(items[p.number]) // 1000,
            "items": [
                {
                    "kind": i.kind,
                    "clip": i.clip.id if i.clip else None,
                    "offset_ms": i.offset_us // 1000,
                    "length_ms": i.duration_us // 1000,
                }
                for i in items[p.number]
            ],
        }
        for p in found
    ]


@router.post("/programmes", status_code=201, dependencies=[changes(Action.PROGRAMMES)])
def make_programme(frame: In, asked: ProgrammeIn) -> dict[str, int]:
    """A new programme."""
    items = [Item(i.kind, i.clip, i.gap_ms) for i in asked.items]
    with frame.deps.database.writing() as session:
        added = add_programme(
            session, frame.commune_id, asked.title, items, now=frame.deps.clock.now(), by=frame.operator.name
        )
        frame.note(session, Deed.PROGRAMME_ADDED, added.title)
        return {"programme": added.number}


@router.get("/schedules")
def list_schedules(frame: In, session: Reading) -> list[dict[str, Any]]:
    """The timetable."""
    now = frame.deps.clock.now()
    return [_schedule(s, next_due(session, s, now, 5)) for s in schedules(session, frame.commune_id)]


@router.post("/schedules", status_code=201, dependencies=[changes(Action.TIMETABLE)])
def make_schedule(frame: In, asked: ScheduleIn) -> dict[str, Any]:
    """Put a programme on the timetable; it is planned at once. Gives the next instants and the broadcasts planned."""
    rule = Rule(
        repeat=asked.repeat,
        times=asked.times,
        from_day=asked.from_day,
        until_day=asked.until_day,
        every=asked.every,
        weekdays=asked.weekdays,
        month_days=asked.month_days,
        which=asked.which,
        except_days=asked.except_days,
        extra_days=asked.extra_days,
        holidays=asked.holidays,
        tet=asked.tet,
    ).check()
    need_for_class(frame, asked.broadcast_class)
    now = frame.deps.clock.now()
    with frame.deps.database.writing() as session:
        added = add_schedule(
            session,
            frame.commune_id,
            programme_id=asked.programme,
            rule=rule,
            targets=asked.targets.targets(),
            class_=asked.broadcast_class,
            now=now,
            by=frame.operator.name,
        )
        frame.note(session, Deed.SCHEDULE_ADDED, title_of(session, added))
    frame.deps.planner.plan_now()
    with frame.deps.database.session() as session:
        planned = [s.broadcast_id for s in slots_of(session, added.number) if s.broadcast_id]
        return {**_schedule(added, next_due(session, added, now, 5)), "broadcasts": planned}


@router.delete("/schedules/{number}", status_code=204, dependencies=[changes(Action.TIMETABLE)])
def remove_schedule(frame: In, number: int) -> None:
    """Take a schedule off the timetable."""
    with frame.deps.database.writing() as session:
        found = own_schedule(frame, session, number)
        retire(session, number, frame.deps.clock.now())
        frame.note(session, Deed.SCHEDULE_RETIRED, title_of(session, found))
    frame.deps.planner.plan_now()


@router.get("/receivers")
def list_receivers(frame: In, session: Reading) -> list[dict[str, Any]]:
    """The receivers as they are now."""
    now = frame.deps.clock.now()
    states = frame.deps.presence.snapshot(now)
    found = []
    for r in receivers(session, frame.commune_id):
        at = states.get(r.id)
        beat = at.heartbeat if at else None
        found.append(
            {
                "receiver": r.id,
                "name": r.name,
                "station": r.station_id,
                "path_delay_ms": r.path_delay_ms,
                "latitude_deg": r.latitude_deg,
                "longitude_deg": r.longitude_deg,
                "volume_percent": r.volume_percent,
                "state": at.state if at else PresenceState.NEW,
                "since": at.since if at else None,
                "last_heard_at": at.last_heard_at if at else None,
                "sequence": beat.sequence if beat else None,
                "broadcast": beat.broadcast if beat else "",
                "ready": [h.broadcast for h in beat.holds if h.ready] if beat else [],
                "clock_error_us": beat.clock.error_us if beat and beat.clock.locked else None,
                "playout_p99_us": beat.playout.error_p99_us if beat else None,
                "config_revision": beat.config_revision if beat else None,
            }
        )
    return found


@router.get("/broadcasts")
def list_broadcasts(frame: In, session: Reading) -> dict[str, list[dict[str, Any]]]:
    """What is on air, and what comes next."""
    now = frame.deps.clock.now()
    return {
        "on_air": [_broadcast(b, now) for b in on_air_now(session, frame.commune_id, now)],
        "coming": [_broadcast(b, now) for b in upcoming(session, frame.commune_id, now)],
    }


@router.post("/broadcasts", status_code=201, dependencies=[changes(Action.ON_AIR)])
def make_broadcast(frame: In, asked: PutOnAirIn) -> dict[str, Any]:
    """Put a programme or a clip on air now."""
    broadcast = put_on_air(
        frame.deps.services,
        frame.actor,
        frame.commune_id,
        targets=asked.targets.targets(),
        class_=asked.broadcast_class,
        programme_id=asked.programme,
        clip_id=asked.clip,
    )
    return _broadcast(broadcast, frame.deps.clock.now())


@router.get("/broadcasts/{broadcast_id}")
def one_broadcast(frame: In, session: Reading, broadcast_id: str) -> dict[str, Any]:
    """One broadcast, with what each receiver said of it."""
    now, found = frame.deps.clock.now(), broadcast_of(session, frame.commune_id, broadcast_id)
    heard = heard_counts(session, [found])[found.id]
    return {
        **_broadcast(found, now),
        "heard": heard.heard,
        "reported": heard.reported,
        "meant": heard.meant,
        "receivers": [
            {
                "receiver": d.receiver.id,
                "outcome": d.outcome or None,
                "cause": d.cause,
                "frames_played": d.report.frames_played if d.report else None,
                "frames_due": d.report.frames_due if d.report else None,
                "error_p99_us": d.report.error_p99_us if d.report else None,
                "amplifier_drew": d.report.amplifier_drew if d.report else None,
                "microphone_heard": d.report.microphone_heard if d.report else None,
            }
            for d in receiver_outcomes(session, found, now)
        ],
    }


@router.post("/broadcasts/{broadcast_id}/stop", status_code=204, dependencies=[changes(Action.ON_AIR)])
def stop_one(frame: In, broadcast_id: str) -> None:
    """Silence it now; before it began, withdraw it."""
    stop(frame.deps.services, frame.actor, frame.commune_id, broadcast_id)


@router.get("/play-log")
def list_log(frame: In, session: Reading, limit: int = 50, offset: int = 0) -> list[dict[str, Any]]:
    """What sounded, newest first."""
    now = frame.deps.clock.now()
    found = play_log(session, frame.commune_id, now, limit=min(500, max(1, limit)), offset=max(0, offset))
    heard = heard_counts(session, found)
    return [{**_broadcast(b, now), "heard": heard[b.id].heard, "meant": heard[b.id].meant} for b in found]


def _clip(found: Clip) -> dict[str, Any]:
    return {
        "clip": found.id,
        "title": found.title,
        "language": found.language,
        "field": found.field,
        "length_ms": found.duration_us / 1000,
        "loudness_before_lufs": found.loudness_before_lufs,
        "loudness_after_lufs": found.loudness_after_lufs,
        "true_peak_after_dbtp": found.true_peak_after_dbtp,
        "trimmed_start_ms": found.trimmed_start_us / 1000,
        "trimmed_end_ms": found.trimmed_end_us / 1000,
        "sha256": found.original_sha256,
        "uploaded_at": found.uploaded_at,
    }


def _schedule(found: Schedule, following: list[datetime]) -> dict[str, Any]:
    rule = found.recurrence
    return {
        "schedule": found.number,
        "programme": found.programme_id,
        "class": found.class_,
        "repeat": rule.repeat,
        "times": rule.times,
        "from_day": rule.from_day,
        "until_day": rule.until_day,
        "weekdays": rule.weekdays,
        "paused": found.paused,
        "next": following,
    }


def _broadcast(found: Broadcast, now: datetime) -> dict[str, Any]:
    return {
        "broadcast": found.id,
        "title": found.title,
        "class": found.class_,
        "state": state(found, now),
        "starts_at": found.starts_at,
        "ends_at": found.ends_at,
        "cause": found.cause,
    }
