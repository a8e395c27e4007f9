"""Alerts from outside that wait or are on: a person asks for one or dismisses it, what is due starts or ends.

A decision is committed, with the id of its emergency, before the emergency is sent or ended; `work_alerts` does what
a crash has left over. Receivers know an emergency by its id, so one that is sent twice sounds once.
"""

import logging
from collections.abc import Callable
from datetime import datetime, timedelta

from sqlmodel import Session

from alerts.emergency_alerts import AlertState, EmergencyAlert
from cap.alerts import (
    CapAlert,
    CapAlertState,
    alert_with_key,
    cap_alert,
    end,
    ended_state,
    may_end,
    open_alerts,
    reference_keys,
)
from cap.sources import CapSource
from people.audit import Deed
from people.rights import Action
from runtime.clock_steps import check_clock
from runtime.refusal import N_, Refusal, as_text
from usecases.actors import CAP, Actor
from usecases.cap_emergencies import CapEmergencies, with_open_emergency
from usecases.services import Services

log = logging.getLogger(__name__)

#: One that was refused, for example since no receiver is there, is tried again.
_AGAIN = timedelta(seconds=15)


def request_alert(
    services: Services, actor: Actor, emergencies: CapEmergencies, commune_id: str, number: int
) -> EmergencyAlert:
    """A person wants it to sound: a second one must confirm it, as every emergency. A drill sounds now.

    Raises NotAllowed, NotFound, Refusal.
    """
    actor.need(Action.EMERGENCY, commune_id)
    with emergencies.deciding:
        with services.database.session() as session:
            row = cap_alert(session, commune_id, number)
            actor.check_shown(session, row)
            prepared = emergencies.prepare(actor, row, _check_may_start(session, row, services.clock.now()))
        with services.database.writing() as session:
            row = cap_alert(session, commune_id, number)
            actor.check_shown(session, row)
            now = services.clock.now()
            _check_may_start(session, row, now)
            row.emergency_id, row.why = prepared.id, ""
            if row.is_drill:
                _start_in(session, actor, row, now)
            else:
                actor.note(session, now, commune_id, Deed.CAP_ALERT_REQUESTED, row.title, about=row)
            session.add(row)
        emergencies.request(actor, prepared)
        _settle(services, emergencies)
    return prepared


def dismiss_alert(
    services: Services, actor: Actor, emergencies: CapEmergencies, commune_id: str, number: int
) -> CapAlert:
    """It does not sound, or no longer. Raises NotAllowed, NotFound, Refusal."""
    with emergencies.deciding:
        with services.database.writing() as session:
            actor.need(Action.EMERGENCY, commune_id)
            row = cap_alert(session, commune_id, number)
            if row.state not in (CapAlertState.WAITING, CapAlertState.STARTED):
                return row
            actor.check_shown(session, row)
            now, deed, state = services.clock.now(), Deed.CAP_ALERT_DISMISSED, CapAlertState.DISMISSED
            if row.state == CapAlertState.STARTED:
                actor.need(Action.CLEAR_EMERGENCY, commune_id)
                deed, state = Deed.CAP_ALERT_STOPPED, CapAlertState.STOPPED
            end(session, row, state, now, actor.name)
            actor.note(session, now, commune_id, deed, row.title, about=row)
        _settle(services, emergencies)
    return row


def work_alerts(services: Services, emergencies: CapEmergencies) -> datetime | None:
    """Follow their emergencies, start what starts without being asked, end what is over.

    Returns when the next one becomes due.
    """
    with emergencies.deciding:
        with services.database.session() as session:
            rows = open_alerts(session)
        now, instants = services.clock.now(), list[datetime]()
        for row in rows:
            _follow(services, emergencies, row, now)
            if _is_due(row, now):
                _work(services, emergencies, row, now)
            instants += [at for at in (row.expires_at, row.effective_at) if at is not None and at > now]
            if row.emergency_id or (row.automatic and _is_due(row, now)):
                instants.append(now + _AGAIN)
        _settle(services, emergencies)
    return min(instants, default=None)


def _settle(services: Services, emergencies: CapEmergencies) -> None:
    """End the emergencies of alerts that are over."""
    with services.database.session() as session:
        rows = with_open_emergency(session, services.clock.now())
    for row in rows:
        emergencies.end_for(row)


def _follow(services: Services, emergencies: CapEmergencies, seen: CapAlert, now: datetime) -> None:
    """Note what became of its emergency: confirmed, refused or ended by a person, or never sent before a crash."""
    if not seen.emergency_id or now >= seen.expires_at:
        return
    state, emergency = emergencies.state(seen.emergency_id)
    if seen.state == CapAlertState.STARTED:
        if emergency is None:
            _send_again(services, emergencies, seen)
        elif state is AlertState.ENDED:
            _change(services, seen, lambda _, row: _ended_by_person(row, emergency))
        return
    if state is AlertState.WAITING:
        return
    if emergency is None or state in (AlertState.LAPSED, AlertState.REFUSED):
        _change(services, seen, lambda _, row: _not_confirmed(row, emergency))
    else:
        actor = CAP.named(emergency.confirmed_by or emergency.requested_by)
        _change(services, seen, lambda session, row: _start_in(session, actor, row, now))


