"""Who may do what after a merge: one account each, with one role in the new commune."""

from mergers.merge_context import MergeContext
from mergers.merge_draft import choice
from mergers.plans import Question, QuestionTopic, Translatable
from people.operators import OperatorCommune
from people.rights import Role
from runtime.refusal import N_

#: By rights, fewest first.
_ROLES = (Role.VIEWER, Role.TECHNICIAN, Role.OPERATOR, Role.CHAIR, Role.PROVINCE)


class MergedPeople:
    def __init__(self, union: MergeContext) -> None:
        self._context = union

    def work_out(self) -> None:
        plan, data = self._context.plan, self._context.data
        roles: dict[int, dict[str, Role]] = {}
        for row in data.roles:
            roles.setdefault(row.operator_id, {})[row.commune_id] = Role(row.role)
            self._context.ledger.remove(row)
        for operator_id, there in sorted(roles.items()):
            least = min(there.values(), key=_ROLES.index)
            chosen = least
            if len(set(there.values())) > 1:
                name = data.operators[operator_id].name
                chosen = Role(
                    self._context.answers.ask(
                        Question(
                            f"operator:{operator_id}",
                            QuestionTopic.OPERATOR,
                            Translatable(
                                N_("{operator} has different roles in the communes: which one in the new one?"),
                                {"operator": name},
                            ),
                            tuple(
                                choice(role.value, N_("As in {commune}"), commune=self._context.name(c))
                                for role, c in {r: c for c, r in there.items()}.items()
                            ),
                            least.value,
                        )
                    )
                )
            self._context.ledger.add(OperatorCommune(operator_id=operator_id, commune_id=plan.into, role=chosen.value))
