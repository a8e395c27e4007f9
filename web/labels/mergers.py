"""Words for mergers: kinds of things, what questions are about, and sentences as the page says them."""

from mergers.plans import About, Said, What
from runtime.refusal import N_
from web.language import Translator

#: Each with how many there are of it.
THINGS = {
    What.STATION: N_("Stations"),
    What.RECEIVER: N_("Receivers"),
    What.ZONE: N_("Zones"),
    What.OPERATOR: N_("Operators"),
    What.CLIP: N_("Recordings"),
    What.PROGRAMME: N_("Programmes"),
    What.SCHEDULE: N_("Schedules"),
    What.NOISE_RULE: N_("Allowed hours"),
    What.BROADCAST: N_("Upcoming broadcasts"),
}
#: The names of the counts of `mergers.plans.Counts`, as rows of the table.
COUNTS = {
    "receivers": N_("Receivers"),
    "stations": N_("Stations"),
    "zones": N_("Zones"),
    "operators": N_("Operators"),
    "clips": N_("Recordings"),
    "programmes": N_("Programmes"),
    "schedules": N_("Schedules"),
    "noise_rules": N_("Allowed hours"),
    "broadcasts_ahead": N_("Upcoming broadcasts"),
    "play_log": N_("Broadcasts in the play log"),
}
QUESTIONS = {
    About.ZONES: N_("Zones with the same name"),
    About.SCHEDULES: N_("Programmes at the same time"),
    About.OPERATOR: N_("People with different roles"),
    About.CHIMES: N_("Chimes"),
    About.BACKUP: N_("Backup recording"),
    About.NOISE: N_("Allowed hours"),
    About.VOLUME: N_("Volume limits"),
    About.TIME_ZONE: N_("Time zone"),
}


#: A list of names in a sentence is cut there; the page has the whole one beside it.
LONGEST = 120


def say(t: Translator, said: Said) -> str:
    """A sentence of the rehearsal in the language of the page, long lists cut."""
    return t(said.message_id, **{name: _cut(value) for name, value in said.values.items()})


def cut_away(said: Said) -> list[str]:
    """The lists that `say` cuts, whole."""
    return [value for value in said.values.values() if isinstance(value, str) and len(value) > LONGEST]


def _cut(value: object) -> object:
    if not isinstance(value, str) or len(value) <= LONGEST:
        return value
    return value[:LONGEST].rsplit(" ", 1)[0].rstrip(",;") + " …"
