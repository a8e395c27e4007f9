"""The questions of an undo: what becomes of each thing that was changed since the merger."""

from mergers.merge_draft import MergeDraft, choice
from mergers.plans import Decisions, Question, QuestionTopic, Translatable
from runtime.refusal import N_

KEEP, BEFORE = "keep", "before"


class UndoAnswers:
    """Asks, answers with the decision, else with what is suggested, and reports what became of it."""

    def __init__(self, draft: MergeDraft, decisions: Decisions) -> None:
        self._draft, self._decisions = draft, decisions
        #: What became of each question, for the result.
        self.outcomes: list[Translatable] = []

    def keeps_changed(self, key: str, name: str) -> bool:
        """Whether a row that was changed since stays as it is now."""
        keeps = self._keeps(key, Translatable(N_("{name} was changed since the merger."), {"name": name}), KEEP)
        if keeps:
            self._report(N_("{name} was changed since the merger; it stays as it is now."), name=name)
        else:
            self._report(N_("{name} is as it was before the merger."), name=name)
        return keeps

    def keeps_hours(self, key: str, commune: str, place: str, suggested: str) -> bool:
        """Whether allowed hours that were set since hold, and not those of before the merger."""
        says = Translatable(
            N_("Allowed hours were set since the merger ({place}). They would hold in {commune}."),
            {"place": place, "commune": commune},
        )
        keeps = self._keeps(key, says, suggested)
        if keeps:
            self._report(N_("Allowed hours that were set since the merger hold in {commune}."), commune=commune)
        else:
            self._report(N_("Allowed hours that were set since the merger are gone; those of before hold again."))
        return keeps

    def _keeps(self, key: str, says: Translatable, suggested: str) -> bool:
        choices = (choice(KEEP, N_("Keep it as it is now")), choice(BEFORE, N_("As before the merger")))
        if not any(q.key == key for q in self._draft.questions):
            self._draft.questions.append(Question(key, QuestionTopic.CHANGED_SINCE, says, choices, suggested))
        chosen = self._decisions.get(key, suggested)
        return (chosen if chosen in (KEEP, BEFORE) else suggested) == KEEP

    def _report(self, message_id: str, **values: object) -> None:
        outcome = Translatable(message_id, values)
        if outcome not in self.outcomes:
            self.outcomes.append(outcome)
