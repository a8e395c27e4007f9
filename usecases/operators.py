"""Operators: add, change the roles, new one-time password, retire, restore.

`people.staff` decides which operator may give which role; it needs a person, not a part of Loa.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from sqlmodel import Session

from devices.communes import commune
from devices.provinces import provinces
from people import operators, staff
from people.audit import Deed
from people.contacts import Contact, set_contact
from people.operators import Operator
from people.passwords import OneTimePassword, one_time_password
from people.rights import Action, Role
from people.staff import Person
from runtime.refusal import N_, NotFound, Refusal
from usecases.actors import Actor
from usecases.services import Services

#: Above the communes: nothing. A word, since an empty field of a form counts as none sent.
NOTHING = "none"


@dataclass(frozen=True)
class Appointment:
    """What an operator becomes.

    roles: by commune id; None takes the role away. above: "admin", a province's id, or NOTHING.
    words: how a role or `above` is written in the audit, in the language of the person who appoints.
    """

    roles: Mapping[str, Role | None]
    above: str = NOTHING
    words: Mapping[str, str] = field(default_factory=dict)

    def details(self) -> list[tuple[str, str]]:
        """For the audit: in which commune the operator became what. What is above the communes stands under none."""
        roles = [(c, self.words.get(role, role) if role else "-") for c, role in self.roles.items()]
        return roles if self.above == NOTHING else [*roles, ("", self.words.get(self.above, self.above))]


def above_of(person: Person) -> str:
    """The operator's position above the communes, as `Appointment.above`."""
    return "admin" if person.operator.admin else str(person.operator.province_id or NOTHING)


def add_operator(
    services: Services, actor: Actor, name: str, appointment: Appointment, contact: Contact | None = None
) -> tuple[Operator, str]:
    """Gives the one-time password, this once."""
    roles = {commune_id: role for commune_id, role in appointment.roles.items() if role is not None}
    if appointment.above == NOTHING and not roles:
        raise Refusal(N_("Choose the person's role in the commune.")).at("role")
    appointment = Appointment(roles, appointment.above, appointment.words)
    _need(actor, appointment)
    password = one_time_password()
    with services.database.writing() as session:
        added = add_operator_in(session, actor, name, appointment, services.clock.now(), password)
        if contact is not None:
            set_contact(session, added, contact)
    return added, password.text


def add_operator_in(
    session: Session, actor: Actor, name: str, appointment: Appointment, now: datetime, password: OneTimePassword
) -> Operator:
    """password: made before the transaction, since it is slow."""
    _need(actor, appointment)
    added, _ = operators.add_operator(session, name, now, password)
    person = Person(added, {}, "")
    if appointment.above != NOTHING:
        _set_above(session, actor, person, appointment.above)
    for commune_id, role in appointment.roles.items():
        staff.set_role(session, actor.person(), person, commune_id, role)
    for commune_id, detail in appointment.details():
        actor.note(session, now, commune_id, Deed.OPERATOR_ADDED, f"{added.name}: {detail}")
    return added


def change_operator(
    services: Services, actor: Actor, operator_id: int, appointment: Appointment, *, above_sent: bool
) -> None:
    """It holds from the next page they open. above_sent: whether the form had a choice above the communes."""
    with services.database.writing() as session:
        now = services.clock.now()
        person = staff.member(session, actor.person(), operator_id)
        _need(actor, appointment)
        actor.check_shown(session, person)
        above = appointment.above if above_sent and appointment.above != above_of(person) else NOTHING
        changed = {c: role for c, role in appointment.roles.items() if person.roles.get(c) != role}
        if above_sent and appointment.above != above_of(person):
            _set_above(session, actor, person, appointment.above)
            if appointment.above == NOTHING:
                actor.note(session, now, "", Deed.OPERATOR_CHANGED, f"{person.operator.name}: {NOTHING}", about=person)
        for commune_id, role in changed.items():
            staff.set_role(session, actor.person(), person, commune_id, role)
        for commune_id, detail in Appointment(changed, above, appointment.words).details():
            actor.note(
                session, now, commune_id, Deed.OPERATOR_CHANGED, f"{person.operator.name}: {detail}", about=person
            )
        left = {**person.roles, **appointment.roles}
        if not any(left.values()) and not person.operator.admin and person.operator.province_id is None:
            raise Refusal(N_("This would leave the person without any rights. Retire the person instead."))


