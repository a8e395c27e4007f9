"""State shared by the parts of a merge while its draft is computed."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from sqlmodel import Session

from devices.zones import Zone, ZoneMember
from mergers.commune_data import CommuneData
from mergers.ledger import Ledger
from mergers.merge_draft import Answers, MergeDraft, choice
from mergers.plans import Choice, Merge, Question, QuestionTopic, Translatable
from runtime.refusal import N_


@dataclass
class MergeContext:
    """area: former commune → the zone that stands for it. zone_map: zone that is joined → the zone it is joined to."""

    session: Session
    plan: Merge
    now: datetime
    data: CommuneData
    ledger: Ledger
    draft: MergeDraft
    answers: Answers
    area: dict[str, Zone] = field(default_factory=dict)
    zone_map: dict[str, str] = field(default_factory=dict)

    def name(self, commune_id: str) -> str:
        return self.data.commune(commune_id).name

    def members(self, zone_id: str) -> list[str]:
        """The receivers of a zone after the merge."""
        new = [m.receiver_id for m in self.ledger.new(ZoneMember) if m.zone_id == zone_id]
        return [m.receiver_id for m in self.data.members if m.zone_id == zone_id] + new

    def ask(
        self, key: str, about: QuestionTopic, says: str, choices: Iterable[Choice], suggested: str, **values: object
    ) -> str:
        """The value of the choice that was made, or is suggested. says: a message id. values: in it."""
        return self.answers.ask(Question(key, about, Translatable(says, values), tuple(choices), suggested))

    def ask_whose(self, key: str, about: QuestionTopic, says: str, among: Sequence[str]) -> str:
        """Ask which commune's setting is kept. Returns the commune's id."""
        choices = [choice(f"use:{c}", N_("As in {commune}"), commune=self.name(c)) for c in among]
        return self.ask(key, about, says, choices, f"use:{among[0]}").removeprefix("use:")