def _change(services: Services, seen: CapAlert, change: Callable[[Session, CapAlert], object]) -> None:
    """Unless it has changed since it was seen."""
    with services.database.writing() as session:
        row = session.get_one(CapAlert, seen.number)
        if (row.state, row.emergency_id) == (seen.state, seen.emergency_id):
            change(session, row)
            session.add(row)


def _ended_by_person(row: CapAlert, emergency: EmergencyAlert) -> None:
    row.state, row.decided_at, row.decided_by = CapAlertState.STOPPED.value, emergency.ended_at, emergency.ended_by


def _not_confirmed(row: CapAlert, emergency: EmergencyAlert | None) -> None:
    row.emergency_id = ""
    if emergency is not None and emergency.refused_at is not None:
        row.why = as_text(Refusal(N_("{who} refused to confirm it."), who=emergency.refused_by))
    else:
        row.why = as_text(Refusal(N_("Nobody confirmed it in time.")))


def _send_again(services: Services, emergencies: CapEmergencies, row: CapAlert) -> None:
    """Its start was decided, then the controller ended."""
    with services.database.session() as session:
        source = session.get_one(CapSource, row.source_id).name
    try:
        emergencies.start(CAP.named(source), emergencies.prepare(CAP.named(source), row, source))
    except Refusal as refusal:
        log.error("alert %s from outside not sent: %s", row.id, refusal)


def _work(services: Services, emergencies: CapEmergencies, due: CapAlert, now: datetime) -> None:
    prepared: EmergencyAlert | None = None
    with services.database.session() as session:
        row = session.get_one(CapAlert, due.number)
        actor = CAP.named(session.get_one(CapSource, row.source_id).name)
        why = row.why
        if _is_due(row, now) and now < row.expires_at:
            try:
                prepared, why = emergencies.prepare(actor, row, _check_may_start(session, row, now)), ""
            except Refusal as refusal:
                why = as_text(refusal)
    with services.database.writing() as session:
        row = session.get_one(CapAlert, due.number)
        if not _is_due(row, now):
            return
        if now >= row.expires_at:
            state = CapAlertState.ENDED if row.state == CapAlertState.STARTED else CapAlertState.EXPIRED
            end(session, row, state, now, actor.name)
        elif prepared is not None:
            row.emergency_id = prepared.id
            _start_in(session, actor, row, now)
        elif row.why != why:
            row.why = why
            session.add(row)
    if prepared is not None:
        emergencies.start(actor, prepared)


def _is_due(row: CapAlert, now: datetime) -> bool:
    if row.state not in (CapAlertState.WAITING, CapAlertState.STARTED):
        return False
    if now >= row.expires_at:
        return True
    is_time = row.effective_at is None or now >= row.effective_at
    return row.state == CapAlertState.WAITING and row.automatic and not row.emergency_id and is_time


def _check_may_start(session: Session, row: CapAlert, now: datetime) -> str:
    """Returns the name of its source. Raises Refusal."""
    check_clock(session)
    source = session.get_one(CapSource, row.source_id)
    if row.state != CapAlertState.WAITING:
        raise Refusal(N_("This alert is no longer waiting. Reload the page and look at what became of it."))
    if row.emergency_id:
        raise Refusal(N_("This alert waits for a second person already. Look at the page Emergency."))
    if now >= row.expires_at:
        raise Refusal(N_("This alert is over: its time ended. It does not sound any more."))
    if row.is_drill and not source.drills:
        raise Refusal(N_("This is an exercise or a test. Allow drills in the settings of its source first."))
    if not row.spoken:
        raise Refusal(N_("This alert has no text that could be read aloud."))
    return source.name


def _start_in(session: Session, actor: Actor, row: CapAlert, now: datetime) -> None:
    """It is on, and takes the place of what it replaces."""
    row.why = ""
    end(session, row, CapAlertState.STARTED, now, actor.name)
    actor.note(session, now, row.commune_id, Deed.CAP_ALERT_STARTED, row.title, about=row)
    for key in reference_keys(row):
        other = alert_with_key(session, row.commune_id, key)
        if other is not None and other.state == CapAlertState.STARTED and may_end(row, other):
            end_by_message(session, row, other, now)


def end_by_message(session: Session, row: CapAlert, other: CapAlert, now: datetime) -> None:
    """row: an Update or a Cancel that may end the other (`may_end`)."""
    end(session, other, ended_state(row), now, row.sender)
    session.flush()
    CAP.named(row.sender).note(session, now, row.commune_id, Deed.CAP_ALERT_ENDED, other.title, about=other)