def change_role_in(
    session: Session, actor: Actor, operator_id: int, commune_id: str, role: Role, now: datetime
) -> None:
    actor.need(Action.OPERATORS, commune_id)
    person = staff.member(session, actor.person(), operator_id)
    staff.set_role(session, actor.person(), person, commune_id, role)
    actor.note(session, now, commune_id, Deed.OPERATOR_CHANGED, f"{person.operator.name}: {role.value}", about=person)


def renew_password_at_the_machine(
    services: Services, actor: Actor, name: str, *, commune_id: str | None, role: Role
) -> str:
    """A one-time password for an operator by name, without a person who has the right: who has the machine has all.

    An operator who does not exist is added: an administrator, or with `commune_id` one with `role` there.
    """
    password = one_time_password()
    with services.database.writing() as session:
        now = services.clock.now()
        try:
            operator = operators.operator_named(session, name)
        except NotFound:
            operator, _ = operators.add_operator(session, name, now, password)
            operator.admin = commune_id is None
            if commune_id is not None:
                operators.appoint(session, operator.number, commune(session, commune_id).id, role)
            deed = Deed.OPERATOR_ADDED
        else:
            operators.renew_password(session, operator, password)
            deed = Deed.PASSWORD_RENEWED
            services.sign_out(session, operator.number)
        actor.note(session, now, commune_id or "", deed, operator.name)
    return password.text


def renew_password(services: Services, actor: Actor, operator_id: int) -> tuple[Operator, str]:
    """A new one-time password; wherever this person is signed in, that ends."""
    password = one_time_password()
    with services.database.writing() as session:
        person = staff.member(session, actor.person(), operator_id)
        actor.check_shown(session, person, repeats=Deed.PASSWORD_RENEWED)
        staff.check_new_password(session, actor.person(), person)
        operators.renew_password(session, person.operator, password)
        services.sign_out(session, person.operator.number)
        _note(session, services, actor, Deed.PASSWORD_RENEWED, person)
    return person.operator, password.text


def change_own_password(
    services: Services,
    actor: Actor,
    operator: Operator,
    password_hash: str,
    sign_out_elsewhere: Callable[[Session], None],
) -> None:
    """operator: as read before the hash was made. Raises Refusal when the password was changed since."""
    with services.database.writing() as session:
        operators.change_password(session, operator, password_hash)
        sign_out_elsewhere(session)
        actor.note(session, services.clock.now(), "", Deed.PASSWORD_CHANGED, operator.name)


def retire_operator(services: Services, actor: Actor, operator_id: int) -> None:
    with services.database.writing() as session:
        person = staff.member(session, actor.person(), operator_id)
        actor.check_shown(session, person)
        staff.retire_operator(session, actor.person(), person, services.clock.now())
        services.sign_out(session, person.operator.number)
        _note(session, services, actor, Deed.OPERATOR_RETIRED, person)


def restore_operator(services: Services, actor: Actor, operator_id: int) -> None:
    with services.database.writing() as session:
        person = staff.member(session, actor.person(), operator_id)
        actor.check_shown(session, person)
        staff.restore_operator(session, actor.person(), person)
        _note(session, services, actor, Deed.OPERATOR_RESTORED, person)


def _need(actor: Actor, appointment: Appointment) -> None:
    for commune_id in appointment.roles:
        actor.need(Action.OPERATORS, commune_id)


def _set_above(session: Session, actor: Actor, person: Person, above: str) -> None:
    numbers = {str(p.number): p.number for p in provinces(session)}
    if above not in (NOTHING, "admin", *numbers):
        raise Refusal(N_("Choose a province from the list.")).at("province")
    staff.set_above(session, actor.person(), person, admin=above == "admin", province_id=numbers.get(above))


def _note(session: Session, services: Services, actor: Actor, deed: Deed, person: Person) -> None:
    for commune_id in person.roles or [""]:
        actor.note(session, services.clock.now(), commune_id, deed, person.operator.name, about=person)
