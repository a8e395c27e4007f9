"""Words for states, classes, kinds and causes, marked for translation: one table each, used by every page."""

from runtime.refusal import N_
from web.language import Translator

STATES = {
    "on_air": N_("ON AIR"),
    "ready": N_("Ready"),
    "online": N_("Online"),
    "late": N_("No word lately"),
    "offline": N_("Connection lost"),
    "fault": N_("Fault"),
    "new": N_("New"),
}
CLASSES = {"normal": N_("Normal"), "priority": N_("Priority"), "emergency": N_("Emergency")}
KINDS = {"wired": N_("Wired"), "fm": N_("FM"), "ip": N_("IP")}
FIELDS = {
    1: N_("General"),
    2: N_("Unexpected"),
    3: N_("Party and State policy and law"),
    4: N_("Local direction"),
    5: N_("Knowledge"),
    6: N_("Good examples"),
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
BROADCAST_STATES = {
    "planned": N_("Planned"),
    "announced": N_("Announced"),
    "on_air": N_("On air"),
    "ended": N_("Ended"),
    "stopped": N_("Stopped"),
    "withdrawn": N_("Withdrawn"),
    "missed": N_("Missed"),
}
OUTCOMES = {
    "played": N_("Sounded"),
    "partly": N_("Sounded in part"),
    "missed": N_("Did not sound"),
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
    "played": N_("It sounded, all of it"),
    "partly": N_("It sounded in part"),
    "silent": N_("It did not sound"),
    "muted": N_("It sounded at volume zero: nothing was to be heard"),
    "unheard": N_("It played, but nothing was to be heard"),
    "withdrawn": N_("It was withdrawn before"),
    "missed": N_("It did not go out"),
    "still_to_come": N_("It is still to come"),
    "waiting": N_("The report has not come yet"),
    "offline": N_("Nothing is known yet"),
    "no_report": N_("No report came, although the loudspeaker was connected"),
}
#: Why a broadcast did not, or not wholly, sound; and why a receiver changed its state.
CAUSES = {
    "cut": N_("cut by a broadcast of a higher class"),
    "late": N_("joined late"),
    "interrupted": N_("interrupted"),
    "no_audio": N_("the audio was not there in time"),
    "not_running": N_("the receiver was switched off"),
    "clock_unknown": N_("the receiver did not know the time"),
    "allowed_hours": N_("outside the allowed hours"),
    "volume_zero": N_("the volume was at zero"),
    "card": N_("fault of the sound card"),
    "waiting": N_("waiting for the report"),
    "offline": N_("connection lost"),
    "no_report": N_("no report came"),
    "by_operator": N_("by the operator"),
    "merger": N_("communes were merged or split"),
    "schedule_changed": N_("the schedule was changed"),
    "schedule_removed": N_("the schedule was taken off"),
    "schedule_paused": N_("the schedule rests"),
    "controller_away": N_("Loa was not running"),
    "silent": N_("nothing heard for too long"),
    "connection_lost": N_("the connection broke"),
    "stopped": N_("switched off in order"),
    "reboot": N_("restarted"),
    "heard": N_("heard again"),
    "put_on_air": N_("put on air by hand"),
    "schedule": N_("from the timetable"),
    "store_full": N_("the receiver's store is full"),
    "live_ended": N_("the live sound ended"),
    "no_current": N_("the amplifier drew no current"),
    "not_heard": N_("not heard by its microphone"),
    "backup": N_("the backup recording sounded instead"),
    "chime": N_("a chime sounded instead"),
}
FAULTS = {
    "card": N_("Fault of the sound card"),
    "chain": N_("The amplifier or transmitter could not be switched"),
    "store_full": N_("The receiver's store is full"),
    "media": N_("Audio is missing or damaged"),
    "mains": N_("The mains voltage is out of its limits"),
    "on_battery": N_("It runs on its battery"),
    "battery": N_("The battery is low"),
    "amplifier": N_("The amplifier draws no current although it sounds"),
    "line": N_("The line to the horns is not in order"),
    "temperature": N_("It is too hot"),
    "not_heard": N_("Its microphone does not hear the programme"),
    "sensor": N_("A meter, modem or microphone does not answer"),
    "sim": N_("The SIM card is missing or locked"),
    "clock_unknown": N_("The receiver did not know the time"),
}
SIMS = {
    "ready": N_("SIM card ready"),
    "locked": N_("the SIM card asks for a PIN"),
    "absent": N_("no SIM card"),
    "": N_("SIM card unknown"),
}
LATCHES = {
    "new": N_("not acknowledged"),
    "acknowledged": N_("being mended"),
    "gone": N_("over, not reset"),
}
SELF_TEST_FAILURES = {
    "fetch": N_("the audio could not be fetched"),
    "verify": N_("the audio arrived damaged"),
    "decode": N_("the audio could not be decoded"),
    "length": N_("the audio has the wrong length"),
    "level": N_("the audio has the wrong level"),
    "speaker": N_("the sound card does not work"),
    "no_answer": N_("no answer came"),
    "never_heard": N_("it was never heard"),
}
#: What is said once a receiver was told to do something.
SENT = {
    "identify": N_("Sent. It makes itself known in a moment."),
    "test-tone": N_("Sent. Ten clicks in three seconds."),
    "volume": N_("Sent. It holds this volume until the next change."),
    "reboot": N_("Sent. It starts anew; it is back in a minute or two."),
    "self-test": N_("Sent. The test runs without a sound; the answer stands under “Night test”."),
    "away": N_("Sent, but the receiver is not connected now: it hears of it only if it comes back at once."),
}
CHIMES = {"opening_chime": N_("Opening chime"), "closing_chime": N_("Closing chime"), "gap": N_("Pause")}


def cause(t: Translator, word: str) -> str:
    """A cause in words; one we do not know is said as it is."""
    return t(CAUSES[word]) if word in CAUSES else word
