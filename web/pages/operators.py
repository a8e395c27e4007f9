"""Operators: who works with Loa here, and what may each do?"""

from typing import Annotated

from fastapi import APIRouter, Depends, Form, Request
from fastapi.responses import HTMLResponse, Response
from sqlmodel import Session

from devices.communes import Commune
from devices.provinces import provinces
from people import staff
from people.contacts import parse_contact
from people.rights import Action, Role
from people.staff import COMMUNE_ROLES, Person
from runtime.refusal import N_, Refusal
from usecases.operators import (
    NOTHING,
    Appointment,
    above_of,
    add_operator,
    change_operator,
    renew_password,
    restore_operator,
    retire_operator,
)
from web.flash import Flash
from web.labels.people import ROLE_NAMES, ROLES
from web.removed_things import after_removal
from web.request_context import Frame, In, Reading, back_to, changes
from web.typed_fields import RowId

router = APIRouter(include_in_schema=False)


async def roles_from(request: Request) -> dict[str, Role | None]:
    """What the form says of each commune: `role <id>`, and one more in `commune` and `role`. Raises Refusal."""
    form = await request.form()
    sent = {name: value for name, value in form.items() if isinstance(value, str)}
    roles = {name.removeprefix("role "): _role(word) for name, word in sent.items() if name.startswith("role ")}
    if sent.get("commune"):
        roles[sent["commune"]] = _role(sent.get("role", ""))
    return roles


@router.get("/operators")
def page(frame: In, session: Reading) -> HTMLResponse:
    """The operators that the person may manage."""
    frame.need(Action.OPERATORS)
    return frame.page(
        "operators.html", rows=staff.staff(session, frame.standing), names=_names(frame), role_names=ROLE_NAMES
    )


@router.get("/operators/new")
def new(frame: In, session: Reading) -> HTMLResponse:
    """The form for a new operator."""
    frame.need(Action.OPERATORS)
    return _form(frame, session, None)


@router.post("/operators", dependencies=[changes(Action.OPERATORS)])
def add(
    frame: In,
    name: Annotated[str, Form()],
    roles: Annotated[dict[str, Role | None], Depends(roles_from)],
    above: Annotated[str, Form()] = NOTHING,
    full_name: Annotated[str, Form()] = "",
    phone: Annotated[str, Form()] = "",
    email: Annotated[str, Form()] = "",
) -> HTMLResponse:
    """A new operator, with a one-time password that is shown once."""
    appointment, contact = Appointment(roles, above, _words(frame)), parse_contact(full_name, phone, email)
    added, password = add_operator(frame.deps.services, frame.actor, name, appointment, contact)
    return _password(frame, added.name, password, added.number)


@router.get("/operators/{operator_id}")
def one(frame: In, session: Reading, operator_id: RowId) -> HTMLResponse:
    """One: what this person may do where."""
    frame.need(Action.OPERATORS)
    return _form(frame, session, staff.member(session, frame.standing, operator_id))


@router.post("/operators/{operator_id}", dependencies=[changes(Action.OPERATORS)])
def change(
    frame: In,
    operator_id: RowId,
    roles: Annotated[dict[str, Role | None], Depends(roles_from)],
    above: Annotated[str | None, Form()] = None,
) -> Response:
    """Keep what this person may do where; it holds from the next page they open."""
    appointment = Appointment(roles, NOTHING if above is None else above, _words(frame))
    change_operator(frame.deps.services, frame.actor, operator_id, appointment, above_sent=above is not None)
    return back_to(frame.request, f"/operators/{operator_id}")


@router.post("/operators/{operator_id}/password", dependencies=[changes(Action.OPERATORS)])
def new_password(frame: In, operator_id: RowId) -> HTMLResponse:
    """A new one-time password, shown this once; wherever this person is signed in, that ends."""
    operator, password = renew_password(frame.deps.services, frame.actor, operator_id)
    return _password(frame, operator.name, password, operator_id)


@router.post("/operators/{operator_id}/retire", dependencies=[changes(Action.OPERATORS)])
def do_retire(frame: In, operator_id: RowId) -> Response:
    retire_operator(frame.deps.services, frame.actor, operator_id)
    return after_removal(frame, "operator", operator_id)


@router.post("/operators/{operator_id}/restore", dependencies=[changes(Action.OPERATORS)])
def do_restore(frame: In, operator_id: RowId) -> Response:
    restore_operator(frame.deps.services, frame.actor, operator_id)
    return back_to(frame.request, f"/operators/{operator_id}", Flash(N_("This person can sign in again.")))


def _role(word: str) -> Role | None:
    if not word:
        return None
    if word not in list(COMMUNE_ROLES):
        raise Refusal(N_("Choose the person's role in the commune.")).at("role")
    return Role(word)


def _led(frame: Frame, session: Session) -> list[Commune]:
    led = staff.led_by(session, frame.standing)
    return [c for c in frame.communes if c.id in led]


def _names(frame: Frame) -> dict[str, str]:
    return {c.id: c.name for c in frame.communes}


def _words(frame: Frame) -> dict[str, str]:
    """How the audit names roles, in the language of the page."""
    roles = {role.value: frame.t(name) for role, name in ROLE_NAMES.items()}
    return {**roles, "admin": frame.t(N_("Loa administrator"))}


def _form(frame: Frame, session: Session, person: Person | None) -> HTMLResponse:
    led, standing = _led(frame, session), frame.standing
    offered = [p for p in provinces(session) if standing.admin or p.id == standing.province_id]
    held = person.roles if person else {}
    return frame.page(
        "operator.html",
        person=person,
        led=[c for c in led if c.id in held],
        free=[c for c in led if c.id not in held],
        elsewhere=len(set(held) - {c.id for c in led}),
        roles={role.value: ROLES[role] for role in COMMUNE_ROLES},
        role_names=ROLE_NAMES,
        provinces=offered,
        above=above_of(person) if person else NOTHING,
        in_hand=person is None or staff.in_hand(session, standing, person),
        oneself=person is not None and person.operator.id == standing.operator_id,
    )


def _password(frame: Frame, name: str, password: str, operator_id: int) -> HTMLResponse:
    page = frame.page("one_time_password.html", name=name, password=password, operator_id=operator_id)
    page.headers["Cache-Control"] = "no-store"
    return page
