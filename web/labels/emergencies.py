"""Labels of emergencies: states, bearers, why a receiver did not sound, and what is tried next."""

from alerts.emergency_alerts import AlertReceipt, AlertState, SmsState
from runtime.refusal import N_, from_text
from web.language import Translator

ALERT_STATES = {
    AlertState.WAITING: N_("Waiting for a second person"),
    AlertState.LAPSED: N_("Not confirmed in time"),
    AlertState.REFUSED: N_("Refused"),
    AlertState.SENT: N_("In force"),
    AlertState.ENDED: N_("Ended"),
    AlertState.EXPIRED: N_("Expired"),
}
END_KINDS = {
    "cancel": N_("called back as a mistake"),
    "all_clear": N_("all-clear given"),
    "withdrawn": N_("withdrawn by its sender"),
    "over": N_("its time was over, or another one follows"),
}
#: Who asked, where no person did and it is no source of alerts.
SOURCES = {
    "schedule": N_("Drills by schedule"),
    "key_switch": N_("Key switch at the loudspeaker"),
    "broker": N_("Found at the message broker: the server stopped before it was written down"),
}
BEARERS = {"mqtt": N_("data network"), "sms": N_("SMS"), "local": N_("switch at the loudspeaker")}
#: Why an alert did not take effect; the words are the protocol's.
ALERT_CAUSES = {
    "unknown_template": N_("it does not have this message yet"),
    "superseded": N_("another broadcast is playing"),
    "not_sounding": N_("received, but nothing sounds: see its faults"),
    "overtaken": N_("called back before it could sound"),
    "silent": N_("silent drill: it received the message and stays silent"),
}
#: What Loa does about a receiver that has not sounded.
NEXT_STEPS = {
    "offline": N_("Loa sends it again as soon as the receiver is connected. Call the village head."),
    "waiting": N_("Loa waits for its answer."),
    "cause": N_("It goes on trying by itself until the message ends."),
    "": "",
}
_SMS_STATES = {
    (SmsState.QUEUED, False): N_("SMS is being sent"),
    (SmsState.SENT, False): N_("sent by SMS"),
    (SmsState.FAILED, False): N_("SMS failed"),
    (SmsState.WITHDRAWN, False): N_("SMS not needed any more"),
    (SmsState.QUEUED, True): N_("SMS with the end is being sent"),
    (SmsState.SENT, True): N_("end sent by SMS"),
    (SmsState.FAILED, True): N_("SMS with the end failed"),
    (SmsState.WITHDRAWN, True): N_("SMS with the end not needed any more"),
}


def sms_sentence(t: Translator, receipt: AlertReceipt) -> str:
    """What became of its SMS, with the reason where a try failed."""
    sentence = t(_SMS_STATES[SmsState(receipt.sms_state), receipt.is_end])
    why = from_text(receipt.sms_error)
    return sentence if why is None else t("{sms}: {why}", sms=sentence, why=t.refusal(why))
