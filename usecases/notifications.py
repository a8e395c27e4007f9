"""How a person is reached and of which faults this person is told. Each does it for themselves, a leader for others."""

from collections.abc import Collection
from dataclasses import replace

from sqlmodel import Session

from devices.communes import communes
from notifications import rules
from notifications.channels import Channel
from notifications.rules import NotificationRule, RuleForm
from people import contacts, staff
from people.audit import Deed
from people.contacts import Contact
from people.operators import Operator
from people.rights import Action, refusal_of
from people.staff import Person
from runtime.refusal import N_, Refusal
from usecases.actors import Actor
from usecases.services import Services


def person_to_reach(session: Session, actor: Actor, operator_id: int) -> Person:
    """The actor, or a person who has no right that the actor cannot give. Raises NotFound, NotAllowed."""
    standing = actor.person()
    if operator_id == standing.operator_id:
        return staff.oneself(session, standing)
    if not staff.led_by(session, standing) and not standing.admin:
        raise refusal_of(Action.OPERATORS)
    person = staff.member(session, standing, operator_id)
    staff.check_in_hand(session, standing, person)
    return person


def set_contact(services: Services, actor: Actor, operator_id: int, contact: Contact) -> Person:
    with services.database.writing() as session:
        person = person_to_reach(session, actor, operator_id)
        actor.check_shown(session, person)
        old = contacts.contact_of(person.operator)
        rule = rules.rule_of(session, operator_id)
        if rule.email and not contact.email:
            raise Refusal(N_("Fault messages go to this e-mail address. Turn them off first, then remove it."))
        if rule.sms and not contact.phone:
            raise Refusal(N_("Fault messages go to this telephone number. Turn them off first, then remove it."))
        contacts.set_contact(session, person.operator, contact)
        if contact != old:
            _note(session, services, actor, Deed.CONTACT_CHANGED, person)
    return person


def set_notifications(
    services: Services, actor: Actor, operator_id: int, form: RuleForm, *, trusted_hosts: Collection[str]
) -> NotificationRule:
    """trusted_hosts: in the local network, to which webhooks may go. Raises Refusal."""
    with services.database.writing() as session:
        person = person_to_reach(session, actor, operator_id)
        actor.check_shown(session, rules.rule_of(session, operator_id))
        known = {commune.id for commune in communes(session)}
        form = replace(form, communes=[commune_id for commune_id in form.communes if commune_id in known])
        rule = rules.set_rule(session, person.operator, form, trusted_hosts=trusted_hosts)
        channels = ", ".join(rule.channels) or "-"
        _note(session, services, actor, Deed.NOTIFICATIONS_SET, person, channels, about=rule)
    return rule


def renew_webhook_key(services: Services, actor: Actor, operator_id: int) -> NotificationRule:
    """A new key to sign a person's webhooks with; the old one ends at once."""
    with services.database.writing() as session:
        person = person_to_reach(session, actor, operator_id)
        actor.check_shown(session, rules.rule_of(session, operator_id))
        rule = rules.renew_key(session, operator_id)
        _note(session, services, actor, Deed.NOTIFICATIONS_SET, person, Channel.WEBHOOK, about=rule)
    return rule


def send_test_message(services: Services, actor: Actor, operator_id: int, channel: Channel, language: str) -> Operator:
    """Takes some seconds where a server is slow. Raises DeliveryFailed with the server's reason, Refusal."""
    with services.database.session() as session:
        person = person_to_reach(session, actor, operator_id)
    services.send_test(operator_id, channel, language)
    return person.operator


def _note(
    session: Session,
    services: Services,
    actor: Actor,
    deed: Deed,
    person: Person,
    detail: str = "",
    about: NotificationRule | None = None,
) -> None:
    text = f"{person.operator.name}: {detail}" if detail else person.operator.name
    for commune_id in person.roles or [""]:
        actor.note(session, services.clock.now(), commune_id, deed, text, about=about or person)
