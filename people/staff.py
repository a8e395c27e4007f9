"""Staff: which leader may change whose roles, password and account. No leader grants rights that they lack."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlmodel import Session, col, select

from devices.communes import commune, communes
from devices.provinces import provinces
from people.operators import Operator, OperatorCommune, appoint, dismiss
from people.rights import Action, NotAllowed, Role, Standing, may
from runtime.refusal import N_, NotFound, Refusal

#: What one can be in a commune; PROVINCE one is in all of a province's.
COMMUNE_ROLES = (
    Role.CHAIR,
    Role.EMERGENCY_STARTER,
    Role.EMERGENCY_ENDER,
    Role.OPERATOR,
    Role.TECHNICIAN,
    Role.VIEWER,
)


@dataclass(frozen=True)
class Person:
    """An operator with the roles this one has. roles: by commune id. province: its name, for who acts for one."""

    operator: Operator
    roles: dict[str, Role]
    province: str


def led_by(session: Session, leader: Standing) -> set[str]:
    """Ids of the communes in which the leader may assign roles."""
    return {c.id for c in communes(session) if may(leader, Action.OPERATORS, c.id)}


def staff(session: Session, leader: Standing) -> list[Person]:
    """The operators that a leader sees: those with a role in the leader's communes, by name, retired ones last."""
    led = led_by(session, leader)
    everybody = session.exec(select(Operator).order_by(Operator.name)).all()
    persons = [p for p in _persons(session, everybody) if _sees(leader, led, p)]
    return sorted(persons, key=lambda p: p.operator.retired_at is not None)


def member(session: Session, leader: Standing, operator_id: int) -> Person:
    """One of them. Raises NotFound."""
    operator = session.get(Operator, operator_id)
    person = _persons(session, [operator])[0] if operator is not None else None
    if person is None or not _sees(leader, led_by(session, leader), person):
        raise NotFound(N_("This person is not there any more."))
    return person


def oneself(session: Session, standing: Standing) -> Person:
    """The person who asks. Raises NotFound."""
    operator = session.get(Operator, standing.operator_id)
    if operator is None:
        raise NotFound(N_("This person is not there any more."))
    return _persons(session, [operator])[0]


def in_hand(session: Session, leader: Standing, person: Person) -> bool:
    """Whether the leader may grant every right that this person has.

    A leader who sets a person's password can sign in as that person, so the chair of one of two communes may not.
    """
    if leader.admin:
        return True
    operator = person.operator
    if operator.admin or operator.province_id not in (None, leader.province_id):
        return False
    return set(person.roles) <= led_by(session, leader)


def set_role(session: Session, leader: Standing, person: Person, commune_id: str, role: Role | None) -> None:
    """Give a role in a commune, or take it away (None). Raises Refusal, NotAllowed, NotFound."""
    if not may(leader, Action.OPERATORS, commune(session, commune_id).id):
        raise NotAllowed(N_("Only the chair or the province can change rights. Ask one of them."))
    if role is not None and role not in COMMUNE_ROLES:
        raise Refusal(N_("Choose the person's role in the commune."))
    if person.operator.id == leader.operator_id and not leader.admin:
        raise Refusal(N_("You cannot change your own rights. Ask another chair or the province."))
    if role is None:
        dismiss(session, person.operator.number, commune_id)
    else:
        appoint(session, person.operator.number, commune_id, role)


def set_above(session: Session, leader: Standing, person: Person, *, admin: bool, province_id: int | None) -> None:
    """Set or remove the rights above communes. Raises NotAllowed; Refusal for the last admin."""
    operator = person.operator
    if (operator.admin, operator.province_id) == (admin, province_id):
        return
    theirs = {operator.province_id, province_id} - {None}
    if not leader.admin and (operator.admin != admin or theirs != {leader.province_id}):
        raise NotAllowed(N_("Only the administrator of Loa may do this. Ask them."))
    if operator.id == leader.operator_id and not leader.admin:
        raise Refusal(N_("You cannot change your own rights. Ask another chair or the province."))
    if operator.admin and not admin:
        _keep_an_admin(session, operator)
    operator.admin, operator.province_id = admin, province_id
    session.add(operator)


def retire_operator(session: Session, leader: Standing, person: Person, now: datetime) -> None:
    """Disable sign-in; the name and its audit entries stay. Raises Refusal, NotAllowed."""
    check_in_hand(session, leader, person)
    if person.operator.id == leader.operator_id:
        raise Refusal(N_("Nobody takes themselves out. Ask another chair, or the administrator of Loa."))
    if person.operator.admin:
        _keep_an_admin(session, person.operator)
    person.operator.retired_at = now
    session.add(person.operator)


def restore_operator(session: Session, leader: Standing, person: Person) -> None:
    """Enable sign-in again, with the former roles. Raises NotAllowed."""
    check_in_hand(session, leader, person)
    person.operator.retired_at = None
    session.add(person.operator)


def check_new_password(session: Session, leader: Standing, person: Person) -> None:
    """Raises NotAllowed when this person's password is not for the leader to renew."""
    check_in_hand(session, leader, person)


def check_in_hand(session: Session, leader: Standing, person: Person) -> None:
    """Raises NotAllowed when the leader may not grant every right that this person has."""
    if not in_hand(session, leader, person):
        raise NotAllowed(N_("This person also has rights elsewhere. Ask the province or the Loa administrator."))


def _keep_an_admin(session: Session, leaving: Operator) -> None:
    others = select(Operator.id).where(
        col(Operator.admin).is_(True), col(Operator.retired_at).is_(None), Operator.id != leaving.id
    )
    if session.exec(others.limit(1)).first() is None:
        raise Refusal(N_("{name} is the last administrator. Make another one first."), name=leaving.name)


def _sees(leader: Standing, led: set[str], person: Person) -> bool:
    if leader.admin or not led.isdisjoint(person.roles):
        return True
    return leader.province_id is not None and person.operator.province_id == leader.province_id


def _persons(session: Session, operators: Sequence[Operator]) -> list[Person]:
    roles: dict[int, dict[str, Role]] = {}
    query = select(OperatorCommune).where(col(OperatorCommune.operator_id).in_([o.number for o in operators]))
    for row in session.exec(query):
        roles.setdefault(row.operator_id, {})[row.commune_id] = Role(row.role)
    names = {p.number: p.name for p in provinces(session)}
    return [Person(o, roles.get(o.number, {}), names.get(o.province_id or 0, "")) for o in operators]
