"""Words for states, classes, kinds and causes, marked for translation: one table each, used by every page."""

from runtime.refusal import N_
from web.language import Translator

STATES = {
    "on_air": N_("ON AIR"),
    "ready": N_("Ready"),
    "online": N_("Online"),
    "late": N_("Not reporting"),
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
#: Why a broadcast did not, or not wholly, sound; and why a receiver changed its state.
CAUSES = {
    "cut": N_("interrupted by a broadcast of a higher class"),
    "late": N_("joined late"),
    "interrupted": N_("interrupted"),
    "no_audio": N_("the audio did not arrive in time"),
    "not_running": N_("the receiver was switched off"),
    "clock_unknown": N_("the receiver did not know the time"),
    "allowed_hours": N_("outside the allowed hours"),
    "volume_zero": N_("the volume was at zero"),
    "card": N_("sound card fault"),
    "waiting": N_("waiting for the report"),
    "offline": N_("connection lost"),
    "no_report": N_("no report received"),
    "by_operator": N_("by an operator"),
    "merger": N_("communes were merged or split"),
    "schedule_changed": N_("the schedule was changed"),
    "schedule_removed": N_("the schedule was removed"),
    "schedule_paused": N_("the schedule is paused"),
    "controller_away": N_("Loa was not running"),
    "silent": N_("no message for too long"),
    "connection_lost": N_("the connection broke"),
    "stopped": N_("shut down normally"),
    "reboot": N_("restarted"),
    "heard": N_("reconnected"),
    "put_on_air": N_("started manually"),
    "schedule": N_("from the timetable"),
    "store_full": N_("the receiver's storage is full"),
    "live_ended": N_("the live audio ended"),
    "no_current": N_("the amplifier drew no current"),
    "not_heard": N_("not heard by the microphone"),
    "backup": N_("the backup recording was played instead"),
    "chime": N_("a chime was played instead"),
}
FAULTS = {
    "card": N_("Sound card fault"),
    "chain": N_("The amplifier or transmitter could not be switched"),
    "store_full": N_("Receiver storage full"),
    "media": N_("Audio is missing or damaged"),
    "mains": N_("Mains voltage out of range"),
    "on_battery": N_("Running on battery"),
    "battery": N_("The battery is low"),
    "amplifier": N_("The amplifier draws no current during playback"),
    "line": N_("Fault on the loudspeaker line"),
    "temperature": N_("Temperature too high"),
    "not_heard": N_("The microphone does not hear the programme"),
    "sensor": N_("A meter, modem or microphone does not respond"),
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
    "acknowledged": N_("acknowledged"),
    "gone": N_("ended, not reset"),
}
SELF_TEST_FAILURES = {
    "fetch": N_("the audio could not be downloaded"),
    "verify": N_("the audio was damaged in transfer"),
    "decode": N_("the audio could not be decoded"),
    "length": N_("the audio has the wrong length"),
    "level": N_("the audio has the wrong level"),
    "speaker": N_("the sound card does not work"),
    "no_answer": N_("no answer"),
    "never_heard": N_("never connected"),
}
#: What is said once a receiver was told to do something.
SENT = {
    "identify": N_("Sent. The receiver will identify itself in a moment."),
    "test-tone": N_("Sent. Ten clicks will play in three seconds."),
    "volume": N_("Sent. This volume applies until the next change."),
    "reboot": N_("Sent. The receiver is restarting and will be back in a minute or two."),
    "self-test": N_("Sent. The silent test is running; the result appears under “Night test”."),
    "away": N_("Sent, but the receiver is offline: it receives the command only if it reconnects soon."),
}
CHIMES = {"opening_chime": N_("Opening chime"), "closing_chime": N_("Closing chime"), "gap": N_("Pause")}


def cause(t: Translator, word: str) -> str:
    """A cause in words; one we do not know is said as it is."""
    return t(CAUSES[word]) if word in CAUSES else word
