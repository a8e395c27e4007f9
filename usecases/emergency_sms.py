"""An emergency by SMS, to receivers that have not confirmed it over the data network: when a person wants it."""

from alerts.desk import EmergencyDesk
from alerts.emergency_alerts import AlertState
from people.audit import Deed
from people.rights import Action
from runtime.refusal import N_, Refusal
from usecases.actors import Actor


def send_by_sms(desk: EmergencyDesk, actor: Actor, commune_id: str, alert: str) -> int:
    """To all who need it so now (`alerts.sms_need`). Returns how many messages. Raises NotAllowed, Refusal.

    Queued before it is written down, as all of an emergency.
    """
    actor.need(Action.EMERGENCY, commune_id)
    with desk.deciding:
        row, now = desk.alert(commune_id, alert), desk.clock.now()
        if row.state(now) is not AlertState.SENT:
            raise Refusal(N_("This message is not in force any more."))
        if not desk.sms.is_set_up:
            raise Refusal(
                N_(
                    "SMS for emergencies is not set up on this server. Ask the administrator of Loa "
                    "(LOA_ALERT_SMS_URL)."
                )
            )
        with desk.database.session() as session:
            due = desk.sms.need(session, row).due
        queued = desk.sms.request(row, due)
        if queued:
            detail = f"{queued} SMS: {row.text}"
            desk.journal.write_soon(lambda session: actor.note(session, now, commune_id, Deed.EMERGENCY_BY_SMS, detail))
        return queued
