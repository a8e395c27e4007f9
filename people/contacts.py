"""How an operator is reached: full name, telephone number and e-mail address, as people type them."""

import re
from dataclasses import dataclass
from email.errors import MessageError
from email.headerregistry import Address

from sqlmodel import Session, select

from parsing.phones import parse_phone
from parsing.titles import parse_title
from people.operators import Operator
from runtime.refusal import N_, Refusal, at_field

LONGEST_EMAIL = 254


@dataclass(frozen=True)
class Contact:
    """Each may be "". phone: digits, with a leading + when it was typed so."""

    full_name: str = ""
    phone: str = ""
    email: str = ""


def parse_contact(full_name: str, phone: str, email: str) -> Contact:
    """Raises Refusal."""
    with at_field("full_name"):
        name = " ".join(parse_title(full_name).split())
    return Contact(name, parse_phone(phone), parse_email(email))


def parse_email(text: str) -> str:
    text = text.strip()
    if not text:
        return ""
    try:
        address = Address(addr_spec=text)
        valid = bool(address.username and address.domain) and text.isascii() and len(text) <= LONGEST_EMAIL
    except (ValueError, IndexError, MessageError):
        valid = False
    if not valid or re.search(r"[\s<>\",;]", text):
        raise Refusal(N_("“{text}” is not an e-mail address. Write it as lan@xa.example.vn."), text=text[:60]).at(
            "email"
        )
    return text


def contact_of(operator: Operator) -> Contact:
    return Contact(operator.full_name, operator.phone, operator.email)


def set_contact(session: Session, operator: Operator, contact: Contact) -> None:
    operator.full_name, operator.phone, operator.email = contact.full_name, contact.phone, contact.email
    session.add(operator)


def full_names(session: Session) -> dict[str, str]:
    """The full name of each operator who has given one, by sign-in name."""
    query = select(Operator.name, Operator.full_name).where(Operator.full_name != "")
    return dict(session.exec(query).all())
