"""Labels of broadcasts and recordings: classes, fields, languages, states and outcomes."""

from runtime.refusal import N_

CLASSES = {"normal": N_("Normal"), "priority": N_("Priority"), "emergency": N_("Emergency")}
FIELDS = {
    1: N_("General"),
    2: N_("Unexpected"),
    3: N_("Party and State policy and law"),
    4: N_("Local leadership"),
    5: N_("Knowledge"),
    6: N_("Role models"),
}
LANGUAGES_SPOKEN = {
    "vi": "Tiếng Việt",
    "mtq": "Mường",
    "tyz": "Tày",
    "tai": "Thái",
    "hmn": "H'Mông",
    "km": "Khmer",
    "cjm": "Chăm",
    "en": "English",
}
CHIMES = {"opening_chime": N_("Opening chime"), "closing_chime": N_("Closing chime"), "gap": N_("Pause")}
BROADCAST_STATES = {
    "planned": N_("Scheduled"),
    "announced": N_("Announced"),
    "on_air": N_("On air"),
    "ended": N_("Ended"),
    "stopped": N_("Stopped"),
    "withdrawn": N_("Withdrawn"),
    "missed": N_("Missed"),
}
OUTCOMES = {
    "played": N_("Played"),
    "partly": N_("Played in part"),
    "missed": N_("Not played"),
    "refused": N_("Refused"),
    "": N_("No report"),
}
#: What the play log can be filtered by.
LOG_OUTCOMES = {
    "heard": N_("Heard everywhere"),
    "lacking": N_("Not heard everywhere"),
    "missed": N_("Missed"),
    "withdrawn": N_("Withdrawn"),
}
#: What became of a broadcast on one receiver (`schedules.explanations`).
VERDICTS = {
    "played": N_("It played in full"),
    "partly": N_("It played in part"),
    "stopped": N_("It was stopped"),
    "silent": N_("It did not play"),
    "muted": N_("It played at volume zero, so nothing could be heard"),
    "unheard": N_("It played, but could not be heard"),
    "withdrawn": N_("It was withdrawn beforehand"),
    "missed": N_("It was not sent"),
    "still_to_come": N_("Not due yet"),
    "waiting": N_("The report has not arrived yet"),
    "offline": N_("Nothing is known yet"),
    "no_report": N_("No report received, although the loudspeaker was connected"),
}
