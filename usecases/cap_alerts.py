"""Alerts from outside that wait or are on: a person starts or dismisses one, and what has become due starts or ends."""

from datetime import datetime, timedelta

from sqlmodel import Session

from cap.alerts import CapAlert, CapAlertState, cap_alert, end, open_alerts
from cap.emergencies import CapEmergency, EmergencyStarter
from cap.sources import CapSource
from people.audit import Deed
from people.rights import Action
from runtime.clock_steps import check_clock
from runtime.refusal import N_, Refusal, as_text
from usecases.actors import CAP, Actor
from usecases.services import Services
from wire.broadcasts import BroadcastClass

#: One that was refused, for example since no receiver is there, is tried again.
_AGAIN = timedelta(seconds=15)


def start_alert(
    services: Services, actor: Actor, emergencies: EmergencyStarter, commune_id: str, number: int
) -> CapAlert:
    """A person confirms it: it sounds now. Raises NotAllowed, NotFound, Refusal."""
    with services.database.writing() as session:
        actor.need(Action.ON_AIR, commune_id, BroadcastClass.EMERGENCY)
        row = cap_alert(session, commune_id, number)
        actor.check_shown(session, row)
        _start(session, actor, emergencies, row, services.clock.now())
    emergencies.notify()
    return row


def dismiss_alert(
    services: Services, actor: Actor, emergencies: EmergencyStarter, commune_id: str, number: int
) -> CapAlert:
    """It does not sound, or no longer. Raises NotAllowed, NotFound, Refusal."""
    with services.database.writing() as session:
        actor.need(Action.ON_AIR, commune_id, BroadcastClass.EMERGENCY)
        row = cap_alert(session, commune_id, number)
        if row.state not in (CapAlertState.WAITING, CapAlertState.STARTED):
            return row
        actor.check_shown(session, row)
        now = services.clock.now()
        deed = Deed.CAP_ALERT_STOPPED if row.state == CapAlertState.STARTED else Deed.CAP_ALERT_DISMISSED
        state = CapAlertState.STOPPED if row.state == CapAlertState.STARTED else CapAlertState.DISMISSED
        stop_alert_in(session, emergencies, row, now, actor.name)
        end(session, row, state, now, actor.name)
        actor.note(session, now, commune_id, deed, row.title, about=row)
    emergencies.notify()
    return row


def work_alerts(services: Services, emergencies: EmergencyStarter) -> datetime | None:
    """Start what starts without being asked, end what is over. Returns when the next one becomes due."""
    with services.database.session() as session:
        rows = open_alerts(session)
    now, changed, instants = services.clock.now(), False, list[datetime]()
    for row in rows:
        if _is_due(row, now):
            changed = _work(services, emergencies, row, now) or changed
        instants += [at for at in (row.expires_at, row.effective_at) if at is not None and at > now]
        if row.automatic and _is_due(row, now):
            instants.append(now + _AGAIN)
    if changed:
        emergencies.notify()
    return min(instants, default=None)


def _work(services: Services, emergencies: EmergencyStarter, due: CapAlert, now: datetime) -> bool:
    with services.database.writing() as session:
        row = session.get_one(CapAlert, due.number)
        if not _is_due(row, now):
            return False
        actor = CAP.named(session.get_one(CapSource, row.source_id).name)
        if now >= row.expires_at:
            was_on = row.state == CapAlertState.STARTED
            stop_alert_in(session, emergencies, row, now, actor.name)
            end(session, row, CapAlertState.ENDED if was_on else CapAlertState.EXPIRED, now, actor.name)
            return was_on
        try:
            with session.begin_nested():
                _start(session, actor, emergencies, row, now)
        except Refusal as refusal:
            session.refresh(row)
            if row.why != as_text(refusal):
                row.why = as_text(refusal)
                session.add(row)
            return False
        return True


def _is_due(row: CapAlert, now: datetime) -> bool:
    if row.state not in (CapAlertState.WAITING, CapAlertState.STARTED):
        return False
    if now >= row.expires_at:
        return True
    return (
        row.state == CapAlertState.WAITING and row.automatic and (row.effective_at is None or now >= row.effective_at)
    )


def _start(session: Session, actor: Actor, emergencies: EmergencyStarter, row: CapAlert, now: datetime) -> None:
    actor.need(Action.ON_AIR, row.commune_id, BroadcastClass.EMERGENCY)
    check_clock(session)
    if row.state != CapAlertState.WAITING:
        raise Refusal(N_("This alert is no longer waiting. Reload the page and look at what became of it."))
    if now >= row.expires_at:
        raise Refusal(N_("This alert is over: its time ended. It does not sound any more."))
    if row.is_drill and not session.get_one(CapSource, row.source_id).drills:
        raise Refusal(N_("This is an exercise or a test. Allow drills in the settings of its source first."))
    if not row.spoken:
        raise Refusal(N_("This alert has no text that could be read aloud."))
    order = CapEmergency(
        commune_id=row.commune_id,
        reference=f"cap {row.number} {row.digest[:16]}",
        title=row.title,
        texts=tuple(row.spoken),
        targets=row.audience,
        is_drill=row.is_drill,
        expires_at=row.expires_at,
        by=actor.name,
    )
    row.emergency_id = emergencies.start_in(session, order, now)
    row.why = ""
    end(session, row, CapAlertState.STARTED, now, actor.name)
    actor.note(session, now, row.commune_id, Deed.CAP_ALERT_STARTED, row.title, about=row)


def stop_alert_in(session: Session, emergencies: EmergencyStarter, row: CapAlert, now: datetime, by: str) -> None:
    if row.emergency_id and row.state == CapAlertState.STARTED:
        emergencies.stop_in(session, row.emergency_id, now, by=by)
