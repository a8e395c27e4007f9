"""The draft of a merger: a plan computed to the last row before anything is written."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlmodel import Session, col, select

from broadcast.clips import Clip
from devices.communes import Commune, check_id
from devices.predecessors import CommuneSuccession
from devices.zones import Zone
from mergers.commune_data import CommuneData
from mergers.ledger import Ledger
from mergers.plans import Choice, Plan, Question, Translatable
from runtime.refusal import N_, Refusal
from wire.broadcasts import Targets


@dataclass
class MergeDraft:
    """What a plan changes. places: for broadcasts planned by hand: commune, targets → [(commune afterwards, targets)].

    former_commune: receiver → the commune it leaves. reconfigured: receivers that get a new config. succession: former,
    successor, and since when the former's history counts. clip_copies: clip → its copy, for a split.
    """

    plan: Plan
    data: CommuneData
    ledger: Ledger
    places: Callable[[str, Targets], list[tuple[str, Targets]]]
    former_commune: dict[str, str] = field(default_factory=dict)
    reconfigured: set[str] = field(default_factory=set)
    succession: list[tuple[str, str, datetime | None]] = field(default_factory=list)
    clip_copies: dict[str, str] = field(default_factory=dict)
    questions: list[Question] = field(default_factory=list)
    notes: list[Translatable] = field(default_factory=list)
    schedule_parts: dict[int, int] = field(default_factory=dict)  # schedule → its part in the new commune
    programme_copies: dict[int, int] = field(default_factory=dict)
    titles: dict[str, str] = field(default_factory=dict)  # clip → its new title


class Answers:
    """Collects the questions, and answers them with the given decisions, else with what is suggested."""

    def __init__(self, decisions: dict[str, str], questions: list[Question]) -> None:
        self._decisions, self._questions = decisions, questions

    def ask(self, question: Question) -> str:
        self._questions.append(question)
        chosen = self._decisions.get(question.key, question.suggested)
        return chosen if chosen in {c.value for c in question.choices} else question.suggested


def choice(value: str, message_id: str, **values: object) -> Choice:
    return Choice(value, Translatable(message_id, values))


def free_zone_id(session: Session, wanted: str, taken: Sequence[str] = ()) -> str:
    """A free zone id: the wanted one, or it with a number appended."""
    number, candidate = 1, wanted
    while candidate in taken or session.exec(select(Zone.id).where(Zone.id == candidate)).first() is not None:
        number += 1
        candidate = f"{wanted[:58]}-{number}"
    return candidate


def undone_commune(session: Session, commune_id: str) -> Commune | None:
    """The commune of this id that a merger created and its undo retired; it is reused. None when the id is free.

    Raises Refusal when the id is taken or malformed.
    """
    check_id(commune_id)
    commune = session.get(Commune, commune_id)
    if commune is None:
        return None
    # Only an undo sets `since`.
    undone = select(CommuneSuccession).where(
        CommuneSuccession.former_id == commune_id, col(CommuneSuccession.since).is_not(None)
    )
    if commune.retired_at is None or session.exec(undone).first() is None:
        raise Refusal(N_("There is a commune {id} already. Choose another short name."), id=commune_id)
    return commune


def copied_clip(clip: Clip, clip_id: str, commune_id: str) -> Clip:
    """A clip for another commune with the same audio files; files are named by hash."""
    own = {"id": clip_id, "commune_id": commune_id, "replaced_by": None, "peaks": clip.peaks}
    return Clip(**{**clip.model_dump(), **own})


def at(instant: datetime) -> str:
    """An instant as a value of a sentence: ISO, for the page to write in its own way."""
    return instant.isoformat()
