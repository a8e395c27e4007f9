"""What people do with a commune's link to the province: set it, its account, its token, and what it refused."""

from collections.abc import Callable

from devices.receivers import receivers
from people.audit import Deed
from people.rights import Action
from province import outbox
from province.accounts import Accounts
from province.links import LinkForm, link_of, new_token, restart_link, set_link
from province.profile import Profile
from usecases.actors import Actor
from usecases.services import Services

Notify = Callable[[], None]


def keep_link(
    services: Services, actor: Actor, commune_id: str, form: LinkForm, profile: Profile, notify: Notify
) -> None:
    """profile: the one that the form names, read. notify: the exchange, which works the link by it within seconds.

    Raises NotAllowed, Refusal, Superseded.
    """
    with services.database.writing() as session:
        actor.need(Action.EXCHANGE, commune_id)
        actor.check_shown(session, link_of(session, commune_id))
        receiver_ids = {receiver.id for receiver in receivers(session, commune_id)}
        link = set_link(session, commune_id, form, profile, receiver_ids)
        detail = f"{link.base_url} {link.profile}"
        actor.note(session, services.clock.now(), commune_id, Deed.LINK_SET, detail, about=link)
    notify()


def keep_account(
    services: Services, actor: Actor, accounts: Accounts, commune_id: str, user: str, password: str, notify: Notify
) -> None:
    """Name and password at the province's system, in place of older ones. Raises NotAllowed, Refusal."""
    actor.need(Action.EXCHANGE, commune_id)
    accounts.keep(commune_id, user, password)
    with services.database.writing() as session:
        restart_link(session, commune_id)
        actor.note(session, services.clock.now(), commune_id, Deed.LINK_ACCOUNT_SET, user)
    notify()


def retry_link(services: Services, actor: Actor, commune_id: str, notify: Notify) -> None:
    """Connect at once, without waiting for the back-off."""
    actor.need(Action.EXCHANGE, commune_id)
    with services.database.writing() as session:
        restart_link(session, commune_id)
    notify()


def make_token(services: Services, actor: Actor, commune_id: str) -> str:
    """A token for the province to call us with, returned only here; the old one ends."""
    with services.database.writing() as session:
        actor.need(Action.EXCHANGE, commune_id)
        link = link_of(session, commune_id)
        actor.check_shown(session, link, repeats=Deed.LINK_TOKEN_MADE)
        token = new_token(session, commune_id)
        actor.note(session, services.clock.now(), commune_id, Deed.LINK_TOKEN_MADE, about=link)
    return token


def settle_refused_letters(services: Services, actor: Actor, commune_id: str, *, send_again: bool) -> None:
    """What the province refused is sent once more, or dropped."""
    with services.database.writing() as session:
        actor.need(Action.EXCHANGE, commune_id)
        if send_again:
            outbox.send_again(session, commune_id)
        else:
            outbox.drop_refused(session, commune_id)
        deed = Deed.LETTERS_SENT_AGAIN if send_again else Deed.LETTERS_DROPPED
        actor.note(session, services.clock.now(), commune_id, deed)
