"""Who may do what after a merge: one account each, with one role in the new commune."""

from mergers.merge_context import MergeContext
from mergers.merge_draft import choice
from mergers.plans import QuestionTopic
from people.operators import OperatorCommune
from people.rights import Role
from runtime.refusal import N_

#: By rights, fewest first.
_ROLES = (
    Role.VIEWER,
    Role.TECHNICIAN,
    Role.OPERATOR,
    Role.EMERGENCY_ENDER,
    Role.EMERGENCY_STARTER,
    Role.CHAIR,
    Role.PROVINCE,
)


class MergedPeople:
    def __init__(self, context: MergeContext) -> None:
        self._context = context

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
                commune_of = {role: c for c, role in there.items()}
                chosen = Role(
                    self._context.ask(
                        f"operator:{operator_id}",
                        QuestionTopic.OPERATOR,
                        N_("{operator} has different roles in the communes: which one in the new one?"),
                        [
                            choice(role.value, N_("As in {commune}"), commune=self._context.name(c))
                            for role, c in commune_of.items()
                        ],
                        least.value,
                        operator=data.operators[operator_id].name,
                    )
                )
            self._context.ledger.add(OperatorCommune(operator_id=operator_id, commune_id=plan.into, role=chosen.value))
