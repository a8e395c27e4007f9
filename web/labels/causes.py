"""Labels of causes: why a broadcast did not play in full, and why a receiver changed its state."""

from runtime.refusal import N_
from web.language import Translator

#: Why a broadcast did not, or not wholly, sound; and why a receiver changed its state.
CAUSES = {
    "cut": N_("gave way to another broadcast"),
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
    "by_alert": N_("the alert from outside ended"),
    "merger": N_("communes were merged or split"),
    "schedule_changed": N_("the schedule was changed"),
    "schedule_removed": N_("the schedule was removed"),
    "schedule_paused": N_("the schedule is paused"),
    "controller_away": N_("Loa was not running"),
    "silent": N_("no message for too long"),
    "connection_lost": N_("the connection broke"),
    "stopped": N_("shut down normally"),
    "reboot": N_("restarted"),
    "heard": N_("connected"),
    "new_credentials": N_("its credentials are no longer valid"),
    "put_on_air": N_("started manually"),
    "schedule": N_("from the timetable"),
    "store_full": N_("the receiver's storage is full"),
    "live_ended": N_("the live audio ended"),
    "live_lost": N_("the live audio stopped arriving"),
    "controller_restarted": N_("Loa was restarted"),
    "sender_lost": N_("the sender of the live audio was lost"),
    "no_current": N_("the amplifier drew no current"),
    "not_heard": N_("not heard by the microphone"),
    "backup": N_("the backup recording was played instead"),
    "chime": N_("a chime was played instead"),
    "partly": N_("played in part"),
}


def cause(t: Translator, word: str) -> str:
    """A cause in words; one we do not know is said as it is."""
    return t(CAUSES[word]) if word in CAUSES else word
