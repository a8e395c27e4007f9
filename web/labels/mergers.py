"""Labels of mergers: kinds of things, topics of questions, and the sentences of a rehearsal."""

from mergers.plans import QuestionTopic, RehearsedKind, Translatable
from runtime.refusal import N_
from web.language import Translator

#: Each with how many there are of it.
THINGS = {
    RehearsedKind.STATION: N_("Stations"),
    RehearsedKind.RECEIVER: N_("Receivers"),
    RehearsedKind.ZONE: N_("Zones"),
    RehearsedKind.OPERATOR: N_("Operators"),
    RehearsedKind.CLIP: N_("Recordings"),
    RehearsedKind.PROGRAMME: N_("Programmes"),
    RehearsedKind.SCHEDULE: N_("Schedules"),
    RehearsedKind.NOISE_RULE: N_("Allowed hours"),
    RehearsedKind.BROADCAST: N_("Upcoming broadcasts"),
}
#: The names of the counts of `mergers.plans.CommuneCounts`, as rows of the table.
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
    QuestionTopic.ZONES: N_("Zones with the same name"),
    QuestionTopic.SCHEDULES: N_("Programmes at the same time"),
    QuestionTopic.OPERATOR: N_("People with different roles"),
    QuestionTopic.CHIMES: N_("Chimes"),
    QuestionTopic.BACKUP: N_("Backup recording"),
    QuestionTopic.NOISE: N_("Allowed hours"),
    QuestionTopic.VOLUME: N_("Volume limits"),
    QuestionTopic.TIME_ZONE: N_("Time zone"),
    QuestionTopic.CHANGED_SINCE: N_("Changed since the merger"),
}


#: A list of names in a sentence is cut there; the page has the whole one beside it.
LONGEST = 120


def say(t: Translator, text: Translatable) -> str:
    """A sentence of the rehearsal in the language of the page, long lists cut."""
    return t(text.message_id, **{name: _cut(value) for name, value in text.values.items()})


def cut_away(text: Translatable) -> list[str]:
    """The lists that `say` cuts, whole."""
    return [value for value in text.values.values() if isinstance(value, str) and len(value) > LONGEST]


def _cut(value: object) -> object:
    if not isinstance(value, str) or len(value) <= LONGEST:
        return value
    return value[:LONGEST].rsplit(" ", 1)[0].rstrip(",;") + " …"
