"""Who may do what after a merge: one account each, with one role in the new commune."""

from mergers.drafts import choice
from mergers.merge_context import Union
from mergers.plans import About, Question, Said
from people.operators import OperatorCommune
from people.rights import Role
from runtime.refusal import N_

#: From the one that may least.
_ROLES = (Role.VIEWER, Role.TECHNICIAN, Role.OPERATOR, Role.CHAIR, Role.PROVINCE)


class MergedPeople:
    """Works it out."""

    def __init__(self, union: Union) -> None:
        self._u = union

    def work_out(self) -> None:
        """All of them."""
        plan, have = self._u.plan, self._u.have
        roles: dict[int, dict[str, Role]] = {}
        for row in have.roles:
            roles.setdefault(row.operator_id, {})[row.commune_id] = Role(row.role)
            self._u.ledger.remove(row)
        for operator_id, there in sorted(roles.items()):
            least = min(there.values(), key=_ROLES.index)
            chosen = least
            if len(set(there.values())) > 1:
                name = have.operators[operator_id].name
                chosen = Role(
                    self._u.deciding.ask(
                        Question(
                            f"operator:{operator_id}",
                            About.OPERATOR,
                            Said(
                                N_("{operator} has different roles in the communes: which one in the new one?"),
                                {"operator": name},
                            ),
                            tuple(
                                choice(role.value, N_("As in {commune}"), commune=self._u.name(c))
                                for role, c in {r: c for c, r in there.items()}.items()
                            ),
                            least.value,
                        )
                    )
                )
            self._u.ledger.add(OperatorCommune(operator_id=operator_id, commune_id=plan.into, role=chosen.value))
