"""Emergencies of alerts from outside: asked for by a person, started by a rule, ended. By `usecases.emergencies`."""

import logging
import threading
from datetime import datetime

from sqlmodel import Session, col, select

from alerts.desk import EmergencyDesk
from alerts.emergency_alerts import AlertState, EmergencyAlert, may_be_current
from alerts.templates import AlertMessage, EndKind
from alerts.texts import ENGLISH, VIETNAMESE
from cap.alerts import OPEN, CapAlert, CapAlertState
from runtime.refusal import N_, Refusal
from usecases.actors import CAP, Actor
from usecases.emergencies import (
    EmergencyOrder,
    end_emergency,
    prepare_emergency,
    refuse_emergency,
    request_prepared,
    start_prepared,
)

log = logging.getLogger(__name__)

_ENDS = {CapAlertState.CANCELLED: EndKind.WITHDRAWN, CapAlertState.STOPPED: EndKind.CANCEL}


class CapEmergencies:
    """deciding: is held from a decision about alerts from outside until its emergency is sent or ended, so that a
    Cancel comes either before its alert starts or after it was sent. Never taken while `desk.deciding` is held.
    """

    def __init__(self, desk: EmergencyDesk) -> None:
        self._desk = desk
        self.deciding = threading.RLock()

    def prepare(self, actor: Actor, alert: CapAlert, source: str) -> EmergencyAlert:
        """Nothing is kept or sent yet. source: its name. Raises NotAllowed, Refusal."""
        texts = {VIETNAMESE: "", ENGLISH: ""}
        for spoken in alert.spoken:
            language = spoken.language.lower().partition("-")[0]
            if language in texts:
                texts[language] = texts[language] or spoken.text
        if not any(texts.values()):
            raise Refusal(N_("No voice is installed that reads this alert aloud. Read it out on the page Speak live."))
        order = EmergencyOrder(
            AlertMessage(None),
            alert.audience,
            is_drill=alert.is_drill,
            free_text=texts[VIETNAMESE],
            free_english=texts[ENGLISH],
            source=source,
            alert=alert.emergency_id,
        )
        return prepare_emergency(self._desk, actor, alert.commune_id, order)

    def request(self, actor: Actor, prepared: EmergencyAlert) -> None:
        """For a second person to confirm; a drill is sent."""
        request_prepared(self._desk, actor, prepared)

    def start(self, actor: Actor, prepared: EmergencyAlert) -> None:
        """By the rule of its source. Raises Refusal."""
        start_prepared(self._desk, actor, prepared)

    def state(self, emergency_id: str) -> tuple[AlertState | None, EmergencyAlert | None]:
        """None for one that was never kept."""
        row = self._desk.find(emergency_id)
        return (None, None) if row is None else (row.state(self._desk.clock.now()), row)

    def end_for(self, alert: CapAlert) -> None:
        """What an alert that is over has asked for or started."""
        state = CapAlertState(alert.state)
        self.end(alert.emergency_id, alert.decided_by, _ENDS.get(state, EndKind.OVER))

    def end(self, emergency_id: str, by: str, kind: EndKind) -> None:
        state, row = self.state(emergency_id)
        if row is None or state not in (AlertState.WAITING, AlertState.SENT):
            return
        try:
            if state is AlertState.WAITING:
                refuse_emergency(self._desk, CAP.named(by), row.commune_id, row.id)
            else:
                end_emergency(self._desk, CAP.named(by), row.commune_id, row.id, kind)
        except Refusal as refusal:  # confirmed at this moment: the next turn ends it
            log.warning("emergency %s not ended yet: %s", row.id, refusal)


def with_open_emergency(session: Session, now: datetime) -> list[CapAlert]:
    """Alerts that are over while their emergency is in force or waits for a second person."""
    query = select(CapAlert).join(EmergencyAlert, col(EmergencyAlert.id) == CapAlert.emergency_id)
    query = query.where(col(CapAlert.state).not_in([state.value for state in OPEN]), may_be_current(now))
    return list(session.exec(query))
